/**
 * Validates translated requests against the published schemas of OpenRouter and OpenAI.
 * @module
 */

// deno-lint-ignore no-import-prefix
import { Ajv } from "npm:ajv@8.20.0";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import type { Dialect } from "./proxy.ts";
import { loadSchema } from "./recorded.ts";

const REQUESTS: Readonly<Record<Dialect, string>> = {
  openrouter: "ChatRequest",
  openai: "CreateChatCompletionRequest",
};

/** Checks a body of `POST /chat/completions`; returns each error once. */
export type Check = (body: unknown) => string[];

/** Compiles the schema of a dialect. */
export function compileCheck(dialect: Dialect): Check {
  const schema = toJsonSchema(loadSchema(dialect));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...(isJsonObject(schema) && schema), $id: dialect });
  const validate = ajv.compile({ $ref: `${dialect}#/components/schemas/${REQUESTS[dialect]}` });
  return (body) => {
    if (validate(body)) return [];
    const errors = validate.errors ?? [];
    return [...new Set(errors.map((error) => `${error.instancePath} ${error.message}`))];
  };
}

/** OpenAPI 3.0 has the keyword `nullable`, which JSON Schema lacks. */
function toJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toJsonSchema);
  if (!isJsonObject(node)) return node;
  const schema: JsonObject = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, toJsonSchema(value)]),
  );
  if (schema["nullable"] !== true) return schema;
  delete schema["nullable"];
  return { anyOf: [schema, { type: "null" }] };
}
