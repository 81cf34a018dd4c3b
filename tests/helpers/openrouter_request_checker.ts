/**
 * Checks upstream requests: a chat completions body that the strictest OpenAI-compatible server accepts. Every
 * object has a list of allowed keys, so that no field of Anthropic's format passes. Does not use lib/translate.
 * Sources: OpenRouter's request schema (messages, content parts, tools, reasoning), and OpenAI's rule that each tool
 * call has a tool message.
 * @module
 */

import { AssertionError } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** Does not match a double `data:` prefix or another media type. The base64 itself is not checked. */
const IMAGE_URL = /^(https?:\/\/\S+|data:image\/(png|jpeg|gif|webp);base64,(?!data:)[^]+)$/;
const FILE_URL = /^(https?:\/\/\S+|data:application\/pdf;base64,(?!data:)[^]+)$/;
const PDF_ENGINES = ["cloudflare-ai", "mistral-ocr", "native"];
/** The tools that OpenRouter runs, and their parameters. */
const SERVER_TOOLS: Record<string, string[]> = {
  "openrouter:web_search": ["max_uses", "allowed_domains", "excluded_domains", "user_location"],
  "openrouter:web_fetch": ["max_uses", "allowed_domains", "blocked_domains", "max_content_tokens"],
  "openrouter:advisor": ["model", "forward_transcript", "max_completion_tokens"],
};
const TOP_KEYS = [
  "model",
  "models",
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_tokens",
  "temperature",
  "top_p",
  "top_k",
  "stop",
  "response_format",
  "reasoning",
  "verbosity",
  "provider",
  "plugins",
  "service_tier",
  "cache_control",
  "user",
  "session_id",
  "stream",
  "stream_options",
];
/** Of assistant messages. A server that sent one of these expects it back under the same name. */
const REASONING = ["reasoning_details", "reasoning", "reasoning_content"];
const MESSAGE_KEYS: Record<string, string[]> = {
  system: ["role", "content"],
  user: ["role", "content"],
  assistant: ["role", "content", "tool_calls", ...REASONING],
  tool: ["role", "content", "tool_call_id"],
};

/**
 * Checks a body of `POST /chat/completions`.
 * @throws {AssertionError} with the path and what is wrong
 */
export function checkChatRequest(body: unknown): void {
  const request = asObject(body, "body", TOP_KEYS);
  asText(request["model"], "model");
  if ("models" in request) checkTexts(request["models"], "models");
  checkMessages(asList(request["messages"], "messages"));
  checkTools(request);
  checkLimits(request);
  checkCacheControl(request, "body");
  checkPlugins(request);
  if ("service_tier" in request) {
    claim(
      ["auto", "default", "flex", "priority", "scale", "fast"].includes(
        String(request["service_tier"]),
      ),
      "service_tier",
      "unknown",
    );
  }
  if ("user" in request) asText(request["user"], "user");
  if ("session_id" in request) {
    claim(
      asText(request["session_id"], "session_id").length <= 256,
      "session_id",
      "over 256 chars",
    );
  }
  if ("stream_options" in request) {
    claim(request["stream"] === true, "stream_options", "without stream");
  }
}

/** Checks roles, contents, and that exactly the tool messages of a message's tool calls follow it. */
function checkMessages(messages: unknown[]): void {
  const ids = new Set<string>();
  let open: string[] = [];
  for (const [index, item] of messages.entries()) {
    const path = `messages.${index}`;
    const role = asText(asObject(item, path)["role"], `${path}.role`);
    const keys = MESSAGE_KEYS[role];
    claim(keys !== undefined, `${path}.role`, `unknown role ${role}`);
    const message = asObject(item, path, keys);
    checkContent(message, path);
    if (role === "tool") {
      const id = asText(message["tool_call_id"], `${path}.tool_call_id`);
      claim(open.includes(id), path, `tool message for ${id}, which no call before it waits for`);
      open = open.filter((one) => one !== id);
      continue;
    }
    claim(open.length === 0, path, `${role} message before the results of ${open.join(", ")}`);
    if ("tool_calls" in message) {
      open = asList(message["tool_calls"], `${path}.tool_calls`)
        .map((call, n) => checkCall(call, `${path}.tool_calls.${n}`, ids));
    }
    checkReasoning(message, path);
  }
  claim(open.length === 0, "messages", `end before the results of ${open.join(", ")}`);
}

