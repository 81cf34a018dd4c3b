/**
 * What upstream says went wrong → an {@linkcode ApiError} in words that clients act on.
 * Pure: knows statuses, bodies and chunks, not the connection they came from.
 * Sources: OpenRouter's error documentation; the strings Claude Code matches (its binary, 2.1.330).
 * @module
 */

import type { ErrorType } from "../anthropic/types.ts";
import { ApiError, type ApiErrorOptions } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";

/** Where an error was found. */
export interface ErrorContext {
  /** `retry-after` of upstream's answer, if any. */
  retryAfter?: string | null;
  /** Looks up catalog ids close to one that upstream does not know. */
  nearest?: (model: string) => string[];
  /** The model that was asked upstream. */
  model?: string;
}

/** What could be read of an error body, wherever upstream put it. */
interface Report {
  status: number;
  message: string;
  /** OpenRouter's stable code, e.g. `context_length_exceeded`. */
  errorType: string;
  /** `availability.code`, e.g. `model_not_found`. */
  availability: string;
}

/** Upstream's statuses that mean something else, or have another number, in Anthropic's API. */
const BY_STATUS: Readonly<Record<number, { type: ErrorType; status?: number }>> = {
  400: { type: "invalid_request_error" },
  401: { type: "authentication_error" },
  402: { type: "billing_error" },
  403: { type: "permission_error" },
  404: { type: "not_found_error" },
  408: { type: "timeout_error" },
  413: { type: "request_too_large" },
  429: { type: "rate_limit_error" },
  500: { type: "api_error" },
  502: { type: "api_error", status: 502 },
  503: { type: "overloaded_error" },
  504: { type: "timeout_error" },
  524: { type: "timeout_error" },
  529: { type: "overloaded_error" },
};

/** Codes in place of numbers, as error chunks and some providers carry them. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  authentication: 401,
  permission_denied: 403,
  payment_required: 402,
  not_found: 404,
  timeout: 408,
  payload_too_large: 413,
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  provider_overloaded: 503,
  overloaded_error: 529,
  provider_unavailable: 502,
  invalid_request: 400,
  invalid_request_error: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  server: 500,
  server_error: 502,
};

const UNKNOWN_MODEL = /is not a valid model ID|^No endpoints found for |is not available\b.*model/i;
const UNKNOWN_MODEL_CODES: ReadonlySet<string> = new Set([
  "model_not_found",
  "no_endpoints",
  "model_deprecated",
]);

/** How OpenRouter, vLLM, Gemini, xAI and Bedrock say that a conversation does not fit. */
const OVERFLOW = new RegExp(
  "maximum (context|prompt) length|context length exceeded|context window|" +
    "(prompt|input) is too long|too many tokens|exceeds the maximum number of tokens",
  "i",
);
const OVERFLOW_LIMIT = /(?:maximum|limit|window)[^0-9]{0,60}?(\d[\d,]{3,})/i;

/** How OpenRouter, and hosts and servers that speak like it, say that a model takes no images. */
const NO_IMAGES = new RegExp(
  "no endpoints found that support image|" +
    "(?:not|n't) support (?:image input|vision|images(?:[.,;]|$))|" +
    "is not a multimodal model|image_url is only supported by|unknown variant `image_url`",
  "i",
);

/** 404s of routing, with the cure. Claude Code hides the text of every 404, so these become 400. */
const ROUTING_CURES: readonly { words: RegExp; cure: string }[] = [
  { words: /data policy|privacy/i, cure: "Change it at https://openrouter.ai/settings/privacy" },
  { words: /tool use|support tools?\b/i, cure: "Choose a model that can call tools" },
  {
    words:
      /allowed providers|providers have been ignored|provider routing|requested (?:provider|parameters)/i,
    cure: "Loosen OPENROUTER_PROVIDER or the account's provider settings",
  },
];

/**
 * An HTTP answer of upstream that is an error → the error for the client.
 * @param status upstream's HTTP status; a 2xx or 3xx here means an error in a successful answer: 502
 * @param body the body as text: JSON, HTML or anything else
 */
export function parseErrorAnswer(status: number, body: string, context: ErrorContext): ApiError {
  const json = parseJson(body);
  const error = isJsonObject(json) ? json["error"] ?? json : undefined;
  const report = readReport(error, status);
  if (report.message === "") report.message = describeBody(status, body);
  return toClientError(report, context);
}

/** An `error` in a chunk or in a completion with HTTP 200 → the error for the client. */
export function parseErrorObject(error: unknown, context: ErrorContext = {}): ApiError {
  const report = readReport(error, 502);
  if (report.message === "") report.message = "OpenRouter reported an error without a message";
  return toClientError(report, context);
}

/** A refusal after which the same request can be sent once more in another form. */
export type Refusal = "unknown_model" | "tool_schema" | "image_input";

/** Which of them an error is; null for every other error. */
export function findRefusal(error: unknown): Refusal | null {
  return error instanceof RefusalError ? error.refusal : null;
}

class RefusalError extends ApiError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, type: ErrorType, message: string, options: ApiErrorOptions = {}) {
    super(type, message, options);
    this.refusal = refusal;
  }
}

