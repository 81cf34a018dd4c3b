/** Edge cases of reasoning: block order, missing fields, entries that must not be sent back. @module */

import { assertEquals } from "@std/assert";
import type { Delta } from "../../lib/openrouter/types.ts";
import { encodeReasoning, replayReasoning } from "../../lib/translate/reasoning.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { createTranslator } from "../helpers/translator.ts";

const CLAUDE = "anthropic/claude-sonnet-4";

/** The content of a streamed response. */
function stream(...deltas: Delta[]) {
  const translator = createTranslator();
  const chunks = deltas.map((delta) => ({ model: CLAUDE, choices: [{ delta }] }));
  const end = { choices: [{ delta: {}, finish_reason: "stop" }] };
  const events = [...chunks, end].flatMap((chunk) => translator.push(chunk));
  return collectMessage([...events, ...translator.finish()]).content;
}

Deno.test("StreamTranslator keeps the order of thinking and text that an open call delays", () => {
  const content = stream(
    { tool_calls: [{ index: 0, id: "x", function: { name: "Read", arguments: '{"a":' } }] },
    { reasoning: "one" },
    { content: "text" },
    { reasoning: "two" },
    { tool_calls: [{ index: 0, function: { arguments: "1}" } }] },
  );
  const order = content.map((block) => block.type === "thinking" ? block.thinking : block.type);
  assertEquals(order, ["tool_use", "one", "text", "two"]);
});

Deno.test("StreamTranslator ignores encrypted reasoning without data", () => {
  const detail = { type: "reasoning.encrypted", data: null };
  const content = stream({ reasoning_details: [detail] }, { content: "Hi" });
  assertEquals(content, [{ type: "text", text: "Hi" }]);
});

Deno.test("StreamTranslator keeps a signature that follows text with signature null", () => {
  const detail = { type: "reasoning.text", format: "anthropic-claude-v1" };
  const content = stream(
    { reasoning_details: [{ ...detail, text: "t", signature: null }] },
    { reasoning_details: [{ ...detail, signature: "signed" }] },
  );
  assertEquals(content, [{ type: "thinking", thinking: "t", signature: "signed" }]);
});

Deno.test("replayReasoning joins all plain reasoning of a turn", () => {
  const model = "deepseek/deepseek-r1";
  const content = ["one ", "two"].map((text) => {
    const signature = encodeReasoning([{ field: "reasoning", text }], { model, isHidden: false });
    return { type: "thinking" as const, thinking: text, signature };
  });
  assertEquals(replayReasoning(content, model), { reasoning: "one two" });
});

Deno.test("replayReasoning omits unsigned Claude text from a preset for Claude, but not for the preset", () => {
  const detail = { type: "reasoning.text", text: "t", format: "anthropic-claude-v1" };
  const signature = encodeReasoning([{ detail }], { model: "@preset/mine", isHidden: false });
  const block = { type: "thinking" as const, thinking: "t", signature };
  assertEquals(replayReasoning([block], CLAUDE), {});
  assertEquals(replayReasoning([block], "@preset/mine"), { reasoning_details: [detail] });
});
