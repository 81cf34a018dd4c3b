/**
 * Reads an error of upstream, whatever its form: status, words, codes. Pure.
 * OpenRouter wraps the errors of providers, and other servers have forms of their own: FastAPI's `detail`, a bare
 * string, a list with one object.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";

/** The readable parts of an error body. */
export interface UpstreamError {
  status: number;
  /** The words for the client; "" where there are none. */
  message: string;
  /** All words: the provider's, and OpenRouter's around them. For comparing only, and therefore cut. */
  judged: string;
  /** Words in place of numbers, of OpenRouter or of the server itself: `code`, `type`, `error_type`. */
  codes: ReadonlySet<string>;
  /** The same inside: of a provider's error, or of JSON in a text. */
  innerCodes: ReadonlySet<string>;
  /** `availability.code`, e.g. `model_not_found`. */
  availability: string;
  /** Numbers beside the words, e.g. llama.cpp's `n_ctx`. */
  numbers: Readonly<Record<string, number>>;
}

/** Longer texts say what they mean at the beginning; more is not searched. */
export const MAX_JUDGED_CHARS = 4096;
/** JSON in JSON in JSON: deeper than this has not been seen. */
const MAX_DEPTH = 5;
/** FastAPI lists every field that is wrong; the first ones explain enough. */
const MAX_LISTED = 5;

const MESSAGE_KEYS = ["message", "error", "detail", "details", "msg", "errors"];
const CODE_KEYS = ["code", "type", "error_type", "error_code", "provider_code"];
const STATUS_KEYS = ["code", "http_status", "status", "status_code", "raw_status_code"];

/** Codes that stand for a status, as error chunks and some providers carry them. */
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

/** The error in an HTTP body: the object, or the text where the body is not JSON. */
export function findError(body: string): unknown {
  const json = parseJson(body) ?? body;
  // Google's OpenAI-compatible endpoint wraps the object in a list.
  const root = Array.isArray(json) ? json[0] : json;
  if (!isJsonObject(root)) return root;
  const { error } = root;
  // Beside a `message`, an `error` of one string is the name of the status ("Not Found").
  return isJsonObject(error) ? error : root;
}

/** @param httpStatus upstream's status; 502 where the error came inside a successful answer */
export function parseUpstreamError(error: unknown, httpStatus: number): UpstreamError {
  const fields = isJsonObject(error) ? error : {};
  const metadata = isJsonObject(fields["metadata"]) ? fields["metadata"] : {};
  const availability = isJsonObject(fields["availability"]) ? fields["availability"] : {};
  const words = readMessage(error, metadata);
  const outer = text(fields["message"]);
  return {
    status: readStatus(fields, metadata, httpStatus),
    message: words,
    judged: [words, outer].map((part) => part.slice(0, MAX_JUDGED_CHARS)).join("\n"),
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

/** Whether a text is a web page, which is named and not shown. */
export function isHtml(words: string): boolean {
  return /^\s*<(!doctype|html|head|body)/i.test(words);
}

function readStatus(fields: JsonObject, metadata: JsonObject, httpStatus: number): number {
  // A status that is itself an error was chosen by upstream's HTTP layer and wins.
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

/** `message` is often just "Provider returned error"; the provider's own words are in `metadata.raw`. */
function readMessage(error: unknown, metadata: JsonObject): string {
  const message = findMessage(error, 0);
  const raw = findMessage(metadata["raw"], 0);
  const provider = text(metadata["provider_name"]);
  const words = raw !== "" ? raw : message;
  return provider !== "" && words !== "" ? `[${provider}] ${words}` : words;
}

/** The innermost message of an error, which may be JSON inside a JSON string, or a list of FastAPI's. */
function findMessage(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) return "";
  if (typeof value === "string") {
    const inner = parseJson(value);
    const dug = typeof inner === "object" ? findMessage(inner, depth + 1) : "";
    return dug || (isHtml(value) ? "" : value.trim());
  }
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_LISTED).map((item: unknown) =>
      findListedMessage(item, depth + 1)
    );
    return items.filter((words) => words !== "").join("; ");
  }
  if (!isJsonObject(value)) return "";
  for (const key of MESSAGE_KEYS) {
    const found = findMessage(value[key], depth + 1);
    if (found !== "") return found;
  }
  return "";
}

/** One of several errors; FastAPI says in `loc` which field is meant. */
function findListedMessage(item: unknown, depth: number): string {
  const words = findMessage(item, depth);
  const loc = isJsonObject(item) ? item["loc"] : undefined;
  if (!Array.isArray(loc) || words === "") return words;
  const path = loc.filter((part) => part !== "body").join(".");
  return path === "" ? words : `${path}: ${words}`;
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