function checkContent(message: JsonObject, path: string): void {
  const content = message["content"];
  const at = `${path}.content`;
  if (content === null && message["role"] === "assistant") {
    const hasOther = ["tool_calls", ...REASONING].some((key) => key in message);
    claim(hasOther, at, "null in an assistant message that has nothing else");
    return;
  }
  if (typeof content === "string") {
    asText(content, at);
    return;
  }
  for (const [index, item] of asList(content, at).entries()) {
    checkPart(item, `${at}.${index}`, message["role"] === "user");
  }
}

/** A PDF engine needs a file part. */
function checkPlugins(request: JsonObject): void {
  if (!("plugins" in request)) return;
  claim(JSON.stringify(request["messages"]).includes('"type":"file"'), "plugins", "without a file");
  const [item, ...others] = asList(request["plugins"], "plugins");
  claim(others.length === 0, "plugins", "more than one");
  const plugin = asObject(item, "plugins.0", ["id", "pdf"]);
  claim(plugin["id"] === "file-parser", "plugins.0.id", "is not file-parser");
  const { engine } = asObject(plugin["pdf"], "plugins.0.pdf", ["engine"]);
  claim(PDF_ENGINES.includes(String(engine)), "plugins.0.pdf.engine", `${engine} is unknown`);
}

function checkPart(item: unknown, path: string, isUserMessage: boolean): void {
  const type = asText(asObject(item, path)["type"], `${path}.type`);
  if (type === "text") {
    asText(asObject(item, path, ["type", "text", "cache_control"])["text"], `${path}.text`);
  } else if (type === "file") {
    claim(isUserMessage, path, "a file belongs into a user message");
    const part = asObject(item, path, ["type", "file", "cache_control"]);
    const file = asObject(part["file"], `${path}.file`, ["filename", "file_data"]);
    asText(file["filename"], `${path}.file.filename`);
    const data = asText(file["file_data"], `${path}.file.file_data`);
    claim(FILE_URL.test(data), `${path}.file.file_data`, "no URL of a PDF");
  } else {
    claim(type === "image_url" && isUserMessage, path, `${type} part does not belong here`);
    const part = asObject(item, path, ["type", "image_url", "cache_control"]);
    const image = asObject(part["image_url"], `${path}.image_url`, ["url", "detail"]);
    const url = asText(image["url"], `${path}.image_url.url`);
    claim(IMAGE_URL.test(url), `${path}.image_url.url`, "no URL of an image");
  }
  checkCacheControl(asObject(item, path), path);
}

function checkCall(item: unknown, path: string, ids: Set<string>): string {
  const call = asObject(item, path, ["id", "type", "function"]);
  const id = asText(call["id"], `${path}.id`);
  claim(!ids.has(id), `${path}.id`, `${id} is taken by an earlier call`);
  ids.add(id);
  claim(call["type"] === "function", `${path}.type`, "is not function");
  const called = asObject(call["function"], `${path}.function`, ["name", "arguments"]);
  checkName(called["name"], `${path}.function.name`);
  const text = asText(called["arguments"], `${path}.function.arguments`);
  claim(isJsonObject(parseJson(text)), `${path}.function.arguments`, "no JSON object");
  return id;
}

/** The list may be empty: some models expect their own empty list back. */
function checkReasoning(message: JsonObject, path: string): void {
  for (const key of ["reasoning", "reasoning_content"]) {
    if (key in message) asText(message[key], `${path}.${key}`);
  }
  const details = message["reasoning_details"] ?? [];
  claim(Array.isArray(details), `${path}.reasoning_details`, "no list");
  for (const [index, item] of details.entries()) {
    const at = `${path}.reasoning_details.${index}`;
    claim(asText(asObject(item, at)["type"], at).startsWith("reasoning."), at, "unknown type");
  }
}

function checkTools(request: JsonObject): void {
  if (!("tools" in request)) {
    for (const key of ["tool_choice", "parallel_tool_calls"]) {
      claim(!(key in request), key, "without tools");
    }
    return;
  }
  const tools = asList(request["tools"], "tools");
  const names = tools.map((tool, index) => checkTool(tool, `tools.${index}`));
  claim(new Set(names).size === names.length, "tools", "two tools of one name");
  const choice = request["tool_choice"];
  if (choice === undefined || choice === "auto" || choice === "required" || choice === "none") {
    return;
  }
  const chosen = asObject(choice, "tool_choice", ["type", "function"]);
  const type = asText(chosen["type"], "tool_choice.type");
  if (type in SERVER_TOOLS) {
    claim(names.includes(type), "tool_choice", `no ${type} among the tools`);
    return;
  }
  claim(chosen["type"] === "function", "tool_choice.type", "is not function");
  const called = asObject(chosen["function"], "tool_choice.function", ["name"]);
  const name = asText(called["name"], "tool_choice.function.name");
  claim(names.includes(name), "tool_choice.function.name", `no tool ${name}`);
}

