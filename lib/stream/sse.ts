/**
 * Server-sent events as text: payloads in, events out. Knows framing only, nothing of what is framed.
 * Our own, because `@std/http`'s parser is quadratic on long lines and emits a truncated last event, and its
 * encoder leaves out the space after the colon, which naive clients look for.
 * @module
 */

import type { BlockDelta, StreamEvent } from "../anthropic/types.ts";
import { isJsonObject, parseJson } from "../json.ts";
import { responseTooLargeError } from "./errors.ts";

/** Of one event. The largest pictures are smaller, and an event without an end is not kept for ever. */
const MAX_MIB = 16;

/**
 * Splits a stream of text into the `data` of its events. Feed it pieces cut anywhere; each character is looked
 * at once. Accepts LF, CRLF and CR, comments, several `data` lines an event, a missing space, and a JSON object
 * without any framing. Errors come as `{"error":…}`: those of an `event: error`, and those in a field `error:`.
 */
export class SseParser {
  /** The line that has begun, without its end. */
  #line = "";
  /** The data lines of the event that has begun. */
  #data: string[] = [];
  /** Characters of the lines that are kept of it. */
  #keptChars = 0;
  /** The lines of a field `error:`, which llama-box and older llama.cpp send in place of data. */
  #error: string[] = [];
  /** The event that has begun is named `error`. */
  #isError = false;
  /** The event that has begun is JSON without framing. */
  #isBare = false;
  /** The text so far ended in CR, so an LF at once belongs to that line end. */
  #endedInCr = false;

  /** How much is kept of the event that has begun. */
  get heldChars(): number {
    return this.#line.length + this.#keptChars;
  }

  /** The payloads of the events that this piece completes. @throws {ApiError} 502 for an event that is too long */
  push(text: string): string[] {
    const payloads: string[] = [];
    const piece = text.includes("\r") || this.#endedInCr ? this.#normalize(text) : text;
    let start = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", start)) {
      this.#endLine(this.#line + piece.slice(start, end), payloads);
      this.#line = "";
      start = end + 1;
    }
    // Joined, never searched again: a line of many pieces stays linear.
    this.#line += start === 0 ? piece : piece.slice(start);
    if (this.heldChars > MAX_MIB * 1024 * 1024) {
      throw responseTooLargeError(`an event of more than ${MAX_MIB} MiB`);
    }
    return payloads;
  }

  /** The payload of a last event without its blank line. The caller decides whether it is whole. */
  end(): string[] {
    const payloads: string[] = [];
    this.#endLine(this.#line, payloads);
    this.#line = "";
    this.#endLine("", payloads);
    return payloads;
  }

  #endLine(line: string, payloads: string[]): void {
    if (line === "") {
      this.#endEvent(payloads);
      return;
    }
    this.#keptChars += line.length;
    if (line.startsWith("data:")) {
      this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    } else if (line === "data") {
      this.#data.push("");
    } else if (line.startsWith("error:")) {
      this.#error.push(line.slice("error:".length).trim());
    } else if (line.startsWith("event:")) {
      this.#isError = line.slice("event:".length).trim() === "error";
    } else if (this.#isBare || (line.startsWith("{") && this.#data.length === 0)) {
      // No field begins so: it is an error that a server sent as it is, under a stream's head.
      this.#isBare = true;
      this.#data.push(line);
    }
  }

  #endEvent(payloads: string[]): void {
    if (this.#data.length > 0) {
      const data = this.#data.join("\n");
      payloads.push(this.#isError ? toErrorPayload(data) : data);
      this.#data = [];
    }
    if (this.#error.length > 0) {
      payloads.push(toErrorPayload(this.#error.join("\n")));
      this.#error = [];
    }
    this.#keptChars = 0;
    this.#isError = false;
    this.#isBare = false;
  }

  #normalize(text: string): string {
    const piece = this.#endedInCr && text.startsWith("\n") ? text.slice(1) : text;
    if (text !== "") this.#endedInCr = text.endsWith("\r");
    return piece.replace(/\r\n?/g, "\n");
  }
}

/** An error as every reader of payloads knows it; one that has this form already stays as it is. */
function toErrorPayload(data: string): string {
  const value = parseJson(data);
  const hasForm = isJsonObject(value) && Object.hasOwn(value, "error");
  return hasForm ? data : JSON.stringify({ error: value ?? data.trim() });
}

/** One event as it goes to the client. */
export function encodeEvent(event: StreamEvent): string {
  const data = event.type === "content_block_delta"
    ? `{"type":"content_block_delta","index":${event.index},"delta":${encodeDelta(event.delta)}}`
    : JSON.stringify(event);
  return `event: ${event.type}\ndata: ${data}\n\n`;
}

/** Nearly all events are deltas, and of them only the text differs. */
function encodeDelta(delta: BlockDelta): string {
  switch (delta.type) {
    case "text_delta":
      return `{"type":"text_delta","text":${JSON.stringify(delta.text)}}`;
    case "input_json_delta":
      return `{"type":"input_json_delta","partial_json":${JSON.stringify(delta.partial_json)}}`;
    default:
      return JSON.stringify(delta);
  }
}
