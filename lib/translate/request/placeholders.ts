/**
 * Notes in place of images and files that the model cannot take: one of them in the history would end the
 * session, as upstream refuses every later request too. Pure.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { readImageSize } from "../image_tokens.ts";

/** What a model may be unable to take, in OpenRouter's words. */
export type InputKind = "image" | "file";

/** What {@linkcode replaceUnsupportedInput} needs to know beside the turns. */
export interface PlaceholderOptions {
  unsupported?: readonly InputKind[];
  /** The model that the notes name. */
  model: string;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** The same turns, with a note in the place of every image and file that is not supported. */
export function replaceUnsupportedInput(
  messages: anthropic.MessageParam[],
  options: PlaceholderOptions,
): anthropic.MessageParam[] {
  if (!options.unsupported?.length) return messages;
  return messages.map((turn) =>
    turn.role === "user"
      ? { ...turn, content: turn.content.map((block) => replaceInUser(block, options)) }
      : turn
  );
}

function replaceInUser(
  block: anthropic.UserContent,
  options: PlaceholderOptions,
): anthropic.UserContent {
  if (block.type !== "tool_result") return replaceBlock(block, options);
  const { content } = block;
  if (content === undefined || typeof content === "string") return block;
  return { ...block, content: content.map((one) => replaceBlock(one, options)) };
}

/** Every other block as it is. */
function replaceBlock<T extends { type: string }>(
  block: T | anthropic.ImageBlock | anthropic.DocumentBlock,
  options: PlaceholderOptions,
): T | anthropic.ImageBlock | anthropic.DocumentBlock | anthropic.TextBlock {
  if (isImage(block)) return replaceImage(block, options);
  return isDocument(block) ? replaceDocument(block, options) : block;
}

function isImage(block: { type: string }): block is anthropic.ImageBlock {
  return block.type === "image";
}

function isDocument(block: { type: string }): block is anthropic.DocumentBlock {
  return block.type === "document";
}

function replaceImage(
  block: anthropic.ImageBlock,
  options: PlaceholderOptions,
): anthropic.ImageBlock | anthropic.TextBlock {
  if (!options.unsupported?.includes("image")) return block;
  options.dropped.add("image");
  const { source, cache_control } = block;
  const size = readImageSize(source);
  const facts = [
    source.type === "base64" ? source.media_type : "image",
    ...size === null ? [] : [`${size.width}×${size.height}`],
    `not shown: ${options.model} takes no images`,
  ];
  const text = `[${facts.join(", ")}]`;
  return cache_control ? { type: "text", text, cache_control } : { type: "text", text };
}

/** A document keeps its title, its context and its cache breakpoint. */
function replaceDocument(
  block: anthropic.DocumentBlock,
  options: PlaceholderOptions,
): anthropic.DocumentBlock {
  const { source } = block;
  if (source.type === "content") {
    const content = source.content.map((one) =>
      one.type === "image" ? replaceImage(one, options) : one
    );
    return { ...block, source: { type: "content", content } };
  }
  if (source.type === "text" || !options.unsupported?.includes("file")) return block;
  options.dropped.add("document");
  const text = `[application/pdf, not shown: ${options.model} takes no files]`;
  return { ...block, source: { type: "content", content: [{ type: "text", text }] } };
}
