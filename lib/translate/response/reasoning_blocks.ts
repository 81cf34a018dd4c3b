/**
 * The reasoning of one answer as blocks in its queue: which piece goes on with which block. Pure.
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

/** How reasoning is shown and sealed. */
export interface ReasoningOptions {
  /** The client asked not to see it: its blocks carry only what must come back. */
  isHidden: boolean;
  /** The model that answers, as far as is known when a block ends. */
  model: () => string;
  /** Called before reasoning is added: text that was held back comes first. */
  beforeBlock: () => void;
}

/** Adds reasoning to a queue of blocks. */
export class ReasoningBlocks {
  readonly #queue: BlockQueue;
  readonly #options: ReasoningOptions;
  /** The thinking block that began last. */
  #thinking: ThinkingBlockBuilder | null = null;
  #hasPieces = false;
  /** Upstream sent `reasoning_details: []`, which some models want back. */
  #hasEmptyList = false;
  #chars = 0;
  #encryptedChars = 0;

  constructor(queue: BlockQueue, options: ReasoningOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /** How many characters of thinking there were. */
  get chars(): number {
    return this.#chars;
  }

  /** How many characters wait for the end of their block. */
  get keptChars(): number {
    return this.#chars + this.#encryptedChars;
  }

  /**
   * Adds the reasoning of a delta; false where there is none.
   * @param isWhole the delta is a whole message: its pieces are not parts of one another
   */
  add(delta: openrouter.Delta, isWhole: boolean): boolean {
    const pieces = readReasoning(delta);
    if (pieces.length > 0) this.#options.beforeBlock();
    for (const piece of pieces) {
      const isAtomic = "detail" in piece && !isVisible(piece.detail);
      if (isAtomic) this.#addEncrypted(piece);
      else this.#addThinking(piece, isWhole);
    }
    this.#hasPieces ||= pieces.length > 0;
    this.#hasEmptyList ||= delta.reasoning_details?.length === 0;
    return pieces.length > 0;
  }

  /** Nothing more will come. What says "there was none" is last: readers of plain text look at the first block. */
  finish(): void {
    if (this.#hasEmptyList && !this.#hasPieces) this.#addRedacted({ isEmptyList: true });
  }

  /**
   * Pieces of a stream grow one block, as long as they are of one kind and it is not signed. A signature alone
   * signs the block before it, which may have been closed already: then it came too late. Without such a block
   * it signs thinking that is not shown.
   */
  #addThinking(piece: Reasoning, isWhole: boolean): void {
    const shown = toShown(piece);
    this.#chars += shown.length;
    const before = this.#thinking;
    if (!isWhole && before?.accepts(piece)) {
      const isLast = this.#queue.last === before;
      if (isLast || (shown === "" && !before.isFinished)) return before.add(piece);
      if (shown === "") return;
    }
    this.#thinking = this.#queue.add(
      new ThinkingBlockBuilder(piece, {
        isHidden: this.#options.isHidden,
        seal: (pieces) => encodeReasoning(pieces, this.#sealOptions()),
      }),
    );
  }

  /** Encrypted reasoning, whole at once: with the thinking before it, as long as that is not finished. */
  #addEncrypted(piece: Reasoning): void {
    if ("detail" in piece) this.#encryptedChars += toText(piece.detail.data).length;
    const before = this.#thinking;
    const isOpen = before !== null && !before.isFinished;
    if (isOpen && sharesEnvelope(before.reasoning, piece, this.#sealOptions())) {
      before.attach(piece);
    } else this.#addRedacted(piece);
  }

  /** What may not come back is not worth a block. */
  #addRedacted(piece: Reasoning): void {
    const data = encodeReasoning([piece], this.#sealOptions());
    if (data !== "") this.#queue.add(new CompleteBlockBuilder({ type: "redacted_thinking", data }));
  }

  #sealOptions(): EncodeOptions {
    return { model: this.#options.model(), isHidden: this.#options.isHidden };
  }
}

function toShown(piece: Reasoning): string {
  if ("detail" in piece) return visibleText(piece.detail);
  return "field" in piece ? piece.text : "";
}
