/** Tool results: their text, what is attached, and results whose call is not in the history. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  translateResult,
  translateUnmatchedResult,
} from "../../../lib/translate/request/tool_results.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";

type Content = anthropic.ToolResultBlock["content"];

const createContext = () => ({
  names: new ToolNames(["a.b"]),
  model: "a/b",
  dropped: new Set<string>(),
});

function translate(result: Partial<anthropic.ToolResultBlock>) {
  const context = createContext();
  const block = { type: "tool_result" as const, tool_use_id: "client", ...result };
  const translated = translateResult({ result: block, upstreamId: "call_1" }, context);
  const { message, attached } = JSON.parse(JSON.stringify(translated));
  assertEquals([message.role, message.tool_call_id], ["tool", "call_1"]);
  return { content: message.content, attached, dropped: [...context.dropped] };
}

const text = (words: string): anthropic.TextBlock => ({ type: "text", text: words });
const image: anthropic.ImageBlock = {
  type: "image",
  source: { type: "url", url: "https://a.test/b.png" },
};
const other: anthropic.ImageBlock = { ...image, source: { type: "url", url: "https://a.test/c" } };
const pdf: anthropic.DocumentBlock = {
  type: "document",
  source: { type: "url", url: "https://a.test/b.pdf" },
};
const IMAGE_PART = { type: "image_url", image_url: { url: "https://a.test/b.png" } };
const OTHER_PART = { type: "image_url", image_url: { url: "https://a.test/c" } };
const FILE_PART = {
  type: "file",
  file: { filename: "document.pdf", file_data: "https://a.test/b.pdf" },
};
const intro = (noun: string) => text(`${noun}s from the result of tool call call_1:`);

/** Content of a result → text of the tool message, parts of the user message after it. */
const RESULTS: [
  about: string,
  content: Content,
  sent: string,
  attached?: unknown[],
][] = [
  ["no content", undefined, "(no output)"],
  ["an empty string", "", ""],
  ["a string", "x", "x"],
  ["no blocks", [], "(no output)"],
  ["empty texts", [text(""), text("")], "(no output)"],
  ["texts, one of them empty", [text("a"), text(""), text("b")], "a\nb"],
  ["an image", [image], "(image in the next message)", [intro("Image"), IMAGE_PART]],
  ["a PDF", [pdf], "(file in the next message)", [intro("File"), FILE_PART]],
  [
    "an image and a PDF",
    [image, pdf],
    "(file in the next message)",
    [intro("File"), IMAGE_PART, FILE_PART],
  ],
  [
    "text and two images",
    [image, text("a"), other],
    "a",
    [intro("Image"), IMAGE_PART, OTHER_PART],
  ],
  [
    "a document of text and an image",
    [{
      type: "document",
      title: "T",
      source: { type: "content", content: [text("a"), image, text("b"), other] },
    }],
    "Document: T\na\nb",
    [intro("Image"), IMAGE_PART, OTHER_PART],
  ],
  [
    "tool references",
    [text("a"), { type: "tool_reference", tool_name: "Read" }],
    "a\nTool available: Read",
  ],
  [
    "two search results",
    ["1", "2"].map((title) => ({
      type: "search_result" as const,
      title,
      source: "s",
      content: [],
    })),
    "Search result: 1\nSource: s\nSearch result: 2\nSource: s",
  ],
  ["a tool reference", [{ type: "tool_reference", tool_name: "Read" }], "Tool available: Read"],
  [
    "a search result",
    [{ type: "search_result", title: "T", source: "s", content: [text("a"), text("b")] }],
    "Search result: T\nSource: s\n\na\nb",
  ],
];

for (const [about, content, sent, attached = []] of RESULTS) {
  Deno.test(`translateResult translates ${about}`, () => {
    const expected = sent === "" ? "(no output)" : sent;
    assertEquals(translate({ content }), { content: expected, attached, dropped: [] });
  });
}

