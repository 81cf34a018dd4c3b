/**
 * Anthropic tools and tool choice → OpenAI functions. Pure.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject } from "../json.ts";
import type * as openrouter from "../openrouter/types.ts";
import type { ToolNames } from "./names.ts";

/**
 * The tools that the model may see. A deferred one is hidden until a tool search has found it: until a result
 * refers to it, or it is called or asked for. Claude Code keeps a placeholder among its tools for that.
 */
export function listOfferedTools(request: anthropic.MessagesRequest): anthropic.Tool[] {
  if (!request.tools.some((tool) => tool.defer_loading)) return request.tools;
  const found = new Set(request.messages.flatMap(listMentions));
  if (request.tool_choice?.type === "tool") found.add(request.tool_choice.name);
  return request.tools.filter((tool) => !tool.defer_loading || found.has(tool.name));
}

type AnyContent = anthropic.UserContent | anthropic.AssistantContent | anthropic.SystemContent;

function listMentions(turn: anthropic.MessageParam): string[] {
  return turn.content.flatMap((block: AnyContent) => {
    if (block.type === "tool_use") return [block.name];
    if (block.type === "tool_reference") return [block.tool_name];
    if (block.type !== "tool_result" || typeof block.content !== "object") return [];
    return block.content.flatMap((one) => one.type === "tool_reference" ? [one.tool_name] : []);
  });
}

/** One tool. Only what upstream knows is copied; `cache_control` stands at the tool's top level. */
export function translateTool(tool: anthropic.Tool, names: ToolNames): openrouter.FunctionTool {
  const translated: openrouter.FunctionTool = {
    type: "function",
    function: { name: names.toUpstream(tool.name), parameters: fillSchema(tool.input_schema) },
  };
  if (tool.description) translated.function.description = tool.description;
  if (tool.strict) translated.function.strict = true;
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
      return { type: "openrouter:web_search" };
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
