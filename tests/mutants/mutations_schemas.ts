/**
 * Mutations of the schemas of tools: what each family of models refuses, and what is sent after a refusal.
 * @module
 */

import type { Area } from "./mutation.ts";

const SCHEMA_TESTS = {
  files: ["request_test.ts", "tool_schemas_test.ts", "tool_refusals_test.ts"],
};

export const SCHEMA_AREAS: readonly Area[] = [
  {
    file: "lib/translate/patterns.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "lookaround goes to validators that refuse it",
        find: 'return this.#take() === ":";',
        replace: "return true;",
      },
      {
        breaks: "a group that is never closed is kept",
        find: "return this.#depth === 0;",
        replace: "return true;",
      },
      {
        breaks: "what repeats too often for RE2 is kept",
        find: "Math.max(from, to) > MAX_REPEAT ||",
        replace: "",
      },
      {
        breaks: "ranges that Python cannot read are kept",
        find: 'return to !== null && from !== "" && to !== "" && from <= to;',
        replace: "return to !== null;",
      },
      {
        breaks: "classes of RE2's own are kept",
        find: 'if (char === "[" && this.#peek() === ":") return null;',
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/schema_fixes.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "a pattern is taken out without a word",
        find: '    drop("pattern");\n',
        replace: "",
      },
      {
        breaks: "what a pattern allowed is forbidden without it",
        find: '...without(fixed, "additionalProperties"),',
        replace: "...fixed,",
      },
      {
        breaks: "OpenAI refuses lists without items",
        find: 'listTypes(node).includes("array") && node["items"] === undefined',
        replace: "false",
      },
      {
        breaks: "Gemini refuses a property that is required and not there",
        find: "if (kept.length === required.length) return node;",
        replace: "if (kept.length > 0) return node;",
      },
      {
        breaks: "a branch of another type lets Moonshot refuse the union",
        find: "return common.length === 0 ? [] : [{ ...branch, type: common }];",
        replace: "return [branch];",
      },
    ],
  },
  {
    file: "lib/translate/flat_schemas.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "a union loses a branch and forbids what it allowed",
        find: "if (schemas.length === 1) return schemas[0];",
        replace: "return schemas[0];",
      },
      {
        breaks: "a union asks for what only one of its branches asks for",
        find:
          '.filter((name) => branches.every((branch) => listAt(branch, "required").includes(name)));',
        replace: ";",
      },
      {
        breaks: "what is loosened is not named",
        find: "if (!isExact || !joined.isExact) this.#context.drop(keyword);",
        replace: "",
      },
    ],
  },
  {
    file: "lib/translate/tool_schemas.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "Claude's schemas are changed",
        find: "if (others.length === 0) return null;",
        replace: "",
      },
      {
        breaks: "a fallback refuses what the first model takes",
        find: "const others = models.filter((model) => !isClaude(model));",
        replace: "const others = models.slice(0, 1).filter((model) => !isClaude(model));",
      },
      {
        breaks: "names fill more than a header holds",
        find: "listed < MAX_NAMES ?",
        replace: "listed >= 0 ?",
      },
    ],
  },
  {
    file: "lib/translate/plain_schemas.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "numbers are enumerated, which Gemini refuses",
        find: 'listValues(node).filter((value) => typeof value === "string")',
        replace: "listValues(node)",
      },
      {
        breaks: "the words of a union are lost",
        find: "if (words.length > 0) return",
        replace: "if (false) return",
      },
    ],
  },
  {
    file: "lib/openrouter/refusals.ts",
    tests: SCHEMA_TESTS,
    mutations: [
      {
        breaks: "the schema of the answer is taken for one of a tool",
        find: "if (OF_ANSWER.test(words)) return false;",
        replace: "",
      },
      {
        breaks: "what is wrong with a key is taken for a refused schema",
        find: "if (status !== 400 && status !== 422) return false;",
        replace: "",
      },
      {
        breaks: "a wrong name of a function is taken for a refused schema",
        find: "(DECLARATION.test(words) && PART.test(words))",
        replace: "DECLARATION.test(words)",
      },
    ],
  },
];
