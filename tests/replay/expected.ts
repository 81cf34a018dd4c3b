/**
 * Derives the expected result from a recorded response: an independent implementation of the proxy's rules for stop
 * reasons and for invalid and cut tool calls.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson, toText } from "../../lib/json.ts";
import type { ParsedCall, ParsedResponse } from "./reference.ts";

/** A tool call that the client must receive. */
export interface ExpectedCall {
  name: string;
  /** The parsed arguments. */
  input: JsonObject;
  /** For invalid arguments: the text that must be streamed, exactly or as the beginning. */
  broken?: { text: string; isExact: boolean };
}

/** The response or error message that the client must receive. */
export type Expected =
  | {
    text: string;
    thinking: string;
    calls: ExpectedCall[];
    stopReason: string;
    usage: { input: number; output: number; read: number; written: number } | null;
  }
  | { error: string };

/** Finish reasons of a token limit. OpenRouter sometimes replaces them with `tool_calls`. */
const CUT = new Set(["length", "max_output_tokens", "max_tokens", "MAX_TOKENS", "model_length"]);

/** Finish reasons of a refusal: OpenAI's, and Z.ai's. */
const REFUSED = new Set(["content_filter", "sensitive"]);

/**
 * The expected result of a response.
 * @param isStreamed whether the client receives arguments as streamed text, or parsed
 */
export function expectResponse(recorded: ParsedResponse, isStreamed: boolean): Expected {
  const { calls, text, thinking, refusal } = recorded;
  if (recorded.error !== null) return { error: recorded.error };
  const isEmpty = text + thinking + refusal === "" && calls.length === 0;
  if (recorded.finish === "" && (isEmpty || !recorded.isEnded)) return { error: "" };
  const isLimited = CUT.has(recorded.finish) || CUT.has(recorded.nativeFinish);
  const isCut = (call: ParsedCall) => isOpen(call.arguments) || (isLimited && isBare(call));
  const hasCut = CUT.has(recorded.finish) || calls.some(isCut);
  const visible = calls.filter((call) =>
    !isCut(call) || !(recorded.isCompletion || (isBare(call) && call.isLate))
  );
  return {
    text: text + refusal,
    thinking,
    calls: visible.map((call) => expectCall(call, { isStreamed, isCut: isCut(call) })),
    stopReason: expectStopReason(recorded, hasCut),
    usage: expectUsage(recorded.usage),
  };
}

function expectStopReason(
  { finish, nativeFinish, refusal, calls }: ParsedResponse,
  isCut: boolean,
): string {
  if (refusal !== "" || nativeFinish === "refusal" || REFUSED.has(finish)) return "refusal";
  if (isCut) return "max_tokens";
  return calls.length > 0 ? "tool_use" : "end_turn";
}

function expectCall(
  { name, arguments: text }: ParsedCall,
  { isStreamed, isCut }: { isStreamed: boolean; isCut: boolean },
): ExpectedCall {
  const value = isBlank(text) ? {} : parseJson(text);
  if (isJsonObject(value) && !isCut) return { name, input: value };
  if (!isStreamed) return { name, input: { INVALID_JSON: text } };
  // Valid JSON that is not an object, or is cut, gets a suffix that keeps clients from using it.
  return { name, input: {}, broken: { text, isExact: value === undefined } };
}

/** A call without arguments: complete for a tool without parameters, unless the limit ended the response. */
function isBare(call: ParsedCall): boolean {
  return isBlank(call.arguments);
}

function isBlank(text: string): boolean {
  return text.trim() === "" || text.trim() === "null";
}

/** Whether a bracket or a string of a JSON text is not closed. */
function isOpen(text: string): boolean {
  const outside = text.replace(/"(?:[^"\\]|\\[^])*"/g, "");
  const count = (pattern: RegExp) => outside.match(pattern)?.length ?? 0;
  return outside.includes('"') || count(/[[{]/g) > count(/[\]}]/g);
}

/** Cache hits are in the details (OpenRouter, OpenAI), or in fields of DeepSeek, Mistral and Moonshot. */
function expectUsage(usage: JsonObject | null): Extract<Expected, { text: string }>["usage"] {
  if (usage === null || usage["prompt_tokens"] === undefined) return null;
  const details = usage["prompt_tokens_details"];
  const { cached_tokens, cache_write_tokens } = isJsonObject(details) ? details : {};
  const prompt = Number(usage["prompt_tokens"]);
  const ownNames = ["prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"];
  const own = ownNames.map((name) => usage[name]).find((value) => typeof value === "number");
  const reported = Number(cached_tokens ?? own ?? 0);
  const written = Number(cache_write_tokens ?? 0);
  // OpenRouter has counted Gemini's cache writes among the reads.
  const isDouble = reported + written > prompt;
  const read = isDouble ? reported - written : reported;
  const output = Number(usage["completion_tokens"] ?? 0);
  return { input: Math.max(0, prompt - read - written), output, read, written };
}

/** The tools of a recorded request; without a recorded request, those that the response calls. */
export function listTools(
  { request }: { request: JsonObject | null },
  recorded: ParsedResponse,
): string[] {
  const offered = Array.isArray(request?.["tools"]) ? request["tools"] : [];
  const names = offered.filter(isJsonObject)
    .map((tool) => isJsonObject(tool["function"]) ? toText(tool["function"]["name"]) : "");
  const called = request === null ? recorded.calls.map(({ name }) => name) : [];
  return [...new Set([...names, ...called])].filter((name) => name !== "");
}
