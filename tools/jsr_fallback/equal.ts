// Deep equality by the rules of `@std/assert`, for assert.ts alone: `0` equals `-0`, a null
// prototype equals `Object.prototype`, a missing key differs from an undefined one.

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown, seen = new Map<object, object>()): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (getPrototype(a) !== getPrototype(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return equal(new Uint8Array(a), new Uint8Array(b));
  }
  if (isTypedArray(a) && isTypedArray(b)) return equalItems(a, b);
  if (a instanceof RegExp || a instanceof URL || a instanceof URLSearchParams) {
    return String(a) === String(b);
  }
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Map && b instanceof Map || a instanceof Set && b instanceof Set) {
    return a.size === b.size && equalEntries([...a.entries()], [...b.entries()], seen);
  }
  return Object.keys(a).length === Object.keys(b).length &&
    listKeys(a, b).every((key) =>
      key in a === key in b && equal(Reflect.get(a, key), Reflect.get(b, key), seen)
    );
}

function getPrototype(value: object): unknown {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isTypedArray(value: object): value is ArrayLike<unknown> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function equalItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  return a.length === b.length && Array.from(a).every((item, index) => equal(item, b[index]));
}

function equalEntries(
  a: [unknown, unknown][],
  b: [unknown, unknown][],
  seen: Map<object, object>,
): boolean {
  return a.every(([keyA, valueA]) =>
    b.some(([keyB, valueB]) => equal(keyA, keyB, seen) && equal(valueA, valueB, seen))
  );
}

// Plain objects and arrays count by their enumerable keys, class instances by all, getters included.
function listKeys(a: object, b: object): PropertyKey[] {
  const prototype = getPrototype(a);
  if (prototype === Object.prototype || prototype === Array.prototype) {
    return Reflect.ownKeys({ ...a, ...b });
  }
  const keys: PropertyKey[] = [];
  for (let at of [a, b]) {
    for (; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      keys.push(...Reflect.ownKeys(at));
    }
  }
  return keys;
}
