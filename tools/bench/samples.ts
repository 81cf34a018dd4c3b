// Samples of the benches: OpenRouter streams, rendered once, and requests in the shape and size of Claude Code's.
// The text is invented, not recorded.

/** A stream as the fake upstream writes it. */
export interface Sample {
  /** The bodies of the HTTP chunks, in order; the proxy gets each of them as one read. */
  pieces: string[];
  /** Chunks with content. */
  deltas: number;
  /** The joined text, or the joined arguments of the call, that the client must receive. */
  content: string;
}

/** The model `bench/<kind>` responds with one of these. */
export const KINDS = ["short", "one", "fifty", "tools", "slow", "big"] as const;

export type Kind = typeof KINDS[number];

const WORDS =
  "The handler reads one line at a time, so a long answer costs no more than its parts. "
    .split(/(?<= )/);

const ENVELOPE = {
  id: "gen-1790000000-benchbenchbench",
  provider: "Anthropic",
  model: "anthropic/claude-sonnet-4.5",
  object: "chat.completion.chunk",
  created: 1790000000,
};

/** So long that the request itself is a few percent of a stream's cost. */
export function createSample(kind: Kind): Sample {
  switch (kind) {
    case "short":
      return createTextSample({ deltas: 20, perPiece: 1 });
    case "one":
      return createTextSample({ deltas: 500, perPiece: 1 });
    case "fifty":
      return createTextSample({ deltas: 6000, perPiece: 50 });
    case "tools":
      return createToolSample(500);
    case "slow":
      return createTextSample({ deltas: 20, perPiece: 1 });
    case "big":
      return createTextSample({ deltas: 60 * 1024, perPiece: 1, word: `${"x".repeat(1023)} ` });
    default:
      return kind satisfies never;
  }
}

/** A text response of `deltas` words, `perPiece` of them per HTTP chunk. */
export function createTextSample(
  { deltas, perPiece, word }: { deltas: number; perPiece: number; word?: string },
): Sample {
  const words = Array.from({ length: deltas }, (_, i) => word ?? WORDS[i % WORDS.length] ?? "");
  const events = words.map((content) => renderChunk({ role: "assistant", content }));
  return {
    pieces: [...group(events, perPiece), renderEnd("stop")],
    deltas,
    content: words.join(""),
  };
}

function createToolSample(deltas: number): Sample {
  const fragments = [
    '{"content":"',
    ...Array.from({ length: deltas - 2 }, () => "a few more "),
    '"}',
  ];
  const events = fragments.map((text, i) =>
    renderChunk({
      tool_calls: [
        i === 0
          ? {
            index: 0,
            id: "call_bench",
            type: "function",
            function: { name: "Write", arguments: text },
          }
          : { index: 0, type: "function", function: { arguments: text } },
      ],
    })
  );
  return { pieces: [...events, renderEnd("tool_calls")], deltas, content: fragments.join("") };
}

function renderChunk(delta: Record<string, unknown>): string {
  const choice = {
    index: 0,
    delta,
    finish_reason: null,
    native_finish_reason: null,
    logprobs: null,
  };
  return `data: ${JSON.stringify({ ...ENVELOPE, choices: [choice] })}\n\n`;
}

function renderEnd(reason: string): string {
  const choice = {
    index: 0,
    delta: { role: "assistant", content: "" },
    finish_reason: reason,
    native_finish_reason: reason,
    logprobs: null,
  };
  const usage = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150, cost: 0.001 };
  const finish = `data: ${JSON.stringify({ ...ENVELOPE, choices: [choice] })}\n\n`;
  return `${finish}data: ${
    JSON.stringify({ ...ENVELOPE, choices: [], usage })
  }\n\ndata: [DONE]\n\n`;
}

function group(events: string[], size: number): string[] {
  const groups: string[] = [];
  for (let i = 0; i < events.length; i += size) groups.push(events.slice(i, i + size).join(""));
  return groups;
}

/** A small request. `model` is an OpenRouter id, which the proxy forwards unchanged. */
export function createSmallRequest(kind: Kind): Record<string, unknown> {
  return {
    model: `bench/${kind}`,
    max_tokens: 1000,
    stream: true,
    messages: [{ role: "user", content: "Say something." }],
  };
}

/** A request of 76 KB as Claude Code sends it: a long system prompt, 20 tools, some turns. */
export function createClaudeCodeRequest(kind: Kind, turns = 6): Record<string, unknown> {
  return {
    model: `bench/${kind}`,
    max_tokens: 32_000,
    stream: true,
    system: [
      { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral" } },
      { type: "text", text: prose(14_000), cache_control: { type: "ephemeral" } },
    ],
    tools: Array.from({ length: 20 }, (_, i) => createTool(i)),
    metadata: { user_id: "user_bench_account__session_00000000-0000-4000-8000-000000000000" },
    messages: createTurns(turns),
  };
}

/** Alternating turns: text, a tool call, its result. */
export function createTurns(count: number): Record<string, unknown>[] {
  const turns: Record<string, unknown>[] = [];
  for (let i = 0; i < count; i += 2) {
    const result = { type: "tool_result", tool_use_id: `toolu_${i - 2}`, content: prose(1500) };
    const text = { type: "text", text: prose(300) };
    turns.push({ role: "user", content: i === 0 ? [text] : [result, text] });
    if (i + 1 >= count - 1) break;
    const input = { file_path: `src/file_${i}.ts`, content: prose(700) };
    turns.push({
      role: "assistant",
      content: [text, { type: "tool_use", id: `toolu_${i}`, name: "Tool0", input }],
    });
  }
  return turns;
}

function createTool(i: number): Record<string, unknown> {
  const names = ["file_path", "pattern", "content", "offset", "limit"];
  return {
    name: `Tool${i}`,
    description: prose(1940),
    input_schema: {
      type: "object",
      properties: Object.fromEntries(
        names.map((name) => [name, { type: "string", description: prose(90) }]),
      ),
      required: names.slice(0, 2),
      additionalProperties: false,
    },
  };
}

function prose(length: number): string {
  const text = WORDS.join("");
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}
