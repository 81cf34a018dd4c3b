/**
 * Parses the content blocks that users and tool results share: text, images, documents, search results.
 * @module
 */

import { type Field, invalidError } from "./field.ts";
import type {
  CacheControl,
  DocumentBlock,
  DocumentSource,
  ImageBlock,
  ImageSource,
  InputBlock,
  SearchResultBlock,
  TextBlock,
} from "./types.ts";

const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const;

const PDF_TYPES = ["application/pdf"] as const;

/** The types of {@linkcode parseInputBlock}. */
export const INPUT_BLOCK_TYPES = ["text", "image", "document", "search_result"] as const;

/**
 * Parses a block of these types; null for a block of another type.
 * @throws {ApiError} that names the path
 */
export function parseInputBlock(block: Field): InputBlock | null {
  switch (block.at("type").value) {
    case "text":
      return parseText(block.as("text"));
    case "image":
      return parseImage(block.as("image"));
    case "document":
      return parseDocument(block.as("document"));
    case "search_result":
      return parseSearchResult(block.as("search_result"));
    default:
      return null;
  }
}

/** Parses a cache breakpoint; null and absent are undefined. @throws {ApiError} that names the path */
export function parseCacheControl(field: Field): CacheControl | undefined {
  if (field.isMissing) return undefined;
  field.requireObject();
  return {
    type: field.at("type").asOneOf(["ephemeral"]),
    ttl: field.optional("ttl", (ttl) => ttl.asOneOf(["5m", "1h"])),
  };
}

/**
 * Parses a content field. String content becomes one text block. Empty texts are left out, because upstream rejects
 * them.
 * @throws {ApiError} that names the path
 */
export function parseContent<T extends { type: string }>(
  content: Field,
  parseBlock: (block: Field) => T,
): (T | TextBlock)[] {
  if (typeof content.value === "string") {
    return content.value === "" ? [] : [{ type: "text", text: content.value }];
  }
  const blocks = content.asList().map((field) => {
    field.requireObject();
    return parseBlock(field);
  });
  return blocks.filter((block) => !isEmptyText(block));
}

function isEmptyText(block: { type: string; text?: unknown }): boolean {
  return block.type === "text" && block.text === "";
}

/** Parses a text block. @throws {ApiError} that names the path */
export function parseText(block: Field): TextBlock {
  return {
    type: "text",
    text: block.at("text").asString(),
    cache_control: parseCacheControl(block.at("cache_control")),
  };
}

function parseImage(block: Field): ImageBlock {
  return {
    type: "image",
    source: parseImageSource(block.at("source")),
    cache_control: parseCacheControl(block.at("cache_control")),
  };
}

function parseImageSource(source: Field): ImageSource {
  source.requireObject();
  switch (source.at("type").value) {
    case "base64":
      return {
        type: "base64",
        media_type: source.as("base64").at("media_type").asOneOf(IMAGE_TYPES),
        data: parseData(source.as("base64").at("data"), IMAGE_TYPES),
      };
    case "url":
      return { type: "url", url: parseUrl(source.as("url").at("url")) };
    case "file":
      throw rejectFile(source);
    default:
      throw source.unknownTag(["base64", "url"]);
  }
}

/** A URL that upstream could not fetch is rejected here, where the path is known. */
function parseUrl(field: Field): string {
  const url = field.asNonEmptyString();
  if (/^(https?:\/\/|data:)\S+$/i.test(url) && URL.canParse(url)) return url;
  throw invalidError(field.path, "Input should be a valid URL");
}

/** Some clients send a data URL instead. The base64 is not checked: it may be megabytes, and upstream decodes it. */
function parseData(field: Field, types: readonly string[]): string {
  const data = field.asNonEmptyString();
  if (!data.startsWith("data:")) return data;
  const type = /^data:([^;,]{1,50});base64,/.exec(data)?.[1] ?? "";
  if (types.includes(type)) return data;
  throw invalidError(field.path, "Input should be valid base64");
}

function rejectFile(source: Field): Error {
  const id = source.at("file_id").value;
  const which = typeof id === "string" ? ` (${id})` : "";
  return invalidError(source.path, `file sources${which} are not supported; send base64 or a url`);
}

function parseDocument(block: Field): DocumentBlock {
  return {
    type: "document",
    source: parseDocumentSource(block.at("source")),
    cache_control: parseCacheControl(block.at("cache_control")),
    title: block.optional("title", (title) => title.asString()),
    context: block.optional("context", (context) => context.asString()),
  };
}

function parseDocumentSource(source: Field): DocumentSource {
  source.requireObject();
  switch (source.at("type").value) {
    case "base64": {
      const field = source.as("base64");
      const mediaType = field.at("media_type").asOneOf(PDF_TYPES);
      return {
        type: "base64",
        media_type: mediaType,
        data: parseData(field.at("data"), PDF_TYPES),
      };
    }
    case "url":
      return { type: "url", url: parseUrl(source.as("url").at("url")) };
    case "text": {
      const field = source.as("text");
      const mediaType = field.at("media_type").asOneOf(["text/plain"]);
      return { type: "text", media_type: mediaType, data: field.at("data").asString() };
    }
    case "content": {
      const content = source.as("content").at("content");
      return { type: "content", content: parseContent(content, parseDocumentPart) };
    }
    case "file":
      throw rejectFile(source);
    default:
      throw source.unknownTag(["base64", "url", "text", "content"]);
  }
}

function parseDocumentPart(block: Field): TextBlock | ImageBlock {
  return block.asTag(["text", "image"]) === "text"
    ? parseText(block.as("text"))
    : parseImage(block.as("image"));
}

function parseSearchResult(block: Field): SearchResultBlock {
  return {
    type: "search_result",
    source: block.at("source").asString(),
    title: block.at("title").asString(),
    content: parseContent(block.at("content"), (part) => {
      part.asTag(["text"]);
      return parseText(part.as("text"));
    }),
    cache_control: parseCacheControl(block.at("cache_control")),
  };
}
