/** Content blocks as content parts: images, documents and search results. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import {
  flattenDocument,
  flattenSearchResult,
  isFile,
  translateInputBlock,
} from "../../../lib/translate/request/content_parts.ts";

const EPHEMERAL = { type: "ephemeral" as const };
const HOUR = { type: "ephemeral" as const, ttl: "1h" as const };

const text = (words: string, cache_control?: anthropic.CacheControl | null) => ({
  type: "text" as const,
  text: words,
  ...(cache_control === undefined ? {} : { cache_control }),
});
const url = "https://a.test/b";
const image: anthropic.ImageBlock = { type: "image", source: { type: "url", url } };
const imagePart = (of: string) => ({ type: "image_url", image_url: { url: of } });
const filePart = (file_data: string, filename = "document.pdf") => ({
  type: "file",
  file: { filename, file_data },
});
const pdf = (data: string) => ({
  type: "base64" as const,
  media_type: "application/pdf" as const,
  data,
});

/** Block → its parts, as upstream receives them. */
const BLOCKS: [about: string, block: anthropic.InputBlock, parts: unknown[]][] = [
  ["text", text("a"), [text("a")]],
  ["text with a breakpoint", text("a", EPHEMERAL), [text("a", EPHEMERAL)]],
  ["text with a null breakpoint", text("a", null), [text("a")]],
  ["an image by URL", image, [imagePart(url)]],
  [
    "an image with a null breakpoint",
    { ...image, cache_control: null },
    [imagePart(url)],
  ],
  ["an image with a breakpoint", { ...image, cache_control: HOUR }, [
    { ...imagePart(url), cache_control: HOUR },
  ]],
  [
    "a base64 image",
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } },
    [imagePart("data:image/png;base64,iVBO")],
  ],
  [
    "a data URL as base64",
    {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: "data:image/gif;base64,R0lG" },
    },
    [imagePart("data:image/gif;base64,R0lG")],
  ],
  ["a PDF by URL", { type: "document", source: { type: "url", url } }, [filePart(url)]],
  ["a PDF with a null breakpoint", {
    type: "document",
    source: { type: "url", url },
    cache_control: null,
  }, [filePart(url)]],
  ["a PDF", { type: "document", source: pdf("JVBE") }, [
    filePart("data:application/pdf;base64,JVBE"),
  ]],
  ["a PDF with a title", { type: "document", source: { type: "url", url }, title: "T" }, [
    text("Document: T"),
    filePart(url, "T.pdf"),
  ]],
  ["a PDF whose title ends in .PDF", {
    type: "document",
    source: { type: "url", url },
    title: "T.PDF",
  }, [text("Document: T.PDF"), filePart(url, "T.pdf")]],
  ["a PDF with .pdf in its title", {
    type: "document",
    source: { type: "url", url },
    title: ".pdf files",
  }, [text("Document: .pdf files"), filePart(url, ".pdf files.pdf")]],
  ["a PDF with a context and a breakpoint", {
    type: "document",
    source: { type: "url", url },
    context: "C",
    cache_control: HOUR,
  }, [text("C"), { ...filePart(url), cache_control: HOUR }]],
  ["a PDF with a title and a context", {
    type: "document",
    source: { type: "url", url },
    title: "T",
    context: "C",
  }, [text("Document: T\nC"), filePart(url, "T.pdf")]],
  ["an empty document", {
    type: "document",
    source: { type: "text", media_type: "text/plain", data: "" },
  }, []],
  ["a document of text", {
    type: "document",
    source: { type: "text", media_type: "text/plain", data: "a" },
    title: "T",
    context: "C",
    cache_control: HOUR,
  }, [text("Document: T\nC\n\na", HOUR)]],
  ["a document of a title only", {
    type: "document",
    source: { type: "text", media_type: "text/plain", data: "" },
    title: "T",
  }, [text("Document: T")]],
  ["a document of blocks", {
    type: "document",
    source: { type: "content", content: [text("a", EPHEMERAL), image, text("b")] },
    title: "T",
    cache_control: HOUR,
  }, [text("Document: T"), text("a", EPHEMERAL), imagePart(url), text("b", HOUR)]],
  ["a document without blocks", { type: "document", source: { type: "content", content: [] } }, []],
  ["a search result", {
    type: "search_result",
    title: "T",
    source: "s",
    content: [text("a"), text("b")],
  }, [text("Search result: T\nSource: s\n\na\nb")]],
];

for (const [about, block, parts] of BLOCKS) {
  Deno.test(`translateInputBlock translates ${about}`, () => {
    assertEquals(JSON.parse(JSON.stringify(translateInputBlock(block))), parts);
  });
}

Deno.test("the last block of a document keeps its own breakpoint if the document has none", () => {
  const cached = text("b", EPHEMERAL);
  const document: anthropic.DocumentBlock = {
    type: "document",
    source: { type: "content", content: [text("a"), cached] },
  };
  assertEquals(flattenDocument(document), [text("a"), cached]);
  assertEquals(flattenDocument({ ...document, cache_control: null }), [text("a"), cached]);
  assertEquals(flattenDocument({ ...document, cache_control: HOUR }).at(-1), text("b", HOUR));
});

Deno.test("a search result has its own breakpoint, else the last one of its content", () => {
  const content = [text("a", EPHEMERAL), text("b", HOUR), text("c", null)];
  const search = { type: "search_result" as const, title: "T", source: "s", content };
  assertEquals(flattenSearchResult(search).cache_control, HOUR);
  assertEquals(flattenSearchResult({ ...search, cache_control: null }).cache_control, HOUR);
  assertEquals(
    flattenSearchResult({ ...search, cache_control: EPHEMERAL }).cache_control,
    EPHEMERAL,
  );
  const plain = { ...search, content: [text("a"), text("")] };
  assertEquals(flattenSearchResult(plain).cache_control, undefined);
  assertEquals(flattenSearchResult(plain).text, "Search result: T\nSource: s\n\na");
});

Deno.test("isFile is true for PDFs only", () => {
  const sources: [anthropic.DocumentSource, boolean][] = [
    [pdf(""), true],
    [{ type: "url", url }, true],
    [{ type: "text", media_type: "text/plain", data: "" }, false],
    [{ type: "content", content: [] }, false],
  ];
  for (const [source, expected] of sources) {
    assertEquals(isFile({ type: "document", source }), expected, source.type);
  }
});
