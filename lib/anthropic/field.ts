/**
 * Reading unknown JSON by path, with Anthropic's wording for what does not fit.
 * The words are those the API itself uses ("messages.0.role: Field required"), because clients match them.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";

/** The error for one place in the body: 400 `<path>: <what is wrong>`. */
export function invalidError(path: string, problem: string): ApiError {
  return new ApiError("invalid_request_error", path === "" ? problem : `${path}: ${problem}`);
}

/** Of one list, such as messages or content blocks. */
const MAX_LIST_ITEMS = 100_000;
/** Of all lists of a request. */
const MAX_ITEMS = 200_000;
/** Of what a client names: a model, a tool. */
const MAX_NAME_CHARS = 256;
/** Of what a history names. A model may have written it, and a refusal would end the session. */
const MAX_OLD_NAME_CHARS = 4096;

/**
 * A value at a path of the request body. Each `as…` method returns it typed or throws {@linkcode ApiError}. The path
 * is built only for an error: one for each field of a long request would take longer than all of the checks.
 */
export class Field {
  readonly value: unknown;
  readonly #parent: Field | null;
  readonly #key: string | number;
  /** Counted in the field of the whole body. */
  #itemsLeft = MAX_ITEMS;

  /** Without a parent: the whole body. */
  constructor(value: unknown, parent: Field | null = null, key: string | number = "") {
    this.value = value;
    this.#parent = parent;
    this.#key = key;
  }

  /** Such as `messages.0.content`; "" for the whole body. */
  get path(): string {
    if (this.#parent === null) return "";
    const above = this.#parent.path;
    return above === "" ? `${this.#key}` : `${above}.${this.#key}`;
  }

  /** Whether the field is absent or null, which the API treats alike for optional fields. */
  get isMissing(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** The field of this object with that key. Own keys only: `__proto__` is data like any other. */
  at(key: string): Field {
    const value = isJsonObject(this.value) && Object.hasOwn(this.value, key)
      ? this.value[key]
      : undefined;
    return new Field(value, this, key);
  }

  /** The same value as a member of a tagged union: Anthropic's paths name the tag (`content.0.tool_use.id`). */
  as(tag: string): Field {
    return new Field(this.value, this, tag);
  }

  /** The tag of a tagged union, out of a closed set. */
  asTag<T extends string>(tags: readonly T[]): T {
    this.asObject();
    const tag = tags.find((item) => item === this.at("type").value);
    if (tag === undefined) throw this.unknownTag(tags);
    return tag;
  }

  asObject(): JsonObject {
    if (isJsonObject(this.value)) return this.value;
    throw this.#wrong("Input should be a valid dictionary");
  }

  /** @param most how many items are allowed here; all lists of a request share a limit besides */
  asList(most = MAX_LIST_ITEMS): Field[] {
    if (!Array.isArray(this.value)) throw this.#wrong("Input should be a valid list");
    const { length } = this.value;
    if (length > most) {
      const problem = `List should have at most ${most} items after validation, not ${length}`;
      throw invalidError(this.path, problem);
    }
    if (!this.#takeItems(length)) {
      throw invalidError(
        this.path,
        `Lists should have at most ${MAX_ITEMS} items in the whole request`,
      );
    }
    return this.value.map((item: unknown, index) => new Field(item, this, index));
  }

  asString(): string {
    if (typeof this.value === "string") return this.value;
    throw this.#wrong("Input should be a valid string");
  }

  asText(): string {
    const text = this.asString();
    if (text === "") throw invalidError(this.path, "String should have at least 1 character");
    return text;
  }

  asStringUpTo(mostChars: number): string {
    const text = this.asString();
    if (text.length <= mostChars) return text;
    throw invalidError(this.path, `String should have at most ${mostChars} characters`);
  }

  /** A name that the client chooses. */
  asName(): string {
    this.asText();
    return this.asStringUpTo(MAX_NAME_CHARS);
  }

  /** A name or an id in the history of the conversation. */
  asOldName(): string {
    this.asText();
    return this.asStringUpTo(MAX_OLD_NAME_CHARS);
  }

  asBoolean(): boolean {
    if (typeof this.value === "boolean") return this.value;
    throw this.#wrong("Input should be a valid boolean");
  }

  asNumber(range: { least?: number; most?: number } = {}): number {
    if (typeof this.value !== "number") throw this.#wrong("Input should be a valid number");
    return this.#within(this.value, range);
  }

  asInteger(range: { least?: number; most?: number } = {}): number {
    if (typeof this.value !== "number" || !Number.isSafeInteger(this.value)) {
      throw this.#wrong("Input should be a valid integer");
    }
    return this.#within(this.value, range);
  }

  /** One of a closed set of words. */
  asOneOf<T extends string>(allowed: readonly T[]): T {
    const text = this.asString();
    const found = allowed.find((item) => item === text);
    if (found !== undefined) return found;
    throw invalidError(this.path, `Input should be ${orList(allowed)}`);
  }

  /** The error for a `type` that is not among those the API knows here. */
  unknownTag(expected: readonly string[]): ApiError {
    const tag = this.at("type");
    if (tag.isMissing) return invalidError(tag.path, "Field required");
    const tags = expected.map((item) => `'${item}'`).join(", ");
    // Not String(): an object with a `toString` of its own would throw.
    const found = typeof tag.value === "string" ? tag.value : JSON.stringify(tag.value);
    const problem = `Input tag '${
      found.slice(0, MAX_NAME_CHARS)
    }' found using 'type' does not match any of the expected tags: ${tags}`;
    return invalidError(this.path, problem);
  }

  /** Whether the lists of the request may hold so many items more. */
  #takeItems(count: number): boolean {
    if (this.#parent !== null) return this.#parent.#takeItems(count);
    this.#itemsLeft -= count;
    return this.#itemsLeft >= 0;
  }

  #within(value: number, range: { least?: number; most?: number }): number {
    if (range.least !== undefined && value < range.least) {
      throw invalidError(this.path, `Input should be greater than or equal to ${range.least}`);
    }
    if (range.most !== undefined && value > range.most) {
      throw invalidError(this.path, `Input should be less than or equal to ${range.most}`);
    }
    return value;
  }

  #wrong(problem: string): ApiError {
    return invalidError(this.path, this.value === undefined ? "Field required" : problem);
  }
}

function orList(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}
