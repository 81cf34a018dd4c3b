/** Tests how an error about a tool schema is recognized: lib/openrouter/schema_errors.ts. @module */

import { assert, assertEquals } from "@std/assert";
import { findRefusal, parseErrorResponse } from "../../lib/openrouter/errors.ts";

/** Error messages of real servers, without the schemas that they quote. */
const SCHEMA_ERRORS: Record<string, string> = {
  "OpenAI":
    `Invalid schema for function 'Artifact': '^(?!__.*__$)[^\\p{Cc}]{1,200}$' is not a 'regex'.`,
  "OpenAI, at the root":
    "Invalid schema for function 'update-event': schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
  "OpenAI, a list":
    "Invalid schema for function 'x': In context=('properties', 'y'), array schema missing items.",
  "OpenAI's newer validator":
    "Invalid JSON schema: regex lookaround is not supported. Found at $.properties.to.items.pattern",
  "DeepSeek":
    `Invalid schema for function 'f': schema must be a JSON Schema of 'type: "object"', got 'type: null'.`,
  "Groq":
    "invalid JSON schema for tool view, tools[24].function.parameters: 'required' present but 'properties' is missing",
  "Anthropic":
    "tools.73.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
  "Anthropic, the draft":
    "tools.23.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12",
  "Bedrock":
    "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
  "Gemini":
    `Invalid JSON payload received. Unknown name "exclusiveMinimum" at 'tools[0].function_declarations[12].parameters.properties[3].value': Cannot find field.`,
  "Gemini's items":
    "* GenerateContentRequest.tools[0].function_declarations[80].parameters.properties[data].items: missing field.",
  "Gemini at Vertex":
    "Unable to submit request because `edit` functionDeclaration `parameters.edits` schema specified other fields alongside any_of.",
  "Gemini through OpenRouter":
    "Unable to submit request because required fields ['position', 'args'] are not defined in the schema properties.",
  "Moonshot":
    "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path 'root': when using anyOf, type should be defined in anyOf items instead of the parent schema>",
  "xAI": "Invalid request content: Invalid function schema.",
  "Mistral": "Invalid tool schema: {'type': 'string'} is not of type 'string'",
  "Mistral's grammar": "Grammar error: at 3(11): failed to compile JSON schema",
  "Cerebras": "Unsupported JSON schema fields: {'minItems', 'items'}",
  "llama.cpp": "JSON schema conversion failed:\nPattern must start with '^' and end with '$'",
  "llama.cpp, unrecognized":
    `Unable to generate parser for this template. Automatic parser generation failed: JSON schema conversion failed:\nUnrecognized schema: {"description":"x"}`,
  "llama.cpp's grammar": "Failed to initialize samplers: failed to parse grammar",
  "llama.cpp's escapes": `parse: error parsing grammar: unknown escape at \\d"{4,4}"`,
  "vLLM": "The provided JSON schema contains features not supported by xgrammar.",
  "SGLang": "Tool Artifact function has invalid 'parameters' schema: 'x' is not of type 'object'",
  "Ollama":
    "json: cannot unmarshal array into Go struct field ToolFunction.tools.function.parameters of type string",
  "watsonx":
    "Json document validation error: tools[0].function.parameters: at '/properties/a/type': value must be one of",
};

/** 400s that another schema would not fix. */
const OTHER_ERRORS: string[] = [
  "Invalid schema for response_format 'response': 'additionalProperties' is required to be supplied and to be false.",
  "Invalid JSON schema: Found at response_format.json_schema.schema",
  "* GenerateContentRequest.generation_config.response_schema.properties[a].properties: should be non-empty for OBJECT type",
  "tool call validation failed: parameters for tool Read did not match schema: errors: [missing properties: 'path']",
  "tools.0.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
  "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.",
  "No endpoints found that support tool use.",
  "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after",
  "'tools' : maximum number of items is 128",
  "Request contains an invalid argument.",
  "This model's maximum context length is 8192 tokens. However, your messages and functions resulted in 9000 tokens.",
  "Function calling is not available for this model",
];

const refusalOf = (status: number, body: unknown) =>
  findRefusal(parseErrorResponse(status, JSON.stringify(body), {}));

for (const [server, message] of Object.entries(SCHEMA_ERRORS)) {
  Deno.test(`findRefusal recognizes the schema error of ${server}, direct and through OpenRouter`, () => {
    const own = { error: { message, type: "invalid_request_error" } };
    const wrapped = {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: JSON.stringify(own), provider_name: "P" },
      },
    };
    assertEquals(refusalOf(400, own), "tool_schema");
    assertEquals(refusalOf(400, wrapped), "tool_schema");
    assertEquals(refusalOf(422, { detail: message, message }), "tool_schema");
    for (const status of [401, 403, 429, 500, 503]) {
      assert(refusalOf(status, own) !== "tool_schema", String(status));
    }
  });
}

for (const message of OTHER_ERRORS) {
  Deno.test(`findRefusal does not take “${message.slice(0, 60)}…” for a schema error`, () => {
    assert(refusalOf(400, { error: { message } }) !== "tool_schema");
  });
}

Deno.test("findRefusal is fast for long error messages", () => {
  const started = performance.now();
  for (const piece of ["tools.", "tools[", "function", "function_declarations ", "x".repeat(9)]) {
    assertEquals(refusalOf(400, { error: { message: piece.repeat(100_000) } }), null);
  }
  assert(performance.now() - started < 2000);
});
