/**
 * Finds the fields of a request that no parser read and so are not forwarded. Their names are reported in
 * `x-proxy-dropped`; none of them fails a request.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";

/** A header has room for fewer. */
const MAX_UNREAD_NAMES = 100;
/** No field of the API has a longer name. A longer one is not cut: half of a secret could no longer be redacted. */
const MAX_KEY_CHARS = 64;

/** Values that equal what applies without the field, as JSON. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ["allowed_callers", '["direct"]'],
  ["caller", '{"type":"direct"}'],
  ["clear_at", '"never"'],
  ["response_inclusion", '"full"'],
  ["transformations", '{"oversized_image":"downsize"}'],
  ["use_cache", "true"],
]);

interface Named {
  readonly name: string;
}

/** An object of the request of which keys were read. */
interface ReadObject {
  /** The field that read it first, which knows its name. */
  holder: Named;
  /** A list, because a set for each block of a long request takes more time. */
  keys: string[];
  isReadWhole: boolean;
}

/** Records which keys of a request are read. Objects that are never entered count as read whole. */
export class DroppedFields {
  readonly #objects = new Map<JsonObject, ReadObject>();
  readonly #names = new Set<string>();

  /** Reports a name that is known to be dropped. */
  add(name: string): void {
    this.#names.add(name);
  }

  markRead(object: JsonObject, key: string, holder: Named): void {
    const { keys } = this.#open(object, holder);
    if (!keys.includes(key)) keys.push(key);
  }

  markReadWhole(object: JsonObject, holder: Named): void {
    this.#open(object, holder).isReadWhole = true;
  }

  /** The reported names, and those of at most 100 unread fields. To be called when parsing has ended. */
  list(): string[] {
    const names = new Set(this.#names);
    const most = names.size + MAX_UNREAD_NAMES;
    for (const [object, { holder, keys, isReadWhole }] of this.#objects) {
      if (isReadWhole) continue;
      for (const key of Object.keys(object)) {
        if (keys.includes(key) || !isGiven(key, object[key])) continue;
        names.add(join(holder.name, key.length > MAX_KEY_CHARS ? "(long name)" : key));
        if (names.size === most) return [...names];
      }
    }
    return [...names];
  }

  #open(object: JsonObject, holder: Named): ReadObject {
    let entry = this.#objects.get(object);
    if (entry === undefined) {
      entry = { holder, keys: [], isReadWhole: false };
      this.#objects.set(object, entry);
    }
    return entry;
  }
}

/** Whether a value has an effect: null, an empty list, `{enabled: false}` and defaults have none. */
function isGiven(key: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value) && value.length === 0) return false;
  if (isJsonObject(value) && value["enabled"] === false) return false;
  return !DEFAULTS.has(key) || JSON.stringify(value) !== DEFAULTS.get(key);
}

/** A path of two parts, the first of which may be empty. */
export function join(above: string, key: string | number): string {
  return above === "" ? `${key}` : `${above}.${key}`;
}
