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
import { SearchResults } from "../../lib/translate/web_search.ts";
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
function complete(message: Keys, more: Keys = {}): Reply {
  const choice = { message: { role: "assistant", content: "Hi", ...message } };
  return () => Response.json({ choices: [{ ...choice, finish_reason: "stop" }], ...more });
}

/** One request through the whole handler: what upstream saw, and what the client read. */
async function pass(keys: Keys, reply: Reply, env: Record<string, string> = {}) {
  await using upstream = startUpstream(reply);
  const { handler } = createProxy({ upstream, env });
  const response = await call(handler, post(ask(keys)));
  const answer = await response.json();
  const seen: SeenRequest | undefined = upstream.requests[0];
  assert(seen !== undefined);
  return { seen, answer, headers: response.headers };
}

Deno.test("POST /v1/messages tells who asked for a search what was found", async () => {
  const annotations = [{ type: "url_citation", url_citation: { url: "https://example.com" } }];
  const reply = complete({ annotations });
  const { answer } = await pass({ tools: [SEARCH] }, reply);
  assertEquals(
    answer.content.map(({ type }: Keys) => type),
    ["text", "server_tool_use", "web_search_tool_result"],
  );
  const { answer: other } = await pass({}, reply);
  assertEquals(other.content.map(({ type }: Keys) => type), ["text"]);
});

Deno.test("POST /v1/messages tells who manages the context what was done, and nobody else", async () => {
  const messages = [
    { role: "user", content: "One" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "1" }] },
    { role: "user", content: "Two" },
    { role: "assistant", content: [THOUGHT, { type: "text", text: "2" }] },
    { role: "user", content: "Three" },
  ];
  const edits = [{ type: "clear_thinking_20251015" }];
  const { answer } = await pass({ messages, context_management: { edits } }, complete({}));
  assertEquals(answer.context_management, {
    applied_edits: [{
      type: "clear_thinking_20251015",
      cleared_thinking_turns: 1,
      cleared_input_tokens: 6,
    }],
  });
  const { answer: other } = await pass({ messages }, complete({}));
  assertEquals("context_management" in other, false);
});

Deno.test("POST /v1/messages answers a request for no tokens with none", async () => {
  const { seen, answer } = await pass({ max_tokens: 0 }, complete({}));
  assertEquals(seen.body["max_tokens"], 1);
  assertEquals([answer.content, answer.stop_reason], [[], "max_tokens"]);
});

Deno.test("POST /v1/messages hides thinking where the client does not want to see it", async () => {
  const reasoning_details = [
    { type: "reasoning.text", text: "Hm.", signature: "s", format: "anthropic-claude-v1" },
  ];
  const thinking = { type: "adaptive", display: "omitted" };
  const { answer } = await pass({ thinking }, complete({ reasoning_details }));
  const [{ type, thinking: text, signature }] = answer.content;
  assertEquals([type, text], ["thinking", ""]);
  assertStringIncludes(signature, '"text":"Hm."');
});

Deno.test("POST /v1/messages counts what is written to the cache by how long it is kept", async () => {
  const usage = { prompt_tokens: 9, prompt_tokens_details: { cache_write_tokens: 5 } };
  const { answer } = await pass(
    { cache_control: { type: "ephemeral", ttl: "1h" } },
    complete({}, { usage }),
  );
  assertEquals(answer.usage.cache_creation, {
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 5,
  });
});

Deno.test("POST /v1/messages asks Claude for strict tools by header, and no other model", async () => {
  const tools = [{ name: "A", input_schema: { type: "object" }, strict: true }];
  const claude = await pass({ tools }, complete({}));
  assertEquals(claude.seen.headers.get("x-anthropic-beta"), "structured-outputs-2025-11-13");
  const other = await pass({ tools, model: "openai/gpt-5.1" }, complete({}));
  assertEquals(other.seen.headers.get("x-anthropic-beta"), null);
  const lax = await pass({ tools: [{ ...tools[0], strict: false }] }, complete({}));
  assertEquals(lax.seen.headers.get("x-anthropic-beta"), null);
});

Deno.test("POST /v1/messages has PDFs read by PDF_ENGINE, and asks for nobody without one", async () => {
  const messages = [{ role: "user", content: [PDF] }];
  const { seen } = await pass({ messages }, complete({}), { PDF_ENGINE: "native" });
  assertEquals(seen.body["plugins"], [{ id: "file-parser", pdf: { engine: "native" } }]);
  const plain = await pass({}, complete({}), { PDF_ENGINE: "native" });
  assertEquals("plugins" in plain.seen.body, false);
});

Deno.test("translateRequest tells only who manages the context what was done to it", () => {
  const translate = (keys: Keys) =>
    translateRequest(parseMessagesRequest(ask(keys)), { models: ["a/b"] }).response
      .contextManagement;
  assertEquals(translate({}), undefined);
  assertEquals(translate({ context_management: {} }), { applied_edits: [] });
});

/** `u` the user's word, `r` a result, `t` an answer that thought, `a` one that did not, `e` encrypted thinking. */
function converse(turns: string): MessageParam[] {
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

/** The conversation that is left, in the same letters. */
function tell(messages: readonly MessageParam[]): string {
  return messages.map(({ role, content }) => {
    const [first] = content;
    if (role === "user") return first?.type === "tool_result" ? "r" : "u";
    if (first?.type === "thinking") return "t";
    return first?.type === "redacted_thinking" ? "e" : "a";
  }).join("");
}

/** conversation, turns to keep → what is left, turns and tokens cleared. */
const CLEARED: [turns: string, keep: number, left: string, cleared: number, tokens: number][] = [
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

for (const [turns, keep, left, cleared, tokens] of CLEARED) {
  Deno.test(`clearThinking makes ${left} of ${turns} where ${keep} is to be kept`, () => {
    const { messages, context } = clearThinking(converse(turns), keep);
    assertEquals(tell(messages), left);
    const edit = {
      type: "clear_thinking_20251015" as const,
      cleared_thinking_turns: cleared,
      cleared_input_tokens: tokens,
    };
    assertEquals(context, { applied_edits: cleared === 0 ? [] : [edit] });
  });
}

Deno.test("SearchResults makes no more searches than any answer has, whatever upstream says", () => {
  let ids = 0;
  const blocks = new SearchResults().listBlocks(1e9, () => `srvtoolu_${++ids}`);
  assertEquals([blocks.length, ids], [200, 100]);
});

Deno.test("SearchResults gives each search its own result", () => {
  let ids = 0;
  const blocks = new SearchResults().listBlocks(2, () => `s${++ids}`);
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

Deno.test("estimateInputTokens counts documents of text and search results by their text", () => {
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

Deno.test("estimateInputTokens counts PDFs by their size, and a small one as a page", () => {
  const small = estimateBlock(PDF);
  assertGreater(small, 2000);
  assertLess(small, 3000);
  const source = { ...PDF.source, data: "A".repeat(1_000_000) };
  assertGreater(estimateBlock({ ...PDF, source }), 8 * small);
  const url = { type: "url", url: "https://example.com/a.pdf" };
  assertEquals(estimateBlock({ ...PDF, source: url }), small);
});

Deno.test("estimateInputTokens leaves out thinking that is cleared and tools that are hidden", () => {
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
