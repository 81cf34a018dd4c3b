// Web search: the tool of the request and the results of the response.

import { assertEquals } from "@std/assert";
import { requestBody } from "../helpers/proxy.ts";
import { replyWith } from "../helpers/replies.ts";
import { readUpstreamBody, sendOne } from "../helpers/upstream_body.ts";

type Keys = Record<string, unknown>;

Deno.test("web_search_20250305 becomes OpenRouter's web search tool", async () => {
  const search = { type: "web_search_20250305", name: "web_search", max_uses: 5 };
  const seen = await readUpstreamBody(requestBody({ tools: [search] }));
  assertEquals(seen["tools"], [{ type: "openrouter:web_search", parameters: { max_uses: 5 } }]);
});

const SEARCH = { type: "web_search_20250305", name: "web_search" };

Deno.test("POST /v1/messages returns web search results if the request has a search tool", async () => {
  const annotations = [{ type: "url_citation", url_citation: { url: "https://example.com" } }];
  const reply = replyWith({ annotations });
  const { message } = await sendOne({ tools: [SEARCH] }, reply);
  assertEquals(
    message.content.map(({ type }: Keys) => type),
    ["text", "server_tool_use", "web_search_tool_result"],
  );
  const { message: other } = await sendOne({}, reply);
  assertEquals(other.content.map(({ type }: Keys) => type), ["text"]);
});
