/**
 * Claude Code's WebSearch: a separate request with Anthropic's server tool. The client reads links and the count of
 * searches from blocks of the response.
 * @module
 */

import { assertArrayIncludes, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { calls, deltaChunk, readLastResult, says, type Step, streams } from "../model.ts";
import { startSession, test } from "../session.ts";
import { finishChunk, roleChunk, sse, textChunk, usageChunk } from "../../helpers/chunks.ts";

const ALLOW = { args: ["--allowedTools", "WebSearch"] };
const PAGES = [
  { url: "https://deno.example/blog", title: "Deno's blog", content: "Deno 2.9 is out." },
  { url: "https://news.example/deno", title: "News on Deno" },
];

/** Upstream searches twice, cites both pages, one of them two times. */
const searches: Step = () => {
  const annotations = [PAGES[0], PAGES[1], PAGES[0]].map((page) => ({
    type: "url_citation",
    url_citation: page,
  }));
  const usage = {
    ...Object(usageChunk()["usage"]),
    server_tool_use_details: { web_search_requests: 2 },
  };
  return streams([
    sse(roleChunk(), textChunk("Deno 2.9 is out.")),
    deltaChunk({ annotations }),
    sse(finishChunk(), { ...usageChunk(), usage }, "[DONE]"),
  ]);
};

test("searches the web, sends the model the links, and counts the searches", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.ask("What is new?", [
    calls({ name: "WebSearch", input: { query: "deno news", allowed_domains: ["deno.example"] } }),
    searches,
    says("Deno 2.9"),
  ]);
  assertEquals([run.text, run.isError], ["Deno 2.9", false]);
  const [, search, last] = session.upstream;
  assertEquals(search?.tools, [{
    type: "openrouter:web_search",
    parameters: { max_uses: 8, allowed_domains: ["deno.example"] },
  }]);
  // 2.1.197 forces the tool, 2.1.332 leaves the choice to newer models.
  const choices = ["auto", { type: "openrouter:web_search" }];
  assertArrayIncludes<unknown>(choices, [search?.tool_choice]);
  const result = readLastResult(last);
  assertStringIncludes(result, "Deno 2.9 is out.");
  for (const { url, title } of PAGES) {
    assertStringIncludes(result, `{"title":"${title}","url":"${url}"}`);
  }
  assertMatch(result, /Links: \[/);
  const [used] = Object.values(Object(run.result["modelUsage"]));
  assertEquals(Object(used).webSearchRequests, 2);
});

test("accepts a search without citations", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.ask("What is new?", [
    calls({ name: "WebSearch", input: { query: "deno news" } }),
    says("Nothing was found."),
    says("Nothing new"),
  ]);
  assertEquals([run.text, run.isError], ["Nothing new", false]);
  assertStringIncludes(readLastResult(session.upstream[2]), "Nothing was found.");
});
