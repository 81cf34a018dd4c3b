// Compares tools/jsr_fallback/ with @std. Every expected value was printed by the real @std modules; the bare
// specifiers resolve to those if JSR can be reached, and to the fallback otherwise.
// deno-lint-ignore-file no-console -- std warns about an invalid key, which the test silences

import { deepStrictEqual, ok, strictEqual, throws } from "node:assert";
import * as asserts from "@std/assert";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { parse } from "@std/dotenv/parse";
import { accepts } from "@std/http/negotiation";
import { STATUS_CODE } from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { TextLineStream } from "@std/streams/text-line-stream";
import config from "../../deno.json" with { type: "json" };
import fallback from "../../tools/jsr_fallback/import_map.json" with { type: "json" };

const ENV_CASES: [string, string, Record<string, string>][] = [
  [
    "skips comments, blank lines and lines without an equals sign",
    "# a=1\n\n  # b=2\nnonsense\nC=3",
    { "C": "3" },
  ],
  ["takes export before a key, and as a key", "export A=1\n  export\tB = 2\nexport=3", {
    "A": "1",
    "B": "2",
    "export": "3",
  }],
  ["ignores a key that is not an identifier", "1A=1\nb-c=2\nD.e=3\nF_1=4", { "F_1": "4" }],
  ["keeps the last of two values", "A=1\nA=2", { "A": "2" }],
  ["trims unquoted values and ends them at #", "A=  x y  # note\nB=x#y\nC=\nD=a=b==c", {
    "A": "x y",
    "B": "x",
    "C": "",
    "D": "a=b==c",
  }],
  ["reads CRLF line ends", "A=1\r\nB='2'\r\n\r\nC=\"3\"\r\n", { "A": "1", "B": "2", "C": "3" }],
  ["drops a byte order mark", "\ufeffA=1", { "A": "1" }],
  ["keeps single quotes literal", "A='  x # \\n $B \"q\"  ' # note\nB=''", {
    "A": '  x # \\n $B "q"  ',
    "B": "",
  }],
  ["resolves escapes in double quotes only", 'A="a\\nb\\tc\\rd\\\\e\\"f\\\'g\\xh" # note', {
    "A": "a\nb\tc\rd\\e\"f'g\\xh",
  }],
  [
    "joins quoted lines and drops the break next to each quote",
    "A=\"\nx\ny\n\"\nB='\r\nx\r\ny\r\n'\nC=3",
    { "A": "x\ny", "B": "x\r\ny", "C": "3" },
  ],
  ["ignores what follows a closing quote", "A='x'y\nB=\"x\" y z", { "A": "x", "B": "x" }],
  ["takes a lone quote as text", "A=it's\nB=\"open", { "A": "it's", "B": '"open' }],
  ["expands references to other keys in any order", "A=$B/${C}\nB=b\nC=$D\nD='d $B'", {
    "A": "b/d b",
    "B": "b",
    "C": "d b",
    "D": "d $B",
  }],
  ["expands no reference in quotes", "A=1\nB=\"$A ${A}\"\nC='$A'", {
    "A": "1",
    "B": "$A ${A}",
    "C": "$A",
  }],
  ["leaves an escaped $NAME, but not an escaped ${NAME}", "A=1\nB=\\$A\nC=\\${A}", {
    "A": "1",
    "B": "\\$A",
    "C": "\\1",
  }],
  ["reads the environment after the file", "A=$JSR_FALLBACK_SET\nB=${JSR_FALLBACK_SET:-no}", {
    "A": "from env",
    "B": "from env",
  }],
  ["prefers the file to the environment", "A=$JSR_FALLBACK_SET\nJSR_FALLBACK_SET=file", {
    "A": "file",
    "JSR_FALLBACK_SET": "file",
  }],
  [
    "falls back to a default, which may refer on",
    "A=${NOT_SET_X:-d e}\nB=$NOT_SET_X:-d\nC=${A:-no}\nE=${NOT_SET_X:-${A}}",
    { "A": "d e", "B": "d", "C": "d e", "E": "d e" },
  ],
  [
    "writes undefined for a variable that is not set",
    "A=${NOT_SET_X}\nB=x$NOT_SET_X\nC=${NOT_SET_X:-}",
    {
      "A": "undefined",
      "B": "xundefined",
      "C": "undefined",
    },
  ],
  ["reaches for the last brace with a default", "A=${NOT_SET_X:-x} and ${B}\nB=b", {
    "A": "x} and ${B",
    "B": "b",
  }],
];

