/**
 * The text of one answer as blocks in its queue, up to where the client wants it to end. Pure.
 * @module
 */

import type { Citation } from "../../anthropic/server_tools.ts";
import { TextBlockBuilder } from "./block_builders.ts";
import type { BlockQueue } from "./block_queue.ts";
import { StopSequences, TokenLimit, type VisibleText } from "./stop_sequences.ts";

/** Where the client wants the text to end. */
export interface TextOptions {
  stopSequences?: readonly string[];
  /** In tokens, where upstream was given more. */
  visibleTokens?: number | undefined;
}

/** Adds text to a queue of blocks. */
export class TextBlocks {
  readonly #queue: BlockQueue;
  readonly #stops: StopSequences;
  readonly #limit: TokenLimit;
  /** Nothing ends the text but upstream. */
  readonly #isUnlimited: boolean;
  /** Citations that came before any text. */
  #uncited: Citation[] = [];
  #chars = 0;

  constructor(queue: BlockQueue, { stopSequences = [], visibleTokens = Infinity }: TextOptions) {
    this.#queue = queue;
    this.#stops = new StopSequences(stopSequences);
    this.#limit = new TokenLimit(visibleTokens);
    this.#isUnlimited = stopSequences.length === 0 && visibleTokens === Infinity;
  }

  /** How many characters the client was sent. */
  get chars(): number {
    return this.#chars;
  }

  /** Adds text to the block at hand, or to a new one. @returns why the answer ends here, if it does */
  add(text: string): VisibleText["end"] {
    if (this.#isUnlimited) {
      this.#show(text);
      return undefined;
    }
    if (this.#queue.last?.type !== "text") this.endBlock();
    const met = this.#stops.push(text);
    const visible = this.#limit.push(met.text);
    this.#show(visible.text);
    return visible.end ?? met.end;
  }

  /** Another block follows, or nothing: what may have been the beginning of a stop sequence is text. */
  endBlock(): void {
    if (this.#isUnlimited) return;
    this.#show(this.#limit.push(this.#stops.flush()).text);
  }

  /** A citation belongs to the text at hand, or to the next. */
  addCitation(citations: readonly Citation[]): void {
    const { last } = this.#queue;
    for (const citation of citations) {
      if (last?.type === "text") last.addCitation(citation);
      else this.#uncited.push(citation);
    }
  }

  #show(text: string): void {
    if (text === "") return;
    this.#chars += text.length;
    const { last } = this.#queue;
    const draft = last?.type === "text" ? last : this.#queue.add(new TextBlockBuilder());
    draft.add(text);
    for (const citation of this.#uncited.splice(0)) draft.addCitation(citation);
  }
}