function readReport(error: unknown, httpStatus: number): Report {
  const fields = isJsonObject(error) ? error : {};
  const metadata = isJsonObject(fields["metadata"]) ? fields["metadata"] : {};
  const availability = isJsonObject(fields["availability"]) ? fields["availability"] : {};
  const errorType = text(metadata["error_type"]) || text(fields["error_type"]) ||
    text(fields["type"]);
  const code = fields["code"] ?? fields["http_status"];
  const named = STATUS_BY_CODE[text(code)] ?? STATUS_BY_CODE[errorType];
  const numeric = Number(typeof code === "string" || typeof code === "number" ? code : NaN);
  const inBody = numeric >= 400 && numeric <= 599 ? numeric : named;
  return {
    // A status that is itself an error was chosen by upstream's HTTP layer and wins.
    status: httpStatus >= 400 && httpStatus !== 502 ? httpStatus : inBody ?? 502,
    message: readMessage(fields, metadata) || text(error),
    errorType,
    availability: text(availability["code"]),
  };
}

/** `message` is often just "Provider returned error"; the provider's own words are in `metadata.raw`. */
function readMessage(
  fields: JsonObject,
  metadata: JsonObject,
): string {
  const message = text(fields["message"]);
  const raw = digMessage(metadata["raw"], 0);
  const provider = text(metadata["provider_name"]);
  const words = raw !== "" && raw !== message ? raw : message;
  return provider !== "" && words !== "" ? `[${provider}] ${words}` : words;
}

/** The innermost message of a provider's error, which may be JSON inside a JSON string. */
function digMessage(value: unknown, depth: number): string {
  if (depth > 5) return "";
  if (typeof value === "string") {
    const inner = parseJson(value);
    const dug = isJsonObject(inner) ? digMessage(inner, depth + 1) : "";
    return dug || (isHtml(value) ? "" : value.trim());
  }
  if (!isJsonObject(value)) return "";
  for (const key of ["message", "error", "detail", "details", "msg"]) {
    const found = digMessage(value[key], depth + 1);
    if (found !== "") return found;
  }
  return "";
}

function toClientError(report: Report, context: ErrorContext): ApiError {
  const overflow = describeOverflow(report);
  if (overflow !== null) return new ApiError("invalid_request_error", overflow);
  // 400, because asking again does not help; before the look for unknown models, which share the status and code.
  if (NO_IMAGES.test(report.message)) {
    return new RefusalError("image_input", "invalid_request_error", report.message);
  }
  const headers: Record<string, string> = context.retryAfter
    ? { "retry-after": context.retryAfter }
    : {};
  if (isModelRefusal(report)) return createUnknownModelError(report, context);
  if (report.status === 404) {
    const cure = ROUTING_CURES.find(({ words }) => words.test(report.message));
    if (cure !== undefined) {
      return new ApiError("invalid_request_error", `${report.message}. ${cure.cure}`);
    }
  }
  const message = report.status === 402 ? explainPayment(report.message) : report.message;
  const { type, status } = mapStatus(report.status);
  return new ApiError(type, message, status === undefined ? { headers } : { headers, status });
}

function mapStatus(status: number): { type: ErrorType; status?: number } {
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return { type: "invalid_request_error" };
  return { type: "api_error", status: 502 };
}

function isModelRefusal(report: Report): boolean {
  if (report.status !== 400 && report.status !== 404) return false;
  return UNKNOWN_MODEL_CODES.has(report.availability) || UNKNOWN_MODEL.test(report.message);
}

function createUnknownModelError(report: Report, context: ErrorContext): ApiError {
  const near = context.model === undefined ? [] : context.nearest?.(context.model) ?? [];
  const hint = near.length === 0 ? "" : `. Nearest known ids: ${near.join(", ")}`;
  const type = report.status === 404 ? "not_found_error" : "invalid_request_error";
  return new RefusalError("unknown_model", type, report.message + hint);
}

/** Claude Code compacts when it reads "prompt is too long: N tokens > M maximum", and only then. */
function describeOverflow({ message, status, errorType }: Report): string | null {
  const isOverflow = errorType === "context_length_exceeded" || OVERFLOW.test(message);
  if (!isOverflow || status >= 500 || status === 429) return null;
  if (/prompt is too long|exceed context limit/i.test(message)) return message;
  const figures = message.match(/\d[\d,]{3,}/g) ?? [];
  const limit = toNumber(OVERFLOW_LIMIT.exec(message)?.[1] ?? "");
  // Of all figures (limit, text, output, total) the total is the largest, or it were no overflow.
  const asked = Math.max(0, ...figures.map(toNumber));
  if (!(asked > limit && limit > 0)) return `prompt is too long: ${message}`;
  return `prompt is too long: ${asked} tokens > ${limit} maximum (${message})`;
}

function toNumber(figure: string): number {
  return Number(figure.replaceAll(",", ""));
}

/** "can only afford 1234" becomes the setting with which Claude Code stays below it. */
function explainPayment(message: string): string {
  const affordable = /can only afford (\d+)/i.exec(message)?.[1];
  if (affordable === undefined) return message;
  return `${message} (in Claude Code: CLAUDE_CODE_MAX_OUTPUT_TOKENS=${affordable})`;
}

function describeBody(status: number, body: string): string {
  const words = body.trim();
  if (status >= 300 && status < 400) return `OpenRouter answered with a redirect (${status})`;
  if (words === "") return `OpenRouter answered ${status} with an empty body`;
  if (isHtml(words)) return `OpenRouter answered ${status} with an HTML page`;
  return `OpenRouter answered ${status}: ${words}`;
}

function isHtml(words: string): boolean {
  return /^\s*<(!doctype|html|head|body)/i.test(words);
}

function text(value: unknown): string {
  return toText(value).trim();
}