const ACCEPT_CASES: [string, string | null, [string, ...string[]], string | undefined][] = [
  [
    "takes the first type without an Accept header",
    null,
    ["text/html", "application/json"],
    "text/html",
  ],
  [
    "takes the first type with an empty Accept header",
    "",
    ["text/html", "application/json"],
    "text/html",
  ],
  ["finds nothing where no range fits", "text/html", ["application/json"], undefined],
  ["takes the first type for */*", "*/*", ["text/html", "application/json"], "text/html"],
  ["prefers the higher quality", "text/html;q=0.5, application/json;q=0.9", [
    "text/html",
    "application/json",
  ], "application/json"],
  ["prefers the more specific range at equal quality", "*/*, application/json", [
    "text/html",
    "application/json",
  ], "application/json"],
  ["prefers the server's order at equal quality and specificity", "application/json, text/html", [
    "text/html",
    "application/json",
  ], "text/html"],
  [
    "prefers the specific range for a type",
    "text/*;q=0.9, text/html;q=0.1, application/json;q=0.5",
    ["text/html", "application/json"],
    "application/json",
  ],
  [
    "never takes a type of quality 0",
    "text/html;q=0, */*",
    ["text/html", "application/json"],
    "application/json",
  ],
  ["finds nothing where the only fit has quality 0", "text/html;q=0", ["text/html"], undefined],
  ["weighs a type above a subtype", "*/html;q=0.2, text/*;q=0.9, application/json;q=0.5", [
    "application/json",
    "text/html",
  ], "text/html"],
  [
    "takes subtype wildcards",
    "text/*",
    ["application/json", "text/event-stream"],
    "text/event-stream",
  ],
  ["matches names in any case", "TEXT/HTML", ["application/json", "text/html"], "text/html"],
  [
    "requires the parameters of a range",
    "text/html;level=1",
    ["text/html", "text/html;level=1"],
    "text/html;level=1",
  ],
  ["takes a quoted parameter value", 'text/html;level="1";q=0.4, text/html;q=0.3', [
    "text/html",
    "text/html;level=1",
  ], "text/html;level=1"],
  ["treats an unreadable quality as 0", "text/html;q=high, application/json;q=0.1", [
    "text/html",
    "application/json",
  ], "application/json"],
  [
    "skips ranges without a slash",
    "html, application/json",
    ["text/html", "application/json"],
    "application/json",
  ],
  [
    "reads what a browser sends",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["application/json", "text/html"],
    "text/html",
  ],
  [
    "reads what curl sends to a JSON-first server",
    "*/*",
    ["application/json", "text/html"],
    "application/json",
  ],
];

const LINE_CASES: [string, string[], string[]][] = [
  ["splits at LF and CRLF", ["a\r\nb\nc\n"], ["a", "b", "c"]],
  ["emits empty lines", ["\n\na\n\r\n"], ["", "", "a", ""]],
  ["emits an unfinished last line", ["a\nb"], ["a", "b"]],
  ["joins lines over chunks", ["a", "", "b", "c\nd", "\n"], ["abc", "d"]],
  ["finds a CRLF that is split over chunks", ["a\r", "\nb"], ["a", "b"]],
  ["keeps a lone CR", ["a\rb\r\r\nc\r"], ["a\rb\r", "c\r"]],
  ["emits nothing for no text", ["", ""], []],
];
const STATUS_CASES = [
  "100 Continue, 101 SwitchingProtocols, 102 Processing, 103 EarlyHints",
  "200 OK, 201 Created, 202 Accepted, 203 NonAuthoritativeInfo, 204 NoContent",
  "205 ResetContent, 206 PartialContent, 207 MultiStatus, 208 AlreadyReported, 226 IMUsed",
  "300 MultipleChoices, 301 MovedPermanently, 302 Found, 303 SeeOther, 304 NotModified",
  "305 UseProxy, 307 TemporaryRedirect, 308 PermanentRedirect",
  "400 BadRequest, 401 Unauthorized, 402 PaymentRequired, 403 Forbidden, 404 NotFound",
  "405 MethodNotAllowed, 406 NotAcceptable, 407 ProxyAuthRequired, 408 RequestTimeout",
  "409 Conflict, 410 Gone, 411 LengthRequired, 412 PreconditionFailed, 413 ContentTooLarge",
  "414 URITooLong, 415 UnsupportedMediaType, 416 RangeNotSatisfiable, 417 ExpectationFailed",
  "418 Teapot, 421 MisdirectedRequest, 422 UnprocessableEntity, 423 Locked",
  "424 FailedDependency, 425 TooEarly, 426 UpgradeRequired, 428 PreconditionRequired",
  "429 TooManyRequests, 431 RequestHeaderFieldsTooLarge, 451 UnavailableForLegalReasons",
  "500 InternalServerError, 501 NotImplemented, 502 BadGateway, 503 ServiceUnavailable",
  "504 GatewayTimeout, 505 HTTPVersionNotSupported, 506 VariantAlsoNegotiates",
  "507 InsufficientStorage, 508 LoopDetected, 510 NotExtended",
  "511 NetworkAuthenticationRequired",
];

