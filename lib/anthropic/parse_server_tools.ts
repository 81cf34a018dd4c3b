/**
 * Checking the tools that upstream can run in place of Anthropic: web search, web fetch and the advisor.
 * @module
 */

import { type Field, invalidError } from "./field.ts";
import type { Advisor, ServerTools, UserLocation, WebFetch, WebSearch } from "./server_tools.ts";

/** Types by their beginning; a date follows. The name is fixed by the type. */
const TYPES: readonly (readonly [RegExp, keyof ServerTools])[] = [
  [/^web_search_\d{8}$/, "web_search"],
  [/^web_fetch_\d{8}$/, "web_fetch"],
  [/^advisor_\d{8}$/, "advisor"],
];

/** The name of a tool that upstream can run, by its type; undefined for all others. */
export function findServerTool(type: unknown): keyof ServerTools | undefined {
  if (typeof type !== "string") return undefined;
  return TYPES.find(([pattern]) => pattern.test(type))?.[1];
}

/** One of these tools, under its name. @throws {ApiError} that names the path */
export function parseServerTool(name: keyof ServerTools, field: Field): ServerTools {
  switch (name) {
    case "web_search":
      return { web_search: parseWebSearch(field) };
    case "web_fetch":
      return { web_fetch: parseWebFetch(field) };
    case "advisor":
      return { advisor: parseAdvisor(field) };
    default:
      return name satisfies never;
  }
}

function parseWebSearch(field: Field): WebSearch {
  const search: WebSearch = parseLimits(field);
  const location = field.at("user_location");
  if (!location.isMissing) search.user_location = parseLocation(location);
  return search;
}

function parseWebFetch(field: Field): WebFetch {
  const fetch: WebFetch = parseLimits(field);
  const tokens = field.at("max_content_tokens");
  if (!tokens.isMissing) fetch.max_content_tokens = tokens.asInteger({ least: 1 });
  return fetch;
}

function parseAdvisor(field: Field): Advisor {
  const advisor: Advisor = {};
  const model = field.at("model");
  if (!model.isMissing) advisor.model = model.asName();
  const tokens = field.at("max_tokens");
  if (!tokens.isMissing) advisor.max_tokens = tokens.asInteger({ least: 1 });
  return advisor;
}

/** How often, and where: the same for search and fetch. */
function parseLimits(
  field: Field,
): Pick<WebSearch, "max_uses" | "allowed_domains" | "blocked_domains"> {
  const limits: Pick<WebSearch, "max_uses" | "allowed_domains" | "blocked_domains"> = {};
  const maxUses = field.at("max_uses");
  if (!maxUses.isMissing) limits.max_uses = maxUses.asInteger({ least: 1 });
  const allowed = parseDomains(field.at("allowed_domains"));
  if (allowed.length > 0) limits.allowed_domains = allowed;
  const blocked = parseDomains(field.at("blocked_domains"));
  if (blocked.length > 0) limits.blocked_domains = blocked;
  if (limits.allowed_domains !== undefined && limits.blocked_domains !== undefined) {
    throw invalidError(field.path, "only one of allowed_domains and blocked_domains can be given");
  }
  return limits;
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
