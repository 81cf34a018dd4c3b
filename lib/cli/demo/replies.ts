/**
 * What the simulated upstream says: a chat request → a reply. Pure: knows no HTTP, no clock, no chunks.
 * A request is typed loosely at the door and only read as far as the reply depends on it.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { CHARS_PER_TOKEN } from "../../translate/token_calibration.ts";

/** What comes back for a chat request. */
export type Reply = ErrorReply | ChatReply;

/** An error before any answer, in OpenRouter's shape. */
export interface ErrorReply {
  type: "refusal";
  status: number;
  headers: Record<string, string>;
  body: JsonObject;
}

/** An answer, before it is cut into chunks. */
export interface ChatReply {
  type: "answer";
  model: string;
  /** "" where no reasoning was asked for. */
  reasoning: string;
  /** "" beside a call. */
  text: string;
  /** The one tool call, its arguments as JSON text. */
  call: { name: string; arguments: string } | null;
  finishReason: "stop" | "length" | "tool_calls";
  nativeFinishReason: "end_turn" | "max_tokens" | "tool_use";
  /** Whether it arrives: `cut` just stops, `error` ends in an error. */
  fate: "whole" | "cut" | "error";
}

/** Who claims to have answered, as OpenRouter names the provider behind a model. */
export const PROVIDER = "Demo";
/** Asks for a failure, in the last text of the user: `demo:error 429`, `demo:error midstream`, `demo:cut`. */
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
/** Errors of a provider: OpenRouter's own message says nothing, the words are in `metadata.raw`. */
const PROVIDER_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 529]);

/** Property name → a value that looks right; the first that fits. */
const WORDS: readonly { name: RegExp; word: string }[] = [
  { name: /command|script/i, word: "echo demo" },
  { name: /file|path/i, word: "demo.txt" },
  { name: /ur[il]|link/i, word: "https://example.com" },
  { name: /mail/i, word: "demo@example.com" },
  { name: /date-time/, word: "2026-01-01T12:00:00Z" },
  { name: /date/i, word: "2026-01-01" },
  { name: /zone/i, word: "Europe/Paris" },
  { name: /city|location|place/i, word: "Paris" },
  { name: /query|question|search|prompt/i, word: "What is the weather in Paris?" },
];

/** The reply to the body of a `POST /chat/completions`. */
export function createReply(body: unknown): Reply {
  if (!isJsonObject(body) || !Array.isArray(body["messages"])) {
    return errorReply(400, "Simulated: the body must be a JSON object with messages");
  }
  const model = toText(body["model"]);
  if (!model.includes("/") || model.includes("no-such")) {
    return errorReply(400, `${model} is not a valid model ID`);
  }
  const messages = body["messages"].filter(isJsonObject);
  const asked = toText(messages.findLast((message) => message["role"] === "user")?.["content"]);
  const trigger = TRIGGER.exec(asked);
  const status = Number(trigger?.[1]);
  if (status >= 400) return errorReply(status, `Simulated: error ${status}, as asked for`);
  return {
    ...createChatReply(body, messages),
    type: "answer",
    model,
    reasoning: wantsReasoning(body["reasoning"]) ? describeThoughts(messages) : "",
    fate: trigger === null ? "whole" : trigger[1] === "midstream" ? "error" : "cut",
  };
}

/** An error answer: OpenRouter's envelope, for a provider's error with the provider's words inside. */
export function errorReply(status: number, message: string): ErrorReply {
  const metadata: JsonObject = { error_type: ERROR_TYPES[status] ?? "server" };
  const isProviders = PROVIDER_STATUSES.has(status);
  if (isProviders) {
    metadata["provider_name"] = PROVIDER;
    metadata["raw"] = JSON.stringify({ error: { message } });
  }
  const words = isProviders ? "Provider returned error" : message;
  return {
    type: "refusal",
    status,
    headers: status === 429 ? { "retry-after": "2" } : {},
    body: { error: { code: status, message: words, metadata } },
  };
}

/** A value that a JSON schema allows, as far as type, enum, const, default and required say it. */
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
      return chooseWord(toText(schema["format"]) || name).padEnd(
        toNumber(schema["minLength"], 0),
        "x",
      );
  }
}

type Saying = Pick<ChatReply, "text" | "call" | "finishReason" | "nativeFinishReason">;

function createChatReply(body: JsonObject, messages: readonly JsonObject[]): Saying {
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
  const whole = [...composeText(body, messages)];
  const budget = toNumber(body["max_tokens"], Infinity) * CHARS_PER_TOKEN;
  const text = whole.slice(0, budget).join("");
  return whole.length > budget
    ? { text, call: null, finishReason: "length", nativeFinishReason: "max_tokens" }
    : { text, call: null, finishReason: "stop", nativeFinishReason: "end_turn" };
}

function composeText(body: JsonObject, messages: readonly JsonObject[]): string {
  const schema = findSchema(body["response_format"]);
  if (schema !== undefined) return JSON.stringify(fillSchema(schema));
  const result = findResult(messages);
  if (result !== undefined) {
    return `The tool answered: “${quote(result)}”. That is all I needed. I am a simulated model, ` +
      `so I only repeat what it said, as ${toText(body["model"])} would have read it.`;
  }
  const tools = Array.isArray(body["tools"]) ? body["tools"].length : 0;
  const turns = messages.filter((message) => message["role"] !== "system");
  const images = messages.flatMap((message) => message["content"]).filter(isImage).length;
  return `I am a simulated model, answering in the place of ${toText(body["model"])}. ` +
    `I saw ${count(turns.length, "message")}, ${count(tools, "tool")} and ` +
    `${count(images, "image")}. Your last words were: “${
      quote(toText(turns.at(-1)?.["content"]))
    }”. ` +
    "Nothing left this machine, and nothing was paid. Everything between us is real: your request " +
    "was translated for OpenRouter, and this answer comes back to you piece by piece.";
}

function describeThoughts(messages: readonly JsonObject[]): string {
  const size = count(messages.length, "message");
  return `The request holds ${size}. I have no knowledge to answer from, ` +
    "so I will say what I am and what I received.";
}

/** The tool result at the end, also where the client added words of its own after it. */
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

function wantsReasoning(reasoning: unknown): boolean {
  return isJsonObject(reasoning) && reasoning["enabled"] !== false &&
    reasoning["effort"] !== "none";
}

function findSchema(format: unknown): unknown {
  const inner = isJsonObject(format) ? format["json_schema"] : undefined;
  return isJsonObject(inner) ? inner["schema"] : undefined;
}

/** Where a schema only points to another: `$ref` into the definitions, or the first of several. */
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

function chooseWord(name: string): string {
  return WORDS.find((entry) => entry.name.test(name))?.word ?? "demo";
}

function isImage(part: unknown): boolean {
  return isJsonObject(part) && part["type"] === "image_url";
}

/** A string, or the text parts of a content list, a line each. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.filter(isJsonObject).map((part) => toText(part["text"])).filter(Boolean).join("\n");
}

function quote(text: string): string {
  const words = [...text.trim().replace(/\s+/g, " ")];
  return words.length > MAX_QUOTE ? `${words.slice(0, MAX_QUOTE).join("")}…` : words.join("");
}

function count(number: number, noun: string): string {
  return `${number === 0 ? "no" : number} ${noun}${number === 1 ? "" : "s"}`;
}

function toNumber(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
