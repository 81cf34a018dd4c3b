// The local estimate of input tokens: never zero, in proportion to the text, blind to base64.

import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { parseCountRequest } from "../lib/anthropic/validate.ts";
import { estimateInputTokens } from "../lib/translate/tokens.ts";

function estimate(keys: Record<string, unknown>): number {
  const hello = [{ role: "user", content: "Hello" }];
  return estimateInputTokens(parseCountRequest({ model: "m", messages: hello, ...keys }));
}

function estimateText(text: string): number {
  return estimate({ messages: [{ role: "user", content: text }] });
}

function estimateImage(data: string): number {
  const source = { type: "base64", media_type: "image/png", data };
  return estimate({ messages: [{ role: "user", content: [{ type: "image", source }] }] });
}

/** One text of 4000 characters in each place that the model reads; each must count. */
const long = "lorem ipsum ".repeat(334).slice(0, 4000);
const call = { type: "tool_use", id: "a", name: "Bash", input: {} };
const PLACES: Record<string, Record<string, unknown>> = {
  "the system prompt": { system: long },
  "a system turn": { messages: [{ role: "system", content: long }] },
  "a user turn": { messages: [{ role: "user", content: long }] },
  "an assistant turn": { messages: [{ role: "assistant", content: long }] },
  "thinking": {
    messages: [{
      role: "assistant",
      content: [{ type: "thinking", thinking: long, signature: "s" }],
    }],
  },
  "a call's input": {
    messages: [{ role: "assistant", content: [{ ...call, input: { text: long } }] }],
  },
  "a result's string": {
    messages: [{
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "a", content: long }],
    }],
  },
  "a result's blocks": {
    messages: [{
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "a", content: [{ type: "text", text: long }] }],
    }],
  },
  "a tool's description": {
    tools: [{ name: "A", description: long, input_schema: { type: "object" } }],
  },
  "a tool's schema": {
    tools: [{ name: "A", input_schema: { type: "object", properties: { [long]: {} } } }],
  },
};

for (const [place, keys] of Object.entries(PLACES)) {
  Deno.test(`estimateInputTokens counts the text of ${place}`, () => {
    const tokens = estimate(keys);
    // Four thousand characters of Latin are about a thousand tokens, give or take a third.
    assertGreater(tokens, 700);
    assertLess(tokens, 1400);
  });
}

Deno.test("estimateInputTokens is a positive integer for the smallest request", () => {
  for (const content of [[], ""]) {
    const tokens = estimate({ messages: [{ role: "assistant", content }] });
    assert(Number.isInteger(tokens) && tokens >= 1, `${tokens}`);
  }
  assertGreater(estimateText("a"), 0);
});

Deno.test("estimateInputTokens is linear in a text without spaces", () => {
  const empty = estimateText("a");
  const tokens = estimateText("a".repeat(100_000)) - empty;
  assertAlmostEquals(estimateText("a".repeat(1_000_000)) - empty, tokens * 10, 10);
  assertAlmostEquals(estimateText("a".repeat(500_000)) - empty, tokens * 5, 10);
});

Deno.test("estimateInputTokens grows with every turn", () => {
  const turn = { role: "user", content: "x" };
  const [one, two, many] = [1, 2, 1000].map((count) =>
    estimate({ messages: Array.from({ length: count }, () => turn) })
  );
  assert(one !== undefined && two !== undefined && many !== undefined);
  assertGreater(two, one);
  assertAlmostEquals(many, one * 1000, one * 1000);
});

Deno.test("estimateInputTokens does not count the base64 of an image", () => {
  assertEquals(estimateImage("iVBO"), estimateImage("iVBO".repeat(250_000)));
  assertGreater(estimateImage("iVBO"), estimateText("iVBO"));
});

Deno.test("estimateInputTokens does not count the base64 of an image in a result, nor of redacted thinking", () => {
  const withData = (data: string) => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    const result = { type: "tool_result", tool_use_id: "a", content: [image] };
    const redacted = { type: "redacted_thinking", data };
    return estimate({
      messages: [{ role: "assistant", content: [call, redacted] }, {
        role: "user",
        content: [result],
      }],
    });
  };
  assertEquals(withData("iVBO"), withData("iVBO".repeat(250_000)));
});
