/**
 * Claude Code's WebSearch: a separate request with Anthropic's server tool. The client reads links and the number of
 * searches from blocks of the response.
 * @module
 */

import { assertArrayIncludes, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type ChatReply,
  deltaEvent,
  readLastResult,
  streamResponse,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { startSession, test } from "../claude_session.ts";
import { finishChunk, roleChunk, sse, textChunk, usageChunk } from "../../helpers/chunks.ts";

const ALLOW = { args: ["--allowedTools", "WebSearch"] };
const PAGES = [
  { url: "https://deno.example/blog", title: "Deno's blog", content: "Deno 2.9 is out." },
  { url: "https://news.example/deno", title: "News on Deno" },
];

/** Two searches, with citations of both pages, one of them twice. */
const searchReply: ChatReply = () => {
  const annotations = [PAGES[0], PAGES[1], PAGES[0]].map((page) => ({
    type: "url_citation",
    url_citation: page,
  }));
  const usage = {
    ...Object(usageChunk()["usage"]),
    server_tool_use_details: { web_search_requests: 2 },
  };
  return streamResponse([
    sse(roleChunk(), textChunk("Deno 2.9 is out.")),
    deltaEvent({ annotations }),
    sse(finishChunk(), { ...usageChunk(), usage }, "[DONE]"),
  ]);
};

test("searches the web, sends the model the links, and counts the searches", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.prompt("What is new?", [
    toolCallReply({
      name: "WebSearch",
      input: { query: "deno news", allowed_domains: ["deno.example"] },
    }),
    searchReply,
    textReply("Deno 2.9"),
  ]);
  assertEquals([run.text, run.isError], ["Deno 2.9", false]);
  const [, search, last] = session.upstreamRequests;
  assertEquals(search?.tools, [{
    type: "openrouter:web_search",
    parameters: { max_uses: 8, allowed_domains: ["deno.example"] },
  }]);
  // 2.1.197 forces the tool; 2.1.332 uses `auto` for newer models.
  const choices = ["auto", { type: "openrouter:web_search" }];
  assertArrayIncludes<unknown>(choices, [search?.tool_choice]);
  const result = readLastResult(last);
  assertStringIncludes(result, "Deno 2.9 is out.");
  for (const { url, title } of PAGES) {
    assertStringIncludes(result, `{"title":"${title}","url":"${url}"}`);
  }
  assertMatch(result, /Links: \[/);
  const [usage] = Object.values(Object(run.result["modelUsage"]));
  assertEquals(Object(usage).webSearchRequests, 2);
});

test("accepts a search without citations", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.prompt("What is new?", [
    toolCallReply({ name: "WebSearch", input: { query: "deno news" } }),
    textReply("Nothing was found."),
    textReply("Nothing new"),
  ]);
  assertEquals([run.text, run.isError], ["Nothing new", false]);
  assertStringIncludes(readLastResult(session.upstreamRequests[2]), "Nothing was found.");
});
