/**
 * Stop sequences and the token limit, held here where upstream goes on behind them. Pure.
 * @module
 */

import { CHARS_PER_TOKEN } from "../token_calibration.ts";

/** What of a text the client may see, and whether the answer ends there. */
export interface VisibleText {
  text: string;
  /** The stop sequence that was met, or the token limit; undefined where the answer goes on. */
  end?: { matchedStop: string } | "length";
}

/**
 * Finds the first of several sequences in a text that comes in pieces (Aho, Corasick: each character is looked at once,
 * however many sequences there are). What may be the beginning of a sequence is held back until that is clear.
 */
export class StopSequences {
  readonly #start: Match;
  /** The longest beginning of a sequence that the text so far ends with. */
  #at: Match;
  #held = "";

  constructor(sequences: readonly string[]) {
    this.#start = this.#at = createMatches(sequences.filter((text) => text !== ""));
  }

  /** The text that is certain by now, up to the first sequence that is whole. */
  push(piece: string): VisibleText {
    if (this.#start.next.size === 0) return { text: piece };
    const text = this.#held + piece;
    for (let at = this.#held.length; at < text.length; at++) {
      this.#at = advance(this.#at, text.charCodeAt(at));
      const met = this.#at.whole;
      if (met === undefined) continue;
      this.#held = "";
      return { text: text.slice(0, at + 1 - met.length), end: { matchedStop: met } };
    }
    const begun = this.#at.length;
    this.#held = text.slice(text.length - begun);
    return { text: text.slice(0, text.length - begun) };
  }

  /** What was held back: no more text follows in this block. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    this.#at = this.#start;
    return text;
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

/** A beginning of one or more sequences. */
interface Match {
  length: number;
  /** Beginnings that are one character longer, by that character. */
  next: Map<number, Match>;
  /** The longest other beginning that this one ends with; null for none, not even of no characters. */
  shorter: Match | null;
  /** The longest sequence that this beginning ends with. */
  whole: string | undefined;
}

/** All beginnings of the sequences. Returns that of no characters. */
function createMatches(sequences: readonly string[]): Match {
  const start = createMatch(0);
  for (const text of sequences) {
    let match = start;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const next = match.next.get(code) ?? createMatch(at + 1);
      match.next.set(code, next);
      match = next;
    }
    match.whole = text;
  }
  // Shorter ones first: each is linked through those before it.
  const queue = [start];
  for (const match of queue) {
    for (const [code, next] of match.next) {
      next.shorter = match.shorter === null ? start : advance(match.shorter, code);
      next.whole ??= next.shorter.whole;
      queue.push(next);
    }
  }
  return start;
}

function createMatch(length: number): Match {
  return { length, next: new Map(), shorter: null, whole: undefined };
}

function advance(from: Match, code: number): Match {
  let match = from;
  for (;;) {
    const next = match.next.get(code);
    if (next !== undefined) return next;
    if (match.shorter === null) return match;
    match = match.shorter;
  }
}
