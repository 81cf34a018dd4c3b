/**
 * Single pieces of content: text, images, documents and search results → parts. Pure.
 * This is where to change how an image or a PDF is sent.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";

/** What joins the texts of a message, by its role, where no cache breakpoint keeps them apart. */
export const SEPARATORS = { system: "\n\n", assistant: "", tool: "\n" } as const;

/** A piece of a user turn → parts. Only an empty document has none. */
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
  return blocks.map((block) => ({ type: "text", text: block.text, ...markOf(block) }));
}

/** An image → one `image_url` part: base64 as a data URL, a URL as it is (upstream fetches it, we never do). */
function translateImage(block: anthropic.ImageBlock): openrouter.ImagePart {
  const { source } = block;
  const url = source.type === "url" ? source.url : toDataUrl(source);
  return { type: "image_url", image_url: { url }, ...markOf(block) };
}

/** A document that upstream must read: a PDF. */
export type FileDocument = anthropic.DocumentBlock & {
  source: Extract<anthropic.DocumentSource, { type: "base64" | "url" }>;
};

/** Whether a document is a file, and not text and images that can stand in its place. */
export function isFile(block: anthropic.DocumentBlock): block is FileDocument {
  return block.source.type === "base64" || block.source.type === "url";
}

/** A PDF → what is said of it, and one `file` part. */
function translateFile(block: FileDocument): openrouter.ContentPart[] {
  const { source, title } = block;
  const file: openrouter.FilePart = {
    type: "file",
    file: {
      filename: title ? title.replace(/(\.pdf)?$/i, ".pdf") : "document.pdf",
      file_data: source.type === "url" ? source.url : toDataUrl(source),
    },
    ...markOf(block),
  };
  const lead = introduce(block);
  return lead === "" ? [file] : [{ type: "text", text: lead }, file];
}

/** A document of text and images → these, under its title and context. */
export function flattenDocument(
  block: anthropic.DocumentBlock,
): (anthropic.TextBlock | anthropic.ImageBlock)[] {
  const { source } = block;
  const lead = introduce(block);
  const blocks: (anthropic.TextBlock | anthropic.ImageBlock)[] = source.type === "content"
    ? [...source.content]
    : [];
  if (source.type === "text") {
    const text = [lead, source.data].filter((one) => one !== "").join("\n\n");
    if (text !== "") blocks.push({ type: "text", text });
  } else if (lead !== "") blocks.unshift({ type: "text", text: lead });
  const last = blocks.pop();
  return last === undefined ? [] : [...blocks, { ...last, ...markOf(block) }];
}

/** Something found → its text under its title and source. */
export function flattenSearchResult(block: anthropic.SearchResultBlock): anthropic.TextBlock {
  const words = block.content.map((part) => part.text).join("\n");
  const text = `Search result: ${block.title}\nSource: ${block.source}\n\n${words}`;
  const mark = block.content.findLast((part) => part.cache_control);
  return { type: "text", text: text.trimEnd(), ...markOf(mark ?? block), ...markOf(block) };
}

/** What a document says of itself; upstream has no fields for it. */
function introduce({ title, context }: anthropic.DocumentBlock): string {
  return [title && `Document: ${title}`, context].filter(Boolean).join("\n");
}

function toDataUrl(source: { media_type: string; data: string }): string {
  // Some clients already put a data URL into `data`; a doubled prefix makes the file unreadable.
  if (source.data.startsWith("data:")) return source.data;
  return `data:${source.media_type};base64,${source.data}`;
}

/** A block's cache breakpoint, ready to be spread into a part. */
function markOf(
  { cache_control: mark }: { cache_control?: anthropic.CacheControl | null | undefined },
): { cache_control?: anthropic.CacheControl } {
  return mark ? { cache_control: mark } : {};
}
