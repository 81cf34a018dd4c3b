/**
 * What no fixture can express of documents, searches, edits of the context and tokens: the answers of the whole
 * handler, and metrics. One test for each mutant of lib/ that would live without it.
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import type { MessageParam } from "../../lib/anthropic/types.ts";
import { parseCountRequest, parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { clearThinking } from "../../lib/translate/request/clear_thinking.ts";
import { translateRequest } from "../../lib/translate/request/request.ts";
import { estimateInputTokens } from "../../lib/translate/tokens.ts";
import { SearchFindings } from "../../lib/translate/web_search.ts";
import { ask, call, createProxy, post } from "../helpers/proxy.ts";
import { type Reply, type SeenRequest, startUpstream } from "../helpers/upstream.ts";

type Keys = Record<string, unknown>;

const SEARCH = { type: "web_search_20250305", name: "web_search" };
const PDF = {
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
};
const THOUGHT = { type: "thinking", thinking: "a thought of 23 letters", signature: "c2ln" };

/** A completion around a message. */
function replyWith(message: Keys, more: Keys = {}): Reply {
  const choice = { message: { role: "assistant", content: "Hi", ...message } };
  return () => Response.json({ choices: [{ ...choice, finish_reason: "stop" }], ...more });
}

/** Sends one request through the handler and returns the upstream request and the response. */
async function send(keys: Keys, reply: Reply, env: Record<string, string> = {}) {
  await using upstream = startUpstream(reply);
  const { handler } = createProxy({ upstream, env });
  const response = await call(handler, post(ask(keys)));
  const message = await response.json();
  const seen: SeenRequest | undefined = upstream.requests[0];
  assert(seen !== undefined);
  return { seen, message, headers: response.headers };
}

Deno.test("POST /v1/messages returns web search results if the request has a search tool", async () => {
  const annotations = [{ type: "url_citation", url_citation: { url: "https://example.com" } }];
  const reply = replyWith({ annotations });
  const { message } = await send({ tools: [SEARCH] }, reply);
  assertEquals(
    message.content.map(({ type }: Keys) => type),
    ["text", "server_tool_use", "web_search_tool_result"],
  );
  const { message: other } = await send({}, reply);
  assertEquals(other.content.map(({ type }: Keys) => type), ["text"]);
});

Deno.test("POST /v1/messages reports applied edits if the request has context_management", async () => {
  const messages = [
    { role: "user", content: "One" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "1" }] },
    { role: "user", content: "Two" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "2" }] },
    { role: "user", content: "Three" },
  ];
  const edits = [{ type: "clear_thinking_20251015" }];
  const { message } = await send({ messages, context_management: { edits } }, replyWith({}));
  assertEquals(message.context_management, {
    applied_edits: [{
      type: "clear_thinking_20251015",
      cleared_thinking_turns: 1,
      cleared_input_tokens: 6,
    }],
  });
  const { message: other } = await send({ messages }, replyWith({}));
  assertEquals("context_management" in other, false);
});

Deno.test("POST /v1/messages with max_tokens 0 returns no content", async () => {
  const { seen, message } = await send({ max_tokens: 0 }, replyWith({}));
  assertEquals(seen.body["max_tokens"], 1);
  assertEquals([message.content, message.stop_reason], [[], "max_tokens"]);
});

Deno.test("POST /v1/messages omits the text of thinking if display is omitted", async () => {
  const reasoning_details = [
    { type: "reasoning.text", text: "Hm.", signature: "s", format: "anthropic-claude-v1" },
  ];
  const thinking = { type: "adaptive", display: "omitted" };
  const { message } = await send({ thinking }, replyWith({ reasoning_details }));
  const [{ type, thinking: text, signature }] = message.content;
  assertEquals([type, text], ["thinking", ""]);
  assertStringIncludes(signature, '"text":"Hm."');
});

Deno.test("POST /v1/messages reports cache writes by TTL", async () => {
  const usage = { prompt_tokens: 9, prompt_tokens_details: { cache_write_tokens: 5 } };
  const { message } = await send(
    { cache_control: { type: "ephemeral", ttl: "1h" } },
    replyWith({}, { usage }),
  );
  assertEquals(message.usage.cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 5,
  });
});

Deno.test("POST /v1/messages sends the beta header for strict tools to Claude only", async () => {
  const tools = [{ name: "A", input_schema: { type: "object" }, strict: true }];
  const claude = await send({ tools }, replyWith({}));
  assertEquals(claude.seen.headers.get("x-anthropic-beta"), "structured-outputs-2025-11-13");
  const other = await send({ tools, model: "openai/gpt-5.1" }, replyWith({}));
  assertEquals(other.seen.headers.get("x-anthropic-beta"), null);
  const lax = await send({ tools: [{ ...tools[0], strict: false }] }, replyWith({}));
  assertEquals(lax.seen.headers.get("x-anthropic-beta"), null);
});

