/**
 * Adds the text of a response to its block queue, up to a stop sequence or the client's token limit. Pure.
 * @module
 */

import type { Citation } from "../../anthropic/server_tools.ts";
import { TextBlockBuilder } from "./block_builders.ts";
import type { BlockQueue } from "./block_queue.ts";
import { StopSequences, TokenLimit, type VisibleText } from "./stop_sequences.ts";

/** Where the text ends for the client. */
export interface TextOptions {
  stopSequences?: readonly string[];
  /** In tokens, if upstream got a higher limit. */
  visibleTokens?: number | undefined;
}

/** Adds text to a queue of blocks. */
export class TextBlocks {
  readonly #queue: BlockQueue;
  readonly #stops: StopSequences;
  readonly #limit: TokenLimit;
  /** Only upstream ends the text. */
  readonly #isUnlimited: boolean;
  /** Citations that arrived before any text. */
  #pendingCitations: Citation[] = [];
  #chars = 0;

  constructor(queue: BlockQueue, { stopSequences = [], visibleTokens = Infinity }: TextOptions) {
    this.#queue = queue;
    this.#stops = new StopSequences(stopSequences);
    this.#limit = new TokenLimit(visibleTokens);
    this.#isUnlimited = stopSequences.length === 0 && visibleTokens === Infinity;
  }

  /** Characters of visible text. */
  get chars(): number {
    return this.#chars;
  }

  /** Adds text to the open block or to a new one. @returns why the response ends here, if it does */
  add(text: string): VisibleText["end"] {
    if (this.#isUnlimited) {
      this.#addVisible(text);
      return undefined;
    }
    if (this.#queue.last?.type !== "text") this.endBlock();
    const upToStop = this.#stops.push(text);
    const visible = this.#limit.push(upToStop.text);
    this.#addVisible(visible.text);
    return visible.end ?? upToStop.end;
  }

  /** Ends the text block: buffered text is not part of a stop sequence. */
  endBlock(): void {
    if (this.#isUnlimited) return;
    this.#addVisible(this.#limit.push(this.#stops.flush()).text);
  }

  /** Adds citations to the open text, or to the next. */
  addCitations(citations: readonly Citation[]): void {
    const { last } = this.#queue;
    for (const citation of citations) {
      if (last?.type === "text") last.addCitation(citation);
      else this.#pendingCitations.push(citation);
    }
  }

  #addVisible(text: string): void {
    if (text === "") return;
    this.#chars += text.length;
    const { last } = this.#queue;
    const builder = last?.type === "text" ? last : this.#queue.add(new TextBlockBuilder());
    builder.add(text);
    for (const citation of this.#pendingCitations.splice(0)) builder.addCitation(citation);
  }
}
