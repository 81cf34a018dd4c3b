// The estimate of input tokens: never zero, proportional to the text, independent of base64.

import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { parseCountRequest } from "../../lib/anthropic/parse_request.ts";
import { estimateFileTokens, estimateInputTokens } from "../../lib/translate/tokens.ts";

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

/** A text of 4000 characters in each place that the model reads. */
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
    // 4000 characters of Latin are about 1000 tokens, give or take a third.
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

/** Each turn and tool costs four tokens, and four characters cost one. */
const EXACT: readonly (readonly [about: string, tokens: number, keys: Record<string, unknown>])[] =
  [
    ["a turn of forty characters", 14, { messages: [turn("user", "x".repeat(40))] }],
    ["two turns", 16, {
      messages: [turn("user", "x".repeat(20)), turn("assistant", "y".repeat(12))],
    }],
    ["a system prompt", 16, { system: "s".repeat(40), messages: [turn("user", "12345678")] }],
    [
      "a tool: name, description and schema",
      4 + 2 + 4 + 2 + 5 + 8,
      {
        messages: [turn("user", "12345678")],
        tools: [{
          name: "Readings",
          description: "d".repeat(20),
          input_schema: { type: "object", title: "abcd" },
        }],
      },
    ],
    [
      "redacted thinking, which is not counted",
      4 + 4 + 2,
      {
        messages: [
          turn("user", "12345678"),
          turn("assistant", [{ type: "redacted_thinking", data: "x".repeat(400) }]),
        ],
      },
    ],
    ["a call: name and input", 4 + 4 + 2 + 1 + 4, {
      messages: [
        turn("user", "12345678"),
        turn("assistant", [{ ...call, input: { a: "bcdefghi" } }]),
      ],
    }],
    ["a document of text", 4 + 10, { messages: [turn("user", [document({ type: "text" })])] }],
    ["a document of blocks", 4 + 1 + 2, {
      messages: [
        turn("user", [
          document({
            type: "content",
            content: [{ type: "text", text: "1234" }, { type: "text", text: "12345678" }],
          }),
        ]),
      ],
    }],
    ["a search result: title and content", 4 + 1 + 2, {
      messages: [
        turn("user", [{
          type: "search_result",
          title: "1234",
          source: "https://a.test/a-source-that-is-not-counted",
          content: [{ type: "text", text: "12345678" }],
        }]),
      ],
    }],
    ["a result: its string", 4 + 5 + 4 + 2, {
      messages: [
        turn("assistant", [{ ...call, input: { x: "12345678" } }]),
        turn("user", [{ type: "tool_result", tool_use_id: "a", content: "12345678" }]),
      ],
    }],
    ["a result without content", 4 + 5 + 4, {
      messages: [
        turn("assistant", [{ ...call, input: { x: "12345678" } }]),
        turn("user", [{ type: "tool_result", tool_use_id: "a" }]),
      ],
    }],
    ["thinking", 4 + 2 + 4 + 2, {
      messages: [
        turn("user", "12345678"),
        turn("assistant", [{ type: "thinking", thinking: "12345678", signature: "x".repeat(99) }]),
      ],
    }],
    ["system blocks and a system turn", 3 + 4 + 2 + 4 + 1, {
      system: [{ type: "text", text: "12345678" }, { type: "text", text: "1234" }],
      messages: [turn("user", "12345678"), turn("system", "1234")],
    }],
    ["a tool without a description", 4 + 2 + 4 + 1 + 5, {
      messages: [turn("user", "12345678")],
      tools: [{ name: "Read", input_schema: { type: "object" } }],
    }],
    ["a part of a token, rounded up", 4 + 2, { messages: [turn("user", "12345")] }],
    ["a document by URL", 4 + 2250, {
      messages: [turn("user", [document({ type: "url", url: "https://a.test/b.pdf" })])],
    }],
  ];

function turn(role: string, content: unknown) {
  return { role, content };
}

