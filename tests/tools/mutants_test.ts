/**
 * Tests the operators of `deno task mutants` with source texts and their mutants.
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { instrument, listMutants } from "../../tools/mutants/instrument.ts";
import { readOptions } from "../../tools/mutants/options.ts";
import { takeSample } from "../../tools/mutants/sample.ts";
import { listTestFiles } from "../../tools/mutants/test_files.ts";

/** A source text, and its mutants as `operator: original → replacement`. */
const CASES: readonly { about: string; source: string; mutants: readonly string[] }[] = [
  {
    about: "a condition is negated",
    source: "if (a) b;",
    mutants: ["negate: a → !(a)"],
  },
  {
    about: "the negation of a condition is removed, once",
    source: "while (!a) b;",
    mutants: ["negate: !a → a"],
  },
  {
    about: "an equality is inverted, not negated as well",
    source: "x = a === b ? c : d;",
    mutants: [
      "drop-statement: x = a === b ? c : d; → ",
      "equality: a === b → (a) !== (b)",
    ],
  },
  {
    about: "the boundary of a comparison is changed",
    source: "f = () => a < b;",
    mutants: ["drop-statement: f = () => a < b; → ", "boundary: a < b → (a) <= (b)"],
  },
  {
    about: "&& and || are swapped",
    source: "const f = () => a && b;",
    mutants: ["logic: a && b → (a) || (b)"],
  },
  {
    about: "a fallback is removed, or applied to all falsy values",
    source: "const f = () => a ?? b;",
    mutants: ["fallback: a ?? b → a", "fallback: a ?? b → (a) || (b)"],
  },
  {
    about: "for a falsy fallback ?? and || are equivalent",
    source: "const f = () => a ?? [];",
    mutants: ["fallback: a ?? [] → a"],
  },
  {
    about: "a statement is dropped",
    source: "function f() { g(); }",
    mutants: ["drop-statement: g(); → "],
  },
  {
    about: "a throw and a guard are dropped, the last return is not",
    source: "function f() { if (a) return g; throw b; return c; }",
    mutants: [
      "negate: a → !(a)",
      "drop-statement: return g; → ",
      "drop-statement: throw b; → ",
    ],
  },
  {
    about: "break is dropped in a loop, not in a switch",
    source: "for (;;) { switch (a) { case b: break; } break; }",
    mutants: ["drop-statement: break; → "],
  },
  {
    about: "a function returns early with a value of its type",
    source: "function f(): string[] | null { return a; } function g(): boolean { return b; }",
    mutants: [
      "return-early:  → return null;",
      "return-early:  → return true;",
      "return-early:  → return false;",
    ],
  },
  {
    about: "a void method returns early, unless it has only one statement",
    source: "class A { f(): void { a; b; } g(): void { a; } }",
    mutants: ["return-early:  → return;"],
  },
  {
    about: "a number is incremented or decremented",
    source: "const a = 1_000;",
    mutants: ["number: 1_000 → 1001", "number: 1_000 → 999"],
  },
  {
    about: "true and false are swapped",
    source: "const a = true;",
    mutants: ["boolean: true → false"],
  },
  {
    about: "a string is emptied, an empty one filled",
    source: 'const a = "b", c = "";',
    mutants: ['string: "b" → ""', 'string: "" → "mutant"'],
  },
  {
    about: "each element of a list is dropped",
    source: "const a = [b, ...c];",
    mutants: ["drop-element: [b, ...c] → [...c]", "drop-element: [b, ...c] → [b]"],
  },
  {
    about: "each property is dropped",
    source: "const a = { b, ...c };",
    mutants: ["drop-property: { b, ...c } → { ...c }", "drop-property: { b, ...c } → { b }"],
  },
  {
    about: "the last of several arguments is dropped",
    source: "const a = new B(c, d), e = f(g);",
    mutants: ["drop-argument: new B(c, d) → new B(c)"],
  },
  {
    about: "arithmetic is inverted, except for strings",
    source: "const a = b + c, d = `${e}` + f, g = -h;",
    mutants: ["arithmetic: b + c → (b) - (c)", 'string: `${e}` → ""', "arithmetic: -h → h"],
  },
  {
    about: "a method call is removed or replaced by its counterpart",
    source: "const a = b.trim(), c = d?.some(e);",
    mutants: ["drop-method: b.trim() → b", "swap-method: d?.some(e) → d?.every(e)"],
  },
  {
    about: "a regular expression loses its anchors and its i",
    source: "const a = /^b$/i;",
    mutants: ["regex: /^b$/i → /b$/i", "regex: /^b$/i → /^b/i", "regex: /^b$/i → /^b$/"],
  },
  {
    about: "an assignment operator is inverted",
    source: "a ||= b;",
    mutants: ["drop-statement: a ||= b; → ", "logic: a ||= b → a &&= (b)"],
  },
  {
    about: "types, imports, keys and messages are skipped",
    source: `
      import a from "b";
      type C = "d" | 1;
      const e: Record<"f", true> = g as "h";
      const i = "a message with spaces";
      interface J { k: "l" }
    `,
    mutants: [],
  },
  {
    about: "console calls and unreachable branches are skipped",
    source: `
      console.log("a", 1);
      switch (a) {
        default:
          return a satisfies never;
      }
    `,
    mutants: [],
  },
  {
    about: "a call inside an optional chain is skipped, as parentheses would end the chain",
    source: "const f = () => a?.trim().b;",
    mutants: [],
  },
];

