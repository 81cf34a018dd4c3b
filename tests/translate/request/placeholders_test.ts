/** Notes in place of input that a model does not support: lib/translate/request/placeholders.ts. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  type ImageDescription,
  type InputKind,
  listImages,
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
    const messages = replaceUnsupportedInput(wrap(block), { kinds }, context);
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
  const replaced = replaceUnsupportedInput(document([text, IMAGE]), { kinds: ["image"] }, context);
  const note = { type: "text", text: "[image, not shown: a/b takes no images]" };
  assertEquals(JSON.parse(JSON.stringify(replaced)), document([text, note]));
  const plain = [{
    role: "user" as const,
    content: [{
      type: "document" as const,
      source: { type: "text" as const, media_type: "text/plain" as const, data: "a" },
    }],
  }];
  assertEquals(replaceUnsupportedInput(plain, { kinds: ["file"] }, context), plain);
});

const DESCRIPTIONS: [description: ImageDescription | null, text: string, dropped: string[]][] = [
  [null, "[image, not shown: a/b takes no images]", ["image"]],
  [
    { model: "c/d", text: "A cat." },
    "[image, not shown: a/b takes no images. What c/d sees in it:]\nA cat.\n" +
    "[End of the description by c/d]",
    [],
  ],
  [
    { model: "c/d", failure: "no answer" },
    "[image, not shown: a/b takes no images; c/d could not describe it: no answer]",
    ["image"],
  ],
];

for (const [description, text, dropped] of DESCRIPTIONS) {
  Deno.test(`replaceUnsupportedInput puts ${JSON.stringify(description)} in the place of an image`, () => {
    const source = { type: "url" as const, url: "https://a.test/b.png" };
    const cache_control = { type: "ephemeral" as const };
    const image = { type: "image" as const, source, cache_control };
    const context = { model: "a/b", dropped: new Set<string>(), names: new ToolNames([]) };
    const descriptions = new Map(description === null ? [] : [[source, description]]);
    const input = { kinds: ["image"] as const, descriptions };
    const replaced = replaceUnsupportedInput([{ role: "user", content: [image] }], input, context);
    assertEquals(replaced, [{ role: "user", content: [{ type: "text", text, cache_control }] }]);
    assertEquals([...context.dropped], dropped);
  });
}

Deno.test("listImages finds images in turns, results and documents, in order", () => {
  const image = (name: string) => ({ type: "image", source: { type: "url", url: name } });
  const document = { type: "document", source: { type: "content", content: [image("c")] } };
  const result = (content: unknown) => ({ type: "tool_result", tool_use_id: "t", content });
  const messages: anthropic.MessageParam[] = JSON.parse(JSON.stringify([
    { role: "user", content: [image("a"), { type: "text", text: "x" }, result([image("b")])] },
    { role: "assistant", content: [{ type: "text", text: "y" }] },
    { role: "user", content: [document, result("z"), result(undefined), result([document]), PDF] },
  ]));
  assertEquals(listImages(messages).map((source) => source.type === "url" ? source.url : ""), [
    "a",
    "b",
    "c",
    "c",
  ]);
});
