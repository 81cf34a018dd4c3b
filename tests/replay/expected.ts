/**
 * What a client must get for a recorded answer, by the policies of the proxy: a second opinion on how an answer
 * ends and on what becomes of broken and cut tool calls.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import type { ReadCall, Reading } from "./reference.ts";

/** A tool call as a client must see it. */
export interface ExpectedCall {
  name: string;
  /** What the arguments parse to. */
  input: JsonObject;
  /** Set where they do not: the text that a streaming client must get, exactly, or as the beginning. */
  broken?: { text: string; isExact: boolean };
}

/** An answer as a client must see it, or the words of the error it must get. */
export type Expected =
  | {
    text: string;
    thinking: string;
    calls: ExpectedCall[];
    stopReason: string;
    usage: { input: number; output: number; read: number; written: number } | null;
  }
  | { error: string };

/** The finish reasons that say a limit was reached. OpenRouter hides them behind `tool_calls` at times. */
const CUT = new Set(["length", "max_output_tokens", "max_tokens", "MAX_TOKENS", "model_length"]);

/** Words for a refusal: OpenAI's, and Z.ai's. */
const REFUSED = new Set(["content_filter", "sensitive"]);

/**
 * What must come out of an answer.
 * @param isStreamed whether the client sees arguments as text while they arrive, or parsed at the end
 */
export function expectAnswer(reading: Reading, isStreamed: boolean): Expected {
  const { calls, text, thinking, refusal } = reading;
  if (reading.error !== null) return { error: reading.error };
  const isEmpty = text + thinking + refusal === "" && calls.length === 0;
  if (reading.finish === "" && (isEmpty || !reading.isEnded)) return { error: "" };
  const isLimited = CUT.has(reading.finish) || CUT.has(reading.nativeFinish);
  const isCut = (call: ReadCall) => isOpen(call.arguments) || (isLimited && isBare(call));
  const hasCut = CUT.has(reading.finish) || calls.some(isCut);
  const shown = calls.filter((call) =>
    !isCut(call) || !(reading.isWhole || (isBare(call) && call.isLate))
  );
  return {
    text: text + refusal,
    thinking,
    calls: shown.map((call) => expectCall(call, { isStreamed, isCut: isCut(call) })),
    stopReason: expectStopReason(reading, hasCut),
    usage: expectUsage(reading.usage),
  };
}

function expectStopReason(
  { finish, nativeFinish, refusal, calls }: Reading,
  isCut: boolean,
): string {
  if (refusal !== "" || nativeFinish === "refusal" || REFUSED.has(finish)) return "refusal";
  if (isCut) return "max_tokens";
  return calls.length > 0 ? "tool_use" : "end_turn";
}

function expectCall(
  { name, arguments: text }: ReadCall,
  { isStreamed, isCut }: { isStreamed: boolean; isCut: boolean },
): ExpectedCall {
  const value = isBlank(text) ? {} : parseJson(text);
  if (isJsonObject(value) && !isCut) return { name, input: value };
  if (!isStreamed) return { name, input: { INVALID_JSON: text } };
  // What would parse, though it is not an object or not all, gets a fragment that keeps clients from using it.
  return { name, input: {}, broken: { text, isExact: value === undefined } };
}

/** A call without arguments: in full for a tool without parameters, unless the limit ended the answer. */
function isBare(call: ReadCall): boolean {
  return isBlank(call.arguments);
}

function isBlank(text: string): boolean {
  return text.trim() === "" || text.trim() === "null";
}

/** Whether a bracket or a string of a JSON text has no end. */
function isOpen(text: string): boolean {
  const outside = text.replace(/"(?:[^"\\]|\\[^])*"/g, "");
  const count = (pattern: RegExp) => outside.match(pattern)?.length ?? 0;
  return outside.includes('"') || count(/[[{]/g) > count(/[\]}]/g);
}

/** Cache hits as OpenRouter and OpenAI report them, or under the names of DeepSeek, Mistral and Moonshot. */
function expectUsage(usage: JsonObject | null): Extract<Expected, { text: string }>["usage"] {
  if (usage === null || usage["prompt_tokens"] === undefined) return null;
  const details = usage["prompt_tokens_details"];
  const { cached_tokens, cache_write_tokens } = isJsonObject(details) ? details : {};
  const prompt = Number(usage["prompt_tokens"]);
  const ownNames = ["prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"];
  const own = ownNames.map((name) => usage[name]).find((value) => typeof value === "number");
  const reported = Number(cached_tokens ?? own ?? 0);
  const written = Number(cache_write_tokens ?? 0);
  // OpenRouter has counted tokens that Gemini's cache wrote among those that were read from it.
  const isDouble = reported + written > prompt;
  const read = isDouble ? reported - written : reported;
  const output = Number(usage["completion_tokens"] ?? 0);
  return { input: Math.max(0, prompt - read - written), output, read, written };
}

/** The tools a recorded request offered; where none was recorded, those that the answer calls. */
export function listTools({ request }: { request: JsonObject | null }, reading: Reading): string[] {
  const offered = Array.isArray(request?.["tools"]) ? request["tools"] : [];
  const names = offered.filter(isJsonObject)
    .map((tool) => isJsonObject(tool["function"]) ? toText(tool["function"]["name"]) : "");
  const called = request === null ? reading.calls.map(({ name }) => name) : [];
  return [...new Set([...names, ...called])].filter((name) => name !== "");
}