const LIMIT_CASES: [string, number, { error?: boolean }, number[], (number | string)[]][] = [
  ["passes chunks up to the limit", 8, {}, [4, 4], [4, 4]],
  ["ends before the chunk that exceeds it", 5, {}, [4, 4, 1], [4]],
  ["drops a single large chunk whole", 50, {}, [100], []],
  ["passes empty chunks at limit 0", 0, {}, [0, 1], [0]],
  ["passes all with error: true", 8, { error: true }, [4, 4], [4, 4]],
  ["throws with error: true", 5, { error: true }, [4, 4], [
    4,
    "RangeError: Exceeded byte size limit of '5'",
  ]],
];

type Bytes = ArrayBuffer | Uint8Array<ArrayBuffer> | DataView<ArrayBuffer>;

const BYTES_CASES: [string, Bytes, Bytes, boolean][] = [
  ["no bytes", new Uint8Array(), new Uint8Array(), true],
  ["equal bytes", new Uint8Array([1, 2, 255]), new Uint8Array([1, 2, 255]), true],
  ["another first byte", new Uint8Array([0, 2]), new Uint8Array([1, 2]), false],
  ["another last byte", new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
  ["swapped bytes", new Uint8Array([1, 2]), new Uint8Array([2, 1]), false],
  ["a buffer and its bytes", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2]), true],
  ["a part of a buffer", new Uint8Array([0, 1, 2]).subarray(1), new Uint8Array([1, 2]), true],
  ["a view", new DataView(new Uint8Array([0, 1]).buffer, 1), new Uint8Array([1]), true],
  ["another view", new DataView(new Uint8Array([0, 1]).buffer, 1), new Uint8Array([2]), false],
];

class Point {
  constructor(public x: number) {}
  get twice(): number {
    return this.x * 2;
  }
}

class Hidden {
  #x: number;
  constructor(x: number) {
    this.#x = x;
  }
  get x(): number {
    return this.#x;
  }
}

const NULL_PROTOTYPE = Object.assign(Object.create(null), { a: 1 });
const SELF: Record<string, unknown> = { a: 1 };
SELF.self = SELF;
const SELF_TOO: Record<string, unknown> = { a: 1 };
SELF_TOO.self = SELF_TOO;

const EQUAL_CASES: [string, unknown, unknown, boolean][] = [
  ["0 and -0", [0], [-0], true],
  ["NaN and NaN", NaN, NaN, true],
  ["1 and true", 1, true, false],
  ["null and undefined", null, undefined, false],
  ["a null prototype and a plain one", NULL_PROTOTYPE, { a: 1 }, true],
  ["keys in another order", { a: 1, b: [2] }, { b: [2], a: 1 }, true],
  ["a missing and an undefined key", { a: undefined }, {}, false],
  ["undefined under two keys", { a: undefined }, { b: undefined }, false],
  ["a hole and undefined", [, 1], [undefined, 1], false],
  ["symbol keys of other values", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }, false],
  ["an array and an object", [], {}, false],
  ["two equal functions", () => 1, () => 1, false],
  ["instances of one class", new Point(1), new Point(1), true],
  ["an instance and a plain object", new Point(1), { x: 1 }, false],
  ["instances whose getters differ", new Hidden(1), new Hidden(2), false],
  ["dates of one time", new Date(5), new Date(5), true],
  ["dates of two times", new Date(5), new Date(6), false],
  ["patterns with other flags", /a/, /a/g, false],
  ["URLs", new URL("http://a"), new URL("http://a/"), true],
  ["other URLs", new URL("http://a"), new URL("http://b"), false],
  ["sets in another order", new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1]), true],
  ["other sets", new Set([1]), new Set([2]), false],
  ["maps with deep keys", new Map([[{ k: 1 }, [1]]]), new Map([[{ k: 1 }, [1]]]), true],
  ["maps with other values", new Map([["a", 1]]), new Map([["a", 2]]), false],
  ["bytes and a view of them", new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1), true],
  ["other bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
  ["bytes and wider numbers", new Uint8Array([1]), new Uint16Array([1]), false],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer, false],
  ["objects that contain themselves", SELF, SELF_TOO, true],
];