for (const { about, source, mutants } of CASES) {
  Deno.test(`mutants: ${about}`, () => {
    const found = listMutants("lib/a.ts", source);
    assertEquals(
      found.map(({ operator, original, replacement }) =>
        `${operator}: ${original} → ${replacement}`
      ),
      mutants,
    );
  });
}

Deno.test("mutants have their line, and whether they are evaluated only when the module is loaded", () => {
  const found = listMutants("lib/a.ts", "const a = 1;\nconst b = () => 2;\nclass C { d = 3; }");
  assertEquals(found.map(({ line, isStatic }) => ({ line, isStatic })), [
    { line: 1, isStatic: true },
    { line: 1, isStatic: true },
    { line: 2, isStatic: false },
    { line: 2, isStatic: false },
    { line: 3, isStatic: false },
    { line: 3, isStatic: false },
  ]);
});

const SOURCE = `
const LIMIT = 3;
export function f(list: number[], name: string | null): string {
  if (list.length < LIMIT) list.push(1);
  else list.pop();
  for (const one of list) { if (one > 5) continue; }
  return (name ?? "a") + list.filter((one) => one > 1).join();
}`;

Deno.test("an instrumented file behaves like the original, and with each mutant as described", async () => {
  const mutants = listMutants("lib/a.ts", SOURCE).map((mutant, index) => ({
    ...mutant,
    id: index + 1,
  }));
  const folder = await Deno.makeTempDir();
  try {
    const switchUrl = new URL("../../tools/mutants/switch.ts", import.meta.url).href;
    const text = instrument(SOURCE, { mutants, fileId: -1, importPath: switchUrl });
    assertEquals(text.split("\n").length, SOURCE.split("\n").length);
    await Deno.writeTextFile(`${folder}/a.ts`, text);
    const { f } = await import(`file://${folder}/a.ts`);
    const { reached, turnOff, turnOn } = await import(switchUrl);
    const run = () => `${f([1, 9, 7], null)} ${f([1], "b")}`;
    assertEquals(run(), "a9 b");
    assertEquals([-1, ...mutants.map(({ id }) => id)].filter((id) => !reached.has(id)), []);
    const outcomes = mutants.map(({ id, isStatic, operator, replacement }) => {
      turnOn(id, isStatic);
      try {
        return `${operator} ${replacement}: ${run()}`;
      } finally {
        turnOff();
      }
    });
    assert(outcomes.includes("number 4: a9,7 b"), outcomes.join("\n"));
    assert(outcomes.includes("boundary (list.length) <= (LIMIT): a9,7 b"), outcomes.join("\n"));
    assert(outcomes.includes('return-early return "";:  '), outcomes.join("\n"));
    assertEquals(run(), "a9 b");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a sample depends only on the seed", () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  const sample = takeSample(items, 10, 1);
  assertEquals(new Set(sample).size, 10);
  assertEquals(takeSample(items, 10, 1), sample);
  assert(takeSample(items, 10, 2).join() !== sample.join());
  assertEquals(takeSample(items, 1000, 1).toSorted((a, b) => a - b), items);
});

Deno.test("the options of mutants are parsed, and unknown ones rejected", () => {
  const options = readOptions(["--files", "a,b", "--list", "--sample", "5", "--seed", "7"]);
  assertEquals(options, {
    files: ["a", "b"],
    sample: 5,
    seed: 7,
    isList: true,
    workers: 2,
    threshold: 95,
  });
  for (const args of [["--sampel", "5"], ["--sample"], ["--sample", "many"]]) {
    assertThrows(() => readOptions(args), Error);
  }
});

Deno.test("test files that start processes are excluded", () => {
  const paths = [
    "tests/translate/response/stream_translator_test.ts",
    "tests/cli/cli_test.ts",
    "tests/helpers/sse.ts",
    "lib/a.ts",
  ];
  assertEquals(listTestFiles(paths), ["tests/translate/response/stream_translator_test.ts"]);
});