function document(source: Record<string, unknown>) {
  const text = { media_type: "text/plain", data: "x".repeat(40) };
  return { type: "document", source: source.type === "text" ? { ...source, ...text } : source };
}

for (const [about, tokens, keys] of EXACT) {
  Deno.test(`estimateInputTokens counts exactly: ${about}`, () => {
    assertEquals(estimate(keys), tokens);
  });
}

Deno.test("estimateInputTokens estimates the pages of a PDF from its size", () => {
  const pages = (chars: number) => {
    const source = { type: "base64", media_type: "application/pdf", data: "A".repeat(chars) };
    return (estimate({ messages: [turn("user", [document(source)])] }) - 4) / 2250;
  };
  assertEquals([4, 140_000, 160_000, 300_000].map(pages), [1, 1, 2, 3]);
});

Deno.test("estimateInputTokens counts kept thinking, but not cleared thinking", () => {
  const thinking = { type: "thinking", thinking: "x".repeat(400), signature: "s" };
  const text = { type: "text", text: "done" };
  const messages = [1, 2].flatMap(() => [
    turn("user", "12345678"),
    turn("assistant", [thinking, text]),
  ]);
  const keep = (value: number) => ({
    edits: [{ type: "clear_thinking_20251015", keep: { type: "thinking_turns", value } }],
  });
  const all = estimate({ messages });
  assertEquals(estimate({ messages, context_management: keep(2) }), all);
  assertEquals(estimate({ messages, context_management: keep(1) }), all - 100);
});

Deno.test("estimateInputTokens counts the text that replaces a web search in the history", () => {
  const search = (title: string) => {
    const found = {
      type: "web_search_result",
      url: "https://a.test",
      title,
      encrypted_content: "",
    };
    return estimate({
      messages: [
        turn("assistant", [
          { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "x" } },
          { type: "web_search_tool_result", tool_use_id: "s1", content: [found] },
        ]),
        turn("user", "more"),
      ],
    });
  };
  assertEquals(search("x".repeat(48)) - search("x".repeat(8)), 10);
});

Deno.test("estimateInputTokens counts the name in a tool reference", () => {
  const found = (tool_name: string) => {
    const content = [{ type: "tool_reference", tool_name }];
    const result = { type: "tool_result", tool_use_id: "a", content };
    return estimate({ messages: [turn("assistant", [call]), turn("user", [result])] });
  };
  assertEquals(found("x".repeat(48)) - found("x".repeat(8)), 10);
});

Deno.test("estimateInputTokens is 1 for a request without messages", () => {
  const request = parseCountRequest({ model: "m", messages: [turn("user", "x")] });
  assertEquals(estimateInputTokens({ ...request, messages: [] }), 1);
});

Deno.test("estimateInputTokens does not count blocks that are not sent", () => {
  const content = [{ type: "unsupported" as const, blockType: "hologram" }];
  const request = parseCountRequest({ model: "m", messages: [turn("user", "x")] });
  assertEquals(estimateInputTokens({ ...request, messages: [{ role: "user", content }] }), 4);
});

Deno.test("estimateFileTokens counts a page for each 100,000 characters, rounded, and at least one", () => {
  const pages = [0, 1, 149_999, 150_000, 249_999, 250_000, 1_000_000].map((length) =>
    estimateFileTokens("A".repeat(length)) / 2250
  );
  assertEquals(pages, [1, 1, 1, 2, 2, 3, 10]);
});

Deno.test("estimateInputTokens counts deferred tools only once they are found", () => {
  const tools = [{ name: "Read", input_schema: { type: "object" }, defer_loading: true }];
  const hello = turn("user", "12345678");
  assertEquals(estimate({ messages: [hello], tools }), 6);
  const found = estimate({ messages: [hello], tools, tool_choice: { type: "tool", name: "Read" } });
  assertEquals(found, Math.ceil(6 + 4 + 1 + 17 / 4));
});