const MATCH_CASES: [string, Record<string, unknown>, Record<string, unknown>, boolean][] = [
  ["fewer keys", { a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }, true],
  ["no keys", { a: 1 }, {}, true],
  ["a missing key", { a: 1 }, { b: undefined }, false],
  ["another nested value", { b: { c: 2 } }, { b: { c: 3 } }, false],
  ["a plain object for an instance", { p: new Point(1) }, { p: { x: 1 } }, true],
  ["the start of an array", { a: [{ b: 1, c: 2 }, 2] }, { a: [{ b: 1 }] }, true],
  ["a longer array", { a: [1] }, { a: [1, 2] }, false],
  ["a set's part", { s: new Set([1, 2]) }, { s: new Set([1]) }, true],
  ["a map's part", { m: new Map([["a", 1], ["b", 2]]) }, { m: new Map([["a", 1]]) }, true],
  ["another date", { d: new Date(1) }, { d: new Date(2) }, false],
];

// Undefined if the call passes, else the start of the AssertionError's message in std.
const ASSERT_CASES: [string, () => unknown, string | undefined][] = [
  ["assert passes what is truthy", () => asserts.assert("a"), undefined],
  ["assert fails with only its message", () => asserts.assert(0, "why"), "why"],
  ["assertFalse passes 0", () => asserts.assertFalse(0), undefined],
  ["assertFalse fails for text", () => asserts.assertFalse("a", "why"), "why"],
  ["fail fails", () => asserts.fail("why"), "Failed assertion: why"],
  ["unreachable fails", () => asserts.unreachable(), "Unreachable."],
  [
    "assertEquals adds its message",
    () => asserts.assertEquals(1, 2, "why"),
    "Values are not equal: why\n",
  ],
  [
    "assertStrictEquals distinguishes 0 from -0",
    () => asserts.assertStrictEquals(0, -0),
    "Values are not",
  ],
  ["assertStrictEquals passes NaN", () => asserts.assertStrictEquals(NaN, NaN), undefined],
  [
    "assertStrictEquals requires the same object",
    () => asserts.assertStrictEquals([], []),
    "Values ",
  ],
  ["assertNotEquals fails for equals", () => asserts.assertNotEquals([1], [1]), "Expected actual:"],
  ["assertAlmostEquals is relative", () => asserts.assertAlmostEquals(1e9, 1e9 + 99), undefined],
  [
    "assertAlmostEquals has a limit",
    () => asserts.assertAlmostEquals(1, 1.1),
    'Expected actual: "1" to be close to "1.1',
  ],
  ["assertAlmostEquals takes one", () => asserts.assertAlmostEquals(1, 1.1, 0.2), undefined],
  ["assertGreater fails for equals", () => asserts.assertGreater(1, 1), "Expect 1 > 1"],
  ["assertGreaterOrEqual passes equals", () => asserts.assertGreaterOrEqual(1, 1), undefined],
  ["assertLess fails for equals", () => asserts.assertLess(1, 1, "why"), "why"],
  ["assertLessOrEqual fails for more", () => asserts.assertLessOrEqual(2, 1), "Expect 2 <= 1"],
  ["assertExists passes 0", () => asserts.assertExists(0), undefined],
  [
    "assertExists fails for null",
    () => asserts.assertExists(null),
    'Expected actual: "null" to not be null or undefined.',
  ],
  [
    "assertInstanceOf names the class",
    () => asserts.assertInstanceOf(new Error(), TypeError),
    'Expected object to be an instance of "TypeError"',
  ],
  [
    "assertInstanceOf passes subclasses",
    () => asserts.assertInstanceOf(new TypeError(), Error),
    undefined,
  ],
  [
    "assertMatch fails",
    () => asserts.assertMatch("a", /b/),
    'Expected actual: "a" to match: "/b/".',
  ],
  [
    "assertStringIncludes fails",
    () => asserts.assertStringIncludes("a", "b", "why"),
    'Expected actual: "a" to contain: "b": why',
  ],
  [
    "assertArrayIncludes is deep",
    () => asserts.assertArrayIncludes([{ a: 1 }], [{ a: 1 }]),
    undefined,
  ],
  [
    "assertArrayIncludes requires all",
    () => asserts.assertArrayIncludes([1], [1, 2]),
    "Expected actual",
  ],
  [
    "assertThrows requires a throw",
    () => asserts.assertThrows(() => 1, Error, "x", "why"),
    "Expected function to throw: why",
  ],
  [
    "assertThrows requires the class",
    () => asserts.assertThrows(throwError, TypeError),
    'Expected error to be instance of "TypeError", but was "Error".',
  ],
  [
    "assertThrows requires the part of the message",
    () => asserts.assertThrows(throwError, Error, "soon"),
    'Expected error message to include "soon", but got "too late".',
  ],
  [
    "assertThrows passes any value without a class",
    () => asserts.assertThrows(throwText),
    undefined,
  ],
  [
    "assertThrows requires an Error for a class",
    () => asserts.assertThrows(throwText, Error),
    "A non-Error object was thrown.",
  ],
  [
    "assertRejects requires a rejection",
    () => asserts.assertRejects(() => Promise.resolve(), "why"),
    "Expected function to reject: why",
  ],
  [
    "assertRejects does not accept a synchronous throw",
    () => asserts.assertRejects(throwError),
    "Function throws when expected to reject.",
  ],
  [
    "assertRejects requires the class",
    () => asserts.assertRejects(() => Promise.reject(new Error("x")), TypeError),
    'Expected error to be instance of "TypeError", but was "Error".',
  ],
  [
    "assertRejects requires an Error for a class",
    () => asserts.assertRejects(() => Promise.reject("x"), Error),
    "A non-Error object was rejected.",
  ],
];

