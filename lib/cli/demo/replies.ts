/**
 * Creates the simulated upstream's reply to a chat request. Pure: no HTTP, no clock, no chunks. Requests are not
 * validated; only the fields that the reply depends on are read.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { CHARS_PER_TOKEN } from "../../translate/token_calibration.ts";

/** The reply to a chat request. */
export type Reply = ErrorReply | ChatReply;

/** An error response in OpenRouter's format. */
export interface ErrorReply {
  type: "error";
  status: number;
  headers: Record<string, string>;
  body: JsonObject;
}

/** A completion, not yet split into chunks. */
export interface ChatReply {
  type: "completion";
  model: string;
  /** "" if the request enables no reasoning. */
  reasoning: string;
  /** "" if there is a tool call. */
  text: string;
  /** The only tool call, its arguments as JSON. */
  call: { name: string; arguments: string } | null;
  finishReason: "stop" | "length" | "tool_calls";
  nativeFinishReason: "end_turn" | "max_tokens" | "tool_use";
  /** `cut` stops early without an error, `error` with one. */
  ending: "complete" | "cut" | "error";
}

/** The provider that OpenRouter would report. */
export const PROVIDER = "Demo";
/** Requests a failure in the user's last text: `demo:error 429`, `demo:error midstream`, `demo:cut`. */
const TRIGGER = /demo:(?:error ([45]\d\d|midstream)|cut)\b/;
const MAX_QUOTE = 160;
const MAX_DEPTH = 8;

/** Status → OpenRouter's error type. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request",
  401: "authentication",
  402: "payment_required",
  403: "permission_denied",
  404: "not_found",
  408: "timeout",
  413: "payload_too_large",
  429: "rate_limit_exceeded",
  502: "provider_unavailable",
  503: "provider_overloaded",
  504: "timeout",
  529: "provider_overloaded",
};
/** Errors of a provider, whose own message is in `metadata.raw`. */
const PROVIDER_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 529]);

/** Property name → a plausible value; the first match counts. */
const EXAMPLES: readonly { name: RegExp; value: string }[] = [
  { name: /command|script/i, value: "echo demo" },
  { name: /file|path/i, value: "demo.txt" },
  { name: /ur[il]|link/i, value: "https://example.com" },
  { name: /mail/i, value: "demo@example.com" },
  { name: /date-time/, value: "2026-01-01T12:00:00Z" },
  { name: /date/i, value: "2026-01-01" },
  { name: /zone/i, value: "Europe/Paris" },
  { name: /city|location|place/i, value: "Paris" },
  { name: /query|question|search|prompt/i, value: "What is the weather in Paris?" },
];

/** Creates the reply to the body of a `POST /chat/completions`. */
export function createReply(body: unknown): Reply {
  if (!isJsonObject(body) || !Array.isArray(body["messages"])) {
    return errorReply(400, "Simulated: the body must be a JSON object with messages");
  }
  const model = toText(body["model"]);
  if (!model.includes("/") || model.includes("no-such")) {
    return errorReply(400, `${model} is not a valid model ID`);
  }
  const messages = body["messages"].filter(isJsonObject);
  const lastUserMessage = messages.findLast((message) => message["role"] === "user");
  const trigger = TRIGGER.exec(toText(lastUserMessage?.["content"]));
  const status = Number(trigger?.[1]);
  if (status >= 400) return errorReply(status, `Simulated: error ${status}, as requested`);
  return {
    ...createContent(body, messages),
    type: "completion",
    model,
    reasoning: hasReasoning(body["reasoning"]) ? createReasoning(messages) : "",
    ending: trigger === null ? "complete" : trigger[1] === "midstream" ? "error" : "cut",
  };
}

/** Creates an error in OpenRouter's envelope, which contains the provider's message if the error is a provider's. */
export function errorReply(status: number, message: string): ErrorReply {
  const metadata: JsonObject = { error_type: ERROR_TYPES[status] ?? "server" };
  const isFromProvider = PROVIDER_STATUSES.has(status);
  if (isFromProvider) {
    metadata["provider_name"] = PROVIDER;
    metadata["raw"] = JSON.stringify({ error: { message } });
  }
  const ownMessage = isFromProvider ? "Provider returned error" : message;
  return {
    type: "error",
    status,
    headers: status === 429 ? { "retry-after": "2" } : {},
    body: { error: { code: status, message: ownMessage, metadata } },
  };
}

/** Creates a value that matches a JSON schema with regard to type, enum, const, default and required. */
export function fillSchema(
  schema: unknown,
  name = "",
  place = { root: schema, depth: 0 },
): unknown {
  if (!isJsonObject(schema) || place.depth > MAX_DEPTH) return {};
  const inner = { root: place.root, depth: place.depth + 1 };
  const target = findTarget(schema, place.root);
  if (target !== undefined) return fillSchema(target, name, inner);
  for (const key of ["const", "default"]) if (Object.hasOwn(schema, key)) return schema[key];
  for (const key of ["enum", "examples"]) {
    const values = schema[key];
    if (Array.isArray(values) && values.length > 0) return values[0];
  }
  switch (readType(schema)) {
    case "object":
      return fillObject(schema, inner);
    case "array":
      return [fillSchema(schema["items"] ?? { type: "string" }, name, inner)];
    case "integer":
    case "number":
      return fillNumber(schema);
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return chooseExample(toText(schema["format"]) || name).padEnd(
        toNumber(schema["minLength"], 0),
        "x",
      );
  }
}

