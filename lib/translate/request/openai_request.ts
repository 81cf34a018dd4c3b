/**
 * Reduces a chat request to OpenAI's own fields, for any OpenAI-compatible server.
 * Sources: OpenAI's reference, which rejects unknown fields; Ollama's and vLLM's servers, which support few.
 * @module
 */

import { ApiError } from "../../errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { SEPARATORS } from "./content_parts.ts";
import { toEffort } from "./reasoning_options.ts";

/**
 * The request for an OpenAI-compatible server. Changes `body`: its cache breakpoints are removed.
 * @param dropped collects the names of fields that are not sent
 * @throws {ApiError} 400 when `tool_choice` requires a tool that only OpenRouter runs
 */
export function toOpenAiRequest(
  body: openrouter.ChatRequest,
  dropped: Set<string>,
): openrouter.OpenAiRequest {
  addDroppedFields(body, dropped);
  return {
    model: body.model,
    messages: body.messages.map((message) => toOpenAiMessage(message, dropped)),
    max_completion_tokens: body.max_tokens,
    ...toOpenAiTools(body, dropped),
    temperature: body.temperature,
    top_p: body.top_p,
    stop: body.stop,
    response_format: body.response_format,
    reasoning_effort: toReasoningEffort(body),
    stream: body.stream,
    stream_options: body.stream_options,
  };
}

/** Only fields from the client's request: `provider`, `plugins` and `session_id` are added by this proxy. */
function addDroppedFields(body: openrouter.ChatRequest, dropped: Set<string>): void {
  if (body.models !== undefined) dropped.add("fallbacks");
  if (body.top_k !== undefined) dropped.add("top_k");
  if (body.service_tier !== undefined) dropped.add("service_tier");
  if (body.user !== undefined) dropped.add("metadata.user_id");
  if (body.cache_control !== undefined) dropped.add("cache_control");
}

/** Undefined leaves the effort to the model. */
function toReasoningEffort(body: openrouter.ChatRequest): string | undefined {
  const { reasoning, verbosity, max_tokens } = body;
  if (reasoning?.enabled === false) return "none";
  if (reasoning?.max_tokens !== undefined) return toEffort(reasoning.max_tokens / max_tokens);
  return reasoning?.effort ?? verbosity;
}

type ToolFields = Pick<
  openrouter.OpenAiRequest,
  "tools" | "tool_choice" | "parallel_tool_calls"
>;

/** Drops the tools that OpenRouter runs, unless the request requires a call of one. */
function toOpenAiTools(body: openrouter.ChatRequest, dropped: Set<string>): ToolFields {
  const { tools = [], tool_choice, parallel_tool_calls } = body;
  const functions = tools.filter((tool) => tool.type === "function");
  const serverTools = tools.filter((tool) => tool.type !== "function").map(toAnthropicName);
  rejectServerToolChoice(tool_choice, functions.length > 0 ? [] : serverTools);
  for (const name of serverTools) dropped.add(`tools.${name}`);
  if (functions.length === 0) return {};
  return {
    tools: functions.map((tool) => withoutBreakpoint(tool, dropped)),
    tool_choice: isOpenAiToolChoice(tool_choice) ? tool_choice : undefined,
    parallel_tool_calls,
  };
}

/** @param serverTools the dropped tools if no function remains */
function rejectServerToolChoice(
  choice: openrouter.ToolChoice | undefined,
  serverTools: readonly string[],
): void {
  const required = choice === "required"
    ? serverTools
    : choice !== undefined && !isOpenAiToolChoice(choice)
    ? [toAnthropicName(choice)]
    : [];
  if (required.length === 0) return;
  throw new ApiError(
    "invalid_request_error",
    `tool_choice: only OpenRouter runs ${required.join(", ")}, not UPSTREAM_DIALECT=openai`,
  );
}

/** Anthropic's name of a tool that OpenRouter runs. */
function toAnthropicName({ type }: { type: string }): string {
  return type.replace("openrouter:", "");
}

function isOpenAiToolChoice(
  choice: openrouter.ToolChoice | undefined,
): choice is openrouter.OpenAiToolChoice {
  return typeof choice === "string" || choice?.type === "function";
}

function toOpenAiMessage(
  message: openrouter.ChatMessage,
  dropped: Set<string>,
): openrouter.ChatMessage {
  if (message.role === "user") {
    if (typeof message.content === "string") return message;
    return { ...message, content: message.content.map((part) => withoutBreakpoint(part, dropped)) };
  }
  if (message.role === "assistant") return toOpenAiAssistant(message, dropped);
  return { ...message, content: joinTexts(message, SEPARATORS[message.role], dropped) };
}

/** Only reasoning in plain fields is sent back: such a server returned it under the same name. */
function toOpenAiAssistant(
  message: Extract<openrouter.ChatMessage, { role: "assistant" }>,
  dropped: Set<string>,
): openrouter.ChatMessage {
  const { content, tool_calls, reasoning_details: details } = message;
  if (details !== undefined) dropped.add("thinking");
  const text = content === null ? null : joinTexts({ content }, SEPARATORS.assistant, dropped);
  return {
    ...message,
    content: tool_calls === undefined ? text ?? "" : text,
    reasoning_details: undefined,
  };
}

function joinTexts(
  { content }: { content: string | openrouter.TextPart[] },
  separator: string,
  dropped: Set<string>,
): string {
  if (typeof content === "string") return content;
  return content.map((part) => withoutBreakpoint(part, dropped).text).join(separator);
}

function withoutBreakpoint<T extends { cache_control?: unknown }>(
  part: T,
  dropped: Set<string>,
): T {
  if (part.cache_control === undefined) return part;
  dropped.add("cache_control");
  delete part.cache_control;
  return part;
}
