/** The rules of each vendor, applied to a whole schema, and the names of what is not sent. @module */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { adaptSchema, findSchemaRules } from "../../../lib/translate/schemas/schema_rules.ts";

const OPENAI = ["openai/gpt-5.1"];
const GOOGLE = ["google/gemini-3"];
const MOONSHOT = ["moonshotai/kimi-k2.6"];

/** The schema that is sent, and the reports without `tools.3.input_schema.`. */
function adapt(schema: JsonObject, models: readonly string[], dropped = new Set<string>()) {
  const rules = findSchemaRules(models);
  assert(rules !== null);
  const before = JSON.stringify(schema);
  const sent = adaptSchema(schema, { rules, position: 3, dropped });
  assertEquals(JSON.stringify(schema), before);
  return {
    sent,
    dropped: [...dropped].map((name) => name.replace(/^tools\.3\.input_schema\./, "")),
  };
}

/** One property for each rule of any vendor. */
const EVERYTHING: JsonObject = {
  $schema: "S",
  $id: "I",
  properties: {
    pattern: { pattern: "(?=a)" },
    tuple: { items: [{}] },
    list: { type: "array" },
    required: { type: "object", required: ["a"] },
    text: { type: "string", properties: {}, minLength: 1, maxLength: 2, $id: "I" },
    range: { minItems: 1, maxItems: 2, minContains: 3, maxContains: 4 },
    enum: { enum: [1, 2] },
    union: { type: "string", anyOf: [{ minimum: 1 }] },
    named: { $ref: "#/$defs/A", type: "string" },
    pointer: { $ref: "#/properties/list" },
  },
  $defs: { A: { type: "string" } },
};

/** What is sent of {@linkcode EVERYTHING} to a model of no vendor in the table. */
const COMMON: JsonObject = {
  pattern: {},
  tuple: { prefixItems: [{}], items: {} },
  list: { type: "array", items: {} },
  required: { type: "object", required: ["a"], properties: {} },
  text: { type: "string", properties: {}, minLength: 1, maxLength: 2, $id: "I" },
  range: { minItems: 1, maxItems: 2, minContains: 3, maxContains: 4 },
  enum: { enum: [1, 2] },
  union: { type: "string", anyOf: [{ minimum: 1 }] },
  named: { $ref: "#/$defs/A", type: "string" },
  pointer: { $ref: "#/properties/list" },
};
const A = { type: "string" };
const LIST = { type: "array", items: {} };

interface Vendor {
  name: string;
  /** The start of its model ids. */
  ids: readonly string[];
  /** The properties that are sent in another form than to other models. */
  properties?: JsonObject;
  /** The other keywords of the schema. */
  rest?: JsonObject;
  /** Reports after that of the pattern. */
  dropped?: readonly string[];
}

const VENDORS: readonly Vendor[] = [
  {
    name: "a vendor without rules of its own",
    ids: [
      ...["openai/", "meta-llama/", "qwen/", "local", "my-gemini", "my-grok", "x-google/", "goog"],
      ...["unmistral", "akimi", "anthropic", "~openai/"],
    ],
  },
  {
    name: "Google",
    ids: ["google/", "~google/", "gemini", "Google/", "GEMINI-"],
    rest: { $schema: "S", $id: "I", $defs: { A, list: LIST } },
    properties: {
      required: { type: "object", properties: {} },
      text: { type: "string", minLength: 1, maxLength: 2, $id: "I" },
      enum: {},
      union: { anyOf: [{ type: "string", minimum: 1 }] },
      pointer: { $ref: "#/$defs/list" },
    },
    dropped: ["properties.enum.enum", "properties.required.required"],
  },
  {
    name: "Moonshot",
    ids: ["moonshotai/", "~moonshotai/", "kimi", "moonshot", "Kimi-", "MoonshotAI/"],
    rest: { $schema: "S", $id: "I", $defs: { A, list: LIST } },
    properties: {
      required: { type: "object", properties: {} },
      enum: { enum: [1, 2], type: "integer" },
      union: { anyOf: [{ type: "string", minimum: 1 }] },
      named: { $ref: "#/$defs/A" },
      pointer: { $ref: "#/$defs/list" },
    },
    dropped: ["properties.required.required"],
  },
  {
    name: "xAI",
    ids: ["x-ai/", "~x-ai/", "grok", "X-AI/", "Grok-"],
    properties: { text: { type: "string", properties: {}, $id: "I" }, range: {} },
    dropped: [
      ...["properties.text.minLength", "properties.text.maxLength", "properties.range.minItems"],
      ...["properties.range.maxItems", "properties.range.minContains"],
      "properties.range.maxContains",
    ],
  },
  {
    name: "Mistral",
    ids: ["mistralai/", "~mistralai/", "mistral", "codestral", "devstral", "MistralAI/"],
    rest: { $defs: { A } },
    properties: { text: { type: "string", properties: {}, minLength: 1, maxLength: 2 } },
  },
];

