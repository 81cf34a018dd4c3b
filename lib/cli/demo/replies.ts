/**
 * Creates the simulated upstream's reply to a chat request. Pure: no HTTP, no clock, no chunks. Requests are not
 * validated; only the fields that the reply depends on are read.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import { CHARS_PER_TOKEN } from "../../translate/token_calibration.ts";
import { chooseCall, type ToolCall } from "./choose_tool.ts";
import { type Conversation, readConversation } from "./conversation.ts";
import { fillSchema } from "./fill_schema.ts";

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
  call: ToolCall | null;
  finishReason: "stop" | "length" | "tool_calls";
  nativeFinishReason: "end_turn" | "max_tokens" | "tool_use";
  /** `cut` stops early without an error, `error` with one. */
  ending: "complete" | "cut" | "error";
}

/** The provider that OpenRouter would report. */
export const PROVIDER = "Demo";
/** Requests a failure within the user's words: `demo:error 429`, `demo:error midstream`, `demo:cut`. */
const TRIGGER = /demo:(?:error ([45]\d\d|midstream)|cut)\b/;
/** The same as the user's only words. */
const SHORT_TRIGGER = /^error(?: ([45]\d\d|midstream))?[.!]?$/i;
/** For the bare word `error`: no client repeats such a request. */
const DEFAULT_ERROR = "402";
const MAX_QUOTE = 160;

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

/** Creates the reply to the body of a `POST /chat/completions`. */
export function createReply(body: unknown): Reply {
  if (!isJsonObject(body) || !Array.isArray(body["messages"])) {
    return errorReply(400, "Simulated: the body must be a JSON object with messages");
  }
  const model = toText(body["model"]);
  if (!model.includes("/") || model.includes("no-such")) {
    return errorReply(400, `${model} is not a valid model ID`);
  }
  const conversation = readConversation(body);
  const failure = findFailure(conversation.words);
  const status = Number(failure);
  if (status >= 400) return errorReply(status, `Simulated: error ${status}, as requested`);
  const content = createContent(body, conversation);
  return {
    ...content,
    type: "completion",
    model,
    reasoning: hasReasoning(body["reasoning"]) ? createReasoning(conversation, content.call) : "",
    ending: failure === null ? "complete" : failure === "midstream" ? "error" : "cut",
  };
}

/** A status, `midstream` or `cut`; null if the user requests no failure. */
function findFailure(words: string): string | null {
  const short = SHORT_TRIGGER.exec(words);
  if (short !== null) return short[1] ?? DEFAULT_ERROR;
  const trigger = TRIGGER.exec(words);
  return trigger === null ? null : trigger[1] ?? "cut";
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

function createContent(
  body: JsonObject,
  conversation: Conversation,
): Pick<ChatReply, "text" | "call" | "finishReason" | "nativeFinishReason"> {
  const { result, images, isTextOnly } = conversation;
  // An image is what the user wants to hear about.
  const call = result === null && images.length === 0 && !isTextOnly ? chooseCall(body) : null;
  if (call !== null) {
    return { text: "", call, finishReason: "tool_calls", nativeFinishReason: "tool_use" };
  }
  const characters = [...createText(body, conversation)];
  const limit = toNumber(body["max_tokens"], Infinity) * CHARS_PER_TOKEN;
  const text = characters.slice(0, limit).join("");
  return characters.length > limit
    ? { text, call: null, finishReason: "length", nativeFinishReason: "max_tokens" }
    : { text, call: null, finishReason: "stop", nativeFinishReason: "end_turn" };
}

function createText(
  body: JsonObject,
  { turns, words, images, result, verdict }: Conversation,
): string {
  // The lowest of both scales: the simulated model requests nothing harmful.
  if (verdict !== null) return verdict === "block" ? "<block>no</block>" : "<severity>0</severity>";
  const schema = findSchema(body["response_format"]);
  if (schema !== undefined) return JSON.stringify(fillSchema(schema));
  const model = toText(body["model"]);
  if (result !== null) {
    return `The tool returned: “${quote(result)}”. That is all I needed. I am a simulated model, ` +
      `so I only repeat the tool result, which ${model} would have received. ` +
      "Send me an image, or the word error, to see more.";
  }
  const seen = images.length === 0 ? "" : `I see ${joinWords(images.map(withArticle))}. `;
  const tools = Array.isArray(body["tools"]) ? body["tools"].length : 0;
  return `I am a simulated model, responding in place of ${model}. ${seen}` +
    `I received ${count(turns, "message")}, ${count(tools, "tool")} and ` +
    `${count(images.length, "image")}. Your last message was: “${quote(words)}”. ` +
    "Nothing was sent to the internet, and nothing was charged. The proxy between us is real: it " +
    "translated your request for OpenRouter, and it streams this response back to you.";
}

function createReasoning({ turns, images }: Conversation, call: ToolCall | null): string {
  const next = call !== null
    ? `I will call ${call.name} and then report what it returned.`
    : images.length > 0
    ? "I will say what I can see of it."
    : "I will describe myself and what I received.";
  return `The request contains ${count(turns, "message")}` +
    `${images.length === 0 ? "" : ` and ${count(images.length, "image")}`}. ` +
    `I am not a real model, but I can show how one looks. ${next}`;
}

function hasReasoning(reasoning: unknown): boolean {
  return isJsonObject(reasoning) && reasoning["enabled"] !== false &&
    reasoning["effort"] !== "none";
}

function findSchema(format: unknown): unknown {
  const inner = isJsonObject(format) ? format["json_schema"] : undefined;
  return isJsonObject(inner) ? inner["schema"] : undefined;
}

function quote(text: string): string {
  const characters = [...text.trim().replace(/\s+/g, " ")];
  const shown = characters.slice(0, MAX_QUOTE).join("");
  return characters.length > MAX_QUOTE ? `${shown}…` : shown;
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function count(number: number, noun: string): string {
  return `${number === 0 ? "no" : number} ${noun}${number === 1 ? "" : "s"}`;
}

function toNumber(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}
