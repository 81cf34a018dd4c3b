/**
 * Stop sequences and the token limit, held here where upstream goes on behind them. Pure.
 * @module
 */

import { CHARS_PER_TOKEN } from "./characters.ts";

/** What of a text the client may see, and whether the answer ends there. */
export interface VisibleText {
  text: string;
  /** The stop sequence that was met, or the token limit; undefined where the answer goes on. */
  end?: { matchedStop: string } | "length";
}

/**
 * Finds the first of several sequences in a text that comes in pieces (Knuth, Morris, Pratt: each character is
 * looked at once for each sequence). What may be the beginning of a sequence is held back until that is clear.
 */
export class StopSequences {
  readonly #searches: Search[];
  #held = "";

  constructor(sequences: readonly string[]) {
    this.#searches = sequences.filter((text) => text !== "").map(createSearch);
  }

  /** The text that is certain by now, up to the first sequence that is whole. */
  push(piece: string): VisibleText {
    if (this.#searches.length === 0) return { text: piece };
    const text = this.#held + piece;
    for (let at = this.#held.length; at < text.length; at++) {
      const met = this.#step(text.charCodeAt(at));
      if (met === undefined) continue;
      this.#held = "";
      return { text: text.slice(0, at + 1 - met.length), end: { matchedStop: met } };
    }
    const begun = Math.max(...this.#searches.map(({ matched }) => matched));
    this.#held = text.slice(text.length - begun);
    return { text: text.slice(0, text.length - begun) };
  }

  /** What was held back: no more text follows in this block. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    for (const search of this.#searches) search.matched = 0;
    return text;
  }

  /** Of sequences that end at the same character the longest counts. */
  #step(code: number): string | undefined {
    let met: string | undefined;
    for (const search of this.#searches) {
      advance(search, code);
      const isWhole = search.matched === search.text.length;
      if (isWhole && search.text.length > (met?.length ?? 0)) met = search.text;
    }
    return met;
  }
}

/** The client's own token limit, where upstream was given a higher one. By characters: an estimate. */
export class TokenLimit {
  #charsLeft: number;

  constructor(tokens: number) {
    this.#charsLeft = tokens * CHARS_PER_TOKEN;
  }

  push(text: string): VisibleText {
    const isOver = text.length > this.#charsLeft;
    const visible = isOver ? cutAt(text, this.#charsLeft) : text;
    this.#charsLeft -= visible.length;
    return isOver ? { text: visible, end: "length" } : { text };
  }
}

/** Never between the halves of a surrogate pair. */
function cutAt(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}

/** One sequence, and how much of it the text so far ends with. */
interface Search {
  text: string;
  /** For each length of a match, the next shorter one that the same text also ends with. */
  shorter: Int32Array;
  matched: number;
}

function createSearch(text: string): Search {
  const shorter = new Int32Array(text.length + 1);
  for (let at = 1, length = 0; at < text.length; at++) {
    while (length > 0 && text.charCodeAt(at) !== text.charCodeAt(length)) {
      length = shorter[length] ?? 0;
    }
    if (text.charCodeAt(at) === text.charCodeAt(length)) length++;
    shorter[at + 1] = length;
  }
  return { text, shorter, matched: 0 };
}

function advance(search: Search, code: number): void {
  let { matched } = search;
  while (matched > 0 && search.text.charCodeAt(matched) !== code) {
    matched = search.shorter[matched] ?? 0;
  }
  search.matched = search.text.charCodeAt(matched) === code ? matched + 1 : matched;
}
