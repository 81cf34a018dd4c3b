/**
 * Adds the reasoning of a response to its block queue, and decides which block each piece belongs to. Pure.
 * @module
 */

import { toText } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { CompleteBlockBuilder, ThinkingBlockBuilder } from "./block_builders.ts";
import type { BlockQueue } from "./block_queue.ts";
import {
  type EncodeOptions,
  encodeReasoning,
  isVisible,
  readReasoning,
  type Reasoning,
  sharesEnvelope,
  visibleText,
} from "../reasoning.ts";

/** How reasoning is sent to the client. */
export interface ReasoningOptions {
  /** The client requested hidden thinking: blocks carry only what the next request must replay. */
  isHidden: boolean;
  /** The responding model, as far as it is known when a block ends. */
  model: () => string;
  /** Called before reasoning is added, so that buffered text precedes it. */
  beforeBlock: () => void;
}

/** Adds reasoning to a queue of blocks. */
export class ReasoningBlocks {
  readonly #queue: BlockQueue;
  readonly #options: ReasoningOptions;
  /** The newest thinking block. */
  #thinking: ThinkingBlockBuilder | null = null;
  #hasPieces = false;
  /** Upstream sent `reasoning_details: []`, which some models expect back. */
  #hasEmptyList = false;
  #chars = 0;
  #encryptedChars = 0;

  constructor(queue: BlockQueue, options: ReasoningOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** Characters of thinking. */
  get chars(): number {
    return this.#chars;
  }

  /** Characters buffered for the signature at the end of a block. */
  get keptChars(): number {
    return this.#chars + this.#encryptedChars;
  }

  /**
   * Adds the reasoning of a delta; returns whether it has any.
   * @param isMessage the delta is a complete message, so its pieces do not continue each other
   */
  add(delta: openrouter.Delta, isMessage: boolean): boolean {
    const pieces = readReasoning(delta);
    if (pieces.length > 0) this.#options.beforeBlock();
    for (const piece of pieces) {
      const isEncrypted = "detail" in piece && !isVisible(piece.detail);
      if (isEncrypted) this.#addEncrypted(piece);
      else this.#addThinking(piece, isMessage);
    }
    this.#hasPieces ||= pieces.length > 0;
    this.#hasEmptyList ||= delta.reasoning_details?.length === 0;
    return pieces.length > 0;
  }

  /** Ends the reasoning. The block for an empty list comes last: readers of plain text expect text in the first one. */
  finish(): void {
    if (this.#hasEmptyList && !this.#hasPieces) this.#addRedacted({ isEmptyList: true });
  }

  /**
   * In a stream, pieces of the same kind extend one block until it is signed. A signature without text signs the
   * previous block, and is dropped if that block is finished. Without a previous block it signs hidden thinking.
   */
  #addThinking(piece: Reasoning, isMessage: boolean): void {
    const text = textOf(piece);
    this.#chars += text.length;
    const previous = this.#thinking;
    if (!isMessage && previous?.accepts(piece)) {
      const isLast = this.#queue.last === previous;
      if (isLast || (text === "" && !previous.isFinished)) return previous.add(piece);
      if (text === "") return;
    }
    this.#thinking = this.#queue.add(
      new ThinkingBlockBuilder(piece, {
        isHidden: this.#options.isHidden,
        encodeSignature: (pieces) => encodeReasoning(pieces, this.#encodeOptions()),
      }),
    );
  }

  /** Encrypted reasoning arrives complete. It joins the previous thinking block unless that is finished. */
  #addEncrypted(piece: Reasoning): void {
    if ("detail" in piece) this.#encryptedChars += toText(piece.detail.data).length;
    const previous = this.#thinking;
    const isOpen = previous !== null && !previous.isFinished;
    if (isOpen && sharesEnvelope(previous.reasoning, piece, this.#encodeOptions())) {
      previous.attach(piece);
    } else this.#addRedacted(piece);
  }

  /** Reasoning that must not be replayed gets no block. */
  #addRedacted(piece: Reasoning): void {
    const data = encodeReasoning([piece], this.#encodeOptions());
    if (data !== "") this.#queue.add(new CompleteBlockBuilder({ type: "redacted_thinking", data }));
  }

  #encodeOptions(): EncodeOptions {
    return { model: this.#options.model(), isHidden: this.#options.isHidden };
  }
}

function textOf(piece: Reasoning): string {
  if ("detail" in piece) return visibleText(piece.detail);
  return "field" in piece ? piece.text : "";
}
