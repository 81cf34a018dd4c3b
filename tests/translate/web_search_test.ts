/** Tests lib/translate/web_search.ts. @module */

import { assertEquals } from "@std/assert";
import { SearchResults } from "../../lib/translate/web_search.ts";

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
