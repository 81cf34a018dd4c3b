/**
 * Translates upstream's errors to {@linkcode ApiError}s with the wording that clients act on. Pure.
 * Sources: OpenRouter's error documentation; the strings that Claude Code 2.1.332 matches.
 * @module
 */

import { ApiError, type ApiErrorOptions, type ErrorType } from "../errors.ts";
import {
  findError,
  isHtml,
  MAX_WORDING_CHARS,
  parseUpstreamError,
  type UpstreamError,
} from "./parse_error.ts";
import { describeOverflow } from "./context_overflow.ts";
import { isToolSchemaError } from "./schema_errors.ts";

/** Context of an error, for its message. */
export interface ErrorContext {
  /** Upstream's host. */
  host?: string | undefined;
  /** `retry-after` of upstream's response. */
  retryAfter?: string | null | undefined;
  /** Finds ids in the model list similar to one that upstream does not know. */
  suggestModels?: ((model: string) => string[]) | undefined;
  /** The model that was sent. */
  model?: string | undefined;
  /** The proxy's estimate of the request's input tokens, for errors without that count. */
  estimateInput?: (() => number) | undefined;
}

/** Upstream's statuses → Anthropic's error types; `status` if it differs from the type's own. */
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

/** Wordings of OpenRouter, vLLM, OpenAI, Ollama, Mistral and Venice for an unknown model. */
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

/** Wordings of OpenRouter, llama.cpp, Ollama, LM Studio, vLLM, OpenAI and DeepSeek when a model reads no images. */
const NO_IMAGES = new RegExp(
  "(?:found that|not|n't) support (?:image|vision) inputs?\\b|\\bimage inputs? (?:is|are) not supported\\b|" +
    "(?:not|n't) support (?:images?|vision)(?:[.,;]|$)|\\bis not a multimodal model\\b|\\bat most 0 image|" +
    "image_url is only supported by certain models|unknown variant `image_url`",
  "im",
);
/** llama.cpp returns 500. An error in a stream without a status counts as 502. */
const IMAGE_STATUSES: ReadonlySet<number> = new Set([400, 404, 415, 422, 500, 502]);

/** Hints for routing errors. Upstream returns 404, and Claude Code hides the text of every 404, so these become 400. */
const ROUTING_HINTS: readonly { wording: RegExp; hint: string }[] = [
  { wording: /data policy|privacy/i, hint: "Change it at https://openrouter.ai/settings/privacy" },
  { wording: /tool use|support tools?\b/i, hint: "Choose a model that can call tools" },
  {
    wording:
      /allowed providers|providers have been ignored|provider routing|requested (?:provider|parameters)/i,
    hint: "Loosen OPENROUTER_PROVIDER or the account's provider settings",
  },
  {
    wording: /model is unavailable for free/i,
    hint: "Put that id into the TARGET_MODEL_… variable",
  },
];

/**
 * Translates an HTTP error response to the client's error.
 * @param status upstream's HTTP status; 2xx and 3xx become 502
 * @param body the body as text: JSON, HTML or anything else
 */
export function parseErrorResponse(status: number, body: string, context: ErrorContext): ApiError {
  const isRedirect = status >= 300 && status < 400;
  const report = parseUpstreamError(isRedirect ? undefined : findError(body), status);
  const message = report.message || describeBody(status, body.trim(), context.host);
  return toClientError({ ...report, message }, context);
}

/** Translates an `error` in a chunk, or in a completion with HTTP 200, to the client's error. */
export function parseErrorObject(error: unknown, context: ErrorContext = {}): ApiError {
  const report = parseUpstreamError(error, 502);
  const message = report.message || "Upstream reported an error without a message";
  return toClientError({ ...report, message }, context);
}

/** An error after which the request can be sent once more in another form. */
export type Refusal = "unknown_model" | "tool_schema" | "image_input";

/** The kind of refusal; null for every other error. */
export function findRefusal(error: unknown): Refusal | null {
  return error instanceof RefusalError ? error.refusal : null;
}

class RefusalError extends ApiError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, type: ErrorType, message: string) {
    super(type, message);
    this.refusal = refusal;
  }
}

function toClientError(report: UpstreamError, context: ErrorContext): ApiError {
  const overflow = describeOverflow(report, context.estimateInput);
  if (overflow !== null) return new ApiError("invalid_request_error", overflow);
  if (isImageRefusal(report)) {
    return new RefusalError("image_input", "invalid_request_error", report.message);
  }
  if (isModelRefusal(report)) return unknownModelError(report, context);
  if (isToolSchemaError(report.status, report.wording)) {
    return new RefusalError("tool_schema", "invalid_request_error", report.message);
  }
  if (report.status === 404) {
    const found = ROUTING_HINTS.find(({ wording }) => wording.test(report.wording));
    if (found !== undefined) {
      return new ApiError("invalid_request_error", `${report.message}. ${found.hint}`);
    }
  }
  const message = report.status === 402 ? explainPayment(report.message) : report.message;
  const headers: ApiErrorOptions["headers"] = context.retryAfter
    ? { "retry-after": context.retryAfter }
    : {};
  const { type, status } = mapStatus(report.status);
  return new ApiError(type, message, { headers, status });
}

function mapStatus(status: number): { type: ErrorType; status?: number } {
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return { type: "invalid_request_error" };
  return { type: "api_error", status: 502 };
}

function isImageRefusal({ status, wording }: UpstreamError): boolean {
  return IMAGE_STATUSES.has(status) && NO_IMAGES.test(wording);
}

/** Only the server's own message counts: a provider's starts with the provider's name. */
function isModelRefusal({ status, message, codes, availability }: UpstreamError): boolean {
  if (status !== 400 && status !== 404) return false;
  return UNKNOWN_MODEL_CODES.has(availability) || codes.has("model_not_found") ||
    UNKNOWN_MODEL.test(message.slice(0, MAX_WORDING_CHARS));
}

function unknownModelError(report: UpstreamError, context: ErrorContext): ApiError {
  const { model, suggestModels } = context;
  const ids = model === undefined ? [] : suggestModels?.(model) ?? [];
  const hint = ids.length === 0 ? "" : `. Nearest known ids: ${ids.join(", ")}`;
  const type = report.status === 404 ? "not_found_error" : "invalid_request_error";
  return new RefusalError("unknown_model", type, report.message + hint);
}

/** For "can only afford 1234", adds the setting that keeps Claude Code within it. */
function explainPayment(message: string): string {
  const affordable = /can only afford (\d+)/i.exec(message)?.[1];
  if (affordable === undefined) return message;
  return `${message} (in Claude Code: CLAUDE_CODE_MAX_OUTPUT_TOKENS=${affordable})`;
}

/** Describes a response whose body has no message. */
function describeBody(status: number, body: string, host = "Upstream"): string {
  if (status >= 300 && status < 400) return `${host} responded with a redirect (${status})`;
  if (body === "") return `${host} responded ${status} with an empty body`;
  if (isHtml(body)) return `${host} responded ${status} with an HTML page`;
  return `${host} responded ${status}: ${body}`;
}
