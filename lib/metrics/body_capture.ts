/**
 * Captures the bodies of recent requests (INSPECT=1, or switched on from the dashboard): from and to the client, to and from upstream. In memory, bounded
 * in number and size; secrets are redacted when bodies are read.
 * @module
 */

import type { ByteStream } from "../stream/body_reader.ts";
import { ByteBuffer } from "../stream/byte_buffer.ts";
import type { Bodies } from "./types.ts";

const MAX_REQUESTS = 50;
/** Of one body; the largest requests of Claude Code fit. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Of all bodies; the oldest are dropped first. */
const MAX_BYTES = 24 * 1024 * 1024;
/** Kept beyond the visible end: a key that is cut there would not be found, and its first half would be shown. */
const SLACK_BYTES = 4096;

type BodyKind = keyof Bodies;

const encoder = new TextEncoder();

/** Of the preview; a line in the list of requests. */
const MAX_PREVIEW_CHARS = 160;

/** The bodies of one request. */
export class CapturedBodies {
  /** The user's last words, without secrets. */
  preview = "";
  readonly #redact: (text: string) => string;
  /** Called with the difference in memory, in bytes. */
  readonly #onResize: (bytes: number) => void;
  /** As bytes: a slice of a string would keep the whole string in memory. */
  readonly #bodies = new Map<BodyKind, ByteBuffer>();
  #isDiscarded = false;

  constructor(redact: (text: string) => string, onResize: (bytes: number) => void) {
    this.#redact = redact;
    this.#onResize = onResize;
  }

  /** Memory in bytes. */
  get size(): number {
    return [...this.#bodies.values()].reduce((sum, { capacity }) => sum + capacity, 0);
  }

  /** Stores the beginning of the user's last words. */
  setPreview(text: string): void {
    if (this.#isDiscarded) return;
    // Without the word at the cut, which may be half a key. The joined copy does not keep the whole text in memory.
    const start = text.length > SLACK_BYTES ? text.slice(0, SLACK_BYTES).replace(/\S*$/, "") : text;
    const words = this.#redact(start).trim().split(/\s+/);
    this.preview = words.join(" ").slice(0, MAX_PREVIEW_CHARS);
  }

  /** Stores the beginning of a text; replaces an earlier one of that kind. */
  set(kind: BodyKind, text: string): void {
    this.#clear(kind);
    this.#append(kind, encoder.encode(text.slice(0, MAX_BODY_BYTES + SLACK_BYTES)));
  }

  /** Stores the beginning of a stream as it is read. Errors and cancellation pass through. */
  capture(kind: BodyKind, body: ByteStream): ByteStream {
    this.#clear(kind);
    return body.pipeThrough(
      new TransformStream({
        transform: (chunk, controller) => {
          this.#append(kind, chunk);
          controller.enqueue(chunk);
        },
      }),
    );
  }

  /** Drops all bodies, and stores no more. */
  discard(): void {
    this.#isDiscarded = true;
    this.preview = "";
    for (const body of this.#bodies.values()) body.release();
    this.#bodies.clear();
  }

  /** Reads the bodies, without secrets. */
  read(): Bodies {
    const readBody = (kind: BodyKind) => {
      const bytes = this.#bodies.get(kind)?.bytes() ?? new Uint8Array();
      const text = this.#redact(new TextDecoder().decode(bytes));
      return bytes.length > MAX_BODY_BYTES ? `${text.slice(0, -SLACK_BYTES)}…` : text;
    };
    return {
      request: readBody("request"),
      sent: readBody("sent"),
      received: readBody("received"),
      answer: readBody("answer"),
    };
  }

  #clear(kind: BodyKind): void {
    this.#onResize(-(this.#bodies.get(kind)?.capacity ?? 0));
    this.#bodies.delete(kind);
  }

  /** Stores the part that fits. */
  #append(kind: BodyKind, bytes: Uint8Array): void {
    if (this.#isDiscarded) return;
    const body = this.#bodies.get(kind) ?? new ByteBuffer();
    this.#bodies.set(kind, body);
    const before = body.capacity;
    const room = MAX_BODY_BYTES + SLACK_BYTES - body.length;
    if (room <= 0) return;
    body.push(bytes.subarray(0, room));
    this.#onResize(body.capacity - before);
  }
}

/** The captured bodies of recent requests, by request ID. */
export class BodyCapture {
  readonly #requests = new Map<string, CapturedBodies>();
  #bytes = 0;

  /** Starts to capture a request; drops the oldest ones if necessary. */
  open(requestId: string, redact: (text: string) => string): CapturedBodies {
    const bodies = new CapturedBodies(redact, (bytes) => {
      this.#bytes += bytes;
      while (this.#requests.size > 1 && this.#bytes > MAX_BYTES) this.#discardOldest();
    });
    this.#requests.set(requestId, bodies);
    if (this.#requests.size > MAX_REQUESTS) this.#discardOldest();
    return bodies;
  }

  find(requestId: string): CapturedBodies | undefined {
    return this.#requests.get(requestId);
  }

  /** The previews of all captured requests, by request ID. */
  listPreviews(): Map<string, string> {
    return new Map([...this.#requests].map(([requestId, { preview }]) => [requestId, preview]));
  }

  /** Drops all bodies, also of requests in flight. */
  clear(): void {
    while (this.#requests.size > 0) this.#discardOldest();
  }

  /** The oldest request may still be in flight: nothing more of it is stored. */
  #discardOldest(): void {
    const [oldest] = this.#requests;
    if (oldest === undefined) return;
    const [requestId, bodies] = oldest;
    this.#requests.delete(requestId);
    this.#bytes -= bodies.size;
    bodies.discard();
  }
}