function checkTool(item: unknown, path: string): string {
  const type = asText(asObject(item, path)["type"], `${path}.type`);
  const known = SERVER_TOOLS[type];
  if (known !== undefined) {
    const tool = asObject(item, path, ["type", "parameters"]);
    if ("parameters" in tool) {
      const given = asObject(tool["parameters"], `${path}.parameters`, known);
      const lists = Object.keys(given).filter((key) => key.endsWith("_domains"));
      claim(lists.length < 2, `${path}.parameters`, "two lists of domains");
    }
    return type;
  }
  const tool = asObject(item, path, ["type", "function", "cache_control"]);
  claim(tool["type"] === "function", `${path}.type`, "is not function");
  checkCacheControl(tool, path);
  const keys = ["name", "description", "parameters", "strict"];
  const declared = asObject(tool["function"], `${path}.function`, keys);
  if ("description" in declared) asText(declared["description"], `${path}.function.description`);
  const at = `${path}.function.parameters`;
  const schema = asObject(declared["parameters"], at);
  claim(schema["type"] === "object", `${at}.type`, "is not object");
  asObject(schema["properties"], `${at}.properties`);
  claim(!("required" in schema) || Array.isArray(schema["required"]), `${at}.required`, "no list");
  return checkName(declared["name"], `${path}.function.name`);
}

function checkName(value: unknown, path: string): string {
  const name = asText(value, path);
  claim(NAME.test(name), path, `${name} is no function name`);
  return name;
}

function checkLimits(request: JsonObject): void {
  const limit = asNumber(request["max_tokens"], "max_tokens");
  claim(Number.isInteger(limit) && limit >= 1, "max_tokens", "is not a positive integer");
  if ("stop" in request) {
    const stops = checkTexts(request["stop"], "stop");
    claim(stops.length <= 4, "stop", "more than four");
  }
  if (!("reasoning" in request)) return;
  const reasoning = asObject(request["reasoning"], "reasoning", [
    "enabled",
    "effort",
    "max_tokens",
  ]);
  if (!("max_tokens" in reasoning)) return;
  claim(!("effort" in reasoning), "reasoning", "effort and max_tokens, of which one may be sent");
  const budget = asNumber(reasoning["max_tokens"], "reasoning.max_tokens");
  claim(budget >= 1024 && budget < limit, "reasoning.max_tokens", `${budget} of ${limit}`);
}

function checkCacheControl(holder: JsonObject, path: string): void {
  if (!("cache_control" in holder)) return;
  const control = asObject(holder["cache_control"], `${path}.cache_control`, ["type", "ttl"]);
  claim(control["type"] === "ephemeral", `${path}.cache_control.type`, "is not ephemeral");
  const isKnown = !("ttl" in control) || control["ttl"] === "5m" || control["ttl"] === "1h";
  claim(isKnown, `${path}.cache_control.ttl`, "is neither 5m nor 1h");
}

function checkTexts(value: unknown, path: string): string[] {
  return asList(value, path).map((item, index) => asText(item, `${path}.${index}`));
}

function asObject(value: unknown, path: string, keys?: readonly string[]): JsonObject {
  claim(isJsonObject(value), path, "no object");
  const unknown = keys && Object.keys(value).filter((key) => !keys.includes(key));
  claim(!unknown?.length, path, `unknown keys ${unknown?.join(", ")}`);
  return value;
}

/** An empty list is always rejected by some provider. */
function asList(value: unknown, path: string): unknown[] {
  claim(Array.isArray(value), path, "no list");
  claim(value.length > 0, path, "empty list");
  return value;
}

function asText(value: unknown, path: string): string {
  claim(typeof value === "string", path, "no string");
  claim(value !== "", path, "empty string");
  return value;
}

function asNumber(value: unknown, path: string): number {
  claim(typeof value === "number", path, "no number");
  return value;
}

function claim(passed: boolean, path: string, problem: string): asserts passed {
  if (!passed) throw new AssertionError(`${path}: ${problem}`);
}