function throwError(): never {
  throw new Error("too late");
}

function throwText(): never {
  throw "text";
}

async function findFailure(run: () => unknown): Promise<string | undefined> {
  try {
    await run();
  } catch (error) {
    ok(error instanceof asserts.AssertionError, `not an AssertionError: ${error}`);
    strictEqual(error.name, "AssertionError");
    return error.message;
  }
}

async function readAll<T>(stream: ReadableStream<T>, show: (chunk: T) => unknown) {
  const shown: unknown[] = [];
  try {
    for await (const chunk of stream) shown.push(show(chunk));
  } catch (error) {
    shown.push(String(error));
  }
  return shown;
}

for (const [sentence, text, expected] of ENV_CASES) {
  Deno.test(`dotenv parse ${sentence}`, () => {
    const warn = console.warn;
    Deno.env.set("JSR_FALLBACK_SET", "from env");
    console.warn = () => {};
    try {
      const values = parse(text);
      strictEqual(Object.getPrototypeOf(values), null);
      deepStrictEqual({ ...values }, expected);
    } finally {
      console.warn = warn;
      Deno.env.delete("JSR_FALLBACK_SET");
    }
  });
}

for (const [sentence, header, types, expected] of ACCEPT_CASES) {
  Deno.test(`accepts ${sentence}`, () => {
    const headers = new Headers(header === null ? {} : { accept: header });
    strictEqual(accepts({ headers }, ...types), expected);
  });
}

Deno.test("STATUS_CODE has the names and values of std, with literal types", () => {
  const created: 201 = STATUS_CODE.Created;
  strictEqual(created, 201);
  const codes = Object.entries(STATUS_CODE).map(([name, code]) => `${code} ${name}`);
  deepStrictEqual(codes, STATUS_CASES.join(", ").split(", "));
});

for (const [sentence, chunks, expected] of LINE_CASES) {
  Deno.test(`TextLineStream ${sentence}`, async () => {
    const lines = ReadableStream.from(chunks).pipeThrough(new TextLineStream());
    deepStrictEqual(await readAll(lines, (line) => line), expected);
  });
}

Deno.test("TextLineStream takes linear time for a long line in small chunks", async () => {
  const chunks = Array.from({ length: 100_000 }, () => "0123456789");
  const started = performance.now();
  const lines = ReadableStream.from(chunks).pipeThrough(new TextLineStream());
  deepStrictEqual(await readAll(lines, (line) => line.length), [1_000_000]);
  // Searching all pending text for every chunk takes half a minute.
  ok(performance.now() - started < 5_000);
});

for (const [sentence, size, options, sizes, expected] of LIMIT_CASES) {
  Deno.test(`LimitedBytesTransformStream ${sentence}`, async () => {
    const stream = ReadableStream.from(sizes.map((bytes) => new Uint8Array(bytes)))
      .pipeThrough(new LimitedBytesTransformStream(size, options));
    deepStrictEqual(await readAll(stream, (chunk) => chunk.byteLength), expected);
  });
}

