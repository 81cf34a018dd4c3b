/**
 * The bodies of the last requests, kept only with INSPECT=1: what came, what went upstream, and both answers.
 * In memory, bounded in number and size; secrets are taken out when they are read.
 * @module
 */

import type { Bodies } from "./stats.ts";

const MAX_REQUESTS = 50;
/** Of one body; the longest requests of Claude Code fit. */
const MAX_BODY_CHARS = 1024 * 1024;
/** Of all bodies together; the oldest go first. */
const MAX_CHARS = 24 * 1024 * 1024;
/** Kept behind the end that is shown, so that no key is cut there before it is redacted. */
const SLACK_CHARS = 4096;

/** Bytes as they come and go. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The bodies of one request. */
export class Inspection {
  readonly #redact: (text: string) => string;
  readonly #reserve: (chars: number) => void;
  readonly #bodies: Bodies = { request: "", sent: "", received: "", answer: "" };

  constructor(redact: (text: string) => string, reserve: (chars: number) => void) {
    this.#redact = redact;
    this.#reserve = reserve;
  }

  /** How many characters are kept. */
  get size(): number {
    return Object.values(this.#bodies).reduce((sum, text) => sum + text.length, 0);
  }

  /** Keeps a value as JSON; it takes the place of what was kept there. */
  keep(place: keyof Bodies, value: unknown): void {
    this.#bodies[place] = "";
    this.append(place, typeof value === "string" ? value : JSON.stringify(value));
  }

  /** Keeps what fits. */
  append(place: keyof Bodies, text: string): void {
    const room = MAX_BODY_CHARS + SLACK_CHARS - this.#bodies[place].length;
    if (room <= 0) return;
    const piece = text.slice(0, room);
    this.#bodies[place] += piece;
    this.#reserve(piece.length);
  }

  /** The same stream; what passes is kept. Leaving and breaking pass as they are. */
  tap(place: keyof Bodies, body: ByteStream): ByteStream {
    this.#bodies[place] = "";
    const decoder = new TextDecoder();
    return body.pipeThrough(
      new TransformStream({
        transform: (chunk, controller) => {
          this.append(place, decoder.decode(chunk, { stream: true }));
          controller.enqueue(chunk);
        },
      }),
    );
  }

  /** The bodies without secrets. */
  read(): Bodies {
    const show = (text: string) => {
      const clean = this.#redact(text);
      return clean.length > MAX_BODY_CHARS ? `${clean.slice(0, MAX_BODY_CHARS)}…` : clean;
    };
    const { request, sent, received, answer } = this.#bodies;
    return {
      request: show(request),
      sent: show(sent),
      received: show(received),
      answer: show(answer),
    };
  }
}

/** The inspections of the last requests, by request id. */
export class Inspections {
  readonly #kept = new Map<string, Inspection>();

  /** Begins to keep; the oldest makes room. */
  open(requestId: string, redact: (text: string) => string): Inspection {
    const inspection = new Inspection(redact, () => this.#makeRoom());
    this.#kept.set(requestId, inspection);
    if (this.#kept.size > MAX_REQUESTS) this.#forgetOldest();
    return inspection;
  }

  find(requestId: string): Inspection | undefined {
    return this.#kept.get(requestId);
  }

  #makeRoom(): void {
    while (this.#kept.size > 1 && this.#countChars() > MAX_CHARS) this.#forgetOldest();
  }

  #countChars(): number {
    return [...this.#kept.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
