/**
 * Parses `tools` and `tool_choice`. Clients offer some tools by themselves, so a tool without a counterpart upstream
 * is dropped and reported. The request is rejected only if `tool_choice` requires such a tool: by its name, or with
 * `any` if there is no other tool. If all tools of a request are dropped, it can still be answered in text.
 * @module
 */

import type { ApiError } from "../errors.ts";
import { parseCacheControl } from "./parse_content.ts";
import { findClientTool } from "./client_tools.ts";
import { type Field, invalidError } from "./field.ts";
import { findServerTool, parseServerTool } from "./parse_server_tools.ts";
import type { Tool, ToolChoice } from "./types.ts";
import type { ServerTools } from "./server_tools.ts";

/** Not needed if the model sees every tool. A date may follow. */
const TOOL_SEARCH = /^tool_search_tool_(regex|bm25)(_\d{8})?$/;
/** No type of the API is longer; a longer one would only fill a header. */
export const MAX_TYPE_CHARS = 64;
/** Real clients send hundreds; all of them go upstream with every request. */
const MAX_TOOLS = 10_000;

/** A tool without a counterpart upstream. */
export interface UnsupportedTool {
  type: string;
  name?: string | undefined;
}

/** `tools`, by where they run. */
export interface ParsedTools extends ServerTools {
  /** Run by the client. */
  tools: Tool[];
  unsupportedTools: UnsupportedTool[];
}

/** Parses `tools`; absent is empty. @throws {ApiError} that names the path */
export function parseTools(field: Field): ParsedTools {
  const parsed: ParsedTools = { tools: [], unsupportedTools: [] };
  if (field.isMissing) return parsed;
  const names = new Set<string>();
  const claim = (name: string) => {
    if (names.has(name)) throw invalidError(field.path, "Tool names must be unique.");
    names.add(name);
  };
  for (const [position, entry] of field.asList(MAX_TOOLS).entries()) {
    entry.requireObject();
    const type = entry.at("type").value;
    const serverTool = findServerTool(type);
    if (serverTool !== undefined) {
      claim(serverTool);
      Object.assign(parsed, parseServerTool(serverTool, entry.as(String(type))));
    } else if (typeof type === "string" && isUnsupported(type)) {
      parsed.unsupportedTools.push(parseUnsupportedTool(type, entry));
    } else {
      const tool = parseTool(entry, position);
      claim(tool.name);
      parsed.tools.push(tool);
    }
  }
  showDeferredTools(parsed);
  return parsed;
}

/** Whether a type is a tool search. */
export function isToolSearch(type: string): boolean {
  return TOOL_SEARCH.test(type);
}

/** Upstream has no tool search: its model sees all tools from the start. */
function showDeferredTools({ tools, unsupportedTools }: ParsedTools): void {
  if (!unsupportedTools.some(({ type }) => isToolSearch(type))) return;
  for (const tool of tools) tool.defer_loading = undefined;
}

/** Parses `tool_choice`. @throws {ApiError} that names the path, also for a tool that is not among `tools` */
export function parseToolChoice(field: Field, parsed: ParsedTools): ToolChoice {
  const type = field.asTag(["auto", "any", "tool", "none"]);
  const member = field.as(type);
  if (type === "none") {
    member.ignore("disable_parallel_tool_use");
    return { type };
  }
  const choice = type === "tool" ? parseNamedChoice(member.at("name"), field, parsed) : { type };
  if (type === "any") requireTool(field, parsed);
  return {
    ...choice,
    disable_parallel_tool_use: member.optional(
      "disable_parallel_tool_use",
      (isSingle) => isSingle.asBoolean(),
    ),
  };
}

function parseNamedChoice(
  field: Field,
  choice: Field,
  parsed: ParsedTools,
): Exclude<ToolChoice, { type: "none" }> {
  const name = field.asName();
  const serverTool = SERVER_TOOLS.find((tool) => tool === name && parsed[tool] !== undefined);
  if (serverTool !== undefined) return { type: serverTool };
  if (parsed.tools.some((tool) => tool.name === name)) return { type: "tool", name };
  const unsupported = parsed.unsupportedTools.find((tool) => (tool.name ?? tool.type) === name);
  if (unsupported !== undefined) throw rejectTools(choice, unsupported);
  throw invalidError(choice.path, `Tool '${name}' not found in provided tools`);
}

const SERVER_TOOLS = ["web_search", "web_fetch", "advisor"] as const;

/** If a tool call is required and every tool was dropped, no response could comply. */
function requireTool(field: Field, parsed: ParsedTools): void {
  const hasTool = parsed.tools.length > 0 || SERVER_TOOLS.some((tool) => parsed[tool]);
  if (parsed.unsupportedTools.length > 0 && !hasTool) {
    throw rejectTools(field, ...parsed.unsupportedTools);
  }
}

/** The error for a `tool_choice` that requires one of these. */
export function rejectTools(field: Field, ...tools: UnsupportedTool[]): ApiError {
  const quoted = tools.map(({ type, name }) =>
    name === undefined || name === type ? `'${type}'` : `'${type}' ('${name}')`
  );
  const verb = quoted.length === 1 ? "is" : "are";
  return invalidError(field.path, `${quoted.join(", ")} ${verb} not supported by this proxy`);
}

/** `function` is OpenAI's type of a tool: a mistake of the client, which an error corrects. */
function isUnsupported(type: string): boolean {
  return type !== "custom" && type !== "function" && findClientTool(type) === undefined;
}

function parseUnsupportedTool(type: string, entry: Field): UnsupportedTool {
  const name = entry.at("name").value;
  entry.drop(`tools.${type.slice(0, MAX_TYPE_CHARS)}`);
  return { type, name: typeof name === "string" ? name : undefined };
}

function parseTool(entry: Field, position: number): Tool {
  const type = entry.at("type");
  const isCustom = type.isMissing || type.value === "custom";
  // In streams OpenRouter sets it for every tool of Claude.
  entry.ignore("eager_input_streaming");
  return {
    ...isCustom ? parseCustomTool(entry.as("custom")) : parseClientTool(entry, type),
    position,
    strict: entry.optional("strict", (strict) => strict.asBoolean()),
    defer_loading: entry.optional("defer_loading", (deferred) => deferred.asBoolean()),
    cache_control: parseCacheControl(entry.at("cache_control")),
  };
}

type Definition = Pick<Tool, "name" | "description" | "input_schema">;

function parseCustomTool(field: Field): Definition {
  return {
    // A name that upstream would reject is replaced in the request and restored in the response.
    name: field.at("name").asName(),
    input_schema: parseInputSchema(field),
    description: field.optional("description", (description) => description.asString()),
  };
}

/** A tool that Anthropic defines and the client runs. Its type determines its name. */
function parseClientTool(entry: Field, type: Field): Definition {
  const definition = findClientTool(type.asString());
  if (definition === undefined) throw entry.unknownTag(["custom"]);
  entry.ignore("name");
  return definition;
}

function parseInputSchema(field: Field): Record<string, unknown> {
  const schema = field.at("input_schema");
  if (schema.isMissing) throw invalidError(schema.path, "Field required");
  const type = schema.at("type");
  if (!type.isMissing && type.value !== "object") {
    throw invalidError(type.path, "Input should be 'object'");
  }
  return schema.asObject();
}
