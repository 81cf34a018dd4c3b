/**
 * Parses and encodes server-sent events; knows the framing only. Not `@std/http`'s: its parser is quadratic on long
 * lines and emits a truncated last event, and its encoder omits the space after the colon, which naive clients need.
 * @module
 */

import type { BlockDelta, StreamEvent } from "../anthropic/types.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";
import { responseTooLargeError } from "./errors.ts";

/** The limit for one event, so that one without an end does not fill the memory. The largest images are smaller. */
export const MAX_EVENT_MIB = 16;

/**
 * Splits a stream of text into the `data` of its events. The text may be cut anywhere; each character is examined
 * once. Accepts LF, CRLF and CR, comments, several `data` lines per event, a missing space, and a JSON object without
 * framing. Errors become `{"error":…}`: those of an `event: error`, and those in an `error:` field.
 */
export class SseParser {
  /** The current line so far. */
  #line = "";
  /** The data lines of the current event, joined; null without any. */
  #data: string | null = null;
  /** Characters of the current event's finished lines. */
  #eventChars = 0;
  /** The lines of the `error:` field, which llama-box and older llama.cpp send instead of `data:`. */
  #error: string[] = [];
  /** The current event is named `error`. */
  #isError = false;
  /** The current event is JSON without framing. */
  #isBare = false;
  /** The text so far ended in CR, so a directly following LF belongs to the same line end. */
  #endedInCr = false;

  /** Characters buffered of the current event. */
  get bufferedChars(): number {
    return this.#line.length + this.#eventChars;
  }

  /** The payloads of the events that this text completes. @throws {ApiError} 502 for an event that is too long */
  push(text: string): string[] {
    const payloads: string[] = [];
    const piece = text.includes("\r") || this.#endedInCr ? this.#normalize(text) : text;
    let start = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", start)) {
      this.#endLine(this.#line + piece.slice(start, end), payloads);
      this.#line = "";
      start = end + 1;
    }
    // Appended and not searched again, so a line in many pieces costs linear time.
    this.#line += start === 0 ? piece : piece.slice(start);
    if (this.bufferedChars > MAX_EVENT_MIB * 1024 * 1024) {
      throw responseTooLargeError(`an event of more than ${MAX_EVENT_MIB} MiB`);
    }
    return payloads;
  }

  /** The payload of a last event without its blank line. The caller decides whether it is complete. */
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
    this.#eventChars += line.length;
    if (line.startsWith("data:")) {
      this.#addData(line.slice(line.startsWith("data: ") ? 6 : 5));
    } else if (line === "data") {
      this.#addData("");
    } else if (line.startsWith("error:")) {
      this.#error.push(line.slice("error:".length).trim());
    } else if (line.startsWith("event:")) {
      this.#isError = line.slice("event:".length).trim() === "error";
    } else if (this.#isBare || (line.startsWith("{") && this.#data === null)) {
      // No field starts with a brace: a server sent an error as plain JSON under a stream's headers.
      this.#isBare = true;
      this.#addData(line);
    }
  }

  #addData(line: string): void {
    this.#data = this.#data === null ? line : `${this.#data}\n${line}`;
  }

  #endEvent(payloads: string[]): void {
    const data = this.#data;
    if (data !== null) {
      payloads.push(this.#isError ? toErrorPayload(data) : data);
      this.#data = null;
    }
    if (this.#error.length > 0) {
      payloads.push(toErrorPayload(this.#error.join("\n")));
      this.#error = [];
    }
    this.#eventChars = 0;
    this.#isError = false;
    this.#isBare = false;
  }

  #normalize(text: string): string {
    const piece = this.#endedInCr && text.startsWith("\n") ? text.slice(1) : text;
    if (text !== "") this.#endedInCr = text.endsWith("\r");
    return piece.replace(/\r\n?/g, "\n");
  }
}

/** An error in the form of OpenRouter's chunks; one that has that form already is unchanged. */
function toErrorPayload(data: string): string {
  const value = parseJson(data);
  const hasErrorField = isJsonObject(value) && Object.hasOwn(value, "error");
  return hasErrorField ? data : JSON.stringify({ error: value ?? data.trim() });
}

/** One event as it is sent to the client. */
export function encodeEvent(event: StreamEvent): string {
  const data = event.type === "content_block_delta"
    ? `{"type":"content_block_delta","index":${event.index},"delta":${encodeDelta(event.delta)}}`
    : JSON.stringify(event);
  return `event: ${event.type}\ndata: ${data}\n\n`;
}

/** One event with unchecked fields. */
export function encodeJsonEvent(event: JsonObject): string {
  return `event: ${toText(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Faster than JSON.stringify of the whole: nearly all events are deltas that differ only in their text. */
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
