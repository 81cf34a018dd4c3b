// Adaptation of tool schemas to model vendors: tools of real MCP servers, and tests that a fixture cannot express.
// Single changes are in tests/fixtures/tool_schemas and in schemas/.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import { isPortablePattern } from "../../lib/translate/schemas/portable_patterns.ts";
import { toPlainSchema } from "../../lib/translate/schemas/plain_schema.ts";
import { type RequestOptions, translateRequest } from "../../lib/translate/request/request.ts";
import { adaptSchema, findSchemaRules } from "../../lib/translate/schemas/schema_rules.ts";
import { loadMcpTools } from "../helpers/fixtures.ts";
import { explainMisfit } from "../helpers/json_schema.ts";
import { checkToolSchema, type Vendor } from "../helpers/tool_schema_checker.ts";

const tools = loadMcpTools();

const MODELS: Record<Vendor, string> = {
  "openai": "openai/gpt-5.1",
  "google": "google/gemini-3.1-pro-preview",
  "moonshotai": "moonshotai/kimi-k2.6",
  "x-ai": "x-ai/grok-4.6",
};
const VENDORS = Object.entries(MODELS);
const PLAIN_KEYS = ["type", "properties", "required", "items", "enum", "description"];

function translate(schema: JsonObject, model: string, options: Partial<RequestOptions> = {}) {
  const request = parseMessagesRequest({
    model: "m",
    max_tokens: 9,
    messages: [{ role: "user", content: "Hi" }],
    tools: [{ name: "A", input_schema: schema }],
  });
  const { body, dropped } = translateRequest(request, { models: [model], ...options });
  const [tool] = body.tools ?? [];
  assert(tool?.type === "function");
  return { schema: tool.function.parameters, dropped };
}

function isVendor(name: string): name is Vendor {
  return Object.hasOwn(MODELS, name);
}

Deno.test("at least thirty tools of real servers have schemas that accept their own arguments", () => {
  assert(tools.length >= 30);
  for (const { server, name, schema, valid } of tools) {
    assert(valid.length > 0);
    for (const value of valid) {
      assertEquals(explainMisfit(value, schema), null, `${server} ${name}`);
    }
  }
});

for (const [vendor, model] of VENDORS) {
  for (const { server, name, schema, valid } of tools) {
    Deno.test(`${vendor} accepts the schema of ${server}'s ${name}, which still accepts its arguments`, () => {
      assert(isVendor(vendor));
      const before = JSON.stringify(schema);
      const { schema: sent } = translate(schema, model);
      checkToolSchema(vendor, sent);
      for (const value of valid) assertEquals(explainMisfit(value, sent), null);
      assertEquals(JSON.stringify(schema), before);
      assertEquals(
        JSON.stringify(translate(JSON.parse(before), model).schema),
        JSON.stringify(sent),
      );
    });
  }
}

Deno.test("without adaptation at least five schemas fail the checker of each vendor", () => {
  for (const [vendor] of VENDORS) {
    assert(isVendor(vendor));
    const failing = tools.filter(({ schema }) => {
      try {
        checkToolSchema(vendor, { properties: {}, ...schema, type: "object" });
        return false;
      } catch {
        return true;
      }
    });
    assert(failing.length >= 5, `${vendor}: ${failing.length}`);
  }
});

for (const { server, name, schema } of tools) {
  Deno.test(`the plain schema of ${server}'s ${name} passes every checker`, () => {
    const plain = toPlainSchema(schema);
    for (const [vendor] of VENDORS) if (isVendor(vendor)) checkToolSchema(vendor, plain);
    const keys = new Set<string>();
    collectKeys(plain, keys);
    assertEquals([...keys].filter((key) => !PLAIN_KEYS.includes(key)), []);
    const properties = plain["properties"];
    assert(isJsonObject(properties));
    const { properties: own } = schema;
    if (isJsonObject(own)) assertEquals(Object.keys(properties), Object.keys(own));
  });
}

