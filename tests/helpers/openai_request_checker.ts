/**
 * What a request may hold that goes to any OpenAI-compatible server: the keys that OpenAI documents, texts as
 * strings where servers want strings, and nothing of OpenRouter's. Knows nothing of lib/translate.
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
/** Keys that only OpenRouter reads, wherever they stand; arguments of calls are text and not looked into. */
const FOREIGN_KEYS: ReadonlySet<string> = new Set([
  ...["cache_control", "reasoning_details", "session_id", "provider", "plugins", "models", "user"],
  ...["verbosity", "top_k", "max_tokens", "service_tier"],
]);

/** Checks a body. @throws {AssertionError} that names what is wrong */
export function checkOpenAiRequest(body: unknown): void {
  claim(isJsonObject(body), "the body is no object");
  const unknown = Object.keys(body).filter((key) => !TOP_KEYS.includes(key));
  claim(unknown.length === 0, `unknown keys ${unknown.join(", ")}`);
  claim(Number.isInteger(body["max_completion_tokens"]), "no max_completion_tokens");
  const effort = body["reasoning_effort"];
  claim(effort === undefined || EFFORTS.includes(String(effort)), `effort ${effort}`);
  const { messages, tools } = body;
  claim(Array.isArray(messages) && messages.length > 0, "no messages");
  for (const message of messages) {
    claim(isJsonObject(message), "a message that is no object");
    const isText = typeof message["content"] === "string";
    const isCall = message["content"] === null && "tool_calls" in message;
    claim(isText || isCall || message["role"] === "user", `${message["role"]} without a string`);
  }
  checkKeys(messages);
  // What stands below a schema is the client's own.
  for (const tool of Array.isArray(tools) ? tools : []) {
    claim(isJsonObject(tool) && tool["type"] === "function", "a tool that is no function");
    claim(Object.keys(tool).every((key) => key === "type" || key === "function"), "a tool's keys");
  }
}

function checkKeys(value: unknown): void {
  if (Array.isArray(value)) value.forEach(checkKeys);
  if (!isJsonObject(value)) return;
  for (const [key, below] of Object.entries(value)) {
    claim(!FOREIGN_KEYS.has(key), `${key} is OpenRouter's`);
    checkKeys(below);
  }
}

function claim(isTrue: boolean, problem: string): asserts isTrue {
  if (!isTrue) throw new AssertionError(problem);
}
