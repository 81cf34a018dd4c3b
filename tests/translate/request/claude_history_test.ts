/** The history for Claude's own API, of a session in which other models responded too. */

import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import type { ContentBlock } from "../../../lib/anthropic/types.ts";
import type { JsonObject } from "../../../lib/json.ts";
import type { Delta } from "../../../lib/openrouter/types.ts";
import { toClaudeHistory } from "../../../lib/translate/request/claude_history.ts";
import { translateResponse } from "../../../lib/translate/response/message.ts";
import {
  type StreamOptions,
  StreamTranslator,
} from "../../../lib/translate/response/stream_translator.ts";
import { ClientCallIds } from "../../../lib/translate/tool_call_ids.ts";

/** The blocks of a response that the proxy has translated for a client. */
function respond(
  message: Delta,
  options: Partial<StreamOptions> & { more?: JsonObject } = {},
): ContentBlock[] {
  let count = 0;
  const { more, ...rest } = options;
  const translator = new StreamTranslator({
    messageId: "msg_1",
    model: "claude-opus",
    inputTokens: 1,
    newCallId: () => `toolu_${++count}`,
    target: "openai/gpt-6",
    ...rest,
  });
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return translateResponse({ choices, ...more }, translator).content;
}

/** The blocks of one assistant turn as they are sent to Claude; undefined if the turn is left out. */
function send(content: unknown): unknown {
  const question = { role: "user", content: "Hi" };
  const [first, turn, ...rest] = toClaudeHistory([question, { role: "assistant", content }]);
  assertEquals([first, rest], [question, []]);
  return (turn as { content?: unknown } | undefined)?.content;
}

const TEXT = { type: "text", text: "Hello" };

const UNCHANGED: [about: string, content: unknown][] = [
  ["a string", "Hello"],
  ["a signed block", [{ type: "thinking", thinking: "Hm", signature: "EqQBCg==" }, TEXT]],
  ["a signed block without text", [{ type: "thinking", thinking: "", signature: "EqQB" }, TEXT]],
  ["a redacted block", [{ type: "redacted_thinking", data: "EmwKAhg=" }, TEXT]],
  ["a call", [{ type: "tool_use", id: "toolu_1", name: "Bash", input: {}, caller: { x: 1 } }]],
  ["a search of Anthropic's", [
    { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "deno" } },
    {
      type: "web_search_tool_result",
      tool_use_id: "srvtoolu_1",
      content: [{ type: "web_search_result", title: "T", url: "u", encrypted_content: "Eo8D" }],
    },
    { ...TEXT, citations: [{ type: "web_search_result_location", encrypted_index: "Eo8B" }] },
  ]],
  ["a failed search of Anthropic's", [{
    type: "web_search_tool_result",
    tool_use_id: "srvtoolu_1",
    content: { type: "web_search_tool_result_error", error_code: "unavailable" },
  }]],
  ["citations of a document", [{ ...TEXT, citations: [{ type: "char_location" }] }]],
  ["blocks of unknown types", [{ type: "hologram", signature: "" }, null, 7, "x"]],
  ["an empty list", []],
];

for (const [about, content] of UNCHANGED) {
  Deno.test(`toClaudeHistory keeps a turn with ${about}, as the same object`, () => {
    const messages = [{ role: "assistant", content }, { role: "user", content: [] }, null];
    assertStrictEquals(toClaudeHistory(messages), messages);
  });
}

Deno.test("toClaudeHistory changes no user turn", () => {
  const content = [{ type: "thinking", signature: "" }, { type: "text", text: "" }];
  const messages = [{ role: "user", content }, { role: "system", content }];
  assertStrictEquals(toClaudeHistory(messages), messages);
});

