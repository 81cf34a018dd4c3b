/**
 * Generates random valid streams and the expected result: text, signed reasoning, parallel calls in all known styles,
 * usage anywhere, comments, all line endings.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { requestBody } from "../../tests/helpers/proxy.ts";
import { type CallPlan, planCalls } from "./calls.ts";
import { frame, makeChunks, type Step, type ThinkingStyle } from "./chunks.ts";
import { classify } from "./classify.ts";
import { run } from "./proxy.ts";
import { Random } from "./random.ts";

const ENVELOPE = "claudeproxy-reasoning-v1:";

/** A block as a client collects it. A call's input is its streamed text. */
export interface Block {
  type: string;
  text: string;
  /** Thinking only. */
  signature: string;
  /** Tool calls only. */
  name: string;
}

/** A generated stream. */
export interface GeneratedStream {
  sse: string;
  blocks: Block[];
  stopReason: string;
  /** Input, output, written, read; null if upstream reports no usage. */
  usage: number[] | null;
}

/** Generates a stream and checks its translation. @throws {AssertionError} if content is lost, added or reordered */
export async function checkStream(seed: number): Promise<void> {
  const random = new Random(seed);
  const generated = generateStream(random);
  const reads = random.reads(new TextEncoder().encode(generated.sse));
  const response = { status: 200, contentType: "text/event-stream", reads, breaks: false };
  const result = await run(
    random,
    { body: JSON.stringify(requestBody({ stream: true })) },
    response,
  );
  const { kind, events } = classify(result);
  assertEquals(kind, "stream", result.text.slice(-300));
  assertEquals(collect(events), generated.blocks);
  const ending = events.find((event) => event.type === "message_delta");
  assertEquals(ending?.delta.stop_reason, generated.stopReason);
  const usage = ending?.usage;
  if (generated.usage === null || usage === undefined) return;
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } =
    usage;
  assertEquals(
    [input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens],
    generated.usage,
  );
}

/** Generates a random stream. */
export function generateStream(random: Random): GeneratedStream {
  const steps: Step[] = [];
  const calls: CallPlan[] = [];
  // One style for each response: no provider mixes them.
  const style: ThinkingStyle = {
    field: random.pick(["text", "text", "text", "summary", "reasoning", "reasoning_content"]),
    isDoubled: random.chance(0.7),
    format: random.pick([undefined, "anthropic-claude-v1"]),
  };
  for (let n = random.pick([1, 2, 3, 4, 6]); n > 0; n--) {
    switch (random.int(0, 3)) {
      case 0:
        steps.push(...generateThinking(random, steps, style.field === "text"));
        break;
      case 1:
        if (calls.length === 0) steps.push(...generateCalls(random, calls));
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

/** Thinking in pieces, signed or not; encrypted thinking; a signature of hidden thinking. */
function generateThinking(random: Random, previous: readonly Step[], isSigned: boolean): Step[] {
  const kind = isSigned ? random.int(0, 5) : 2;
  if (kind === 0) return [{ rank: 1, data: `enc-${random.int(0, 1e6)}` }];
  const signature = `sig-${random.int(0, 1e6)}`;
  const isUnsigned = previous.findLast((step) => "thinking" in step)?.signature === "";
  // A signature alone would sign the previous thinking, if that is unsigned.
  if (kind === 1 && !isUnsigned) return [{ rank: 1, thinking: "", signature }];
  const pieces = random.cut(random.text() || "hm");
  const steps = pieces.map((thinking): Step => ({ rank: 1, thinking, signature: "" }));
  if (kind === 2) return steps;
  if (kind === 3) return [...steps, { rank: 1, thinking: "end", signature }];
  return [...steps, { rank: 1, thinking: "", signature }];
}

/** The deltas of some calls, and text between them. */
function generateCalls(random: Random, calls: CallPlan[]): Step[] {
  const plan = planCalls(random);
  calls.push(...plan.calls);
  const steps: Step[] = [];
  for (const { delta: call, begins } of plan.deltas) {
    steps.push(begins === undefined ? { rank: 0, call } : { rank: 3, call, begins });
    if (random.chance(0.1)) steps.push({ rank: 2, text: random.text(2) || "x" });
  }
  return steps;
}

/** The expected blocks, in the order in which they begin; text and thinking extend the last block of their type. */
function expectBlocks(steps: readonly Step[]): Block[] {
  const blocks: Block[] = [];
  for (const step of steps) {
    const last = blocks.at(-1);
    if ("call" in step) {
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
      const continues = last?.type === "thinking" && last.signature === "";
      const block = continues ? last : { ...EMPTY, type: "thinking" };
      if (!continues) blocks.push(block);
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

/** Collects events independently of lib/. */
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

/** A summary has no signature; the envelope in its place must contain the visible text. */
function open(signature: string, visible: string): string {
  if (!signature.startsWith(ENVELOPE)) return signature;
  const { detail } = JSON.parse(signature.slice(ENVELOPE.length));
  return detail.summary === visible ? "" : `another summary: ${detail.summary}`;
}