for (const { name, ids, properties, rest, dropped = [] } of VENDORS) {
  for (const id of ids) {
    Deno.test(`adaptSchema sends a model of ${name} what it accepts: ${id}…`, () => {
      for (const models of [[`${id}x`], ["anthropic/claude-opus-4", `${id}x`, "openai/gpt-5.1"]]) {
        assertEquals(adapt(EVERYTHING, models), {
          sent: {
            ...(rest ?? { $schema: "S", $id: "I", $defs: { A } }),
            properties: { ...COMMON, ...properties },
          },
          dropped: ["properties.pattern.pattern", ...dropped],
        });
      }
    });
  }
}

Deno.test("adaptSchema applies the rules of all models that may respond", () => {
  const { sent, dropped } = adapt(EVERYTHING, [
    "x-ai/grok-4",
    "mistralai/m",
    ...MOONSHOT,
    ...GOOGLE,
  ]);
  assertEquals(sent, {
    properties: {
      ...COMMON,
      required: { type: "object", properties: {} },
      text: { type: "string" },
      range: {},
      enum: {},
      union: { anyOf: [{ type: "string", minimum: 1 }] },
      named: { $ref: "#/$defs/A" },
      pointer: { $ref: "#/$defs/list" },
    },
    $defs: { A, list: LIST },
  });
  assertEquals(dropped.length, 9);
});

Deno.test("findSchemaRules returns null if only Claude may respond", () => {
  for (const models of [[], ["anthropic/claude-opus-4"], ["~anthropic/claude-sonnet-latest"]]) {
    assertEquals(findSchemaRules(models), null);
  }
  assert(findSchemaRules(["anthropic/claude-opus-4", ...OPENAI]) !== null);
});

Deno.test("adaptSchema keeps properties with the names of rejected and ignored keywords", () => {
  const names = ["minLength", "maxItems", "$schema", "$id", "not", "const", "required"];
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  for (const model of ["x-ai/grok-4", "mistralai/m", ...OPENAI, ...GOOGLE]) {
    assertEquals(adapt({ properties }, [model]), { sent: { properties }, dropped: [] });
  }
});

Deno.test("adaptSchema replaces boolean schemas", () => {
  const schema = { properties: { a: true, b: false }, additionalProperties: false };
  for (const models of [OPENAI, GOOGLE]) {
    assertEquals(adapt(schema, models).sent, {
      properties: { a: {}, b: { not: {} } },
      additionalProperties: false,
    });
  }
});

const B = { properties: { b: { type: "number" } }, required: ["b"] };
const UNION = [{ ...B, properties: { ...B.properties, c: {} } }, B];

const TOPS: readonly { about: string; schema: JsonObject; sent: JsonObject; dropped?: string[] }[] =
  [
    {
      about: "merges a reference",
      schema: { $ref: "#/definitions/B", definitions: { B } },
      sent: { ...B, $defs: { B } },
    },
    {
      about: "reports a reference without a target",
      schema: { $ref: "#/gone", ...B },
      sent: B,
      dropped: ["$ref"],
    },
    { about: "merges allOf", schema: { allOf: [B, { title: "T" }] }, sent: { ...B, title: "T" } },
    {
      about: "merges anyOf and reports it",
      schema: { anyOf: UNION },
      sent: { properties: { b: { type: "number" }, c: {} }, required: ["b"] },
      dropped: ["anyOf"],
    },
    {
      about: "merges oneOf and reports it",
      schema: { oneOf: UNION },
      sent: { properties: { b: { type: "number" }, c: {} }, required: ["b"] },
      dropped: ["oneOf"],
    },
    { about: "drops not", schema: { ...B, not: { required: ["c"] } }, sent: B, dropped: ["not"] },
    { about: "drops enum", schema: { ...B, enum: [{ b: 1 }] }, sent: B, dropped: ["enum"] },
    { about: "drops const", schema: { ...B, const: { b: 1 } }, sent: B, dropped: ["const"] },
    {
      about: "drops the not of a branch",
      schema: { allOf: [{ ...B, not: { required: ["c"] } }] },
      sent: B,
      dropped: ["not"],
    },
    {
      about: "keeps compositions, not, enum and const of properties",
      schema: { properties: { a: { allOf: [{ not: {} }], enum: ["a"], const: "a", oneOf: [{}] } } },
      sent: { properties: { a: { allOf: [{ not: {} }], enum: ["a"], const: "a", oneOf: [{}] } } },
    },
    {
      about: "keeps a reference into properties, which stay where they are,",
      schema: { properties: { a: { type: "string" }, b: { $ref: "#/properties/a" } } },
      sent: { properties: { a: { type: "string" }, b: { $ref: "#/properties/a" } } },
    },
    ...["allOf", "anyOf", "oneOf"].map((keyword) => ({
      about: `keeps a reference into ${keyword} valid`,
      schema: {
        [keyword]: [{
          properties: { a: { type: "string" }, b: { $ref: `#/${keyword}/0/properties/a` } },
        }],
      },
      sent: {
        properties: { a: { type: "string" }, b: { $ref: "#/$defs/a" } },
        $defs: { a: { type: "string" } },
      },
    })),
    {
      about: "keeps references inside the target of its own reference valid",
      schema: {
        $ref: "#/definitions/B",
        definitions: { B: { properties: { a: {}, b: { $ref: "#/definitions/B/properties/a" } } } },
      },
      sent: {
        properties: { a: {}, b: { $ref: "#/$defs/a" } },
        $defs: { B: { properties: { a: {}, b: { $ref: "#/$defs/a" } } }, a: {} },
      },
    },
  ];

