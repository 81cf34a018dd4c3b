/**
 * Checking the pieces of content that both users and tools can show: text, images, documents, search results.
 * This is where to change what is taken as a document.
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
 * A piece that users and tools can show; null for a block of another type.
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

/** A cache breakpoint; null and absent are none. @throws {ApiError} that names the path */
export function parseCacheControl(field: Field): CacheControl | undefined {
  if (field.isMissing) return undefined;
  field.asObject();
  field.at("type").asOneOf(["ephemeral"]);
  const ttl = field.at("ttl");
  return ttl.isMissing ? { type: "ephemeral" } : {
    type: "ephemeral",
    ttl: ttl.asOneOf(["5m", "1h"]),
  };
}

/**
 * The blocks of a content field. String content is one text block; empty text carries nothing and upstream
 * refuses it.
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
    field.asObject();
    return parseBlock(field);
  });
  return blocks.filter((block) => !isEmptyText(block));
}

function isEmptyText(block: { type: string; text?: unknown }): boolean {
  return block.type === "text" && block.text === "";
}

/** A text block. @throws {ApiError} that names the path */
export function parseText(block: Field): TextBlock {
  return { type: "text", text: block.at("text").asString(), ...cacheControlOf(block) };
}

function parseImage(block: Field): ImageBlock {
  return { type: "image", source: parseImageSource(block.at("source")), ...cacheControlOf(block) };
}

function parseImageSource(source: Field): ImageSource {
  source.asObject();
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

/** Upstream fetches it; what it cannot fetch is refused here, where the path is known. */
function parseUrl(field: Field): string {
  const url = field.asText();
  if (/^(https?:\/\/|data:)\S+$/i.test(url) && URL.canParse(url)) return url;
  throw invalidError(field.path, "Input should be a valid URL");
}

/** Some clients put a data URL there. The base64 itself is not walked: it may be megabytes, and upstream reads it. */
function parseData(field: Field, types: readonly string[]): string {
  const data = field.asText();
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
  const document: DocumentBlock = {
    type: "document",
    source: parseDocumentSource(block.at("source")),
    ...cacheControlOf(block),
  };
  const title = block.at("title");
  if (!title.isMissing) document.title = title.asString();
  const context = block.at("context");
  if (!context.isMissing) document.context = context.asString();
  return document;
}

function parseDocumentSource(source: Field): DocumentSource {
  source.asObject();
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
    ...cacheControlOf(block),
  };
}

/** A block's breakpoint, ready to be spread into it. */
export function cacheControlOf(block: Field): { cache_control?: CacheControl } {
  const cacheControl = parseCacheControl(block.at("cache_control"));
  return cacheControl === undefined ? {} : { cache_control: cacheControl };
}
