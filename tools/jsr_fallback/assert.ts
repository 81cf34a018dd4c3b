// Stand-in for `@std/assert`, for tests where JSR cannot be reached. It passes and fails as std
// does; only its failure texts are plainer (no coloured diff). Knows nothing of this project.

import { equal } from "./equal.ts";

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;
type Wanted = [errorClassOrMsg?: ErrorClass<Error> | string, part?: string, msg?: string];

/** What every failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

function formatSuffix(msg?: string): string {
  return msg ? `: ${msg}` : ".";
}

function check(passed: boolean, claim: string, msg?: string): void {
  if (!passed) throw new AssertionError(claim + formatSuffix(msg));
}

function formatClaim(actual: unknown, relation: string, expected: unknown): string {
  const options = { depth: 20, strAbbreviateSize: 10_000 };
  return `${Deno.inspect(actual, options)} ${relation} ${Deno.inspect(expected, options)}`;
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that `expr` is falsy. */
export function assertFalse(
  expr: unknown,
  msg = "",
): asserts expr is false | 0 | 0n | "" | null | undefined {
  if (expr) throw new AssertionError(msg);
}

/** Fails always. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${formatSuffix(msg)}`);
}

/** Fails always: marks code that must not be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${formatSuffix(msg)}`);
}

/** Asserts deep equality; `0` equals `-0`, and a null prototype equals a plain one. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const claim = `Values are not equal${formatSuffix(msg)}`;
  throw new AssertionError(`${claim}\n${formatClaim(actual, "\n  is not\n", expected)}`);
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  const claim = `Expected actual: ${formatClaim(actual, "not to be:", expected)}`;
  check(!equal(actual, expected), claim, msg);
}

/** Asserts that two values are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const claim = `Values are not strictly equal${formatSuffix(msg)}`;
  throw new AssertionError(`${claim}\n${formatClaim(actual, "\n  is not\n", expected)}`);
}

/** Asserts that numbers differ by at most `tolerance`, by default a 1e-7th of `expected`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
): void {
  const passed = Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance;
  check(passed, `Expected actual: "${actual}" to be close to "${expected}"`, msg);
}

/** Asserts `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  assert(actual > expected, msg ?? `Expect ${formatClaim(actual, ">", expected)}`);
}

/** Asserts `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assert(actual >= expected, msg ?? `Expect ${formatClaim(actual, ">=", expected)}`);
}

/** Asserts `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  assert(actual < expected, msg ?? `Expect ${formatClaim(actual, "<", expected)}`);
}

/** Asserts `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  assert(actual <= expected, msg ?? `Expect ${formatClaim(actual, "<=", expected)}`);
}

/** Asserts that a value is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  const passed = actual !== null && actual !== undefined;
  check(passed, `Expected actual: "${actual}" to not be null or undefined`, msg);
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: never[]) => T,
  msg?: string,
): asserts actual is T {
  const claim = `Expected object to be an instance of "${expectedType.name}"`;
  check(actual instanceof expectedType, claim, msg);
}

/** Asserts that a text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  check(expected.test(actual), `Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Asserts that a text holds another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  check(actual.includes(expected), `Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Asserts that a list holds an equal of every item of another. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T> & object,
  expected: ArrayLike<T> & object,
  msg?: string,
): void {
  const items = Array.from(actual);
  const passed = Array.from(expected).every((wanted) => items.some((item) => equal(wanted, item)));
  check(passed, `Expected actual: "${formatClaim(actual, '" to include: "', expected)}"`, msg);
}

/** Asserts that an object holds at least the keys and values of another, at every depth. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pickKeys(actual, expected), pickKeys(expected, expected), msg);
}

// The picked copies are plain objects, so that classes do not matter in assertObjectMatch.
function pickKeys(actual: object, expected: object): object {
  const keys = Reflect.ownKeys(actual).filter((key) => Object.hasOwn(expected, key));
  return Object.fromEntries(
    keys.map((key) => [key, pickValue(Reflect.get(actual, key), Reflect.get(expected, key))]),
  );
}

function pickValue(actual: unknown, expected: unknown): unknown {
  if (typeof actual !== "object" || typeof expected !== "object") return actual;
  if (actual === null || expected === null) return actual;
  if (actual instanceof RegExp || actual instanceof Date) return actual;
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.slice(0, expected.length).map((item, index) => pickValue(item, expected[index]));
  }
  if (actual instanceof Map && expected instanceof Map) {
    return new Map(
      [...actual].filter(([key]) => expected.has(key))
        .map(([key, value]) => [key, pickValue(value, expected.get(key))]),
    );
  }
  if (actual instanceof Set && expected instanceof Set) return actual.intersection(expected);
  return pickKeys(actual, expected);
}

/** Asserts that `fn` throws (an `errorClass` whose message holds `part`); returns the error. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  part?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...wanted: Wanted): unknown {
  try {
    fn();
  } catch (error) {
    checkError(error, "thrown", wanted);
    return error;
  }
  throw new AssertionError(`Expected function to throw${formatSuffix(readMsg(wanted))}`);
}

/** Asserts that the promise of `fn` rejects, as assertThrows does; a synchronous throw fails. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  part?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...wanted: Wanted
): Promise<unknown> {
  let promise: unknown;
  try {
    promise = fn();
  } catch { /* a throw counts as no promise */ }
  check(isThenable(promise), "Function throws when expected to reject", readMsg(wanted));
  try {
    await promise;
  } catch (error) {
    checkError(error, "rejected", wanted);
    return error;
  }
  throw new AssertionError(`Expected function to reject${formatSuffix(readMsg(wanted))}`);
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

function readMsg([first, , msg]: Wanted): string | undefined {
  return typeof first === "string" ? first : msg;
}

function checkError(error: unknown, verb: string, [wanted, part = "", msg]: Wanted): void {
  if (wanted === undefined || typeof wanted === "string") return;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${formatSuffix(msg)}`);
  }
  const claim = `Expected error to be instance of "${wanted.name}"`;
  check(error instanceof wanted, `${claim}, but was "${error.constructor.name}"`, msg);
  const message = JSON.stringify(error.message);
  const includes = `Expected error message to include ${JSON.stringify(part)}, but got ${message}`;
  check(error.message.includes(part), includes, msg);
}