for (const [sentence, left, right, expected] of BYTES_CASES) {
  Deno.test(`timingSafeEqual finds ${sentence} ${expected ? "equal" : "unequal"}`, () => {
    strictEqual(timingSafeEqual(left, right), expected);
  });
}

Deno.test("timingSafeEqual throws for different lengths", () => {
  throws(() => timingSafeEqual(new Uint8Array(2), new Uint8Array(1)), {
    name: "TypeError",
    message: "Cannot compare buffers of different byte lengths (2 vs 1)",
  });
});

for (const [sentence, left, right, expected] of EQUAL_CASES) {
  Deno.test(`assertEquals finds ${sentence} ${expected ? "equal" : "unequal"}`, async () => {
    const failure = await findFailure(() => asserts.assertEquals(left, right));
    strictEqual(failure === undefined, expected);
    const opposite = await findFailure(() => asserts.assertNotEquals(left, right));
    strictEqual(opposite === undefined, !expected);
  });
}

for (const [sentence, actual, expected, passes] of MATCH_CASES) {
  Deno.test(`assertObjectMatch ${passes ? "passes" : "fails for"} ${sentence}`, async () => {
    const failure = await findFailure(() => asserts.assertObjectMatch(actual, expected));
    strictEqual(failure === undefined, passes);
  });
}

for (const [sentence, run, expected] of ASSERT_CASES) {
  Deno.test(sentence, async () => {
    const failure = await findFailure(run);
    strictEqual(failure?.slice(0, expected?.length), expected);
  });
}

Deno.test("assertThrows and assertRejects return the error, typed", async () => {
  const range = new RangeError("too far");
  const thrown: RangeError = asserts.assertThrows(
    () => {
      throw range;
    },
    RangeError,
    "far",
  );
  strictEqual(thrown, range);
  const rejected: RangeError = await asserts.assertRejects(
    () => Promise.reject(range),
    RangeError,
    "far",
  );
  strictEqual(rejected, range);
});

Deno.test("the assertions narrow types", () => {
  const error: unknown = new TypeError("wrong");
  asserts.assertInstanceOf(error, TypeError);
  const message: string = error.message;
  const found: string | undefined = [message].at(0);
  asserts.assertExists(found);
  const length: number = found.length;
  const maybe: { a?: string } = { a: "x" };
  asserts.assert(maybe.a !== undefined);
  const a: string = maybe.a;
  const text: unknown = a;
  asserts.assertStrictEquals(text, "x");
  strictEqual(text.length + length, 6);
});

const ROOT = new URL("../../", import.meta.url);

async function* listSources(folder: URL, enter: (name: string) => boolean): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    const inner = new URL(`${entry.name}/`, folder);
    if (entry.isDirectory && enter(entry.name)) yield* listSources(inner, () => true);
    else if (entry.name.endsWith(".ts")) yield new URL(entry.name, folder);
  }
}

async function findStdImports(file: URL): Promise<string[]> {
  const source = await Deno.readTextFile(file);
  const imports = source.matchAll(/^(?:import|export)\b[^;]*?"(@std(?:\/[\w-]+)+)"/gm);
  return [...imports].map(([, specifier = ""]) => specifier);
}

const FALLBACK_NAMES = Object.keys(fallback.imports).filter((name) => name.startsWith("@std/"));

Deno.test("deno.json and the fallback's import map name the same npm packages", () => {
  const findNpm = (imports: Record<string, string>) =>
    Object.entries(imports).filter(([, target]) => target.startsWith("npm:")).sort();
  deepStrictEqual(findNpm(fallback.imports), findNpm(config.imports));
});

Deno.test("the probe imports exactly the fallback's @std modules", async () => {
  const probed = await findStdImports(new URL("tools/jsr_fallback/probe.ts", ROOT));
  deepStrictEqual(probed.sort(), FALLBACK_NAMES.toSorted());
});

Deno.test("the fallback has every @std module that is imported", async () => {
  const missing: string[] = [];
  let found = 0;
  for await (const source of listSources(ROOT, (name) => name === "lib" || name === "tests")) {
    const imports = await findStdImports(source);
    found += imports.length;
    missing.push(...imports.filter((name) => !FALLBACK_NAMES.includes(name)));
  }
  deepStrictEqual(missing, []);
  ok(found >= FALLBACK_NAMES.length, `only ${found} @std imports found: the scan is broken`);
});
