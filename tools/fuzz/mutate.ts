/**
 * Mutates JSON and bytes, so that valid input becomes almost valid.
 * @module
 */

import { type Random, setKey } from "./random.ts";

type Place = { holder: object; key: string };

const KEYS = ["__proto__", "constructor", "toString", "", "type", "content", "id", "stream", "0"];

/** A copy with a few mutations anywhere. */
export function mutateJson(random: Random, value: unknown): unknown {
  const root = { root: copy(value) };
  for (let n = random.pick([1, 1, 1, 2, 3, 5]); n > 0; n--) mutateOnce(random, root);
  return root.root;
}

/** A copy with a few bits flipped, bytes removed, repeated or inserted, or the end cut off. */
export function mutateBytes(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const list = Array.from(bytes);
  for (let n = random.pick([1, 1, 2, 5]); n > 0 && list.length > 0; n--) {
    const at = random.int(0, list.length - 1);
    switch (random.int(0, 4)) {
      case 0:
        list[at] = (list[at] ?? 0) ^ (1 << random.int(0, 7));
        break;
      case 1:
        list.splice(at, random.int(1, 10));
        break;
      case 2:
        list.splice(at, 0, ...list.slice(at, at + random.int(1, 30)));
        break;
      case 3:
        list.splice(at, 0, random.int(0, 255));
        break;
      case 4:
        list.length = at;
    }
  }
  return new Uint8Array(list);
}

function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function copyOf({ holder, key }: Place): unknown {
  return copy(Reflect.get(holder, key));
}

function mutateOnce(random: Random, root: object): void {
  const places = listPlaces(root);
  const { holder, key } = random.pick(places);
  const value = Reflect.get(holder, key);
  switch (random.int(0, 9)) {
    case 0:
      return drop(holder, key);
    case 1:
    case 2:
      return set(holder, key, random.json());
    case 3:
      return set(
        holder,
        key,
        random.pick([[value], { type: value }, { [String(key)]: value }, [[value]]]),
      );
    case 4:
      return set(holder, key, swapType(random, value));
    case 5:
      return set(holder, key, copyOf(random.pick(places)));
    case 6:
      if (typeof value === "object" && value !== null) {
        return set(value, random.pick(KEYS), random.json());
      }
      return set(holder, key, grow(random, value));
    case 7:
      if (Array.isArray(value)) {
        return void value.splice(random.int(0, value.length), 0, random.json());
      }
      return set(holder, key, grow(random, value));
    case 8:
      if (Array.isArray(value)) return void value.reverse();
      return rename(random, holder, key);
    default:
      if (Array.isArray(value)) return void value.push(...value.slice(0, 20).map(copy));
      return set(holder, key, grow(random, value));
  }
}

function listPlaces(root: object): Place[] {
  const places: Place[] = [];
  const visit = (holder: object) => {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      const value = Reflect.get(holder, key);
      if (typeof value === "object" && value !== null) visit(value);
    }
  };
  visit(root);
  return places;
}

function set(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder)) {
    const index = Number(key);
    if (Number.isInteger(index)) holder[index] = value;
  } else setKey(holder, key, value);
}

function drop(holder: object, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (key !== "root") Reflect.deleteProperty(holder, key);
}

function rename(random: Random, holder: object, key: string): void {
  if (Array.isArray(holder) || key === "root") return;
  const value = Reflect.get(holder, key);
  Reflect.deleteProperty(holder, key);
  setKey(holder, random.chance(0.7) ? random.pick(KEYS) : random.text(1), value);
}

/** A similar value of another type. */
function swapType(random: Random, value: unknown): unknown {
  if (typeof value === "string") return random.pick([value.length, [value], { text: value }, null]);
  if (typeof value === "number") {
    return random.pick([String(value), -value, value + 0.5, [value], true]);
  }
  if (typeof value === "boolean") return random.pick([String(value), value ? 1 : 0, null]);
  if (Array.isArray(value)) {
    return random.pick([{ ...value }, value[0] ?? null, JSON.stringify(value)]);
  }
  if (typeof value === "object" && value !== null) {
    return random.pick([Object.values(value), JSON.stringify(value), Object.keys(value)]);
  }
  return random.pick([0, "", [], {}, "null"]);
}

/** Longer, larger or deeper. */
function grow(random: Random, value: unknown): unknown {
  if (typeof value === "string") {
    const odd = random.text(2);
    return random.pick([
      value + odd,
      odd + value,
      value.slice(0, value.length >> 1),
      random.chance(0.05) ? odd.repeat(20_000) : odd.repeat(70),
      value.split("").reverse().join(""),
    ]);
  }
  if (typeof value === "number") return random.pick([value * 1e9, -value, value / 3, 0, 1, 1023]);
  let deep: unknown = value;
  for (let n = random.pick([2, 20, 500, 600]); n > 0; n--) deep = n % 2 ? [deep] : { a: deep };
  return deep;
}
