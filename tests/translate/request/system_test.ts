/** System text: the billing header, breakpoints, and blocks of system turns. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  selectText,
  stripBillingHeader,
  stripBillingHeaderFromText,
  translateSystemText,
} from "../../../lib/translate/request/system.ts";

const text = (words: string, cache_control?: anthropic.CacheControl): anthropic.TextBlock => ({
  type: "text",
  text: words,
  ...(cache_control && { cache_control }),
});
const HEADER = "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli";
const EPHEMERAL = { type: "ephemeral" as const };

/** Text → the text without its billing header. */
const TEXTS: [text: string, stripped: string][] = [
  [HEADER, ""],
  [`${HEADER}\nBe brief.`, "Be brief."],
  [`${HEADER}\n\n\nBe brief.\n`, "Be brief.\n"],
  [`${HEADER}\n${HEADER}`, HEADER],
  [` ${HEADER}`, ` ${HEADER}`],
  [`Be brief.\n${HEADER}`, `Be brief.\n${HEADER}`],
  ["x-anthropic-billing-header", "x-anthropic-billing-header"],
  ["", ""],
];

for (const [words, stripped] of TEXTS) {
  Deno.test(`stripBillingHeaderFromText leaves ${JSON.stringify(stripped)} of ${JSON.stringify(words)}`, () => {
    assertEquals(stripBillingHeaderFromText(words), stripped);
  });
}

Deno.test("stripBillingHeader removes texts that are empty, and keeps breakpoints and order", () => {
  const blocks = [text(HEADER), text("a"), text(""), text(`${HEADER}\nb`, EPHEMERAL)];
  assertEquals(stripBillingHeader(blocks), [text("a"), text("b", EPHEMERAL)]);
  assertEquals(stripBillingHeader([]), []);
});

Deno.test("translateSystemText joins texts, unless one has a breakpoint", () => {
  assertEquals(translateSystemText([]), null);
  assertEquals(translateSystemText([text("a")]), "a");
  assertEquals(translateSystemText([text("a"), text("b")]), "a\n\nb");
  const parts = translateSystemText([text("a"), text("b", EPHEMERAL)]);
  assertEquals(JSON.parse(JSON.stringify(parts)), [text("a"), text("b", EPHEMERAL)]);
});

Deno.test("selectText selects the texts of a system turn and reports unsupported blocks", () => {
  const dropped = new Set<string>();
  const selected = selectText([
    text("a"),
    { type: "tool_reference", tool_name: "Read" },
    { type: "unsupported", blockType: "hologram" },
    text("b"),
  ], dropped);
  assertEquals([selected, [...dropped]], [[text("a"), text("b")], ["hologram"]]);
});
