// Token estimates of requests.

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { parseCountRequest, parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { estimateInputTokens } from "../../lib/translate/tokens.ts";
import { requestBody } from "../helpers/proxy.ts";

type Keys = Record<string, unknown>;

Deno.test("estimateInputTokens returns at least 1", () => {
  const request = parseMessagesRequest(requestBody());
  assertEquals(estimateInputTokens({ ...request, messages: [], system: [], tools: [] }), 1);
});

function estimate(keys: Keys): number {
  return estimateInputTokens(parseCountRequest(requestBody(keys)));
}

function estimateBlock(block: Keys): number {
  return estimate({ messages: [{ role: "user", content: [block] }] });
}

const LONG = "word ".repeat(800);

Deno.test("estimateInputTokens counts the text of text documents and search results", () => {
  const source = { type: "text", media_type: "text/plain", data: LONG };
  const text = { type: "text", text: LONG };
  for (
    const block of [
      { type: "document", source },
      { type: "document", source: { type: "content", content: [text] } },
      { type: "search_result", source: "s", title: "t", content: [text] },
    ]
  ) assertGreater(estimateBlock(block), 999);
});

const PDF_BLOCK = {
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
};

Deno.test("estimateInputTokens counts PDFs by size, and a small one as one page", () => {
  const small = estimateBlock(PDF_BLOCK);
  assertGreater(small, 2000);
  assertLess(small, 3000);
  const source = { ...PDF_BLOCK.source, data: "A".repeat(1_000_000) };
  assertGreater(estimateBlock({ ...PDF_BLOCK, source }), 8 * small);
  const url = { type: "url", url: "https://example.com/a.pdf" };
  assertEquals(estimateBlock({ ...PDF_BLOCK, source: url }), small);
});

const THOUGHT = { type: "thinking", thinking: "a thought of 23 letters", signature: "c2ln" };

Deno.test("estimateInputTokens ignores cleared thinking and deferred tools", () => {
  const thought = { ...THOUGHT, thinking: LONG };
  const messages = [
    { role: "user", content: "One" },
    { role: "assistant", content: [thought] },
    { role: "user", content: "Two" },
    { role: "assistant", content: [{ ...thought, thinking: "short" }] },
    { role: "user", content: "Three" },
  ];
  const edits = [{ type: "clear_thinking_20251015" }];
  assertGreater(estimate({ messages }), 1000);
  assertLess(estimate({ messages, context_management: { edits } }), 100);
  const tool = { name: "A", description: LONG, input_schema: {} };
  assertGreater(estimate({ tools: [tool] }), 1000);
  assertLess(estimate({ tools: [{ ...tool, defer_loading: true }] }), 100);
});
