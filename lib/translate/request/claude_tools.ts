/**
 * Prepares the tools of a request for OpenRouter's `/messages`, which knows fewer types than Anthropic and rejects the
 * others. A tool that is only offered never fails a request: it is sent in another form, or left out and reported.
 * Source: OpenRouter's schema of the endpoint; its error for tool search by BM25.
 * @module
 */

import { findClientTool } from "../../anthropic/client_tools.ts";
import { Field } from "../../anthropic/field.ts";
import { findServerTool, parseServerTool } from "../../anthropic/parse_server_tools.ts";
import {
  isToolSearch,
  MAX_TYPE_CHARS,
  rejectTools,
  type UnsupportedTool,
} from "../../anthropic/parse_tools.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";
import { toPlainSchema } from "../schemas/plain_schema.ts";
import { translateServerTools } from "./server_tools.ts";

/** Types that the endpoint accepts, in addition to OpenRouter's own. */
const ACCEPTED: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  "custom",
  "bash_20250124",
  "text_editor_20250124",
  "web_search_20250305",
  "web_search_20260209",
  "advisor_20260301",
  "tool_search_tool_regex",
  "tool_search_tool_regex_20251119",
  // OpenAI's type: a mistake of the client, which upstream's error corrects.
  "function",
]);

/** A header has room for fewer. */
const MAX_REPORTED = 100;

/** How tools are prepared. */
export interface ClaudeToolOptions {
  /** Maps the client's name of a model to an upstream id, for an advisor. */
  resolve: (name: string) => string;
  /** Collects the names of tools that are not sent. */
  dropped: Set<string>;
}

/**
 * The request with tools that the endpoint accepts; the same object if it accepts all of them.
 * @throws {ApiError} 400 when `tool_choice` requires a tool that is left out
 */
export function toClaudeTools(body: JsonObject, options: ClaudeToolOptions): JsonObject {
  const { tools } = body;
  if (!Array.isArray(tools)) return body;
  const left: UnsupportedTool[] = [];
  const kept = tools.flatMap((tool: unknown): unknown[] => {
    const translated = translateTool(tool, options);
    if (translated !== undefined) return [translated];
    left.push(toUnsupported(tool));
    return [];
  });
  for (const { type } of left.slice(0, MAX_REPORTED)) {
    options.dropped.add(`tools.${type.slice(0, MAX_TYPE_CHARS)}`);
  }
  if (kept.every((tool, index) => tool === tools[index]) && left.length === 0) return body;
  rejectChoice(body, kept, left);
  if (kept.length > 0) return { ...body, tools: showDeferred(kept, left) };
  const { tools: _, tool_choice: __, ...rest } = body;
  return rest;
}

/** Tools with plain schemas, after upstream has rejected one. */
export function toPlainTools(body: JsonObject, dropped: Set<string>): JsonObject {
  const { tools } = body;
  if (!Array.isArray(tools)) return body;
  const plain = tools.map((tool: unknown) => {
    if (!isJsonObject(tool) || !isJsonObject(tool["input_schema"])) return tool;
    dropped.add("tools.input_schema");
    // Strict mode requires keywords that plain schemas do not have.
    const { strict: _, ...rest } = tool;
    return { ...rest, input_schema: toPlainSchema(tool["input_schema"]) };
  });
  return { ...body, tools: plain };
}

/** The tool in a form that the endpoint accepts; undefined if there is none. */
function translateTool(tool: unknown, { resolve }: ClaudeToolOptions): unknown {
  if (!isJsonObject(tool)) return tool;
  const { type } = tool;
  if (type === "advisor_20260301" && typeof tool["model"] === "string") {
    return { ...tool, model: resolve(tool["model"]) };
  }
  if (ACCEPTED.has(type) || typeof type !== "string" || type.startsWith("openrouter:")) return tool;
  const serverTool = findServerTool(type);
  if (serverTool !== undefined) {
    const [translated] = translateServerTools(
      parseServerTool(serverTool, new Field(tool)),
      resolve,
    );
    return translated;
  }
  const definition = findClientTool(type);
  if (definition === undefined) return undefined;
  const { type: _, name: __, ...rest } = tool;
  return { ...definition, ...rest };
}

function toUnsupported(tool: unknown): UnsupportedTool {
  const { type, name } = isJsonObject(tool) ? tool : {};
  return { type: String(type), name: typeof name === "string" ? name : undefined };
}

/** @throws {ApiError} when no response could comply with `tool_choice` */
function rejectChoice(
  body: JsonObject,
  kept: readonly unknown[],
  left: readonly UnsupportedTool[],
): void {
  const choice = new Field(body["tool_choice"]);
  const type = choice.at("type").value;
  const chosen = type === "tool"
    ? left.filter((tool) => (tool.name ?? tool.type) === choice.at("name").value)
    : type === "any" && kept.length === 0
    ? left
    : [];
  if (chosen.length > 0) throw rejectTools(new Field(body).at("tool_choice"), ...chosen);
}

/** Without its tool search, the model sees all tools from the start: no other way leads to them. */
function showDeferred(kept: readonly unknown[], left: readonly UnsupportedTool[]): unknown[] {
  const isSearch = (tool: unknown) =>
    isJsonObject(tool) && typeof tool["type"] === "string" &&
    (isToolSearch(tool["type"]) || tool["type"] === "openrouter:tool_search");
  if (!left.some(({ type }) => isToolSearch(type)) || kept.some(isSearch)) return [...kept];
  return kept.map((tool) => {
    if (!isJsonObject(tool) || tool["defer_loading"] === undefined) return tool;
    const { defer_loading: _, ...rest } = tool;
    return rest;
  });
}
