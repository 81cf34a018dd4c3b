/**
 * Anthropic tools and tool choice → OpenAI functions. Pure.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";
import type { ToolNames } from "../tool_names.ts";
import { toPlainSchema } from "../schemas/plain_schema.ts";
import { isSame } from "../schemas/nodes.ts";
import { adaptSchema, type SchemaRules } from "../schemas/schema_rules.ts";

/**
 * The tools that the model may see. A deferred one is hidden until a tool search has found it: until a result
 * refers to it, or it is called or asked for. Claude Code keeps a placeholder among its tools for that.
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

/** What a tool's translation depends on beside the tool. */
export interface ToolOptions {
  names: ToolNames;
  /** What the models that may answer refuse in schemas; null where that is nothing. */
  rules: SchemaRules | null;
  /** Whether the target has refused a schema already. */
  isPlain: boolean;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** One tool. Only what upstream knows is copied; `cache_control` stands at the tool's top level. */
export function translateTool(tool: anthropic.Tool, options: ToolOptions): openrouter.FunctionTool {
  const translated: openrouter.FunctionTool = {
    type: "function",
    function: {
      name: options.names.toUpstream(tool.name),
      parameters: translateSchema(tool, options),
    },
  };
  if (tool.description) translated.function.description = tool.description;
  if (tool.strict) {
    // Strict schemas need keywords that a plain one does not have.
    if (options.isPlain) options.dropped.add("tools.strict");
    else translated.function.strict = true;
  }
  if (tool.cache_control) translated.cache_control = tool.cache_control;
  return translated;
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
  { rules, isPlain, dropped }: ToolOptions,
): JsonObject {
  if (isPlain) {
    const plain = toPlainSchema(schema);
    if (!isSame(plain, fillSchema(schema))) dropped.add("tools.input_schema");
    return plain;
  }
  return fillSchema(rules === null ? schema : adaptSchema(schema, { rules, position, dropped }));
}

/** Some providers refuse an object schema without `properties`; MCP servers send such schemas. */
function fillSchema(schema: JsonObject): JsonObject {
  const { required, ...rest } = schema;
  const filled: JsonObject = { ...rest, type: "object" };
  if (!isJsonObject(schema["properties"])) filled["properties"] = {};
  if (Array.isArray(required)) filled["required"] = required;
  return filled;
}
