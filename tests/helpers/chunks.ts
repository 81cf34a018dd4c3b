/**
 * OpenRouter's chunks and completions as JSON, and as server-sent events.
 * @module
 */

type Json = Record<string, unknown>;

/** A signature like Claude's. */
export const SIGNATURE = "RXFZQ2hBQUE=";

const HEAD = { id: "gen-1", provider: "Anthropic", model: "anthropic/claude-4-sonnet", created: 1 };
const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 7,
  cost: 0.00125,
  prompt_tokens_details: { cached_tokens: 100 },
};

/** Chunks as server-sent events. A string is the data itself, e.g. `[DONE]`, or a comment if it starts with a colon. */
export function sse(...chunks: (Json | string)[]): string {
  return chunks.map((chunk) => {
    if (typeof chunk === "string" && chunk.startsWith(":")) return `${chunk}\n\n`;
    return `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
  }).join("");
}

/** A complete stream: role, text, finish reason, usage and `[DONE]`. */
export function sseAnswer(text: string): string {
  return sse(roleChunk(), textChunk(text), finishChunk(), usageChunk(), "[DONE]");
}

/** The end of a complete stream: finish reason, usage and `[DONE]`. */
export function sseEnd(): string {
  return sse(finishChunk(), usageChunk(), "[DONE]");
}

/** A stream of reasoning, text and two calls of a tool, whose deltas alternate. */
export function sseTwoCalls(tool: string): string {
  return sse(
    roleChunk(),
    reasoningChunk({ text: "Two cities, " }),
    reasoningChunk({ text: "two calls." }),
    reasoningChunk({ signature: SIGNATURE }),
    textChunk("Let me "),
    textChunk("look."),
    callChunk(callHead(0, "call_rome", tool)),
    callChunk(callHead(1, "call_oslo", tool)),
    callChunk(callTail(0, '{"city": ')),
    callChunk(callTail(1, '{"city": "Os')),
    callChunk(callTail(0, '"Rome"}')),
    callChunk(callTail(1, 'lo"}')),
    finishChunk("tool_calls"),
    usageChunk(),
    "[DONE]",
  );
}

/** A chunk with any delta. */
export function deltaChunk(delta: Json, finishReason: string | null = null): Json {
  const choice = { index: 0, delta, finish_reason: finishReason, native_finish_reason: null };
  return { ...HEAD, object: "chat.completion.chunk", choices: [choice] };
}

/** A chunk with only its choice, as simple servers send it. Fields may have a wrong type. */
export function bareChunk(delta: Json | null, finishReason: unknown = null, more: Json = {}): Json {
  return { choices: [{ index: 0, delta, finish_reason: finishReason, ...more }] };
}

/** The first delta of a tool call, without the fields that are undefined. */
export function callHead(index: unknown, id: unknown, name: unknown, args: unknown = ""): Json {
  return {
    ...(index === undefined ? {} : { index }),
    ...(id === undefined ? {} : { id }),
    type: "function",
    function: { ...(name === undefined ? {} : { name }), arguments: args },
  };
}

/** A later delta of a tool call. */
export function callTail(index: unknown, args: string): Json {
  return { index, function: { arguments: args } };
}

/** A chunk with tool call deltas. */
export function callChunk(...fragments: Json[]): Json {
  return deltaChunk({ tool_calls: fragments });
}

/** A chunk with reasoning of Claude. */
export function reasoningChunk(detail: Json): Json {
  const format = "anthropic-claude-v1";
  return deltaChunk({
    reasoning_details: [{ type: "reasoning.text", format, index: 0, ...detail }],
  });
}

/** The first chunk of many providers, with only a role. */
export function roleChunk(): Json {
  return deltaChunk({ role: "assistant", content: "" });
}

/** A chunk of text. */
export function textChunk(content: string): Json {
  return deltaChunk({ content });
}

/** A chunk with a finish reason. */
export function finishChunk(reason = "stop"): Json {
  return deltaChunk({ content: "" }, reason);
}

/** A chunk with only tokens and cost. */
export function usageChunk(): Json {
  return { ...deltaChunk({}), choices: [], usage: USAGE };
}

/** An error in the middle of a stream. */
export function errorChunk(error: Json): Json {
  return { ...deltaChunk({ content: "" }, "error"), error };
}

/** A completion of text, for requests without `stream`. */
export function completion(content: string): Json {
  return messageCompletion({ content });
}

/** A completion with any message. */
export function messageCompletion(message: Json, finishReason = "stop"): Json {
  const choice = {
    index: 0,
    message: { role: "assistant", ...message },
    finish_reason: finishReason,
  };
  return { ...HEAD, object: "chat.completion", choices: [choice], usage: USAGE };
}
