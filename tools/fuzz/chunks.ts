/**
 * Turns the steps of a response into chunks and server-sent events, in the styles of different providers.
 * @module
 */

import type { CallPlan } from "./calls.ts";
import type { Random } from "./random.ts";

type Json = Record<string, unknown>;

/** How the provider sends reasoning; only text details have signatures. */
export interface ThinkingStyle {
  field: "reasoning" | "reasoning_content" | "text" | "summary";
  /** The text is also sent in `reasoning`. */
  isDoubled: boolean;
  format: string | undefined;
}

/** One piece of a delta. The rank is the order in which the proxy reads a delta. */
export type Step =
  | { rank: 0 | 3; call: Json; begins?: CallPlan }
  | { rank: 1; thinking: string; signature: string }
  | { rank: 1; data: string }
  | { rank: 2; text: string };

/** Puts steps into deltas, sometimes several into one if their order allows it, and adds the end. */
export function makeChunks(
  random: Random,
  { steps, style, finish }: { steps: readonly Step[]; style: ThinkingStyle; finish: string },
): { chunks: Json[]; usage: number[] | null } {
  const deltas: Json[] = random.chance(0.7) ? [{ role: "assistant", content: "" }] : [];
  const mayJoin = random.chance(0.5);
  let rank = 9;
  for (const step of steps) {
    const isJoined = mayJoin && random.chance(0.5) && fits(step, rank);
    rank = isJoined ? Math.max(rank, step.rank) : step.rank;
    const delta = isJoined ? deltas.at(-1) ?? {} : {};
    if (!isJoined) deltas.push(delta);
    write(delta, step, { random, style });
  }
  const chunks: Json[] = deltas.map((delta) => toChunk(delta));
  for (let n = random.int(0, 2); n > 0; n--) {
    chunks.splice(
      random.int(0, chunks.length),
      0,
      random.pick([
        { choices: [] },
        { choices: null },
        toChunk({}),
        toChunk(null),
        toChunk({ content: null, tool_calls: null, reasoning: null }),
        {},
      ]),
    );
  }
  return addEnd(random, chunks, finish);
}

/** A delta has continued calls first, then one piece of reasoning, one of text, then new calls. */
function fits(step: Step, rank: number): boolean {
  if (rank === 9) return false;
  return "call" in step ? rank === step.rank || rank === 3 || rank < step.rank : rank < step.rank;
}

function write(
  delta: Json,
  step: Step,
  { random, style }: { random: Random; style: ThinkingStyle },
): void {
  if ("call" in step) {
    const calls = Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [];
    delta["tool_calls"] = [...calls, step.call];
  } else if ("text" in step) {
    delta["content"] = random.chance(0.1) ? [{ type: "text", text: step.text }] : step.text;
  } else if ("data" in step) {
    delta["reasoning_details"] = [{ type: "reasoning.encrypted", data: step.data }];
  } else {
    writeThinking(delta, step, style);
  }
}

function writeThinking(
  delta: Json,
  { thinking: text, signature }: { thinking: string; signature: string },
  { field, isDoubled, format }: ThinkingStyle,
): void {
  if (field === "reasoning" || field === "reasoning_content") {
    delta[field] = text;
    return;
  }
  const detail: Json = { type: `reasoning.${field}`, [field]: text };
  if (signature !== "") detail["signature"] = signature;
  if (format !== undefined) detail["format"] = format;
  delta["reasoning_details"] = [detail];
  // OpenRouter sends the text in both.
  if (isDoubled) delta["reasoning"] = text;
}

function toChunk(delta: Json | null, more: Json = {}): Json {
  return {
    id: "gen-1",
    model: "anthropic/claude-4-sonnet",
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  };
}

/** Adds the finish reason and the usage, each in one of the places where providers send them. */
function addEnd(
  random: Random,
  chunks: Json[],
  finish: string,
): { chunks: Json[]; usage: number[] | null } {
  const end = { finish_reason: finish };
  const last = chunks.at(-1);
  const choices = last?.["choices"];
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (random.chance(0.3) && choice !== undefined) Object.assign(choice, end);
  else chunks.push(toChunk(random.pick([{}, { content: "" }]), end));
  if (random.chance(0.1)) chunks.push(toChunk({}, end));
  const [read, written] = [random.int(0, 50), random.int(0, 50)];
  const [input, output] = [random.int(0, 50), random.int(0, 500)];
  const usage = {
    prompt_tokens: input + read + written,
    completion_tokens: output,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
  };
  switch (random.int(0, 4)) {
    case 0:
      return { chunks, usage: null };
    case 1:
      Object.assign(chunks.at(-1) ?? {}, { usage });
      break;
    case 2:
      chunks.push(toChunk({}, { usage }));
      break;
    case 3:
      chunks.push({ ...toChunk({ content: "" }), usage });
      break;
    default:
      chunks.push({ choices: [], usage });
  }
  if (random.chance(0.1)) chunks.push({ choices: [], usage: null });
  return { chunks, usage: [input, output, written, read] };
}

/** The chunks as server-sent events, in one of the forms that the format allows. */
export function frame(random: Random, chunks: readonly Json[]): string {
  const eol = random.pick(["\n", "\n", "\n", "\r\n", "\r\n", "\r"]);
  const space = random.chance(0.8) ? " " : "";
  const lines: string[] = [];
  const isPretty = random.chance(0.1);
  const isAscii = random.chance(0.3);
  for (const chunk of chunks) {
    while (random.chance(0.1)) lines.push(": OPENROUTER PROCESSING", ...random.pick([[""], []]));
    if (random.chance(0.05)) lines.push("event: message");
    if (random.chance(0.05)) lines.push("id: 7", "retry: 100");
    const text = JSON.stringify(chunk, null, isPretty ? 1 : 0);
    const written = isAscii ? text.replace(/[^\x20-\x7e\n]/g, escapeUnit) : text;
    for (const line of written.split("\n")) lines.push(`data:${space}${line}`);
    lines.push("");
  }
  const hasDone = random.chance(0.8);
  if (hasDone) lines.push(`data:${space}[DONE]`, "");
  // A last event without its blank line is complete if its JSON is.
  const isOpen = !isPretty && random.chance(0.2);
  return (random.chance(0.1) ? "\ufeff" : "") + lines.join(eol) + (isOpen ? "" : eol);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
