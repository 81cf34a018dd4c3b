/**
 * Checking `tools` and `tool_choice`. A tool that a client merely offers never refuses a request: clients add some
 * by themselves, so one that nothing upstream stands for is left out and named. It is refused only where
 * `tool_choice` leaves nothing else: by its name, or by `any` when no other tool is there. A request whose tools
 * are all left out can still be answered in words.
 * @module
 */

import type { ApiError } from "../errors.ts";
import { parseCacheControl } from "./parse_content.ts";
import { findClientTool } from "./client_tools.ts";
import { type Field, invalidError } from "./field.ts";
import { findServerTool, parseServerTool } from "./parse_server_tools.ts";
import type { Tool, ToolChoice } from "./types.ts";
import type { ServerTools } from "./server_tools.ts";

/** Not needed where every tool is shown. A date may follow. */
const TOOL_SEARCH = /^tool_search_tool_(regex|bm25)(_\d{8})?$/;
/** No type of the API is longer; what is longer would only fill a header. */
const MAX_TYPE_CHARS = 64;
/** Hundreds are many: each goes upstream with every request. */
const MAX_TOOLS = 10_000;

/** A tool that nothing upstream stands for. */
export interface UnsupportedTool {
  type: string;
  /** Its name, where it has one of its own. */
  name?: string;
}

/** `tools`, sorted by what becomes of them. */
export interface ParsedTools extends ServerTools {
  /** Those that the client runs. */
  tools: Tool[];
  unsupportedTools: UnsupportedTool[];
  /** Names of what was left out. */
  droppedFields: string[];
}

/** `tools`; absent is empty. @throws {ApiError} that names the path */
export function parseTools(field: Field): ParsedTools {
  const parsed: ParsedTools = { tools: [], unsupportedTools: [], droppedFields: [] };
  if (field.isMissing) return parsed;
  const names = new Set<string>();
  const claim = (name: string) => {
    if (names.has(name)) throw invalidError(field.path, "Tool names must be unique.");
    names.add(name);
  };
  for (const [position, entry] of field.asList(MAX_TOOLS).entries()) {
    entry.asObject();
    const type = entry.at("type").value;
    const serverTool = findServerTool(type);
    if (serverTool !== undefined) {
      claim(serverTool);
      Object.assign(parsed, parseServerTool(serverTool, entry.as(String(type))));
      parsed.droppedFields.push(...listUncarried(serverTool, entry));
    } else if (typeof type === "string" && isUnsupported(type)) {
      parsed.unsupportedTools.push(readUnsupportedTool(type, entry));
      parsed.droppedFields.push(`tools.${type.slice(0, MAX_TYPE_CHARS)}`);
    } else {
      const tool = parseTool(entry, position);
      claim(tool.name);
      parsed.tools.push(tool);
    }
  }
  showAll(parsed);
  return parsed;
}

/** What Anthropic's own search would show, upstream's model sees from the start. */
function showAll({ tools, unsupportedTools }: ParsedTools): void {
  if (!unsupportedTools.some(({ type }) => TOOL_SEARCH.test(type))) return;
  for (const tool of tools) delete tool.defer_loading;
}

/** `tool_choice`. @throws {ApiError} that names the path, also for a tool that is not among `tools` */
export function parseToolChoice(field: Field, parsed: ParsedTools): ToolChoice {
  const type = field.asTag(["auto", "any", "tool", "none"]);
  const member = field.as(type);
  if (type === "none") return { type };
  const choice = type === "tool" ? parseNamedChoice(member.at("name"), field, parsed) : { type };
  if (type === "any") requireTool(field, parsed);
  const single = member.at("disable_parallel_tool_use");
  if (!single.isMissing) choice.disable_parallel_tool_use = single.asBoolean();
  return choice;
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
  const leftOut = parsed.unsupportedTools.find((tool) => (tool.name ?? tool.type) === name);
  if (leftOut !== undefined) throw rejectTool(choice, leftOut);
  throw invalidError(choice.path, `Tool '${name}' not found in provided tools`);
}

const SERVER_TOOLS = ["web_search", "web_fetch", "advisor"] as const;

/** Where a call is asked for and every tool was left out, an answer would break that promise. */
function requireTool(field: Field, parsed: ParsedTools): void {
  const [first] = parsed.unsupportedTools;
  const hasTool = parsed.tools.length > 0 || SERVER_TOOLS.some((tool) => parsed[tool]);
  if (first !== undefined && !hasTool) throw rejectTool(field, ...parsed.unsupportedTools);
}

function rejectTool(field: Field, ...tools: UnsupportedTool[]): ApiError {
  const named = tools.map(({ type, name }) =>
    name === undefined || name === type ? `'${type}'` : `'${type}' ('${name}')`
  );
  const verb = named.length === 1 ? "is" : "are";
  return invalidError(field.path, `${named.join(", ")} ${verb} not supported by this proxy`);
}

/** `function` is OpenAI's form of a tool: a mistake, and no tool of Anthropic's. */
function isUnsupported(type: string): boolean {
  return type !== "custom" && type !== "function" && findClientTool(type) === undefined;
}

function readUnsupportedTool(type: string, entry: Field): UnsupportedTool {
  const name = entry.at("name").value;
  return typeof name === "string" ? { type, name } : { type };
}

/** Parameters that upstream's own form of a tool does not have. */
function listUncarried(name: keyof ServerTools, entry: Field): string[] {
  return name === "advisor" && !entry.at("max_uses").isMissing ? ["tools.advisor.max_uses"] : [];
}

function parseTool(entry: Field, position: number): Tool {
  const type = entry.at("type");
  const isCustom = type.isMissing || type.value === "custom";
  const definition = isCustom ? parseCustomTool(entry.as("custom")) : parseClientTool(entry, type);
  const tool: Tool = { ...definition, position };
  const strict = entry.at("strict");
  if (!strict.isMissing) tool.strict = strict.asBoolean();
  const deferred = entry.at("defer_loading");
  if (!deferred.isMissing) tool.defer_loading = deferred.asBoolean();
  const cacheControl = parseCacheControl(entry.at("cache_control"));
  if (cacheControl !== undefined) tool.cache_control = cacheControl;
  return tool;
}

type Definition = Pick<Tool, "name" | "description" | "input_schema">;

function parseCustomTool(field: Field): Definition {
  // Any name: what upstream would refuse is replaced on the way out and put back on the way in.
  const tool: Definition = {
    name: field.at("name").asName(),
    input_schema: parseInputSchema(field),
  };
  const description = field.at("description");
  if (!description.isMissing) tool.description = description.asString();
  return tool;
}

/** A tool of Anthropic's that the client runs. Its name is fixed by its type. */
function parseClientTool(entry: Field, type: Field): Definition {
  const definition = findClientTool(type.asString());
  if (definition === undefined) throw entry.unknownTag(["custom"]);
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
