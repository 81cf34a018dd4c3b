/**
 * Random answers of upstream, as legal as providers go: text, reasoning with signatures, parallel calls in every
 * quirk there is a rule for, usage anywhere, comments, every line end. With it goes what a client must get.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { ask } from "../../tests/helpers/proxy.ts";
import { type CallPlan, planCalls } from "./calls.ts";
import { frame, makeChunks, type Step, type ThinkingStyle } from "./chunks.ts";
import { run } from "./proxy.ts";
import { Random } from "./random.ts";
import { judge } from "./verdict.ts";

const ENVELOPE = "claudeproxy-reasoning-v1:";

/** A block as a client puts it together. A call's input is text, as it was streamed. */
export interface Block {
  type: string;
  text: string;
  /** Of thinking. */
  signature: string;
  /** Of a call. */
  name: string;
}

/** A generated answer. */
export interface MadeStream {
  sse: string;
  blocks: Block[];
  stopReason: string;
  /** input, output, written, read; null where upstream reports none. */
  usage: number[] | null;
}

/** Generates, streams and compares. @throws {AssertionError} where something is lost, added or out of order */
export async function checkStream(seed: number): Promise<void> {
  const random = new Random(seed);
  const made = makeStream(random);
  const reads = random.reads(new TextEncoder().encode(made.sse));
  const answer = { status: 200, contentType: "text/event-stream", reads, breaks: false };
  const result = await run(random, { body: JSON.stringify(ask({ stream: true })) }, answer);
  const { kind, events } = judge(result);
  assertEquals(kind, "stream", result.text.slice(-300));
  assertEquals(collect(events), made.blocks);
  const ending = events.find((event) => event.type === "message_delta");
  assertEquals(ending?.delta.stop_reason, made.stopReason);
  const usage = ending?.usage;
  if (made.usage === null || usage === undefined) return;
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } =
    usage;
  assertEquals(
    [input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens],
    made.usage,
  );
}

/** A random answer. */
export function makeStream(random: Random): MadeStream {
  const steps: Step[] = [];
  const calls: CallPlan[] = [];
  // One style an answer: no provider mixes them.
  const style: ThinkingStyle = {
    field: random.pick(["text", "text", "text", "summary", "reasoning", "reasoning_content"]),
    isDoubled: random.chance(0.7),
    format: random.pick([undefined, "anthropic-claude-v1"]),
  };
  for (let n = random.pick([1, 2, 3, 4, 6]); n > 0; n--) {
    switch (random.int(0, 3)) {
      case 0:
        steps.push(...makeThinking(random, steps, style.field === "text"));
        break;
      case 1:
        if (calls.length === 0) steps.push(...makeCalls(random, calls));
        break;
      default:
        steps.push(...random.cut(random.text()).map((text): Step => ({ rank: 2, text })));
    }
  }
  const mayBeCut = calls.every((call) => call.arguments !== "");
  const finish = random.pick(
    mayBeCut ? ["stop", "tool_calls", "eos", "length"] : ["stop", "tool_calls"],
  );
  const made = makeChunks(random, { steps, style, finish });
  const stopReason = calls.length > 0 ? "tool_use" : "end_turn";
  return {
    sse: frame(random, made.chunks),
    blocks: expectBlocks(steps),
    stopReason: finish === "length" ? "max_tokens" : stopReason,
    usage: made.usage,
  };
}

/** Thinking in pieces, signed or not; encrypted thinking; a signature of thinking that is not shown. */
function makeThinking(random: Random, before: readonly Step[], isSigned: boolean): Step[] {
  const kind = isSigned ? random.int(0, 5) : 2;
  if (kind === 0) return [{ rank: 1, data: `enc-${random.int(0, 1e6)}` }];
  const signature = `sig-${random.int(0, 1e6)}`;
  const isUnsigned = before.findLast((step) => "thinking" in step)?.signature === "";
  // A signature alone would sign the thinking before it, if that is not signed.
  if (kind === 1 && !isUnsigned) return [{ rank: 1, thinking: "", signature }];
  const pieces = random.cut(random.text() || "hm");
  const steps = pieces.map((thinking): Step => ({ rank: 1, thinking, signature: "" }));
  if (kind === 2) return steps;
  if (kind === 3) return [...steps, { rank: 1, thinking: "end", signature }];
  return [...steps, { rank: 1, thinking: "", signature }];
}

/** The fragments of some calls, and text between them. */
function makeCalls(random: Random, calls: CallPlan[]): Step[] {
  const plan = planCalls(random);
  calls.push(...plan.calls);
  const steps: Step[] = [];
  for (const { fragment, begins } of plan.fragments) {
    steps.push(begins === undefined ? { rank: 0, fragment } : { rank: 3, fragment, begins });
    if (random.chance(0.1)) steps.push({ rank: 2, text: random.text(2) || "x" });
  }
  return steps;
}

// ── What a client must get ──────────────────────────────────────────────────────────────────────────────────

/** Blocks stand in the order in which they begin; what continues the last one is joined to it. */
function expectBlocks(steps: readonly Step[]): Block[] {
  const blocks: Block[] = [];
  for (const step of steps) {
    const last = blocks.at(-1);
    if ("fragment" in step) {
      if (step.begins === undefined) continue;
      blocks.push({
        ...EMPTY,
        type: "tool_use",
        name: step.begins.name,
        text: step.begins.arguments,
      });
    } else if ("data" in step) {
      blocks.push({ ...EMPTY, type: "redacted_thinking", text: step.data });
    } else if ("thinking" in step) {
      const grows = last?.type === "thinking" && last.signature === "";
      const block = grows ? last : { ...EMPTY, type: "thinking" };
      if (!grows) blocks.push(block);
      block.text += step.thinking;
      block.signature = step.signature;
    } else if (step.text !== "") {
      const block = last?.type === "text" ? last : { ...EMPTY, type: "text" };
      if (block !== last) blocks.push(block);
      block.text += step.text;
    }
  }
  return blocks;
}

const EMPTY: Block = { type: "", text: "", signature: "", name: "" };

/** Puts events together, as a client that knows nothing of ours. */
export function collect(events: readonly StreamEvent[]): Block[] {
  const blocks: Block[] = [];
  for (const event of events) {
    if (event.type === "content_block_start") {
      const { content_block: block } = event;
      blocks.push({
        ...EMPTY,
        type: block.type,
        ...(block.type === "tool_use" && { name: block.name }),
        ...(block.type === "redacted_thinking" && { text: block.data }),
      });
    }
    const last = blocks.at(-1);
    if (event.type !== "content_block_delta" || last === undefined) continue;
    if ("text" in event.delta) last.text += event.delta.text;
    if ("thinking" in event.delta) last.text += event.delta.thinking;
    if ("partial_json" in event.delta) last.text += event.delta.partial_json;
    if ("signature" in event.delta) last.signature = open(event.delta.signature, last.text);
  }
  return blocks;
}

/** A summary has no signature of its own: it comes in an envelope that must hold what was shown. */
function open(signature: string, shown: string): string {
  if (!signature.startsWith(ENVELOPE)) return signature;
  const { detail } = JSON.parse(signature.slice(ENVELOPE.length));
  return detail.summary === shown ? "" : `another summary: ${detail.summary}`;
}