for (const { about, schema, sent, dropped = [] } of TOPS) {
  Deno.test(`adaptSchema ${about} at the top`, () => {
    assertEquals(adapt(schema, OPENAI), { sent, dropped });
  });
}

Deno.test("adaptSchema reports the paths of nested keywords", () => {
  const items = { pattern: "(?=a)", type: "object", properties: {}, required: ["gone"] };
  const list = { anyOf: [{ type: "array", items }] };
  assertEquals(adapt({ properties: { a: { items }, list } }, GOOGLE).dropped, [
    "properties.a.items.pattern",
    "properties.list.anyOf.0.items.pattern",
    "properties.a.items.required",
    "properties.list.anyOf.0.items.required",
  ]);
});

Deno.test("adaptSchema shapes a schema before those inside it", () => {
  // Merging creates a union that is isolated afterwards.
  const branch = (schema: JsonObject) => ({ properties: { p: schema } });
  const a = { properties: {}, anyOf: [branch({ type: "string" }), branch({ type: "number" })] };
  assertEquals(adapt({ properties: { a } }, GOOGLE), {
    sent: {
      properties: {
        a: {
          type: "object",
          properties: { p: { anyOf: [{ type: "string" }, { type: "number" }] } },
        },
      },
    },
    dropped: ["properties.a.anyOf"],
  });
});

Deno.test("adaptSchema resolves references of nested unions in the whole schema", () => {
  const a = { properties: {}, anyOf: [{ $ref: "#/definitions/B" }] };
  assertEquals(adapt({ properties: { a }, definitions: { B } }, MOONSHOT), {
    sent: { properties: { a: { type: "object", ...B } }, $defs: { B } },
    dropped: [],
  });
});

/** A schema inside as many others. */
function nest(inner: JsonObject, depth: number): JsonObject {
  return depth === 0 ? inner : { items: nest(inner, depth - 1) };
}

const DEEP: readonly {
  rule: string;
  models: readonly string[];
  schema: JsonObject;
  sent: JsonObject;
}[] = [
  { rule: "a fix", models: OPENAI, schema: { pattern: "(?=a)" }, sent: {} },
  { rule: "a rejected keyword", models: ["grok-4"], schema: { minLength: 1 }, sent: {} },
  { rule: "a shape", models: GOOGLE, schema: { required: ["gone"] }, sent: {} },
];

for (const { rule, models, schema, sent } of DEEP) {
  Deno.test(`adaptSchema applies ${rule} inside 63 schemas, and not inside 64`, () => {
    assertEquals(adapt(nest(schema, 63), models).sent, nest(sent, 63));
    assertEquals(adapt(nest(schema, 64), models), { sent: nest(schema, 64), dropped: [] });
  });
}

function dropMany(number: number, dropped: Set<string>): string[] {
  const names = Array.from({ length: number }, (_, index) => `p${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { pattern: "(?=a)" }]));
  const result = adapt({ properties }, OPENAI, dropped);
  assert(isJsonObject(result.sent["properties"]));
  assert(Object.values(result.sent["properties"]).every((one) => JSON.stringify(one) === "{}"));
  return result.dropped;
}

Deno.test("adaptSchema reports ten keywords by name and further ones together", () => {
  const names = Array.from({ length: 10 }, (_, index) => `properties.p${index}.pattern`);
  assertEquals(dropMany(9, new Set()), names.slice(0, 9));
  assertEquals(dropMany(10, new Set()), names);
  assertEquals(dropMany(11, new Set()), [...names, "tools.input_schema"]);
  assertEquals(dropMany(20, new Set()), [...names, "tools.input_schema"]);
});

Deno.test("adaptSchema counts the keywords of all tools, but not other fields", () => {
  const tools = ["tools.0.input_schema.not", "tools.1.input_schema.not"];
  assertEquals(dropMany(9, new Set(tools)).length, 2 + 8 + 1);
  assertEquals(dropMany(8, new Set(tools)).length, 2 + 8);
  const others = ["metadata", "my_tools.", "thinking"];
  assertEquals(dropMany(10, new Set(others)).includes("tools.input_schema"), false);
});

Deno.test("adaptSchema cuts the name of a keyword to 120 characters", () => {
  const start = "tools.3.input_schema.properties.";
  for (const length of [120, 121]) {
    const name = "x".repeat(length - `${start}.pattern`.length);
    const dropped = new Set<string>();
    adapt({ properties: { [name]: { pattern: "(?=a)" } } }, OPENAI, dropped);
    assertEquals([...dropped], [`${start}${name}.pattern`.slice(0, 120)]);
  }
});
