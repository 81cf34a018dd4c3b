/**
 * Replaces images and files that the model does not support with notes, or with a description of the image. Otherwise
 * one in the history would end the session: upstream rejects every later request too.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { readImageSize } from "../image_tokens.ts";
import type { TranslationContext } from "./context.ts";

/** An input modality that a model may not support, as OpenRouter names it. */
export type InputKind = "image" | "file";

/** What stands in for an image: the words of another model, or why there are none. */
export type ImageDescription = { model: string } & ({ text: string } | { failure: string });

/** Descriptions by the `source` of the image: the same object as in the request. */
export type ImageDescriptions = ReadonlyMap<anthropic.ImageSource, ImageDescription>;

/** What a request's models do not support, and the words for it. */
export interface UnsupportedInput {
  kinds: readonly InputKind[];
  /** An image without a description gets a note. */
  descriptions?: ImageDescriptions;
}

/** The images that user turns contain: directly, in results of tools and in documents. */
export function listImages(messages: readonly anthropic.MessageParam[]): anthropic.ImageSource[] {
  const blocks = messages.flatMap((turn) => turn.role === "user" ? turn.content : []);
  return blocks.flatMap(listContent).flatMap(listContent).filter(isImage)
    .map(({ source }) => source);
}

/** The blocks in a result or in a document of blocks; otherwise the block itself. */
function listContent(block: { type: string }): { type: string }[] {
  const content = isResult(block)
    ? block.content
    : isDocument(block) && block.source.type === "content"
    ? block.source.content
    : undefined;
  return Array.isArray(content) ? content : [block];
}

/** The turns with a text in place of every image or file of an unsupported kind. */
export function replaceUnsupportedInput(
  messages: anthropic.MessageParam[],
  unsupported: UnsupportedInput,
  context: TranslationContext,
): anthropic.MessageParam[] {
  if (unsupported.kinds.length === 0) return messages;
  const replacer = new InputReplacer(unsupported, context);
  return messages.map((turn) =>
    turn.role === "user"
      ? { ...turn, content: turn.content.map((block) => replacer.replaceInTurn(block)) }
      : turn
  );
}

class InputReplacer {
  readonly #unsupported: UnsupportedInput;
  readonly #context: TranslationContext;

  constructor(unsupported: UnsupportedInput, context: TranslationContext) {
    this.#unsupported = unsupported;
    this.#context = context;
  }

  replaceInTurn(block: anthropic.UserContent): anthropic.UserContent {
    if (block.type !== "tool_result") return this.#replace(block);
    const { content } = block;
    if (content === undefined || typeof content === "string") return block;
    return { ...block, content: content.map((one) => this.#replace(one)) };
  }

  #replace<T extends { type: string }>(
    block: T | anthropic.ImageBlock | anthropic.DocumentBlock,
  ): T | anthropic.ImageBlock | anthropic.DocumentBlock | anthropic.TextBlock {
    if (isImage(block)) return this.#replaceImage(block);
    return isDocument(block) ? this.#replaceDocument(block) : block;
  }

  #replaceImage(block: anthropic.ImageBlock): anthropic.ImageBlock | anthropic.TextBlock {
    const { kinds, descriptions } = this.#unsupported;
    if (!kinds.includes("image")) return block;
    const { source, cache_control } = block;
    const description = descriptions?.get(source);
    const isDescribed = description !== undefined && "text" in description;
    if (!isDescribed) this.#context.dropped.add("image");
    const size = readImageSize(source);
    const facts = [
      source.type === "base64" ? source.media_type : "image",
      ...size === null ? [] : [`${size.width}×${size.height}`],
      `not shown: ${this.#context.model} takes no images`,
    ].join(", ");
    return { type: "text", text: formatNote(facts, description), cache_control };
  }

  /** A document keeps its title, context and cache breakpoint. */
  #replaceDocument(block: anthropic.DocumentBlock): anthropic.DocumentBlock {
    const { source } = block;
    if (source.type === "content") {
      const content = source.content.map((one) =>
        one.type === "image" ? this.#replaceImage(one) : one
      );
      return { ...block, source: { type: "content", content } };
    }
    if (source.type === "text" || !this.#unsupported.kinds.includes("file")) return block;
    this.#context.dropped.add("document");
    const text = `[application/pdf, not shown: ${this.#context.model} takes no files]`;
    return { ...block, source: { type: "content", content: [{ type: "text", text }] } };
  }
}

/** The words of the image's model have an end mark: they may contain the text of a whole page. */
function formatNote(facts: string, description: ImageDescription | undefined): string {
  if (description === undefined) return `[${facts}]`;
  const { model } = description;
  return "text" in description
    ? `[${facts}. What ${model} sees in it:]\n${description.text}\n[End of the description by ${model}]`
    : `[${facts}; ${model} could not describe it: ${description.failure}]`;
}

function isResult(block: { type: string }): block is anthropic.ToolResultBlock {
  return block.type === "tool_result";
}

function isImage(block: { type: string }): block is anthropic.ImageBlock {
  return block.type === "image";
}

function isDocument(block: { type: string }): block is anthropic.DocumentBlock {
  return block.type === "document";
}
