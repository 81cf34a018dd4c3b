/**
 * Checking `tools` and `tool_choice`. Tools that Anthropic runs or defines itself are refused by name here.
 * @module
 */

import { ApiError } from "../errors.ts";
import { parseCacheControl } from "./blocks.ts";
import { type Field, invalid } from "./reader.ts";
import type { Tool, ToolChoice } from "./types.ts";

/** `tools`; absent is empty. @throws {ApiError} that names the path */
export function parseTools(field: Field): Tool[] {
  if (field.isMissing) return [];
  const tools = field.asList().map(parseTool);
  const names = new Set<string>();
  for (const tool of tools) {
    if (names.has(tool.name)) throw invalid(field.path, "Tool names must be unique.");
    names.add(tool.name);
  }
  return tools;
}

/** `tool_choice`. @throws {ApiError} that names the path, also for a tool that is not among `tools` */
export function parseToolChoice(field: Field, tools: readonly Tool[]): ToolChoice {
  const type = field.asTag(["auto", "any", "tool", "none"]);
  const member = field.as(type);
  if (type === "none") return { type };
  const choice: ToolChoice = type === "tool"
    ? { type, name: member.at("name").asText() }
    : { type };
  if (choice.type === "tool" && !tools.some((tool) => tool.name === choice.name)) {
    throw invalid(field.path, `Tool '${choice.name}' not found in provided tools`);
  }
  const single = member.at("disable_parallel_tool_use");
  if (!single.isMissing) choice.disable_parallel_tool_use = single.asBoolean();
  return choice;
}

function parseTool(entry: Field): Tool {
  entry.asObject();
  refuseForeignTool(entry);
  const field = entry.as("custom");
  // Any name: what upstream would refuse is replaced on the way out and put back on the way in.
  const tool: Tool = { name: field.at("name").asText(), input_schema: parseInputSchema(field) };
  const description = field.at("description");
  if (!description.isMissing) tool.description = description.asString();
  const strict = field.at("strict");
  if (!strict.isMissing) tool.strict = strict.asBoolean();
  const deferred = field.at("defer_loading");
  if (!deferred.isMissing) tool.defer_loading = deferred.asBoolean();
  const cacheControl = parseCacheControl(field.at("cache_control"));
  if (cacheControl !== undefined) tool.cache_control = cacheControl;
  return tool;
}

function parseInputSchema(field: Field): Record<string, unknown> {
  const schema = field.at("input_schema");
  if (schema.isMissing) throw invalid(schema.path, "Field required");
  const type = schema.at("type");
  if (!type.isMissing && type.value !== "object") {
    throw invalid(type.path, "Input should be 'object'");
  }
  return schema.asObject();
}

/** Only `custom` (or no type) is a tool of the client's own with a schema. */
function refuseForeignTool(field: Field): void {
  const type = field.at("type");
  if (type.isMissing || type.value === "custom") return;
  if (type.asString() === "function") throw field.unknownTag(["custom"]);
  throw new ApiError(
    "invalid_request_error",
    `${field.path}: the tool type '${type.asString()}' is not supported by this proxy`,
  );
}
