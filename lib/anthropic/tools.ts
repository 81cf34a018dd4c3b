/**
 * Checking `tools` and `tool_choice`. Tools that Anthropic runs itself are refused by name here, but for web
 * search, which upstream can do, and tool search, which is not needed where every tool is shown.
 * @module
 */

import { parseCacheControl } from "./content.ts";
import { findClientTool } from "./client_tools.ts";
import { type Field, invalid } from "./reader.ts";
import type { Tool, ToolChoice } from "./types.ts";
import type { UserLocation, WebSearch } from "./web_search.ts";

/** Types by their beginning; a date follows. */
const WEB_SEARCH = /^web_search_\d{8}$/;
const TOOL_SEARCH = /^tool_search_tool_(regex|bm25)(_\d{8})?$/;
/** The name that web search has in `tools` and `tool_choice`. */
const WEB_SEARCH_NAME = "web_search";

/** `tools`, sorted by who runs them. */
export interface ParsedTools {
  /** Those that the client runs. */
  tools: Tool[];
  web_search?: WebSearch;
  /** Names of what was left out. */
  unread: string[];
}

/** `tools`; absent is empty. @throws {ApiError} that names the path */
export function parseTools(field: Field): ParsedTools {
  const parsed: ParsedTools = { tools: [], unread: [] };
  if (field.isMissing) return parsed;
  const names = new Set<string>();
  const claim = (name: string) => {
    if (names.has(name)) throw invalid(field.path, "Tool names must be unique.");
    names.add(name);
  };
  let showsAll = false;
  for (const entry of field.asList()) {
    entry.asObject();
    const type = entry.at("type").value;
    if (typeof type === "string" && WEB_SEARCH.test(type)) {
      claim(WEB_SEARCH_NAME);
      parsed.web_search = parseWebSearch(entry.as(type));
    } else if (typeof type === "string" && TOOL_SEARCH.test(type)) {
      showsAll = true;
      parsed.unread.push(`tools.${type}`);
    } else {
      const tool = parseTool(entry);
      claim(tool.name);
      parsed.tools.push(tool);
    }
  }
  // Whom Anthropic's own search would show deferred tools to, here sees them from the start.
  if (showsAll) { for (const tool of parsed.tools) delete tool.defer_loading; }
  return parsed;
}

/** `tool_choice`. @throws {ApiError} that names the path, also for a tool that is not among `tools` */
export function parseToolChoice(field: Field, { tools, web_search }: ParsedTools): ToolChoice {
  const type = field.asTag(["auto", "any", "tool", "none"]);
  const member = field.as(type);
  if (type === "none") return { type };
  const choice = type === "tool"
    ? parseNamedChoice(member.at("name").asText(), web_search !== undefined)
    : { type };
  if (choice.type === "tool" && !tools.some((tool) => tool.name === choice.name)) {
    throw invalid(field.path, `Tool '${choice.name}' not found in provided tools`);
  }
  const single = member.at("disable_parallel_tool_use");
  if (!single.isMissing) choice.disable_parallel_tool_use = single.asBoolean();
  return choice;
}

function parseNamedChoice(
  name: string,
  hasWebSearch: boolean,
): Exclude<ToolChoice, { type: "none" }> {
  return hasWebSearch && name === WEB_SEARCH_NAME ? { type: "web_search" } : { type: "tool", name };
}

function parseTool(entry: Field): Tool {
  const type = entry.at("type");
  const isCustom = type.isMissing || type.value === "custom";
  const tool = isCustom ? parseCustomTool(entry.as("custom")) : parseClientTool(entry, type);
  const strict = entry.at("strict");
  if (!strict.isMissing) tool.strict = strict.asBoolean();
  const deferred = entry.at("defer_loading");
  if (!deferred.isMissing) tool.defer_loading = deferred.asBoolean();
  const cacheControl = parseCacheControl(entry.at("cache_control"));
  if (cacheControl !== undefined) tool.cache_control = cacheControl;
  return tool;
}

function parseCustomTool(field: Field): Tool {
  // Any name: what upstream would refuse is replaced on the way out and put back on the way in.
  const tool: Tool = { name: field.at("name").asText(), input_schema: parseInputSchema(field) };
  const description = field.at("description");
  if (!description.isMissing) tool.description = description.asString();
  return tool;
}

/** A tool of Anthropic's that the client runs. Its name is fixed by its type; others are refused by theirs. */
function parseClientTool(entry: Field, type: Field): Tool {
  const definition = findClientTool(type.asString());
  if (definition !== undefined) return { ...definition };
  if (type.value === "function") throw entry.unknownTag(["custom"]);
  const name = entry.at("name").value;
  const which = typeof name === "string" && name !== type.value ? ` ('${name}')` : "";
  throw invalid(
    entry.path,
    `the tool type '${type.value}'${which} is not supported by this proxy`,
  );
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

function parseWebSearch(field: Field): WebSearch {
  const search: WebSearch = {};
  const maxUses = field.at("max_uses");
  if (!maxUses.isMissing) search.max_uses = maxUses.asInteger({ least: 1 });
  const allowed = parseDomains(field.at("allowed_domains"));
  if (allowed.length > 0) search.allowed_domains = allowed;
  const blocked = parseDomains(field.at("blocked_domains"));
  if (blocked.length > 0) search.blocked_domains = blocked;
  if (search.allowed_domains !== undefined && search.blocked_domains !== undefined) {
    throw invalid(field.path, "only one of allowed_domains and blocked_domains can be given");
  }
  const location = field.at("user_location");
  if (!location.isMissing) search.user_location = parseLocation(location);
  return search;
}

/** An empty list says nothing, and upstream takes one of the two lists only. */
function parseDomains(field: Field): string[] {
  return field.isMissing ? [] : field.asList().map((domain) => domain.asText());
}

function parseLocation(field: Field): UserLocation {
  field.asTag(["approximate"]);
  const location: UserLocation = { type: "approximate" };
  for (const key of ["city", "region", "country", "timezone"] as const) {
    const part = field.at(key);
    if (!part.isMissing) location[key] = part.asString();
  }
  return location;
}
