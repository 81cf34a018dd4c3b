/**
 * Checks requests for any OpenAI-compatible server: only keys that OpenAI documents, strings where servers require
 * strings, and nothing specific to OpenRouter. Does not use lib/translate.
 * @module
 */

import { AssertionError } from "@std/assert";
import { isJsonObject } from "../../lib/json.ts";

const TOP_KEYS = [
  ...["model", "messages", "tools", "tool_choice", "parallel_tool_calls", "max_completion_tokens"],
  ...["temperature", "top_p", "stop", "response_format", "reasoning_effort", "stream"],
  "stream_options",
];
const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
/** Keys that only OpenRouter supports, at any depth. Arguments of calls are strings and not checked. */
const OPENROUTER_KEYS: ReadonlySet<string> = new Set([
  ...["cache_control", "reasoning_details", "session_id", "provider", "plugins", "models", "user"],
  ...["verbosity", "top_k", "max_tokens", "service_tier"],
]);

/** Checks a body. @throws {AssertionError} that says what is wrong */
export function checkOpenAiRequest(body: unknown): void {
  claim(isJsonObject(body), "the body is not an object");
  const unknown = Object.keys(body).filter((key) => !TOP_KEYS.includes(key));
  claim(unknown.length === 0, `unknown keys ${unknown.join(", ")}`);
  claim(Number.isInteger(body["max_completion_tokens"]), "no max_completion_tokens");
  const effort = body["reasoning_effort"];
  claim(effort === undefined || EFFORTS.includes(String(effort)), `effort ${effort}`);
  const { messages, tools } = body;
  claim(Array.isArray(messages) && messages.length > 0, "no messages");
  for (const message of messages) {
    claim(isJsonObject(message), "a message that is not an object");
    const isText = typeof message["content"] === "string";
    const isCall = message["content"] === null && "tool_calls" in message;
    claim(isText || isCall || message["role"] === "user", `${message["role"]} without a string`);
  }
  checkKeys(messages);
  // Everything in a schema is the client's.
  for (const tool of Array.isArray(tools) ? tools : []) {
    claim(isJsonObject(tool) && tool["type"] === "function", "a tool that is not a function");
    claim(Object.keys(tool).every((key) => key === "type" || key === "function"), "a tool's keys");
  }
}

function checkKeys(value: unknown): void {
  if (Array.isArray(value)) value.forEach(checkKeys);
  if (!isJsonObject(value)) return;
  for (const [key, below] of Object.entries(value)) {
    claim(!OPENROUTER_KEYS.has(key), `${key} is specific to OpenRouter`);
    checkKeys(below);
  }
}

function claim(isTrue: boolean, problem: string): asserts isTrue {
  if (!isTrue) throw new AssertionError(problem);
}
