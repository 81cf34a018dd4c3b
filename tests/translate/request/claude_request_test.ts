/** Requests for Claude on OpenRouter's Messages API: models, fallbacks, session and input without images. */

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import {
  type ClaudeRequestOptions,
  replaceInput,
  toClaudeRequest,
} from "../../../lib/translate/request/claude_request.ts";

function map(body: JsonObject, options: Partial<ClaudeRequestOptions> = {}) {
  const dropped = new Set<string>();
  const sent = toClaudeRequest(body, {
    models: ["anthropic/x"],
    resolve: (name) => name,
    provider: null,
    sessionId: undefined,
    dropped,
    ...options,
  });
  return { body: sent, dropped: [...dropped] };
}

Deno.test("toClaudeRequest changes nothing but the model of a plain request", () => {
  const body = {
    model: "m",
    max_tokens: 9,
    thinking: { type: "adaptive", display: "omitted" },
    context_management: { edits: [{ type: "clear_tool_uses_20250919" }] },
    output_config: { effort: "max", task_budget: { type: "tokens", total: 9 } },
    messages: [{ role: "user", content: [{ type: "document", citations: { enabled: true } }] }],
    later: { deep: [1] },
  };
  assertEquals(map(body), { body: { ...body, model: "anthropic/x" }, dropped: [] });
});

Deno.test("toClaudeRequest sends the models instead of fallbacks, and reports what those contain", () => {
  const models = ["anthropic/x", "anthropic/y"] as const;
  const fallbacks = [{ model: "y", max_tokens: 5, later: 1 }];
  assertEquals(map({ model: "m", fallbacks }, { models }), {
    body: { model: "anthropic/x", models: [...models] },
    dropped: ["fallbacks.max_tokens"],
  });
  assertEquals(map({ model: "m", fallbacks: "default" }).dropped, ["fallbacks"]);
});

Deno.test("toClaudeRequest leaves out MCP servers that Anthropic would connect to", () => {
  assertEquals(map({ model: "m", mcp_servers: [{ url: "u" }] }), {
    body: { model: "anthropic/x" },
    dropped: ["mcp_servers"],
  });
  assertEquals(map({ model: "m", mcp_servers: [] }).dropped, []);
});

Deno.test("toClaudeRequest adds the session, unless the request has its own", () => {
  const user_id = '{"session_id":"from-user"}';
  const sessionOf = (body: JsonObject, sessionId?: string) =>
    map({ model: "m", ...body }, { sessionId }).body["session_id"];
  assertEquals(sessionOf({}), undefined);
  assertEquals(sessionOf({ metadata: { user_id } }), "from-user");
  assertEquals(sessionOf({ metadata: { user_id } }, "from-header"), "from-header");
  assertEquals(sessionOf({ session_id: "own" }, "from-header"), "own");
  assertEquals(sessionOf({ metadata: "x" }), undefined);
});

const IMAGE = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
const NOTE = { type: "text", text: "[image/png, not shown: a/x takes no images]" };

Deno.test("replaceInput puts notes in place of images, also in tool results and documents", () => {
  const pdf = { type: "document", source: { type: "url", url: "https://a.example/x.pdf" } };
  const result = { type: "tool_result", tool_use_id: "t", is_error: false };
  const mixed = { type: "document", source: { type: "content", content: [IMAGE] }, title: "T" };
  const content = [IMAGE, { ...result, content: [IMAGE, { type: "later" }] }, pdf, mixed, {
    type: "later",
  }, "x"];
  const dropped = new Set<string>();
  const turns = (blocks: unknown) => [
    { role: "user", content: blocks },
    { role: "assistant", content: [IMAGE] },
    { role: "user", content: "Hi" },
  ];
  const sent = replaceInput({ messages: turns(content), x: 1 }, ["image"], {
    model: "a/x",
    dropped,
  });
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  assertEquals(
    plain(sent),
    plain({
      messages: turns([
        NOTE,
        { ...result, content: [NOTE, { type: "later" }] },
        pdf,
        { ...mixed, source: { type: "content", content: [NOTE] } },
        { type: "later" },
        "x",
      ]),
      x: 1,
    }),
  );
  assertEquals([...dropped], ["image"]);
});

Deno.test("replaceInput returns the same request if the model supports everything", () => {
  const body = { messages: [{ role: "user", content: [IMAGE] }] };
  assertStrictEquals(replaceInput(body, [], { model: "a/x", dropped: new Set() }), body);
});