Deno.test("POST /v1/messages sends PDF_ENGINE if there is a PDF", async () => {
  const messages = [{ role: "user", content: [PDF] }];
  const { seen } = await send({ messages }, replyWith({}), { PDF_ENGINE: "native" });
  assertEquals(seen.body["plugins"], [{ id: "file-parser", pdf: { engine: "native" } }]);
  const plain = await send({}, replyWith({}), { PDF_ENGINE: "native" });
  assertEquals("plugins" in plain.seen.body, false);
});

Deno.test("translateRequest reports applied edits if the request has context_management", () => {
  const translate = (keys: Keys) =>
    translateRequest(parseMessagesRequest(ask(keys)), { models: ["a/b"] }).contextManagement;
  assertEquals(translate({}), undefined);
  assertEquals(translate({ context_management: {} }), { applied_edits: [] });
});

/** Messages as letters: `u` user, `r` tool result, `a` assistant, `t` with thinking, `e` with encrypted thinking. */
function buildMessages(turns: string): MessageParam[] {
  return [...turns].map((turn): MessageParam => {
    const text = { type: "text", text: "x" } as const;
    const thinking = { type: "thinking", thinking: "12345678", signature: "s" } as const;
    if (turn === "u") return { role: "user", content: [text] };
    if (turn === "r") return { role: "user", content: [{ type: "tool_result", tool_use_id: "c" }] };
    if (turn === "t") return { role: "assistant", content: [thinking, text] };
    if (turn === "e") {
      return { role: "assistant", content: [{ type: "redacted_thinking", data: "d" }, text] };
    }
    return { role: "assistant", content: [text] };
  });
}

/** Messages back to the same letters. */
function toLetters(messages: readonly MessageParam[]): string {
  return messages.map(({ role, content }) => {
    const [first] = content;
    if (role === "user") return first?.type === "tool_result" ? "r" : "u";
    if (first?.type === "thinking") return "t";
    return first?.type === "redacted_thinking" ? "e" : "a";
  }).join("");
}

/** Messages and turns to keep → remaining messages, cleared turns and tokens. */
const CLEARED: [turns: string, keep: number, remaining: string, cleared: number, tokens: number][] =
  [
    ["utu", 1, "utu", 0, 0],
    ["ututu", 1, "uautu", 1, 2],
    ["ututu", 2, "ututu", 0, 0],
    ["utututu", 1, "uauautu", 2, 4],
    ["utrtrtutu", 1, "uararautu", 1, 6],
    ["utrtrtu", 1, "utrtrtu", 0, 0],
    ["utuautu", 1, "uauautu", 1, 2],
    ["utuauau", 1, "utuauau", 0, 0],
    ["ueutu", 1, "uautu", 1, 0],
    ["tutu", 1, "autu", 1, 2],
    ["tu", 1, "tu", 0, 0],
    ["u", 1, "u", 0, 0],
  ];

for (const [turns, keep, remaining, cleared, tokens] of CLEARED) {
  Deno.test(`clearThinking turns ${turns} into ${remaining} if ${keep} is kept`, () => {
    const { messages, context } = clearThinking(buildMessages(turns), keep);
    assertEquals(toLetters(messages), remaining);
    const edit = {
      type: "clear_thinking_20251015" as const,
      cleared_thinking_turns: cleared,
      cleared_input_tokens: tokens,
    };
    assertEquals(context, { applied_edits: cleared === 0 ? [] : [edit] });
  });
}

Deno.test("SearchFindings returns at most 100 searches", () => {
  let ids = 0;
  const blocks = new SearchFindings().listBlocks(1e9, () => `srvtoolu_${++ids}`);
  assertEquals([blocks.length, ids], [200, 100]);
});

Deno.test("SearchFindings returns a result for each search", () => {
  let ids = 0;
  const blocks = new SearchFindings().listBlocks(2, () => `s${++ids}`);
  assertEquals(
    blocks.map((block) => block.type === "server_tool_use" ? block.id : block.tool_use_id),
    ["s1", "s1", "s2", "s2"],
  );
});

function estimate(keys: Keys): number {
  return estimateInputTokens(parseCountRequest(ask(keys)));
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

Deno.test("estimateInputTokens counts PDFs by size, and a small one as one page", () => {
  const small = estimateBlock(PDF);
  assertGreater(small, 2000);
  assertLess(small, 3000);
  const source = { ...PDF.source, data: "A".repeat(1_000_000) };
  assertGreater(estimateBlock({ ...PDF, source }), 8 * small);
  const url = { type: "url", url: "https://example.com/a.pdf" };
  assertEquals(estimateBlock({ ...PDF, source: url }), small);
});

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