function createContent(
  body: JsonObject,
  messages: readonly JsonObject[],
): Pick<ChatReply, "text" | "call" | "finishReason" | "nativeFinishReason"> {
  const tool = messages.at(-1)?.["role"] === "user" && findResult(messages) === undefined
    ? chooseTool(body)
    : undefined;
  if (tool !== undefined) {
    const call = {
      name: toText(tool["name"]),
      arguments: JSON.stringify(fillSchema(tool["parameters"])),
    };
    return { text: "", call, finishReason: "tool_calls", nativeFinishReason: "tool_use" };
  }
  const characters = [...createText(body, messages)];
  const limit = toNumber(body["max_tokens"], Infinity) * CHARS_PER_TOKEN;
  const text = characters.slice(0, limit).join("");
  return characters.length > limit
    ? { text, call: null, finishReason: "length", nativeFinishReason: "max_tokens" }
    : { text, call: null, finishReason: "stop", nativeFinishReason: "end_turn" };
}

function createText(body: JsonObject, messages: readonly JsonObject[]): string {
  const schema = findSchema(body["response_format"]);
  if (schema !== undefined) return JSON.stringify(fillSchema(schema));
  const result = findResult(messages);
  if (result !== undefined) {
    return `The tool returned: “${quote(result)}”. That is all I needed. I am a simulated model, ` +
      `so I only repeat the tool result, which ${toText(body["model"])} would have received.`;
  }
  const tools = Array.isArray(body["tools"]) ? body["tools"].length : 0;
  const turns = messages.filter((message) => message["role"] !== "system");
  const images = messages.flatMap((message) => message["content"]).filter(isImage).length;
  const last = quote(toText(turns.at(-1)?.["content"]));
  return `I am a simulated model, responding in place of ${toText(body["model"])}. ` +
    `I received ${count(turns.length, "message")}, ${count(tools, "tool")} and ` +
    `${count(images, "image")}. Your last message was: “${last}”. ` +
    "Nothing was sent to the internet, and nothing was charged. The proxy between us is real: it " +
    "translated your request for OpenRouter, and it streams this response back to you.";
}

function createReasoning(messages: readonly JsonObject[]): string {
  const size = count(messages.length, "message");
  return `The request contains ${size}. I am not a real model, ` +
    "so I will describe myself and what I received.";
}

/** The tool result at the end, even if text of the user follows it. */
function findResult(messages: readonly JsonObject[]): string | undefined {
  const last = messages.findLast((message) => message["role"] !== "user");
  return last?.["role"] === "tool" ? toText(last["content"]) : undefined;
}

function chooseTool(body: JsonObject): JsonObject | undefined {
  const choice = body["tool_choice"];
  if (choice === "none" || !Array.isArray(body["tools"])) return undefined;
  const tools = body["tools"].filter(isJsonObject).map((tool) => tool["function"])
    .filter(isJsonObject);
  const forced = isJsonObject(choice) && isJsonObject(choice["function"])
    ? choice["function"]["name"]
    : undefined;
  return tools.find((tool) => tool["name"] === forced) ?? tools[0];
}

function hasReasoning(reasoning: unknown): boolean {
  return isJsonObject(reasoning) && reasoning["enabled"] !== false &&
    reasoning["effort"] !== "none";
}

function findSchema(format: unknown): unknown {
  const inner = isJsonObject(format) ? format["json_schema"] : undefined;
  return isJsonObject(inner) ? inner["schema"] : undefined;
}

/** The schema that this one refers to: by a `$ref` to the definitions, or the first of several alternatives. */
function findTarget(schema: JsonObject, root: unknown): unknown {
  const pointer = /^#\/(\$defs|definitions)\/(.+)$/.exec(toText(schema["$ref"]));
  if (pointer !== null && isJsonObject(root)) {
    const definitions = root[pointer[1] ?? ""];
    return isJsonObject(definitions) ? definitions[pointer[2] ?? ""] : undefined;
  }
  const several = [schema["anyOf"], schema["oneOf"]].find(Array.isArray);
  return schema["type"] === undefined ? several?.[0] : undefined;
}

function readType(schema: JsonObject): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return type.find((one) => one !== "null");
  return type ?? (isJsonObject(schema["properties"]) ? "object" : undefined);
}

function fillObject(
  schema: JsonObject,
  place: { root: unknown; depth: number },
): Record<string, unknown> {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return Object.fromEntries(
    required.map((name) => [name, fillSchema(properties[name] ?? {}, name, place)]),
  );
}

function fillNumber(schema: JsonObject): number {
  const least = toNumber(schema["minimum"], toNumber(schema["exclusiveMinimum"], 0) + 1);
  return Math.min(least, toNumber(schema["maximum"], Infinity));
}

function chooseExample(name: string): string {
  return EXAMPLES.find((example) => example.name.test(name))?.value ?? "demo";
}

function isImage(part: unknown): boolean {
  return isJsonObject(part) && part["type"] === "image_url";
}

/** Content as text: a string, or the text parts joined by line breaks. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.filter(isJsonObject).map((part) => toText(part["text"])).filter(Boolean).join("\n");
}

function quote(text: string): string {
  const characters = [...text.trim().replace(/\s+/g, " ")];
  const shown = characters.slice(0, MAX_QUOTE).join("");
  return characters.length > MAX_QUOTE ? `${shown}…` : shown;
}

function count(number: number, noun: string): string {
  return `${number === 0 ? "no" : number} ${noun}${number === 1 ? "" : "s"}`;
}

function toNumber(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}
