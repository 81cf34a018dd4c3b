/** Notes in place of input that a model does not support: lib/translate/request/placeholders.ts. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  type InputKind,
  replaceUnsupportedInput,
} from "../../../lib/translate/request/placeholders.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";

const PDF = { type: "document", source: { type: "url", url: "https://a.test/b.pdf" } };
const IMAGE = { type: "image", source: { type: "url", url: "https://a.test/b.png" } };
const GIF = "R0lGODlhAQACAAAA";

/** Unsupported kinds, and a block → the block in its place. */
const REPLACED: [kinds: InputKind[], block: unknown, replaced: unknown][] = [
  [["image"], IMAGE, { type: "text", text: "[image, not shown: a/b takes no images]" }],
  [["image"], { type: "image", source: { type: "base64", media_type: "image/gif", data: GIF } }, {
    type: "text",
    text: "[image/gif, 1×2, not shown: a/b takes no images]",
  }],
  [["image"], { ...IMAGE, cache_control: { type: "ephemeral" } }, {
    type: "text",
    text: "[image, not shown: a/b takes no images]",
    cache_control: { type: "ephemeral" },
  }],
  [["image"], PDF, PDF],
  [["file"], IMAGE, IMAGE],
  [[], IMAGE, IMAGE],
  [["file"], { ...PDF, title: "T" }, {
    type: "document",
    title: "T",
    source: {
      type: "content",
      content: [{ type: "text", text: "[application/pdf, not shown: a/b takes no files]" }],
    },
  }],
  [["image", "file"], { type: "text", text: "a" }, { type: "text", text: "a" }],
];

for (const [kinds, block, replaced] of REPLACED) {
  const about = `${JSON.stringify(block)} for a model that lacks ${JSON.stringify(kinds)}`;
  Deno.test(`replaceUnsupportedInput replaces ${about}`, () => {
    const result = (content: unknown) => ({ type: "tool_result", tool_use_id: "c", content });
    const wrap = (one: unknown): anthropic.MessageParam[] =>
      JSON.parse(JSON.stringify([
        { role: "system", content: [{ type: "text", text: "s" }] },
        { role: "user", content: [one, result([one]), result("x"), result(undefined)] },
      ]));
    const dropped = new Set<string>();
    const context = { model: "a/b", dropped, names: new ToolNames([]) };
    const messages = replaceUnsupportedInput(wrap(block), kinds, context);
    assertEquals(JSON.parse(JSON.stringify(messages)), wrap(replaced));
    const name = kinds[0] === "file" ? "document" : "image";
    const isReplaced = JSON.stringify(block) !== JSON.stringify(replaced);
    assertEquals([...dropped], isReplaced ? [name] : []);
  });
}

Deno.test("replaceUnsupportedInput replaces images in a document of blocks, but not its text", () => {
  const document = (content: unknown): anthropic.MessageParam[] =>
    JSON.parse(JSON.stringify([{
      role: "user",
      content: [{ type: "document", title: "T", source: { type: "content", content } }],
    }]));
  const context = { model: "a/b", dropped: new Set<string>(), names: new ToolNames([]) };
  const text = { type: "text", text: "a" };
  const replaced = replaceUnsupportedInput(document([text, IMAGE]), ["image"], context);
  const note = { type: "text", text: "[image, not shown: a/b takes no images]" };
  assertEquals(JSON.parse(JSON.stringify(replaced)), document([text, note]));
  const plain = [{
    role: "user" as const,
    content: [{
      type: "document" as const,
      source: { type: "text" as const, media_type: "text/plain" as const, data: "a" },
    }],
  }];
  assertEquals(replaceUnsupportedInput(plain, ["file"], context), plain);
});
