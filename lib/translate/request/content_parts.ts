/**
 * Translates content blocks (text, images, documents, search results) to content parts.
 * Change here how an image or a PDF is sent.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";

/** Joins the texts of a message, by role, when no cache breakpoint separates them. */
export const SEPARATORS = { system: "\n\n", assistant: "", tool: "\n" } as const;

/** The parts of a block of a user turn or tool result; empty only for an empty document. */
export function translateInputBlock(block: anthropic.InputBlock): openrouter.ContentPart[] {
  switch (block.type) {
    case "text":
      return translateParts([block]);
    case "image":
      return [translateImage(block)];
    case "search_result":
      return translateParts([flattenSearchResult(block)]);
    case "document":
      if (isFile(block)) return translateFile(block);
      return flattenDocument(block).flatMap(translateInputBlock);
    default:
      return block satisfies never;
  }
}

/** Text blocks → text parts, each with its cache breakpoint. */
export function translateParts(blocks: readonly anthropic.TextBlock[]): openrouter.TextPart[] {
  return blocks.map(({ text, cache_control }) => ({
    type: "text",
    text,
    cache_control: cache_control ?? undefined,
  }));
}

/** Base64 becomes a data URL; other URLs are forwarded, and only upstream fetches them. */
function translateImage({ source, cache_control }: anthropic.ImageBlock): openrouter.ImagePart {
  const url = source.type === "url" ? source.url : toDataUrl(source);
  return { type: "image_url", image_url: { url }, cache_control: cache_control ?? undefined };
}

/** A document that upstream must parse: a PDF. */
export type FileDocument = anthropic.DocumentBlock & {
  source: Extract<anthropic.DocumentSource, { type: "base64" | "url" }>;
};

/** Whether a document is a file; others are text and images, which can replace it. */
export function isFile(block: anthropic.DocumentBlock): block is FileDocument {
  return block.source.type === "base64" || block.source.type === "url";
}

/** A PDF → its title and context as text, if any, then a `file` part. */
function translateFile(block: FileDocument): openrouter.ContentPart[] {
  const { source, title, cache_control } = block;
  const file: openrouter.FilePart = {
    type: "file",
    file: {
      filename: title ? title.replace(/(\.pdf)?$/i, ".pdf") : "document.pdf",
      file_data: source.type === "url" ? source.url : toDataUrl(source),
    },
    cache_control: cache_control ?? undefined,
  };
  const heading = formatHeading(block);
  return heading === "" ? [file] : [{ type: "text", text: heading }, file];
}

/** A document of text and images → these blocks, under its title and context. */
export function flattenDocument(
  block: anthropic.DocumentBlock,
): (anthropic.TextBlock | anthropic.ImageBlock)[] {
  const { source } = block;
  const heading = formatHeading(block);
  const blocks: (anthropic.TextBlock | anthropic.ImageBlock)[] = source.type === "content"
    ? [...source.content]
    : [];
  if (source.type === "text") {
    const text = [heading, source.data].filter((one) => one !== "").join("\n\n");
    if (text !== "") blocks.push({ type: "text", text });
  } else if (heading !== "") blocks.unshift({ type: "text", text: heading });
  const last = blocks.pop();
  if (last === undefined) return [];
  return [...blocks, { ...last, cache_control: block.cache_control ?? last.cache_control }];
}

/** A search result → its text under its title and source. */
export function flattenSearchResult(block: anthropic.SearchResultBlock): anthropic.TextBlock {
  const body = block.content.map((part) => part.text).join("\n");
  const text = `Search result: ${block.title}\nSource: ${block.source}\n\n${body}`;
  const inner = block.content.findLast((part) => part.cache_control);
  return {
    type: "text",
    text: text.trimEnd(),
    cache_control: block.cache_control ?? inner?.cache_control,
  };
}

/** Title and context as text: upstream has no fields for them. */
function formatHeading({ title, context }: anthropic.DocumentBlock): string {
  return [title && `Document: ${title}`, context].filter(Boolean).join("\n");
}

function toDataUrl(source: { media_type: string; data: string }): string {
  // Some clients already put a data URL into `data`; a doubled prefix makes the file unreadable.
  if (source.data.startsWith("data:")) return source.data;
  return `data:${source.media_type};base64,${source.data}`;
}
