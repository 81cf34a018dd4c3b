/**
 * Ends the text at stop sequences and at the client's token limit, where upstream continues after them. Pure.
 * @module
 */

import { CHARS_PER_TOKEN } from "../token_calibration.ts";

/** The part of a text that the client may see, and whether the response ends there. */
export interface VisibleText {
  text: string;
  /** The matched stop sequence, or the token limit; undefined if the response continues. */
  end?: { matchedStop: string } | "length";
}

/**
 * Finds the first of several sequences in streamed text with the Aho–Corasick algorithm, in linear time for any number
 * of sequences. Text that may be the beginning of a sequence is buffered until that is decided.
 */
export class StopSequences {
  readonly #root: TrieNode;
  /** The longest prefix of a sequence that the text so far ends with. */
  #node: TrieNode;
  #buffered = "";

  constructor(sequences: readonly string[]) {
    this.#root = this.#node = createTrie(sequences.filter((text) => text !== ""));
  }

  /** The text that is certainly visible, up to the first complete sequence. */
  push(piece: string): VisibleText {
    if (this.#root.next.size === 0) return { text: piece };
    const text = this.#buffered + piece;
    for (let at = this.#buffered.length; at < text.length; at++) {
      this.#node = advance(this.#node, text.charCodeAt(at));
      const matched = this.#node.sequence;
      if (matched === undefined) continue;
      this.#buffered = "";
      return { text: text.slice(0, at + 1 - matched.length), end: { matchedStop: matched } };
    }
    const visibleLength = text.length - this.#node.length;
    this.#buffered = text.slice(visibleLength);
    return { text: text.slice(0, visibleLength) };
  }

  /** The buffered text, at the end of a block. */
  flush(): string {
    const text = this.#buffered;
    this.#buffered = "";
    this.#node = this.#root;
    return text;
  }
}

/** Enforces the client's token limit where upstream got a higher one. Tokens are estimated from characters. */
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

/** Does not split surrogate pairs. */
function cutAt(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}

/** A prefix of one or more sequences. */
interface TrieNode {
  length: number;
  /** The prefixes that are one UTF-16 unit longer, by that unit. */
  next: Map<number, TrieNode>;
  /** The longest shorter prefix that this one ends with (the failure link); null at the root. */
  suffix: TrieNode | null;
  /** The longest sequence that this prefix ends with. */
  sequence: string | undefined;
}

/** Builds the trie of the sequences and returns its root. */
function createTrie(sequences: readonly string[]): TrieNode {
  const root = createNode(0);
  for (const sequence of sequences) {
    let node = root;
    for (let at = 0; at < sequence.length; at++) {
      const code = sequence.charCodeAt(at);
      const next = node.next.get(code) ?? createNode(at + 1);
      node.next.set(code, next);
      node = next;
    }
    node.sequence = sequence;
  }
  // Breadth first: a link is found through those of shorter prefixes.
  const queue = [root];
  for (const node of queue) {
    for (const [code, next] of node.next) {
      next.suffix = node.suffix === null ? root : advance(node.suffix, code);
      next.sequence ??= next.suffix.sequence;
      queue.push(next);
    }
  }
  return root;
}

function createNode(length: number): TrieNode {
  return { length, next: new Map(), suffix: null, sequence: undefined };
}

function advance(from: TrieNode, code: number): TrieNode {
  let node = from;
  for (;;) {
    const next = node.next.get(code);
    if (next !== undefined) return next;
    if (node.suffix === null) return node;
    node = node.suffix;
  }
}
