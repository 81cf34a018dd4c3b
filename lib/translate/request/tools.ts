/**
 * Translates Anthropic's tools and tool choice to OpenAI functions.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { isSame } from "../schemas/nodes.ts";
import { toPlainSchema } from "../schemas/plain_schema.ts";
import { adaptSchema, type SchemaRules } from "../schemas/schema_rules.ts";
import type { ToolNames } from "../tool_names.ts";
import type { TranslationContext } from "./context.ts";

/**
 * The tools that the model may see. A tool with `defer_loading` is hidden until a tool search found it, that is, until
 * the history refers to it or calls it, or `tool_choice` names it. Claude Code keeps a placeholder among its tools.
 */
export function visibleTools(request: anthropic.MessagesRequest): anthropic.Tool[] {
  if (!request.tools.some((tool) => tool.defer_loading)) return request.tools;
  const found = new Set(request.messages.flatMap(findReferencedTools));
  if (request.tool_choice?.type === "tool") found.add(request.tool_choice.name);
  return request.tools.filter((tool) => !tool.defer_loading || found.has(tool.name));
}

type AnyContent = anthropic.UserContent | anthropic.AssistantContent | anthropic.SystemContent;

function findReferencedTools(turn: anthropic.MessageParam): string[] {
  return turn.content.flatMap((block: AnyContent) => {
    if (block.type === "tool_use") return [block.name];
    if (block.type === "tool_reference") return [block.tool_name];
    if (block.type !== "tool_result" || typeof block.content !== "object") return [];
    return block.content.flatMap((one) => one.type === "tool_reference" ? [one.tool_name] : []);
  });
}

/** How schemas are translated. */
export interface SchemaOptions {
  /** Restrictions of the models that may respond; null if they have none. */
  rules: SchemaRules | null;
  /** Whether the target has rejected a schema before, so that all are sent as plain schemas. */
  isPlain: boolean;
}

/** One tool. Unlike Anthropic's other fields, `cache_control` is kept, at the tool's top level. */
export function translateTool(
  tool: anthropic.Tool,
  schemas: SchemaOptions,
  { names, dropped }: TranslationContext,
): openrouter.FunctionTool {
  const parameters = translateSchema(tool, schemas, dropped);
  // Strict mode requires keywords that plain schemas do not have.
  if (tool.strict && schemas.isPlain) dropped.add("tools.strict");
  return {
    type: "function",
    function: {
      name: names.toUpstream(tool.name),
      parameters,
      description: tool.description || undefined,
      strict: tool.strict && !schemas.isPlain ? true : undefined,
    },
    cache_control: tool.cache_control ?? undefined,
  };
}

/** The forms of `tool_choice`. */
export function translateToolChoice(
  choice: anthropic.ToolChoice,
  names: ToolNames,
): openrouter.ToolChoice {
  switch (choice.type) {
    case "auto":
      return "auto";
    case "any":
      return "required";
    case "none":
      return "none";
    case "web_search":
    case "web_fetch":
    case "advisor":
      return { type: `openrouter:${choice.type}` };
    case "tool":
      return { type: "function", function: { name: names.toUpstream(choice.name) } };
    default:
      return choice satisfies never;
  }
}

function translateSchema(
  { input_schema: schema, position }: anthropic.Tool,
  { rules, isPlain }: SchemaOptions,
  dropped: Set<string>,
): JsonObject {
  if (isPlain) {
    const plain = toPlainSchema(schema);
    if (!isSame(plain, fillSchema(schema))) dropped.add("tools.input_schema");
    return plain;
  }
  return fillSchema(rules === null ? schema : adaptSchema(schema, { rules, position, dropped }));
}

/** Some providers reject an object schema without `properties`; MCP servers send such schemas. */
function fillSchema(schema: JsonObject): JsonObject {
  const { required, ...rest } = schema;
  const filled: JsonObject = { ...rest, type: "object" };
  if (!isJsonObject(schema["properties"])) filled["properties"] = {};
  if (Array.isArray(required)) filled["required"] = required;
  return filled;
}
