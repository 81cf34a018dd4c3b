/**
 * What upstream says went wrong → an {@linkcode ApiError} in words that clients act on.
 * Pure: knows statuses, bodies and chunks, not the connection they came from.
 * Sources: OpenRouter's error documentation; the strings Claude Code matches (its binary, 2.1.332).
 * @module
 */

import type { ErrorType } from "../anthropic/types.ts";
import { ApiError, type ApiErrorOptions } from "../errors.ts";
import {
  findError,
  isHtml,
  MAX_JUDGED_CHARS,
  parseUpstreamError,
  type UpstreamError,
} from "./parse_error.ts";
import { describeOverflow } from "./context_overflow.ts";
import { isToolSchemaError } from "./schema_errors.ts";

/** Where an error was found. */
export interface ErrorContext {
  /** `retry-after` of upstream's answer, if any. */
  retryAfter?: string | null;
  /** Looks up catalog ids close to one that upstream does not know. */
  suggestModels?: (model: string) => string[];
  /** The model that was asked upstream. */
  model?: string;
  /** The proxy's own count of the request's input tokens. */
  estimateInput?: () => number;
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

/** What OpenRouter, vLLM, OpenAI, Ollama, Mistral and Venice say of a model that they do not know. */
const UNKNOWN_MODEL = new RegExp(
  "is not a valid model ID|^No endpoints found for \\S{1,200}(?:\\s*$|\\. )|" +
    "^Model \\S{1,200} is not available\\.?$|" +
    "^(?:The )?model [`'\"][^`'\"\\s]{1,200}[`'\"] (?:does not exist|not found)\\b|" +
    "^Invalid model: |^Specified model not found: ",
  "i",
);
const UNKNOWN_MODEL_CODES: ReadonlySet<string> = new Set([
  "model_not_found",
  "no_endpoints",
  "model_deprecated",
]);

/** How OpenRouter, llama.cpp, Ollama, LM Studio, vLLM, OpenAI and DeepSeek refuse an image for a text-only model. */
const NO_IMAGES = new RegExp(
  "(?:found that|not|n't) support (?:image|vision) inputs?\\b|\\bimage inputs? (?:is|are) not supported\\b|" +
    "(?:not|n't) support (?:images?|vision)(?:[.,;]|$)|\\bis not a multimodal model\\b|\\bat most 0 image|" +
    "image_url is only supported by certain models|unknown variant `image_url`",
  "im",
);
/** llama.cpp answers 500. A 502 is also an error in a stream without a status. */
const IMAGE_STATUSES: ReadonlySet<number> = new Set([400, 404, 415, 422, 500, 502]);

/** 404s of routing, with the cure. Claude Code hides the text of every 404, so these become 400. */
const ROUTING_HINTS: readonly { words: RegExp; cure: string }[] = [
  { words: /data policy|privacy/i, cure: "Change it at https://openrouter.ai/settings/privacy" },
  { words: /tool use|support tools?\b/i, cure: "Choose a model that can call tools" },
  {
    words:
      /allowed providers|providers have been ignored|provider routing|requested (?:provider|parameters)/i,
    cure: "Loosen OPENROUTER_PROVIDER or the account's provider settings",
  },
  { words: /model is unavailable for free/i, cure: "Put that id into the TARGET_MODEL_… variable" },
];

/**
 * An HTTP answer of upstream that is an error → the error for the client.
 * @param status upstream's HTTP status; a 2xx or 3xx here means an error in a successful answer: 502
 * @param body the body as text: JSON, HTML or anything else
 */
export function parseErrorResponse(status: number, body: string, context: ErrorContext): ApiError {
  const isRedirect = status >= 300 && status < 400;
  const report = parseUpstreamError(isRedirect ? undefined : findError(body), status);
  const message = report.message || describeBody(status, body.trim());
  return toClientError({ ...report, message }, context);
}

/** An `error` in a chunk or in a completion with HTTP 200 → the error for the client. */
export function parseErrorObject(error: unknown, context: ErrorContext = {}): ApiError {
  const report = parseUpstreamError(error, 502);
  const message = report.message || "OpenRouter reported an error without a message";
  return toClientError({ ...report, message }, context);
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

function toClientError(report: UpstreamError, context: ErrorContext): ApiError {
  const overflow = describeOverflow(report, context.estimateInput);
  if (overflow !== null) return new ApiError("invalid_request_error", overflow);
  if (isImageRefusal(report)) {
    return new RefusalError("image_input", "invalid_request_error", report.message);
  }
  if (isModelRefusal(report)) return createUnknownModelError(report, context);
  if (isToolSchemaError(report.status, report.judged)) {
    return new RefusalError("tool_schema", "invalid_request_error", report.message);
  }
  if (report.status === 404) {
    const cure = ROUTING_HINTS.find(({ words }) => words.test(report.judged));
    if (cure !== undefined) {
      return new ApiError("invalid_request_error", `${report.message}. ${cure.cure}`);
    }
  }
  const message = report.status === 402 ? explainPayment(report.message) : report.message;
  const headers: Record<string, string> = context.retryAfter
    ? { "retry-after": context.retryAfter }
    : {};
  const { type, status } = mapStatus(report.status);
  return new ApiError(type, message, status === undefined ? { headers } : { headers, status });
}

function mapStatus(status: number): { type: ErrorType; status?: number } {
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return { type: "invalid_request_error" };
  return { type: "api_error", status: 502 };
}

function isImageRefusal({ status, judged }: UpstreamError): boolean {
  return IMAGE_STATUSES.has(status) && NO_IMAGES.test(judged);
}

/** Only where the server itself says so: a provider's words stand behind its name. */
function isModelRefusal({ status, message, codes, availability }: UpstreamError): boolean {
  if (status !== 400 && status !== 404) return false;
  return UNKNOWN_MODEL_CODES.has(availability) || codes.has("model_not_found") ||
    UNKNOWN_MODEL.test(message.slice(0, MAX_JUDGED_CHARS));
}

function createUnknownModelError(report: UpstreamError, context: ErrorContext): ApiError {
  const near = context.model === undefined ? [] : context.suggestModels?.(context.model) ?? [];
  const hint = near.length === 0 ? "" : `. Nearest known ids: ${near.join(", ")}`;
  const type = report.status === 404 ? "not_found_error" : "invalid_request_error";
  return new RefusalError("unknown_model", type, report.message + hint);
}

/** "can only afford 1234" becomes the setting with which Claude Code stays below it. */
function explainPayment(message: string): string {
  const affordable = /can only afford (\d+)/i.exec(message)?.[1];
  if (affordable === undefined) return message;
  return `${message} (in Claude Code: CLAUDE_CODE_MAX_OUTPUT_TOKENS=${affordable})`;
}

/** A body without any words of its own. */
function describeBody(status: number, body: string): string {
  if (status >= 300 && status < 400) return `OpenRouter answered with a redirect (${status})`;
  if (body === "") return `OpenRouter answered ${status} with an empty body`;
  if (isHtml(body)) return `OpenRouter answered ${status} with an HTML page`;
  return `Upstream answered ${status}: ${body}`;
}
