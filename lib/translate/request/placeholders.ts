/**
 * Replaces images and files that the model does not support with notes. Otherwise one in the history would end the
 * session: upstream rejects every later request too.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { readImageSize } from "../image_tokens.ts";
import type { TranslationContext } from "./context.ts";

/** An input modality that a model may not support, as OpenRouter names it. */
export type InputKind = "image" | "file";

/** The turns with a note in place of every image or file of an unsupported kind. */
export function replaceUnsupportedInput(
  messages: anthropic.MessageParam[],
  unsupported: readonly InputKind[],
  context: TranslationContext,
): anthropic.MessageParam[] {
  if (unsupported.length === 0) return messages;
  const replacer = new InputReplacer(unsupported, context);
  return messages.map((turn) =>
    turn.role === "user"
      ? { ...turn, content: turn.content.map((block) => replacer.replaceInTurn(block)) }
      : turn
  );
}

class InputReplacer {
  readonly #unsupported: readonly InputKind[];
  readonly #context: TranslationContext;

  constructor(unsupported: readonly InputKind[], context: TranslationContext) {
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
    if (!this.#unsupported.includes("image")) return block;
    this.#context.dropped.add("image");
    const { source, cache_control } = block;
    const size = readImageSize(source);
    const facts = [
      source.type === "base64" ? source.media_type : "image",
      ...size === null ? [] : [`${size.width}×${size.height}`],
      `not shown: ${this.#context.model} takes no images`,
    ];
    return { type: "text", text: `[${facts.join(", ")}]`, cache_control };
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
    if (source.type === "text" || !this.#unsupported.includes("file")) return block;
    this.#context.dropped.add("document");
    const text = `[application/pdf, not shown: ${this.#context.model} takes no files]`;
    return { ...block, source: { type: "content", content: [{ type: "text", text }] } };
  }
}

function isImage(block: { type: string }): block is anthropic.ImageBlock {
  return block.type === "image";
}

function isDocument(block: { type: string }): block is anthropic.DocumentBlock {
  return block.type === "document";
}