Deno.test("translateResult uses the upstream name of a tool reference, and reports unsupported blocks", () => {
  const { names } = createContext();
  const content: Content = [
    { type: "tool_reference", tool_name: "a.b" },
    { type: "unsupported", blockType: "hologram" },
  ];
  const alias = names.toUpstream("a.b");
  assertEquals(translate({ content }), {
    content: `Tool available: ${alias}`,
    attached: [],
    dropped: ["hologram"],
  });
});

Deno.test("translateResult gives a call without a result a placeholder", () => {
  assertEquals(translateResult({ upstreamId: "call_1" }, createContext()), {
    message: {
      role: "tool",
      tool_call_id: "call_1",
      content: "(no result: the tool was not run)",
    },
    attached: [],
  });
});

/** Text of a failed result → the text that is sent. */
const FAILED: [content: string, sent: string][] = [
  ["No such file", "Error: No such file"],
  ["", "Error: (no output)"],
  ["Error: no such file", "Error: no such file"],
  ["ERROR", "ERROR"],
  ["<tool_use_error>Bad</tool_use_error>", "<tool_use_error>Bad</tool_use_error>"],
  ["Terror", "Error: Terror"],
  ["An error", "Error: An error"],
  [`${"-".repeat(20)}error`, `${"-".repeat(20)}error`],
  [`${"-".repeat(21)}error`, `Error: ${"-".repeat(21)}error`],
];

for (const [content, sent] of FAILED) {
  Deno.test(`translateResult starts a failed result with Error once: ${JSON.stringify(content)}`, () => {
    assertEquals(translate({ content, is_error: true }).content, sent);
    assertEquals(translate({ content, is_error: false }).content, content || "(no output)");
  });
}

Deno.test("translateResult marks only the first text of a failed result", () => {
  const content = [text("a"), text("error"), text("b")];
  assertEquals(translate({ content, is_error: true }).content, "Error: a\nerror\nb");
});

Deno.test("translateResult keeps the breakpoint of the first text of a failed result", () => {
  const cache_control = { type: "ephemeral" as const };
  const content = [{ ...text("a"), cache_control }, text("b")];
  assertEquals(translate({ content, is_error: true }).content, [
    { ...text("Error: a"), cache_control },
    text("b"),
  ]);
});

Deno.test("translateResult puts the breakpoint of a result on its last text", () => {
  const cache_control = { type: "ephemeral" as const, ttl: "1h" as const };
  const inner = { ...text("a"), cache_control: { type: "ephemeral" as const } };
  assertEquals(translate({ content: [inner, text("b")] }).content, [inner, text("b")]);
  assertEquals(translate({ content: [inner, text("b")], cache_control }).content, [inner, {
    ...text("b"),
    cache_control,
  }]);
  assertEquals(translate({ content: [inner], cache_control }).content, [{
    ...text("a"),
    cache_control,
  }]);
  assertEquals(translate({ content: "a", cache_control: null }).content, "a");
  const last = [text("b"), inner];
  for (const none of [undefined, null]) {
    assertEquals(translate({ content: last, cache_control: none }).content, last);
  }
});

Deno.test("translateUnmatchedResult keeps texts, attachments and breakpoint of a result without a call", () => {
  const result: anthropic.ToolResultBlock = {
    type: "tool_result",
    tool_use_id: "gone",
    content: [text("a"), image, text("b"), pdf],
    cache_control: { type: "ephemeral" },
  };
  assertEquals(translateUnmatchedResult(result, createContext()), [
    {
      type: "text",
      text: "Result of an earlier tool call (gone):\na\nb",
      cache_control: { type: "ephemeral" },
    },
    image,
    pdf,
  ]);
  const failed = translateUnmatchedResult(
    { type: "tool_result", tool_use_id: "gone", is_error: true },
    createContext(),
  );
  assertEquals(JSON.parse(JSON.stringify(failed)), [
    text("Result of an earlier tool call (gone):\nError: (no output)"),
  ]);
});
