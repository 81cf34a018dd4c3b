/**
 * Parses upstream's errors: status, message and codes. Pure.
 * OpenRouter wraps providers' errors, and other servers have other formats: FastAPI's `detail`, a plain string, an
 * array with one object.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";

/** A parsed error. */
export interface UpstreamError {
  status: number;
  /** The message for the client; "" if not found. */
  message: string;
  /** The provider's message and OpenRouter's, truncated: for matching only. */
  wording: string;
  /** Non-numeric codes of OpenRouter or of the server itself: `code`, `type`, `error_type`. */
  codes: ReadonlySet<string>;
  /** Codes of nested errors: a provider's, or JSON inside a string. */
  innerCodes: ReadonlySet<string>;
  /** `availability.code`, e.g. `model_not_found`. */
  availability: string;
  /** Numeric fields next to the message, e.g. llama.cpp's `n_ctx`. */
  numbers: Readonly<Record<string, number>>;
}

/** Longer messages are matched by their start. */
export const MAX_WORDING_CHARS = 4096;
/** Limit for JSON nested in JSON strings; deeper nesting has not been observed. */
const MAX_DEPTH = 5;
/** FastAPI lists every invalid field. */
const MAX_LISTED = 5;

const MESSAGE_KEYS = ["message", "error", "detail", "details", "msg", "errors"];
const CODE_KEYS = ["code", "type", "error_type", "error_code", "provider_code"];
const STATUS_KEYS = ["code", "http_status", "status", "status_code", "raw_status_code"];

/** Error codes in chunks and of some providers → status. */
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

/** The error in an HTTP body: the object, or the text if the body is not JSON. */
export function findError(body: string): unknown {
  const json = parseJson(body) ?? body;
  // Google's OpenAI-compatible endpoint wraps the object in an array.
  const root = Array.isArray(json) ? json[0] : json;
  if (!isJsonObject(root)) return root;
  const { error } = root;
  // Next to a `message`, a string in `error` is the name of the status ("Not Found").
  return isJsonObject(error) ? error : root;
}

/** @param httpStatus upstream's status; 502 for an error inside a successful response */
export function parseUpstreamError(error: unknown, httpStatus: number): UpstreamError {
  const fields = isJsonObject(error) ? error : {};
  const metadata = isJsonObject(fields["metadata"]) ? fields["metadata"] : {};
  const availability = isJsonObject(fields["availability"]) ? fields["availability"] : {};
  const message = readMessage(error, metadata);
  const outer = text(fields["message"]);
  return {
    status: readStatus(fields, metadata, httpStatus),
    message,
    wording: [message, outer].map((part) => part.slice(0, MAX_WORDING_CHARS)).join("\n"),
    codes: new Set([...listCodes(metadata), ...listCodes(fields)]),
    innerCodes: new Set([...findCodes(metadata["raw"], 0), ...findCodes(error, 0)]),
    availability: text(availability["code"]),
    numbers: Object.fromEntries(
      Object.entries(fields).flatMap(([key, value]) =>
        typeof value === "number" ? [[key, value]] : []
      ),
    ),
  };
}

/** Whether a text is an HTML page, which is not shown to clients. */
export function isHtml(text: string): boolean {
  return /^\s*<(!doctype|html|head|body)/i.test(text);
}

function readStatus(fields: JsonObject, metadata: JsonObject, httpStatus: number): number {
  // An HTTP error status takes precedence over codes in the body.
  if (httpStatus >= 400 && httpStatus !== 502) return httpStatus;
  const numeric = STATUS_KEYS.map((key) => toStatus(fields[key])).find((status) => status !== null);
  const named = [fields["code"], metadata["error_type"], fields["error_type"], fields["type"]]
    .map((code) => STATUS_BY_CODE[text(code)]).find((status) => status !== undefined);
  return numeric ?? named ?? 502;
}

function toStatus(value: unknown): number | null {
  const status = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  return status >= 400 && status <= 599 ? status : null;
}

/** `message` is often just "Provider returned error", and `metadata.raw` has the provider's message. */
function readMessage(error: unknown, metadata: JsonObject): string {
  const message = findMessage(error, 0);
  const raw = findMessage(metadata["raw"], 0);
  const provider = text(metadata["provider_name"]);
  const best = raw !== "" ? raw : message;
  return provider !== "" && best !== "" ? `[${provider}] ${best}` : best;
}

/** Finds the innermost message, which may be in JSON inside a string, or in FastAPI's array. */
function findMessage(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) return "";
  if (typeof value === "string") {
    const inner = parseJson(value);
    const found = typeof inner === "object" ? findMessage(inner, depth + 1) : "";
    return found || (isHtml(value) ? "" : value.trim());
  }
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_LISTED).map((item: unknown) =>
      findListedMessage(item, depth + 1)
    );
    return items.filter((message) => message !== "").join("; ");
  }
  if (!isJsonObject(value)) return "";
  for (const key of MESSAGE_KEYS) {
    const found = findMessage(value[key], depth + 1);
    if (found !== "") return found;
  }
  return "";
}

/** The message of one of several errors, with FastAPI's `loc`, the path of the field. */
function findListedMessage(item: unknown, depth: number): string {
  const message = findMessage(item, depth);
  const loc = isJsonObject(item) ? item["loc"] : undefined;
  if (!Array.isArray(loc) || message === "") return message;
  const path = loc.filter((part) => part !== "body").join(".");
  return path === "" ? message : `${path}: ${message}`;
}

function findCodes(value: unknown, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  const json = typeof value === "string" ? parseJson(value) : value;
  const error = Array.isArray(json) ? json[0] : json;
  if (!isJsonObject(error)) return [];
  const inner = ["error", "message", "detail", "metadata"].flatMap((key) =>
    findCodes(error[key], depth + 1)
  );
  return [...listCodes(error), ...inner];
}

function listCodes(error: JsonObject): string[] {
  return CODE_KEYS.map((key) => text(error[key])).filter((code) => code !== "");
}

function text(value: unknown): string {
  return toText(value).trim();
}
