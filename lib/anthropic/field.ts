/**
 * Reads unknown JSON by path, with the API's own wording for errors ("messages.0.role: Field required"), because
 * clients match it; and records which fields are read.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, toText } from "../json.ts";
import { DroppedFields, join } from "./dropped_fields.ts";

/** The error for a place in the body: 400 `<path>: <problem>`. */
export function invalidError(path: string, problem: string): ApiError {
  return new ApiError("invalid_request_error", path === "" ? problem : `${path}: ${problem}`);
}

const NOT_AN_OBJECT = "Input should be a valid dictionary";
/** In one list, such as messages or content blocks. */
const MAX_LIST_ITEMS = 100_000;
/** In all lists of a request together. */
const MAX_ITEMS = 200_000;
/** In a name that the client chooses: of a model, of a tool. */
const MAX_NAME_CHARS = 256;
/** In a name in the history. A model may have written it, and rejecting it would end the session. */
const MAX_HISTORY_NAME_CHARS = 4096;

/**
 * A value at a path of the request body. Each `as…` method returns it typed or throws {@linkcode ApiError}. Paths are
 * built only for errors and reports: building one per field takes longer than all checks of a long request.
 */
export class Field {
  readonly value: unknown;
  readonly #parent: Field | null;
  readonly #key: string | number;
  /** Shared by all fields of a request. */
  readonly #request: { itemsLeft: number; dropped: DroppedFields };

  /** Without a parent: the whole body. */
  constructor(value: unknown, parent: Field | null = null, key: string | number = "") {
    this.value = value;
    this.#parent = parent;
    this.#key = key;
    this.#request = parent === null
      ? { itemsLeft: MAX_ITEMS, dropped: new DroppedFields() }
      : parent.#request;
  }

  /** Such as `messages.0.content`; "" for the whole body. */
  get path(): string {
    return this.#parent === null ? "" : join(this.#parent.path, this.#key);
  }

  /**
   * The name in the report of dropped fields: the path without indexes and tags. Names inside a content block begin
   * with its type (`text.citations`), names inside a context edit with `context_management` and its type.
   */
  get name(): string {
    if (this.#parent === null) return "";
    // Only a view by tag has the value of its parent.
    if (this.#parent.value === this.value) return this.#parent.name;
    if (typeof this.#key === "string") return join(this.#parent.name, this.#key);
    const type = isJsonObject(this.value) ? toText(this.value["type"]) : "";
    const listKey = this.#parent.#key;
    if (listKey === "edits") return `context_management.${type}`;
    return listKey === "content" || listKey === "system" ? type : this.#parent.name;
  }

  /** Whether the field is absent or null, which the API treats alike for optional fields. */
  get isMissing(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** The names of all fields that were sent and not read, and of those given to {@linkcode Field.drop}. */
  listDroppedFields(): string[] {
    return this.#request.dropped.list();
  }

  /** The field of that key, which counts as read. Own keys only: `__proto__` is data like any other. */
  at(key: string): Field {
    const { value } = this;
    if (!isJsonObject(value)) return new Field(undefined, this, key);
    this.#request.dropped.markRead(value, key, this);
    return new Field(Object.hasOwn(value, key) ? value[key] : undefined, this, key);
  }

  /** The parsed field of that key; undefined if it is absent or null. */
  optional<T>(key: string, parse: (field: Field) => T): T | undefined {
    const field = this.at(key);
    return field.isMissing ? undefined : parse(field);
  }

  /** Counts keys that need no translation as read; without keys, the whole object. */
  ignore(...keys: string[]): void {
    const { value } = this;
    if (!isJsonObject(value)) return;
    const { dropped } = this.#request;
    if (keys.length === 0) dropped.markReadWhole(value, this);
    for (const key of keys) dropped.markRead(value, key, this);
  }

  /** Reports this field as dropped, with everything in it. */
  drop(name = this.name): void {
    this.ignore();
    this.#request.dropped.add(name);
  }

  /** The same value as a member of a tagged union: Anthropic's paths name the tag (`content.0.tool_use.id`). */
  as(tag: string): Field {
    return new Field(this.value, this, tag);
  }

  /** The tag of a tagged union, out of a closed set. */
  asTag<T extends string>(tags: readonly T[]): T {
    this.requireObject();
    const tag = tags.find((item) => item === this.at("type").value);
    if (tag === undefined) throw this.unknownTag(tags);
    return tag;
  }

  /** The object with all its keys, which count as read. */
  asObject(): JsonObject {
    if (!isJsonObject(this.value)) throw this.#wrong(NOT_AN_OBJECT);
    this.ignore();
    return this.value;
  }

  /** Throws unless this is an object, without counting its keys as read. */
  requireObject(): void {
    if (!isJsonObject(this.value)) throw this.#wrong(NOT_AN_OBJECT);
  }

  /** @param maxItems for this list; all lists of a request share another limit */
  asList(maxItems = MAX_LIST_ITEMS): Field[] {
    if (!Array.isArray(this.value)) throw this.#wrong("Input should be a valid list");
    const { length } = this.value;
    if (length > maxItems) {
      const problem = `List should have at most ${maxItems} items after validation, not ${length}`;
      throw invalidError(this.path, problem);
    }
    this.#request.itemsLeft -= length;
    if (this.#request.itemsLeft < 0) {
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

  asNonEmptyString(): string {
    const text = this.asString();
    if (text === "") throw invalidError(this.path, "String should have at least 1 character");
    return text;
  }

  asStringUpTo(maxChars: number): string {
    const text = this.asString();
    if (text.length <= maxChars) return text;
    throw invalidError(this.path, `String should have at most ${maxChars} characters`);
  }

  /** A name that the client chooses. */
  asName(): string {
    this.asNonEmptyString();
    return this.asStringUpTo(MAX_NAME_CHARS);
  }

  /** A name or an id in the history of the conversation. */
  asNameInHistory(): string {
    this.asNonEmptyString();
    return this.asStringUpTo(MAX_HISTORY_NAME_CHARS);
  }

  asBoolean(): boolean {
    if (typeof this.value === "boolean") return this.value;
    throw this.#wrong("Input should be a valid boolean");
  }

  asNumber(range: { min?: number; max?: number } = {}): number {
    if (typeof this.value !== "number") throw this.#wrong("Input should be a valid number");
    return this.#within(this.value, range);
  }

  asInteger(range: { min?: number; max?: number } = {}): number {
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

  /** The error for a `type` that is not expected here. */
  unknownTag(expected: readonly string[]): ApiError {
    const tag = this.at("type");
    if (tag.isMissing) return invalidError(tag.path, "Field required");
    const tags = expected.map((item) => `'${item}'`).join(", ");
    // String() would throw for an object with its own `toString`.
    const found = typeof tag.value === "string" ? tag.value : JSON.stringify(tag.value);
    const problem = `Input tag '${
      found.slice(0, MAX_NAME_CHARS)
    }' found using 'type' does not match any of the expected tags: ${tags}`;
    return invalidError(this.path, problem);
  }

  #within(value: number, range: { min?: number; max?: number }): number {
    if (range.min !== undefined && value < range.min) {
      throw invalidError(this.path, `Input should be greater than or equal to ${range.min}`);
    }
    if (range.max !== undefined && value > range.max) {
      throw invalidError(this.path, `Input should be less than or equal to ${range.max}`);
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
