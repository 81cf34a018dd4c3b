/**
 * Parses the chunks of one response. Nearly all chunks of a stream differ from the one before in a single text: of such
 * a chunk only that text is parsed, because the whole takes most of the time that a chunk costs (tools/bench/RESULTS.md).
 * The result is always the same as that of `JSON.parse`.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../json.ts";

/** A template keeps a copy of its chunk. */
const MAX_TEMPLATE_CHARS = 4096;
/** A text that no chunk has. */
const PROBE = "claudeproxy: is this the text?";
/** Streams whose chunks differ elsewhere too, such as in a time, cannot use templates: they stop looking for one. */
const MAX_MISSES = 8;

/** Parses the payloads of one response. */
export class ChunkParser {
  #template: ChunkTemplate | null = null;
  /** Templates in a row that did not fit the chunk after them. */
  #misses = 0;

  /**
   * Parses one payload; undefined if it is not valid JSON. The next call may change the text of an object that was
   * returned before.
   */
  parse(payload: string): unknown {
    const filled = this.#template?.fill(payload);
    if (filled !== undefined) {
      this.#misses = 0;
      return filled;
    }
    if (this.#template !== null) this.#misses++;
    const chunk = parseJson(payload);
    this.#template = this.#misses < MAX_MISSES ? createTemplate(payload, chunk) : null;
    return chunk;
  }
}

/** A parsed chunk, and the JSON around its text. */
class ChunkTemplate {
  readonly #chunk: unknown;
  readonly #place: TextPlace;
  readonly #prefix: string;
  readonly #suffix: string;

  constructor(chunk: unknown, place: TextPlace, { prefix, suffix }: Surroundings) {
    this.#chunk = chunk;
    this.#place = place;
    this.#prefix = prefix;
    this.#suffix = suffix;
  }

  /** The chunk with the text of this payload; undefined if the payload differs elsewhere. */
  fill(payload: string): unknown {
    const start = this.#prefix.length;
    const end = payload.length - this.#suffix.length;
    // Slices are compared three times as fast as `startsWith` does it.
    const fits = start < end && payload.slice(0, start) === this.#prefix &&
      payload.slice(end) === this.#suffix;
    // Parsed even without escapes: a slice would keep the whole read in memory for as long as the text is kept.
    const text = fits ? parseJson(payload.slice(start, end)) : undefined;
    if (typeof text !== "string") return undefined;
    this.#place.parent[this.#place.key] = text;
    return this.#chunk;
  }
}

/** The field with the text of a chunk. */
interface TextPlace {
  parent: JsonObject;
  key: "content" | "arguments";
}

/** The JSON before and after a text with its quotation marks. */
interface Surroundings {
  prefix: string;
  suffix: string;
}

/** Null if the chunk has no text, or its place in the payload is not certain. */
function createTemplate(payload: string, chunk: unknown): ChunkTemplate | null {
  const place = payload.length > MAX_TEMPLATE_CHARS ? null : findPlace(chunk);
  if (place === null) return null;
  const surroundings = findSurroundings(payload, place.key);
  const { prefix, suffix } = surroundings;
  // The proof: with another text there, exactly the field has that text.
  const probe = findPlace(parseJson(`${prefix}"${PROBE}"${suffix}`));
  return probe?.parent[probe.key] === PROBE ? new ChunkTemplate(chunk, place, surroundings) : null;
}

/** The text of the only choice, or the arguments of its only tool call. */
function findPlace(chunk: unknown): TextPlace | null {
  const delta = isJsonObject(chunk) ? getOnly(chunk["choices"])?.["delta"] : undefined;
  if (!isJsonObject(delta)) return null;
  const call = getOnly(delta["tool_calls"])?.["function"];
  if (isJsonObject(call)) return { parent: call, key: "arguments" };
  return typeof delta["content"] === "string" ? { parent: delta, key: "content" } : null;
}

function getOnly(list: unknown): JsonObject | undefined {
  return Array.isArray(list) && list.length === 1 && isJsonObject(list[0]) ? list[0] : undefined;
}

/** Presumably those of the text: a name may be followed by something else, or written with escapes. */
function findSurroundings(payload: string, key: string): Surroundings {
  const name = `"${key}"`;
  const from = payload.indexOf('"', payload.lastIndexOf(name) + name.length);
  return { prefix: payload.slice(0, from), suffix: payload.slice(findTextEnd(payload, from + 1)) };
}

/** The position after the quotation mark that ends the JSON string. */
function findTextEnd(payload: string, from: number): number {
  for (let at = payload.indexOf('"', from); at !== -1; at = payload.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (payload[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return payload.length;
}