function collectKeys(schema: unknown, keys: Set<string>): void {
  if (!isJsonObject(schema)) return;
  assert(typeof schema["type"] === "string");
  for (const key of Object.keys(schema)) keys.add(key);
  collectKeys(schema["items"], keys);
  for (const one of Object.values(isJsonObject(schema["properties"]) ? schema["properties"] : {})) {
    collectKeys(one, keys);
  }
}

Deno.test("toPlainSchema keeps string constants of unions and properties of joined objects", () => {
  const constants = { oneOf: [{ const: "low" }, { enum: ["high", "low"] }, { type: "null" }] };
  const joined = {
    allOf: [
      { type: "object", properties: { a: constants }, required: ["a"] },
      { anyOf: [{ properties: { b: { type: "number" } } }, { properties: { c: true } }] },
    ],
  };
  assertEquals(
    toPlainSchema({ properties: { joined, either: { anyOf: [{ type: "boolean" }, joined] } } }),
    {
      type: "object",
      properties: {
        joined: {
          type: "object",
          properties: {
            a: { type: "string", enum: ["low", "high"] },
            b: { type: "number" },
            c: { type: "string" },
          },
          required: ["a"],
        },
        either: { type: "boolean" },
      },
    },
  );
});

const EMAIL =
  "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$";

Deno.test("isPortablePattern takes linear time for long and deeply nested patterns", () => {
  for (const piece of ["(", "[", "{", "a{1", "(?:", "[a-z]", "a{1,2}", "\\", "|", "[^"]) {
    const start = performance.now();
    isPortablePattern(piece.repeat(200_000));
    assert(performance.now() - start < 2000, piece);
  }
});

Deno.test("translateRequest handles schemas with circular, missing and mutual references", () => {
  const names = Array.from({ length: 40 }, (_, index) => `d${index}`);
  const twice = (name: string) => [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }];
  const doubling = Object.fromEntries(
    names.map((name, index) => [name, { anyOf: twice(names[index + 1] ?? "d0") }]),
  );
  const schemas: JsonObject[] = [
    { $ref: "#" },
    { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } },
    {
      $ref: "#/$defs/A",
      $defs: { A: { allOf: [{ $ref: "#/$defs/B" }] }, B: { $ref: "#/$defs/A" } },
    },
    { $ref: "#/nowhere" },
    { $ref: "https://example.com/schema.json", properties: { a: { $ref: 5 } } },
    { $ref: "#/%E0%A4%A", anyOf: "x", allOf: [1, null], $defs: [] },
    { $ref: "#/$defs/d0", $defs: doubling, properties: { a: { $ref: "#/$defs/d0" } } },
    { properties: { a: { $ref: "#/properties/b" }, b: { items: { $ref: "#/properties/a" } } } },
  ];
  for (const schema of schemas) {
    for (const [vendor, model] of VENDORS) {
      assert(isVendor(vendor));
      const sent = JSON.stringify(translate(schema, model).schema);
      assert(sent.length < 100_000, String(sent.length));
      const plain = translate(schema, model, { plainSchemas: true }).schema;
      checkToolSchema(vendor, plain);
      assert(JSON.stringify(plain).length < 200_000);
    }
  }
});

Deno.test("translateRequest handles very deep and very wide schemas", () => {
  let deep: JsonObject = { type: "string", pattern: "(?=x)" };
  for (let depth = 0; depth < 400; depth++) deep = { type: "object", properties: { a: deep } };
  const names = Array.from({ length: 20_000 }, (_, index) => `p${index}`);
  const wide = {
    properties: Object.fromEntries(names.map((name) => [name, { pattern: "(?=x)" }])),
  };
  for (const schema of [deep, wide]) {
    for (const [, model] of VENDORS) {
      const { dropped } = translate(schema, model);
      assert(dropped.length <= 11, String(dropped.length));
      translate(schema, model, { plainSchemas: true });
    }
  }
});