const OPENAI = { format: "openai-responses-v1", index: 0 };
const REASONING: [about: string, message: Delta][] = [
  ["a summary and encrypted reasoning", {
    reasoning_details: [
      { type: "reasoning.summary", summary: "Plan", ...OPENAI },
      { type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", ...OPENAI },
    ],
  }],
  ["encrypted reasoning alone", {
    reasoning_details: [{ type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", ...OPENAI }],
  }],
  ["plain reasoning", { reasoning: "Hm" }],
  ["reasoning of a server of one's own", { reasoning_content: "Hm" }],
  ["reasoning in parts of the content", {
    content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }],
  }],
  ["an empty list of reasoning", { reasoning_details: [] }],
];

for (const [about, message] of REASONING) {
  Deno.test(`toClaudeHistory leaves out ${about} of another vendor's model`, () => {
    const content = respond({ content: "Hello", ...message });
    assertMatch(JSON.stringify(content), /thinking|Hello/);
    assertEquals(send([...content.filter(({ type }) => type !== "text"), TEXT]), [TEXT]);
  });
}

Deno.test("toClaudeHistory leaves out a turn in which nothing remains", () => {
  const content = respond({ reasoning: "Hm", content: "x" }).filter(({ type }) => type !== "text");
  assertEquals(content.length, 1);
  assertEquals(send(content), undefined);
});

const CLAUDE = { type: "reasoning.text", text: "Hm", signature: "c2ln", index: 0 };

Deno.test("toClaudeHistory returns Claude's own thinking whole, also after a translated response", () => {
  const thinking = { type: "thinking", thinking: "Hm", signature: "c2ln" };
  const message = { content: "Hello", reasoning_details: [CLAUDE] };
  const target = "anthropic/claude-opus-5";
  assertEquals(send(respond(message, { target })), [thinking, TEXT]);
  const hidden = respond(message, { target, hidesThinking: true });
  assertEquals(hidden[0]?.type === "thinking" && hidden[0].thinking, "");
  assertEquals(send(hidden), [thinking, TEXT]);
});

Deno.test("toClaudeHistory returns Claude's encrypted thinking out of a shared envelope", () => {
  const encrypted = { type: "reasoning.encrypted", data: "RW13", index: 1 };
  const target = "anthropic/claude-opus-5";
  const content = respond({ reasoning_details: [CLAUDE, encrypted], content: "Hello" }, {
    target,
    hidesThinking: true,
  });
  assertEquals(send(content), [
    { type: "thinking", thinking: "Hm", signature: "c2ln" },
    { type: "redacted_thinking", data: "RW13" },
    TEXT,
  ]);
});

Deno.test("toClaudeHistory survives envelopes that a client has changed", () => {
  const [block] = respond({ reasoning: "Hm", content: "x" });
  const signature = block?.type === "thinking" ? block.signature : "";
  for (const odd of [signature.slice(0, 40), `${signature.slice(0, 25)}[]`, signature + "}"]) {
    assertEquals(send([{ type: "thinking", thinking: "Hm", signature: odd }, TEXT]), [TEXT]);
  }
});

Deno.test("toClaudeHistory replaces a search that OpenRouter ran with the pages as text, without empty citations", () => {
  const annotation = (url: string) => ({
    type: "url_citation",
    url_citation: { url, title: "Deno", content: "A runtime" },
  });
  const content = respond(
    { content: "Deno is a runtime", annotations: [annotation("https://deno.com/")] },
    { searchesWeb: true },
  );
  assertEquals(content.map(({ type }) => type), [
    "text",
    "server_tool_use",
    "web_search_tool_result",
  ]);
  assertEquals(send(content), [
    { type: "text", text: "Deno is a runtime" },
    { type: "text", text: "\nWeb search results:\n- Deno: https://deno.com/\n" },
  ]);
});

Deno.test("toClaudeHistory leaves out a search that OpenRouter ran and that cites nothing", () => {
  const content = respond({ content: "Hello" }, {
    searchesWeb: true,
    more: { usage: { server_tool_use: { web_search_requests: 2 } } },
  });
  assertEquals(content.length, 5);
  assertEquals(send(content), [TEXT]);
});

Deno.test("toClaudeHistory keeps the citations of a document beside those of a search", () => {
  const own = { type: "web_search_result_location", url: "u", encrypted_index: "" };
  const document = { type: "char_location", document_index: 0 };
  assertEquals(send([{ ...TEXT, citations: [own, document] }]), [{
    ...TEXT,
    citations: [document],
  }]);
});

Deno.test("toClaudeHistory keeps the cache breakpoint of search results", () => {
  const cache_control = { type: "ephemeral" };
  const page = { type: "web_search_result", title: "", url: "u", encrypted_content: "" };
  assertEquals(
    send([{ type: "web_search_tool_result", tool_use_id: "x", content: [page], cache_control }]),
    [{ type: "text", text: "\nWeb search results:\n- u: u\n", cache_control }],
  );
});

Deno.test("toClaudeHistory makes tool names and inputs valid that a model made up", () => {
  const call = { type: "tool_use", id: "toolu_1", name: "Bash", input: {} };
  assertEquals(send([{ ...call, name: "functions.Bash:0" }]), [
    { ...call, name: "functions_Bash_0_9666c57e" },
  ]);
  assertEquals(send([{ ...call, input: '{"a":' }]), [
    { ...call, input: { INVALID_JSON: '{"a":' } },
  ]);
  assertEquals(send([{ ...call, input: null }, { ...call, input: [1] }]), [
    call,
    { ...call, input: { INVALID_JSON: "[1]" } },
  ]);
});

Deno.test("every tool call id that clients get is one that Anthropic accepts", () => {
  const ids = new ClientCallIds();
  for (const id of ["functions.Bash:0", "call_0", "call_0", "x".repeat(300), "ü", "", "\ud800"]) {
    assertMatch(ids.claim(id), /^[a-zA-Z0-9_-]{1,128}$/);
  }
});

Deno.test("toClaudeHistory leaves out empty texts of the assistant", () => {
  assertEquals(send([{ type: "text", text: "" }, TEXT]), [TEXT]);
});
