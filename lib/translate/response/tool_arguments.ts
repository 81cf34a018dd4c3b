/**
 * The arguments of one tool call, as they arrive. Pure, and linear: each character is looked at once, however
 * often anyone asks whether the arguments are whole.
 * @module
 */

import { toInvalidInput } from "../../anthropic/parse_messages.ts";
import { isJsonObject, parseJson } from "../../json.ts";

/**
 * How arguments ended. `empty`: none came, or `null`, which means the same. `object`: as they should be.
 * `unclosed`: cut off. `invalid`: closed, but not JSON. `not_an_object`: JSON that clients cannot use as input.
 */
export type ArgumentsEnd = "empty" | "object" | "unclosed" | "invalid" | "not_an_object";

/** Makes JSON that is not an object unparsable: a client would keep it as `input`, which no API takes back. */
const UNPARSABLE = "}";

/** Collects arguments, and hands out what may be sent. */
export class ToolArguments {
  readonly #shape = new JsonShape();
  #text = "";
  #pending = "";
  /** Until the first character that is not white space: alone, clients cannot parse that. */
  #beginning = "";
  #unread = "";
  /** The verdict, once the brackets have closed. */
  #isObject: boolean | null = null;

  /** All that came so far. */
  get text(): string {
    return this.#text;
  }

  add(fragment: string): void {
    this.#text += fragment;
    if (this.#beginning === "") this.#beginning = fragment.trimStart().charAt(0);
    this.#pending += fragment;
    this.#unread += fragment;
    // What follows a whole object makes it broken again.
    if (this.#isObject && fragment.trim() !== "") this.#isObject = null;
  }

  /** Whether the arguments are a whole JSON object: more of them can only be white space. */
  isObject(): boolean {
    if (this.#isObject !== null) return this.#isObject;
    this.#readShape();
    if (!this.#shape.hasClosed) return false;
    this.#isObject = isJsonObject(parseJson(this.#text));
    return this.#isObject;
  }

  /** What came since the last call and may be sent. Text that does not begin like an object waits for the end. */
  take(): string {
    return this.#beginning === "{" ? this.#takePending() : "";
  }

  /** What has to be sent yet when nothing more comes. */
  takeLast(): string {
    const end = this.judge();
    if (end === "empty") return "";
    return this.#takePending() + (end === "not_an_object" ? UNPARSABLE : "");
  }

  /** How the arguments ended, when nothing more comes. */
  judge(): ArgumentsEnd {
    if (this.isObject()) return "object";
    const text = this.#text.trim();
    if (text === "" || text === "null") return "empty";
    if (parseJson(text) !== undefined) return "not_an_object";
    this.#readShape();
    return this.#shape.isOpen ? "unclosed" : "invalid";
  }

  #takePending(): string {
    const text = this.#pending;
    this.#pending = "";
    return text.length === this.#text.length ? text.trimStart() : text;
  }

  #readShape(): void {
    this.#shape.read(this.#unread);
    this.#unread = "";
  }
}

/**
 * The input of a call in an answer that is not streamed: arguments that are not a JSON object are kept as text.
 * @param json what the stream of the same answer would have brought
 */
export function parseInput(json: string): Record<string, unknown> {
  if (json.trim() === "") return {};
  const input = parseJson(json);
  if (isJsonObject(input)) return input;
  const written = json.endsWith(UNPARSABLE) ? parseJson(json.slice(0, -UNPARSABLE.length)) : {};
  const isMarked = written !== undefined && !isJsonObject(written);
  return toInvalidInput(isMarked ? json.slice(0, -UNPARSABLE.length) : json);
}

/** Follows the brackets of a JSON text. */
class JsonShape {
  /** Whether a bracket has closed that stood at the outermost level. */
  hasClosed = false;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  /** Whether a bracket or a string has begun and not ended. */
  get isOpen(): boolean {
    return this.#depth > 0 || this.#inString;
  }

  read(text: string): void {
    for (let i = 0; i < text.length; i++) this.#step(text[i]);
  }

  #step(char: string | undefined): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inString) {
      if (char === "\\") this.#isEscaped = true;
      else if (char === '"') this.#inString = false;
    } else if (char === '"') this.#inString = true;
    else if (char === "{" || char === "[") this.#depth++;
    else if (char === "}" || char === "]") {
      this.#depth--;
      if (this.#depth === 0) this.hasClosed = true;
    }
  }
}