Deno.test("at most ten keywords are reported, then tools.input_schema", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`p${index}`, { type: "string", pattern: "\\p{L}" }]),
  );
  const { dropped } = translate({ properties }, MODELS.openai);
  assertEquals(dropped[0], "tools.0.input_schema.properties.p0.pattern");
  assertEquals(dropped.length, 11);
  assertEquals(dropped.at(-1), "tools.input_schema");
});

Deno.test("the number in a reported keyword is the tool's index in the client's list", () => {
  const request = parseMessagesRequest({
    model: "m",
    max_tokens: 9,
    messages: [{ role: "user", content: "Hi" }],
    tools: [
      { type: "code_execution_20250825", name: "code_execution" },
      { name: "A", input_schema: {} },
      { name: "B", input_schema: { properties: { to: { pattern: EMAIL } } } },
    ],
  });
  const { dropped } = translateRequest(request, { models: [MODELS.openai] });
  assertEquals(dropped, [
    "tools.code_execution_20250825",
    "tools.2.input_schema.properties.to.pattern",
  ]);
});

Deno.test("findSchemaRules recognizes model ids of OpenRouter and of the vendors' own servers", () => {
  const enums = { properties: { a: { type: "integer", enum: [1, 2] } } };
  for (const model of ["google/gemini-3", "~google/gemini-pro-latest", "gemini-2.5-flash"]) {
    assertEquals(translate(enums, model).dropped, ["tools.0.input_schema.properties.a.enum"]);
  }
  for (const model of ["openai/gpt-5", "local", "meta-llama/llama-4", "anthropic/claude-opus-4"]) {
    assertEquals(translate(enums, model).dropped, []);
  }
  assertEquals(
    findSchemaRules(["anthropic/claude-opus-4", "~anthropic/claude-sonnet-latest"]),
    null,
  );
});

Deno.test("a property named like a keyword is kept", () => {
  const names = ["pattern", "anyOf", "enum", "items", "$ref", "not", "__proto__", "constructor"];
  const properties: unknown = JSON.parse(
    `{${names.map((name) => `"${name}":{"type":"string","pattern":"(?=x)"}`).join()}}`,
  );
  assert(isJsonObject(properties));
  for (const [vendor, model] of VENDORS) {
    for (const plainSchemas of [false, true]) {
      const { schema } = translate({ properties, required: names }, model, { plainSchemas });
      assert(isJsonObject(schema["properties"]), vendor);
      assertEquals(Object.keys(schema["properties"]), names);
      assertEquals(schema["required"], names);
      assert(
        Object.values(schema["properties"]).every((one) =>
          isJsonObject(one) && Object.keys(one).join() === "type"
        ),
      );
    }
  }
});

Deno.test("adaptSchema changes nothing in a second pass", () => {
  for (const [, model] of VENDORS) {
    const rules = findSchemaRules([model]);
    assert(rules !== null);
    for (const { name, schema } of tools) {
      const options = { rules, position: 0, dropped: new Set<string>() };
      const once = adaptSchema(schema, options);
      assertEquals(JSON.stringify(adaptSchema(once, options)), JSON.stringify(once), name);
    }
  }
});

Deno.test("checkToolSchema rejects schemas that the vendors reject", () => {
  const bad: [Vendor, JsonObject][] = [
    ["openai", { anyOf: [] }],
    ["openai", { properties: { a: { pattern: EMAIL } } }],
    ["openai", { properties: { a: { type: "array" } } }],
    ["google", { properties: { a: { enum: [1] } } }],
    ["google", { required: ["a"] }],
    ["moonshotai", { properties: { a: { type: "string", anyOf: [] } } }],
    ["moonshotai", { properties: { a: { enum: ["a"] } } }],
    ["x-ai", { properties: { a: { minLength: 1 } } }],
  ];
  for (const [vendor, schema] of bad) {
    const complete = { type: "object", properties: {}, ...schema };
    assertThrows(() => checkToolSchema(vendor, complete), Error, undefined, JSON.stringify(schema));
  }
});
