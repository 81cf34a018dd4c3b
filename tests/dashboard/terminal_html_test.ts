import { assertEquals } from "@std/assert";
import { toHtml } from "./terminal_html.ts";

/** The styles and texts of the spans. */
function readSpans(screen: string): string[][] {
  return [...toHtml(screen).matchAll(/<span style="([^"]*)">([^<]*)<\/span>/g)]
    .map(([, style = "", text = ""]) => [style, text]);
}

Deno.test("toHtml renders colors of each kind, styles and their ends", () => {
  const screen = "a\x1b[1;38;5;196mb\x1b[22;39m\x1b[38;2;1;2;3mc\x1b[0md\x1b[7me\x1b[27;48;5;244mf";
  assertEquals(readSpans(screen), [
    ["color:#e6e6e6", "a"],
    ["color:rgb(255,0,0);font-weight:bold", "b"],
    ["color:rgb(1,2,3)", "c"],
    ["color:#e6e6e6", "d"],
    ["color:#16181d;background:#e6e6e6", "e"],
    ["color:#e6e6e6;background:rgb(128,128,128)", "f"],
  ]);
});

Deno.test("toHtml escapes markup, and leaves no escape sequence", () => {
  assertEquals(readSpans("<b>\x1b[95m&"), [["color:#e6e6e6", "&lt;b&gt;"], [
    "color:#d78bee",
    "&amp;",
  ]]);
});
