/**
 * The bodies of the last requests, kept only with INSPECT=1: what came, what went upstream, and both answers.
 * In memory, bounded in number and size; secrets are taken out when they are read.
 * @module
 */

import { ByteBuffer } from "../stream/byte_buffer.ts";
import type { Bodies } from "./types.ts";

const MAX_REQUESTS = 50;
/** Of one body; the longest requests of Claude Code fit. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Of all bodies together; the oldest go first. */
const MAX_BYTES = 24 * 1024 * 1024;
/** Kept behind the end that is shown: a key that is cut there would not be found, and half of it shown. */
const SLACK_BYTES = 4096;

/** Bytes as they come and go. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

type Place = keyof Bodies;

const encoder = new TextEncoder();

/** The bodies of one request. */
export class CapturedBodies {
  readonly #redact: (text: string) => string;
  /** Told how many bytes more are taken. */
  readonly #onGrowth: (bytes: number) => void;
  /** As bytes: a piece of a text would hold all of the text. */
  readonly #bodies = new Map<Place, ByteBuffer>();
  #isForgotten = false;

  constructor(redact: (text: string) => string, onGrowth: (bytes: number) => void) {
    this.#redact = redact;
    this.#onGrowth = onGrowth;
  }

  /** How many bytes are taken. */
  get size(): number {
    return [...this.#bodies.values()].reduce((sum, { capacity }) => sum + capacity, 0);
  }

  /** Keeps the beginning of a text; it takes the place of what was kept there. */
  set(place: Place, text: string): void {
    this.#clear(place);
    this.#append(place, encoder.encode(text.slice(0, MAX_BODY_BYTES + SLACK_BYTES)));
  }

  /** The same stream; what passes is kept. Leaving and breaking pass as they are. */
  capture(place: Place, body: ByteStream): ByteStream {
    this.#clear(place);
    return body.pipeThrough(
      new TransformStream({
        transform: (chunk, controller) => {
          this.#append(place, chunk);
          controller.enqueue(chunk);
        },
      }),
    );
  }

  /** Lets everything go. What is still under way is not kept any more. */
  forget(): void {
    this.#isForgotten = true;
    for (const body of this.#bodies.values()) body.release();
    this.#bodies.clear();
  }

  /** The bodies without secrets. */
  read(): Bodies {
    const show = (place: Place) => {
      const bytes = this.#bodies.get(place)?.bytes() ?? new Uint8Array();
      const clean = this.#redact(new TextDecoder().decode(bytes));
      return bytes.length > MAX_BODY_BYTES ? `${clean.slice(0, -SLACK_BYTES)}…` : clean;
    };
    return {
      request: show("request"),
      sent: show("sent"),
      received: show("received"),
      answer: show("answer"),
    };
  }

  #clear(place: Place): void {
    this.#onGrowth(-(this.#bodies.get(place)?.capacity ?? 0));
    this.#bodies.delete(place);
  }

  /** Keeps what fits. */
  #append(place: Place, bytes: Uint8Array): void {
    if (this.#isForgotten) return;
    const body = this.#bodies.get(place) ?? new ByteBuffer();
    this.#bodies.set(place, body);
    const before = body.capacity;
    const room = MAX_BODY_BYTES + SLACK_BYTES - body.length;
    if (room <= 0) return;
    body.push(bytes.subarray(0, room));
    this.#onGrowth(body.capacity - before);
  }
}

/** The inspections of the last requests, by request id. */
export class BodyCapture {
  readonly #kept = new Map<string, CapturedBodies>();
  #bytes = 0;

  /** Begins to keep; the oldest makes room. */
  open(requestId: string, redact: (text: string) => string): CapturedBodies {
    const inspection = new CapturedBodies(redact, (bytes) => {
      this.#bytes += bytes;
      while (this.#kept.size > 1 && this.#bytes > MAX_BYTES) this.#forgetOldest();
    });
    this.#kept.set(requestId, inspection);
    if (this.#kept.size > MAX_REQUESTS) this.#forgetOldest();
    return inspection;
  }

  find(requestId: string): CapturedBodies | undefined {
    return this.#kept.get(requestId);
  }

  /** Requests that are still answered are among the oldest: theirs go too, and nothing more of them is kept. */
  #forgetOldest(): void {
    const [oldest] = this.#kept;
    if (oldest === undefined) return;
    const [requestId, inspection] = oldest;
    this.#kept.delete(requestId);
    this.#bytes -= inspection.size;
    inspection.forget();
  }
}
