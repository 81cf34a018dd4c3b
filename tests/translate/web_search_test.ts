/** Web searches: the text for those in the history, the citations and results of a response. @module */

import { assertEquals } from "@std/assert";
import type { WebSearchBlock } from "../../lib/anthropic/server_tools.ts";
import { describeSearch, SearchResults } from "../../lib/translate/web_search.ts";

const annotation = (url: unknown, more: Record<string, unknown> = {}) => ({
  type: "url_citation",
  url_citation: { url, ...more },
});

const DESCRIPTIONS: [about: string, block: WebSearchBlock, text: string][] = [
  ["a search without a query", { type: "web_search", query: "" }, ""],
  ["a search without results", { type: "web_search", hits: [] }, ""],
  ["a query", { type: "web_search", query: "deno" }, "\nWeb search: deno\n"],
  [
    "results, one of them without a title",
    {
      type: "web_search",
      hits: [{ title: "A", url: "https://a.test" }, { title: "", url: "https://b.test" }],
    },
    "\nWeb search results:\n- A: https://a.test\n- https://b.test: https://b.test\n",
  ],
];

for (const [about, block, text] of DESCRIPTIONS) {
  Deno.test(`describeSearch gives the text of ${about}`, () => {
    assertEquals(describeSearch(block), { type: "text", text });
  });
}

Deno.test("SearchResults ignores annotations that cite no page", () => {
  const odd = [null, 7, "x", {}, { url_citation: null }, { url_citation: {} }, annotation(7)];
  for (const annotations of [undefined, null, "x", {}, [], odd]) {
    const results = new SearchResults();
    assertEquals(results.add(annotations), []);
    assertEquals(results.listBlocks(0, () => "s1"), []);
  }
});

Deno.test("SearchResults returns a citation for each annotation, in order", () => {
  const citations = new SearchResults().add([
    annotation("https://a.test", { title: "A", content: "About A." }),
    { type: "file" },
    annotation("https://b.test", { title: 7, content: null }),
  ]);
  const cite = (url: string, title: string, cited_text: string) => ({
    type: "web_search_result_location" as const,
    cited_text,
    url,
    title,
    encrypted_index: "",
  });
  assertEquals(citations, [
    cite("https://a.test", "A", "About A."),
    cite("https://b.test", "https://b.test", ""),
  ]);
});

/** Content → the text that is cited. */
const CONTENTS: [about: string, content: string, cited: string][] = [
  ["of 150 characters", "x".repeat(150), "x".repeat(150)],
  ["of 151 characters", `${"x".repeat(150)}y`, "x".repeat(150)],
  ["that ends in a whole emoji", `${"x".repeat(148)}😀`, `${"x".repeat(148)}😀`],
  ["that is cut inside an emoji", `${"x".repeat(149)}😀`, "x".repeat(149)],
  ["with an emoji before the cut", `😀${"x".repeat(200)}`, `😀${"x".repeat(148)}`],
];

for (const [about, content, cited] of CONTENTS) {
  Deno.test(`SearchResults cites at most 150 characters and no half of a character, of a text ${about}`, () => {
    const [citation] = new SearchResults().add([annotation("https://a.test", { content })]);
    assertEquals(citation?.cited_text, cited);
  });
}

Deno.test("SearchResults returns exactly 10,000 citations, over any number of deltas", () => {
  const results = new SearchResults();
  const add = (count: number) =>
    results.add(Array.from({ length: count }, () => annotation("https://a.test"))).length;
  assertEquals([9999, 3, 1].map(add), [9999, 1, 0]);
});

Deno.test("SearchResults lists each cited page once, in the first search", () => {
  const results = new SearchResults();
  results.add([annotation("https://a.test", { title: "A" }), annotation("https://b.test")]);
  results.add([annotation("https://a.test", { title: "Again" })]);
  const page = (url: string, title: string) => ({
    type: "web_search_result" as const,
    title,
    url,
    encrypted_content: "",
    page_age: null,
  });
  const pair = (id: string, content: ReturnType<typeof page>[]) => [
    { type: "server_tool_use" as const, id, name: "web_search" as const, input: { query: "" } },
    { type: "web_search_tool_result" as const, tool_use_id: id, content },
  ];
  const pages = [page("https://a.test", "A"), page("https://b.test", "https://b.test")];
  const list = (reported: number) => {
    let ids = 0;
    return results.listBlocks(reported, () => `s${++ids}`);
  };
  for (const reported of [0, 1]) assertEquals(list(reported), pair("s1", pages));
  assertEquals(list(2), [...pair("s1", pages), ...pair("s2", [])]);
});

Deno.test("SearchResults lists a search without pages only if upstream reports it", () => {
  const list = (reported: number) => new SearchResults().listBlocks(reported, () => "s1").length;
  assertEquals([0, 1, 99, 100, 101].map(list), [0, 2, 198, 200, 200]);
});
Deno.test("SearchResults returns at most 100 searches", () => {
  let ids = 0;
  const blocks = new SearchResults().listBlocks(1e9, () => `srvtoolu_${++ids}`);
  assertEquals([blocks.length, ids], [200, 100]);
});

Deno.test("SearchResults returns a result for each search", () => {
  let ids = 0;
  const blocks = new SearchResults().listBlocks(2, () => `s${++ids}`);
  assertEquals(
    blocks.map((block) => block.type === "server_tool_use" ? block.id : block.tool_use_id),
    ["s1", "s1", "s2", "s2"],
  );
});
