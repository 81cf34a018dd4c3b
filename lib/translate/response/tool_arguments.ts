/**
 * Collects the arguments of one tool call. Pure, and linear: each character is scanned once, however often
 * `isObject` is called.
 * @module
 */

import { toInvalidInput } from "../../anthropic/parse_messages.ts";
import { isJsonObject, parseJson } from "../../json.ts";

/**
 * The state of finished arguments. `empty`: missing, or `null`, which means the same. `object`: valid.
 * `unclosed`: cut off. `invalid`: closed, but not JSON. `not_an_object`: JSON that clients cannot use as input.
 */
export type ArgumentsState = "empty" | "object" | "unclosed" | "invalid" | "not_an_object";

/** Makes JSON that is not an object invalid: clients would keep it as `input`, which the API rejects. */
const INVALID_SUFFIX = "}";

/** Collects arguments and returns those that can be sent. */
export class ToolArguments {
  readonly #brackets = new BracketCounter();
  #text = "";
  #pending = "";
  /** The first character that is not white space: clients cannot parse white space alone. */
  #firstChar = "";
  #unscanned = "";
  /** The result, once the brackets have closed. */
  #isObject: boolean | null = null;

  /** All arguments so far. */
  get text(): string {
    return this.#text;
  }

  add(fragment: string): void {
    this.#text += fragment;
    if (this.#firstChar === "") this.#firstChar = fragment.trimStart().charAt(0);
    this.#pending += fragment;
    this.#unscanned += fragment;
    // Text after a complete object makes it invalid again.
    if (this.#isObject && fragment.trim() !== "") this.#isObject = null;
  }

  /** Whether the arguments are a complete JSON object, which only white space may follow. */
  isObject(): boolean {
    if (this.#isObject !== null) return this.#isObject;
    this.#scan();
    if (!this.#brackets.hasClosed) return false;
    this.#isObject = isJsonObject(parseJson(this.#text));
    return this.#isObject;
  }

  /** The text that can be sent now. Text that does not begin like an object is held until the end. */
  takePending(): string {
    return this.#firstChar === "{" ? this.#take() : "";
  }

  /** The remaining text, at the end of the call. */
  takeRest(): string {
    const state = this.finalState();
    if (state === "empty") return "";
    return this.#take() + (state === "not_an_object" ? INVALID_SUFFIX : "");
  }

  /** The state of the arguments, if no more follow. */
  finalState(): ArgumentsState {
    if (this.isObject()) return "object";
    const text = this.#text.trim();
    if (text === "" || text === "null") return "empty";
    if (parseJson(text) !== undefined) return "not_an_object";
    this.#scan();
    return this.#brackets.isOpen ? "unclosed" : "invalid";
  }

  #take(): string {
    const text = this.#pending;
    this.#pending = "";
    return text.length === this.#text.length ? text.trimStart() : text;
  }

  #scan(): void {
    this.#brackets.scan(this.#unscanned);
    this.#unscanned = "";
  }
}

/**
 * The input of a tool call in a complete message: arguments that are not a JSON object are kept as text.
 * @param json the joined `input_json_delta`s of the call
 */
export function parseInput(json: string): Record<string, unknown> {
  if (json.trim() === "") return {};
  const input = parseJson(json);
  if (isJsonObject(input)) return input;
  const original = json.endsWith(INVALID_SUFFIX)
    ? parseJson(json.slice(0, -INVALID_SUFFIX.length))
    : {};
  const hasSuffix = original !== undefined && !isJsonObject(original);
  return toInvalidInput(hasSuffix ? json.slice(0, -INVALID_SUFFIX.length) : json);
}

/** Counts the brackets of a JSON text. */
class BracketCounter {
  /** Whether an outermost bracket has closed. */
  hasClosed = false;
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  /** Whether a bracket or a string is open. */
  get isOpen(): boolean {
    return this.#depth > 0 || this.#inString;
  }

  scan(text: string): void {
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
