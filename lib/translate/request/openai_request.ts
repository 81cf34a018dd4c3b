/**
 * A chat request for any OpenAI-compatible server: nothing of OpenRouter's own is left in it. Pure.
 * Sources: OpenAI's reference, which refuses unknown fields; Ollama's and vLLM's servers, which read few.
 * @module
 */

import { ApiError } from "../../errors.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { toEffort } from "./reasoning_options.ts";
import { SEPARATORS } from "./content_parts.ts";

/**
 * Translates a finished request further. Consumes it: its parts lose their cache breakpoints.
 * @param dropped collects the names of what was left out
 * @throws {ApiError} 400 where a call of a tool is asked for that OpenRouter runs
 */
export function toOpenAiRequest(
  body: openrouter.ChatRequest,
  dropped: Set<string>,
): openrouter.OpenAiRequest {
  noteDropped(body, dropped);
  const effort = toReasoningEffort(body);
  const generic: openrouter.OpenAiRequest = {
    model: body.model,
    messages: body.messages.map((message) => toOpenAiMessage(message, dropped)),
    max_completion_tokens: body.max_tokens,
  };
  const { temperature, top_p, stop, response_format } = body;
  return {
    ...generic,
    ...toOpenAiTools(body, dropped),
    ...(temperature !== undefined && { temperature }),
    ...(top_p !== undefined && { top_p }),
    ...(stop && { stop }),
    ...(response_format && { response_format }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(body.stream && { stream: body.stream }),
    ...(body.stream_options && { stream_options: body.stream_options }),
  };
}

/** Names what the client sent and this server would refuse. `provider`, `plugins` and `session_id` are ours. */
function noteDropped(body: openrouter.ChatRequest, dropped: Set<string>): void {
  if (body.models !== undefined) dropped.add("fallbacks");
  if (body.top_k !== undefined) dropped.add("top_k");
  if (body.service_tier !== undefined) dropped.add("service_tier");
  if (body.user !== undefined) dropped.add("metadata.user_id");
  if (body.cache_control !== undefined) dropped.add("cache_control");
}

/** One word for how much to think; none where the request leaves it to the model. */
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

/** Tools that OpenRouter runs are left out, unless a call of one is asked for. */
function toOpenAiTools(body: openrouter.ChatRequest, dropped: Set<string>): ToolFields {
  const { tools = [], tool_choice, parallel_tool_calls } = body;
  const functions = tools.filter((tool) => tool.type === "function");
  const others = tools.filter((tool) => tool.type !== "function").map(toName);
  requireCallable(tool_choice, functions.length > 0 ? [] : others);
  for (const name of others) dropped.add(`tools.${name}`);
  if (functions.length === 0) return {};
  return {
    tools: functions.map((tool) => withoutMark(tool, dropped)),
    ...(tool_choice !== undefined && isOpenAiToolChoice(tool_choice) && { tool_choice }),
    ...(parallel_tool_calls !== undefined && { parallel_tool_calls }),
  };
}

/** @param others the tools that were left out, where no function is left */
function requireCallable(
  choice: openrouter.ToolChoice | undefined,
  others: readonly string[],
): void {
  const forced = choice === "required"
    ? others
    : choice !== undefined && !isOpenAiToolChoice(choice)
    ? [toName(choice)]
    : [];
  if (forced.length === 0) return;
  throw new ApiError(
    "invalid_request_error",
    `tool_choice: only OpenRouter runs ${forced.join(", ")}, not UPSTREAM_DIALECT=openai`,
  );
}

/** Anthropic's name of a tool that OpenRouter runs. */
function toName({ type }: { type: string }): string {
  return type.replace("openrouter:", "");
}

/** Whether a choice is one that other servers know. */
function isOpenAiToolChoice(choice: openrouter.ToolChoice): choice is openrouter.OpenAiToolChoice {
  return typeof choice === "string" || choice.type === "function";
}

function toOpenAiMessage(
  message: openrouter.ChatMessage,
  dropped: Set<string>,
): openrouter.ChatMessage {
  if (message.role === "user") {
    if (typeof message.content === "string") return message;
    return { ...message, content: message.content.map((part) => withoutMark(part, dropped)) };
  }
  const { content } = message;
  const text = Array.isArray(content)
    ? content.map((part) => withoutMark(part, dropped).text).join(SEPARATORS[message.role])
    : content;
  if (message.role === "assistant") {
    return toOpenAiAssistant({ ...message, content: text }, dropped);
  }
  return { ...message, content: text ?? "" };
}

/** Reasoning goes back only under the name that such a server itself gave it. */
function toOpenAiAssistant(
  message: Extract<openrouter.ChatMessage, { role: "assistant" }>,
  dropped: Set<string>,
): openrouter.ChatMessage {
  const { reasoning_details: details, ...rest } = message;
  if (details !== undefined) dropped.add("thinking");
  return rest.content === null && rest.tool_calls === undefined ? { ...rest, content: "" } : rest;
}

function withoutMark<T extends { cache_control?: unknown }>(marked: T, dropped: Set<string>): T {
  if (marked.cache_control === undefined) return marked;
  dropped.add("cache_control");
  delete marked.cache_control;
  return marked;
}
