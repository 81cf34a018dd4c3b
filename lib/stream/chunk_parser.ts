/**
 * Parses the chunks of one response. Nearly all chunks of a stream differ from the one before in their text alone: of
 * such a chunk only the text is parsed, because the whole takes most of the time that a chunk costs (tools/bench/RESULTS.md).
 * The result is always the same as that of `JSON.parse`.
 * @module
 */

import { findStringEnd, isJsonObject, type JsonObject, parseJson } from "../json.ts";

/** A template keeps a copy of its chunk. */
const MAX_TEMPLATE_CHARS = 4096;
/** Streams whose chunks differ elsewhere too, such as in a time, have no use for templates. */
const MAX_MISSES = 8;
/** After so many chunks their form may be another: text follows thinking. */
const RETRY_AFTER = 64;
/** A text that no chunk has. */
const PROBE = "claudeproxy: is this the text?";

/** Parses the payloads of one response. */
export class ChunkParser {
  #template: ChunkTemplate | null = null;
  /** Templates in a row that did not fit the chunk after them, and chunks without one since then. */
  #misses = 0;

  /**
   * Parses one payload; undefined if it is not valid JSON. The next call may change the texts of an object that was
   * returned before.
   */
  parse(payload: string): unknown {
    const filled = this.#template?.fill(payload);
    if (filled !== undefined) {
      this.#misses = 0;
      return filled;
    }
    const chunk = parseJson(payload);
    const mayFit = this.#misses < MAX_MISSES || this.#misses % RETRY_AFTER === 0;
    this.#template = mayFit ? createTemplate(payload, chunk) : null;
    this.#misses++;
    return chunk;
  }
}

/** A parsed chunk, and the JSON around its texts. */
class ChunkTemplate {
  readonly #chunk: unknown;
  readonly #places: readonly TextPlace[];
  /** What stands before each text, and at the end; quotation marks belong to the texts. */
  readonly #between: readonly string[];
  /** Those of the current payload. */
  readonly #texts: string[];

  constructor(chunk: unknown, places: readonly TextPlace[], between: readonly string[]) {
    this.#chunk = chunk;
    this.#places = places;
    this.#between = between;
    this.#texts = places.map(() => "");
  }

  /** The chunk with the texts of this payload; undefined if the payload differs elsewhere. */
  fill(payload: string): unknown {
    const texts = this.#texts;
    let at = 0;
    for (let i = 0; i < this.#between.length; i++) {
      const piece = this.#between[i] ?? "";
      // Slices are compared three times as fast as `startsWith` does it.
      if (payload.slice(at, at + piece.length) !== piece) return undefined;
      at += piece.length;
      if (i === texts.length) break;
      const end = findStringEnd(payload, at + 1);
      const text = readText(payload, at, end);
      if (text === undefined) return undefined;
      texts[i] = text;
      at = end;
    }
    if (at !== payload.length) return undefined;
    for (let i = 0; i < texts.length; i++) {
      const place = this.#places[i];
      if (place !== undefined) place.parent[place.key] = texts[i];
    }
    return this.#chunk;
  }
}

/** V8 copies slices of up to this length. Longer ones would keep the whole read in memory. */
const MAX_COPIED_CHARS = 12;

/** The text of a JSON string with its quotation marks; undefined if that is not one. */
function readText(payload: string, from: number, to: number): string | undefined {
  const text = payload.slice(from + 1, to - 1);
  if (payload[from] === '"' && text.length <= MAX_COPIED_CHARS && isPlain(text)) return text;
  const parsed = parseJson(payload.slice(from, to));
  return typeof parsed === "string" ? parsed : undefined;
}

/** Whether a text stands for itself in JSON: without escapes, and without characters that need one. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === BACKSLASH || code === QUOTE) return false;
  }
  return true;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A field with a text that is new in each chunk. */
interface TextPlace {
  parent: JsonObject;
  key: string;
}

/** Null if the chunk has no text, or the place of one in the payload is not certain. */
function createTemplate(payload: string, chunk: unknown): ChunkTemplate | null {
  const places = payload.length > MAX_TEMPLATE_CHARS ? [] : findPlaces(chunk);
  if (places.length === 0) return null;
  // In the order of the payload.
  const located = places.map((place, index) => ({ place, index, ...locate(payload, place.key) }))
    .sort((a, b) => a.from - b.from);
  const between = [0, ...located.map(({ to }) => to)]
    .map((start, index) => payload.slice(start, located[index]?.from));
  // The proof: with other texts there, exactly the fields have those texts.
  const probes = located.map(({ index }) => `"${PROBE}${index}"`);
  const probed = findPlaces(
    parseJson(between.map((piece, i) => piece + (probes[i] ?? "")).join("")),
  );
  const isProven = probed.length === places.length &&
    probed.every(({ parent, key }, index) => parent[key] === `${PROBE}${index}`);
  return isProven ? new ChunkTemplate(chunk, located.map(({ place }) => place), between) : null;
}

/** The text, thinking and arguments of the only choice. */
function findPlaces(chunk: unknown): TextPlace[] {
  const delta = isJsonObject(chunk) ? getOnly(chunk["choices"])["delta"] : undefined;
  if (!isJsonObject(delta)) return [];
  const { function: call } = getOnly(delta["tool_calls"]);
  return [
    ...["content", "reasoning", "reasoning_content"].map((key) => ({ parent: delta, key })),
    { parent: getOnly(delta["reasoning_details"]), key: "text" },
    { parent: isJsonObject(call) ? call : {}, key: "arguments" },
  ].filter(({ parent, key }) => typeof parent[key] === "string");
}

/** The only item of a list; {} if there is none, or several. */
function getOnly(list: unknown): JsonObject {
  return Array.isArray(list) && list.length === 1 && isJsonObject(list[0]) ? list[0] : {};
}

/** Presumably the text of that name: it may be followed by something else, or be written with escapes. */
function locate(payload: string, key: string): { from: number; to: number } {
  const name = `"${key}"`;
  const from = payload.indexOf('"', payload.lastIndexOf(name) + name.length);
  return { from, to: findStringEnd(payload, from + 1) };
}
