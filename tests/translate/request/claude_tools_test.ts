/** Tools for OpenRouter's Messages API: what it does not know is sent in another form, or left out. */

import { assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../../lib/errors.ts";
import type { JsonObject } from "../../../lib/json.ts";
import { toClaudeTools, toPlainTools } from "../../../lib/translate/request/claude_tools.ts";

const BASH = { name: "Bash", description: "Runs", input_schema: { type: "object" } };
const BM25 = { type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" };
const REGEX = { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" };

function map(body: JsonObject): { body: JsonObject; dropped: string[] } {
  const dropped = new Set<string>();
  const sent = toClaudeTools(body, { resolve: (name) => `a/${name}`, dropped });
  return { body: sent, dropped: [...dropped] };
}

const ACCEPTED: unknown[][] = [
  [BASH],
  [{ ...BASH, type: "custom", defer_loading: true, allowed_callers: ["x"] }, REGEX],
  [{ type: "bash_20250124", name: "bash" }, { type: "text_editor_20250124", name: "x" }],
  [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }],
  [{ type: "openrouter:datetime" }, { type: "function", function: {} }],
  [null, 7, { type: 5 }],
];

for (const tools of ACCEPTED) {
  Deno.test(`toClaudeTools forwards ${JSON.stringify(tools).slice(0, 80)} as the same object`, () => {
    const body = { tools, tool_choice: { type: "any" } };
    const result = map(body);
    assertStrictEquals(result.body, body);
    assertEquals(result.dropped, []);
  });
}

Deno.test("toClaudeTools leaves requests without a list of tools alone", () => {
  for (const body of [{}, { tools: null }, { tools: "x" }]) {
    assertStrictEquals(map(body).body, body);
  }
});

Deno.test("toClaudeTools leaves out tool search by BM25, reports it, and shows deferred tools", () => {
  const deferred = { ...BASH, defer_loading: true };
  assertEquals(map({ tools: [BM25, deferred, "x"] }), {
    body: { tools: [BASH, "x"] },
    dropped: ["tools.tool_search_tool_bm25_20251119"],
  });
  assertEquals(map({ tools: [{ type: "tool_search_tool_bm25" }, REGEX, deferred] }), {
    body: { tools: [REGEX, deferred] },
    dropped: ["tools.tool_search_tool_bm25"],
  });
});

Deno.test("toClaudeTools leaves out tools that only Anthropic runs, and an unknown type with a bounded name", () => {
  const long = "later_".repeat(100);
  const types = ["code_execution_20250825", "mcp_toolset", "computer_20251124", long];
  const result = map({ tools: [...types.map((type) => ({ type })), BASH] });
  assertEquals(result.body, { tools: [BASH] });
  assertEquals(result.dropped, types.map((type) => `tools.${type.slice(0, 64)}`));
});

Deno.test("toClaudeTools reports at most 100 tools", () => {
  const tools = Array.from({ length: 1000 }, (_, index) => ({ type: `later_${index}` }));
  assertEquals(map({ tools }).dropped.length, 100);
});

Deno.test("toClaudeTools sends a request without tools where none remains", () => {
  for (const type of ["auto", "none"]) {
    assertEquals(map({ tools: [BM25], tool_choice: { type }, x: 1 }).body, { x: 1 });
  }
});

Deno.test("toClaudeTools rejects a tool_choice that requires a tool that is left out", () => {
  const cases: [JsonObject, RegExp][] = [
    [{ tools: [BM25, BASH], tool_choice: { type: "tool", name: BM25.name } }, /bm25/],
    [{ tools: [BM25], tool_choice: { type: "any" } }, /bm25/],
    [{ tools: [{ type: "x_1" }], tool_choice: { type: "tool", name: "x_1" } }, /'x_1'/],
  ];
  for (const [body, wording] of cases) {
    const error = assertThrows(() => map(body), ApiError);
    assertEquals(error.status, 400);
    assertMatch(error.message, /^tool_choice: .*is not supported by this proxy$/);
    assertMatch(error.message, wording);
  }
  map({ tools: [BM25, BASH], tool_choice: { type: "any" } });
});

Deno.test("toClaudeTools sends server tools of other dates as OpenRouter's", () => {
  const tools = [
    { type: "web_fetch_20250910", name: "web_fetch", max_uses: 2, citations: { enabled: true } },
    { type: "web_search_20270101", name: "web_search", blocked_domains: ["a.example"] },
  ];
  assertEquals(map({ tools }).body["tools"], [
    {
      type: "openrouter:web_fetch",
      parameters: {
        max_uses: 2,
        allowed_domains: undefined,
        blocked_domains: undefined,
        max_content_tokens: undefined,
      },
    },
    {
      type: "openrouter:web_search",
      parameters: {
        max_uses: undefined,
        allowed_domains: undefined,
        excluded_domains: ["a.example"],
        user_location: undefined,
      },
    },
  ]);
});

Deno.test("toClaudeTools maps the model of an advisor", () => {
  const advisor = { type: "advisor_20260301", name: "advisor", model: "opus" };
  assertEquals(map({ tools: [advisor] }).body["tools"], [{ ...advisor, model: "a/opus" }]);
});

Deno.test("toClaudeTools sends client tools of other dates as functions", () => {
  const cache_control = { type: "ephemeral" };
  const { body } = map({ tools: [{ type: "memory_20250818", name: "memory", cache_control }] });
  const [tool] = body["tools"] as JsonObject[];
  assertEquals(Object.keys(tool ?? {}).toSorted(), [
    "cache_control",
    "description",
    "input_schema",
    "name",
  ]);
  assertEquals([tool?.["name"], tool?.["cache_control"]], ["memory", cache_control]);
});

Deno.test("toPlainTools simplifies the schemas of custom tools, and reports it", () => {
  const schema = { type: "object", properties: { a: { type: "string", pattern: "(?=x)" } } };
  const dropped = new Set<string>();
  const tools = [{ name: "x", strict: true, input_schema: schema }, REGEX, null];
  assertEquals(toPlainTools({ tools, x: 1 }, dropped), {
    tools: [
      { name: "x", input_schema: { type: "object", properties: { a: { type: "string" } } } },
      REGEX,
      null,
    ],
    x: 1,
  });
  assertEquals([...dropped], ["tools.input_schema"]);
  const body = { tools: "x" };
  assertStrictEquals(toPlainTools(body, new Set()), body);
});
