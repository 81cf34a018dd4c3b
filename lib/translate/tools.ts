/**
 * Anthropic tools and tool choice → OpenAI functions. Pure.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject } from "../json.ts";
import type * as openrouter from "../openrouter/types.ts";
import type { ToolNames } from "./names.ts";

/** One tool. Only what upstream knows is copied; `cache_control` stands at the tool's top level. */
export function translateTool(tool: anthropic.Tool, names: ToolNames): openrouter.FunctionTool {
  const translated: openrouter.FunctionTool = {
    type: "function",
    function: { name: names.toUpstream(tool.name), parameters: fillSchema(tool.input_schema) },
  };
  if (tool.description) translated.function.description = tool.description;
  if (tool.cache_control) translated.cache_control = tool.cache_control;
  return translated;
}

/** The four forms of `tool_choice`. */
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
    case "tool":
      return { type: "function", function: { name: names.toUpstream(choice.name) } };
    default:
      return choice satisfies never;
  }
}

/** Some providers refuse an object schema without `properties`; MCP servers send such schemas. */
function fillSchema(schema: Record<string, unknown>): Record<string, unknown> {
  const { required, ...rest } = schema;
  const filled: Record<string, unknown> = { ...rest, type: "object" };
  if (!isJsonObject(schema["properties"])) filled["properties"] = {};
  if (Array.isArray(required)) filled["required"] = required;
  return filled;
}
