/** Behaviours of reasoning that only mutants of lib/ showed to be untested. */

import { assertEquals } from "@std/assert";
import type { Delta } from "../../lib/openrouter/types.ts";
import { encodeReasoning, replayReasoning } from "../../lib/translate/reasoning.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { createTranslator } from "../helpers/translator.ts";

const CLAUDE = "anthropic/claude-sonnet-4";

/** The content that a stream of these deltas makes. */
function stream(...deltas: Delta[]) {
  const translator = createTranslator();
  const chunks = deltas.map((delta) => ({ model: CLAUDE, choices: [{ delta }] }));
  const end = { choices: [{ delta: {}, finish_reason: "stop" }] };
  const events = [...chunks, end].flatMap((chunk) => translator.push(chunk));
  return collectMessage([...events, ...translator.finish()]).content;
}

Deno.test("StreamTranslator keeps thinking behind text behind it, though a call holds both back", () => {
  const content = stream(
    { tool_calls: [{ index: 0, id: "x", function: { name: "Read", arguments: '{"a":' } }] },
    { reasoning: "one" },
    { content: "text" },
    { reasoning: "two" },
    { tool_calls: [{ index: 0, function: { arguments: "1}" } }] },
  );
  const words = content.map((block) => block.type === "thinking" ? block.thinking : block.type);
  assertEquals(words, ["tool_use", "one", "text", "two"]);
});

Deno.test("StreamTranslator makes no block of encrypted reasoning without data", () => {
  const detail = { type: "reasoning.encrypted", data: null };
  const content = stream({ reasoning_details: [detail] }, { content: "Hi" });
  assertEquals(content, [{ type: "text", text: "Hi" }]);
});

Deno.test("StreamTranslator keeps a signature that comes after text with signature null", () => {
  const detail = { type: "reasoning.text", format: "anthropic-claude-v1" };
  const content = stream(
    { reasoning_details: [{ ...detail, text: "t", signature: null }] },
    { reasoning_details: [{ ...detail, signature: "signed" }] },
  );
  assertEquals(content, [{ type: "thinking", thinking: "t", signature: "signed" }]);
});

Deno.test("replayReasoning brings back every plain piece of a turn", () => {
  const model = "deepseek/deepseek-r1";
  const content = ["one ", "two"].map((text) => {
    const signature = encodeReasoning([{ field: "reasoning", text }], { model, isHidden: false });
    return { type: "thinking" as const, thinking: text, signature };
  });
  assertEquals(replayReasoning(content, model), { reasoning: "one two" });
});

Deno.test("replayReasoning leaves out unsigned text of Claude's that a preset answered with", () => {
  const detail = { type: "reasoning.text", text: "t", format: "anthropic-claude-v1" };
  const signature = encodeReasoning([{ detail }], { model: "@preset/mine", isHidden: false });
  const block = { type: "thinking" as const, thinking: "t", signature };
  assertEquals(replayReasoning([block], CLAUDE), {});
  assertEquals(replayReasoning([block], "@preset/mine"), { reasoning_details: [detail] });
});
