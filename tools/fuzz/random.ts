/**
 * Seeded random choices: the same seed gives the same choices on every machine.
 * @module
 */

/** Texts that have broken parsers before. */
const ODD_TEXTS = [
  "",
  " ",
  "\n",
  "\r\n\r\n",
  "\0",
  "\u2028",
  "\u0085",
  "\ufeff",
  "\ufffd",
  "\ud83d",
  "\ude00",
  "😀",
  "é",
  "漢字",
  "data: ",
  "data: [DONE]\n\n",
  "event: error\n",
  ": comment\n\n",
  "[DONE]",
  '"',
  "\\",
  '\\"',
  "\\u0000",
  "{",
  "}",
  "]}",
  "null",
  "__proto__",
  "constructor",
  "</script>",
];

/** A seeded source of random choices. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Consecutive seeds must not give similar choices.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    this.next();
    this.next();
  }

  /** From 0 to less than 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined && items.length === 0) throw new RangeError("Nothing to pick from");
    return item as T;
  }

  /** Text of several pieces: words, and sometimes an odd text. */
  text(mostPieces = 8): string {
    let text = "";
    for (let n = this.int(1, mostPieces); n > 0; n--) {
      text += this.chance(0.25) ? this.pick(ODD_TEXTS) : `w${this.int(0, 9999)} `;
    }
    return text;
  }

  /** Cuts a text into non-empty pieces, even inside a surrogate pair. */
  cut(text: string, mostPieces = 6): string[] {
    const pieces: string[] = [];
    let rest = text;
    for (let n = this.int(1, mostPieces); n > 1 && rest.length > 1; n--) {
      const length = this.int(1, rest.length - 1);
      pieces.push(rest.slice(0, length));
      rest = rest.slice(length);
    }
    if (rest !== "") pieces.push(rest);
    return pieces;
  }

  /** Cuts bytes into reads: single bytes, small, large, or all at once. */
  reads(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const most = this.pick([1, 5, 5, 50, 50, 500, 500, 2000, 100_000, 100_000]);
    const reads: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = this.int(1, most);
      reads.push(bytes.slice(at, at + length));
      at += length;
    }
    return reads;
  }

  /** A shallow JSON value of any type. */
  json(depth = 2): unknown {
    switch (this.int(0, depth > 0 ? 7 : 5)) {
      case 0:
        return null;
      case 1:
        return this.chance(0.5);
      case 2:
        return this.pick([0, -1, 1, 0.5, 1e308, -0, 2 ** 53, 4096, this.int(-1000, 1000)]);
      case 6:
        return Array.from({ length: this.int(0, 3) }, () => this.json(depth - 1));
      case 7:
        return this.object(depth - 1);
      default:
        return this.text(4);
    }
  }

  /** A JSON object. */
  object(depth = 2): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (let n = this.int(0, 3); n > 0; n--) {
      setKey(object, this.chance(0.2) ? this.text(1) : `k${n}`, this.json(depth));
    }
    return object;
  }
}

/** Sets a key like JSON.parse does: `__proto__` is an ordinary key. */
export function setKey(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
