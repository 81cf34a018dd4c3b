/**
 * OpenRouter's chunks and completions as JSON, and the text that carries them. Knows the wire format only; who
 * sends them is upstream.ts's and raw_upstream.ts's.
 * @module
 */

type Json = Record<string, unknown>;

/** What a Claude's signature looks like. */
export const SIGNATURE = "RXFZQ2hBQUE=";

const HEAD = { id: "gen-1", provider: "Anthropic", model: "anthropic/claude-4-sonnet", created: 1 };
const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 7,
  cost: 0.00125,
  prompt_tokens_details: { cached_tokens: 100 },
};

/** Chunks as upstream frames them. Text goes in as it is, e.g. `[DONE]`; a comment starts with a colon. */
export function sse(...chunks: (Json | string)[]): string {
  return chunks.map((chunk) => {
    if (typeof chunk === "string" && chunk.startsWith(":")) return `${chunk}\n\n`;
    return `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`;
  }).join("");
}

/** A whole answer: head, text, finish, usage, end. */
export function sseAnswer(text: string): string {
  return sse(roleChunk(), textChunk(text), finishChunk(), usageChunk(), "[DONE]");
}

/** The end of every good stream: finish, usage, `[DONE]`. */
export function sseEnd(): string {
  return sse(finishChunk(), usageChunk(), "[DONE]");
}

/** An answer that thinks, writes, and calls a tool twice, in fragments that alternate. */
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

/** A chunk with nothing but its choice, as the simplest servers send it. Fields may be of any wrong shape. */
export function bareChunk(delta: Json | null, finishReason: unknown = null, more: Json = {}): Json {
  return { choices: [{ index: 0, delta, finish_reason: finishReason, ...more }] };
}

/** The beginning of a tool call; what is undefined is left out. */
export function callHead(index: unknown, id: unknown, name: unknown, args: unknown = ""): Json {
  return {
    ...(index === undefined ? {} : { index }),
    ...(id === undefined ? {} : { id }),
    type: "function",
    function: { ...(name === undefined ? {} : { name }), arguments: args },
  };
}

/** A further fragment of a tool call. */
export function callTail(index: unknown, args: string): Json {
  return { index, function: { arguments: args } };
}

/** A chunk with fragments of tool calls. */
export function callChunk(...fragments: Json[]): Json {
  return deltaChunk({ tool_calls: fragments });
}

/** A chunk with a piece of Claude's reasoning. */
export function reasoningChunk(detail: Json): Json {
  const format = "anthropic-claude-v1";
  return deltaChunk({
    reasoning_details: [{ type: "reasoning.text", format, index: 0, ...detail }],
  });
}

/** The first chunk of many providers: a role and nothing else. */
export function roleChunk(): Json {
  return deltaChunk({ role: "assistant", content: "" });
}

/** A piece of text. */
export function textChunk(content: string): Json {
  return deltaChunk({ content });
}

/** The end of the answer. */
export function finishChunk(reason = "stop"): Json {
  return deltaChunk({ content: "" }, reason);
}

/** Tokens and cost, in a chunk of their own. */
export function usageChunk(): Json {
  return { ...deltaChunk({}), choices: [], usage: USAGE };
}

/** An error in the middle of a stream. */
export function errorChunk(error: Json): Json {
  return { ...deltaChunk({ content: "" }, "error"), error };
}

/** A whole completion, for requests without `stream`. */
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
