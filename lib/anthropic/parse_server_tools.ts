/**
 * Parses the tools that upstream runs in place of Anthropic: web search, web fetch and the advisor.
 * @module
 */

import { type Field, invalidError } from "./field.ts";
import type { Advisor, ServerTools, UserLocation, WebFetch, WebSearch } from "./server_tools.ts";

/** A date follows in the type. */
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
  // The type determines the name, and upstream's model sees these tools from the start.
  field.ignore("name", "defer_loading");
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
  return {
    ...parseLimits(field),
    user_location: field.optional("user_location", parseLocation),
  };
}

function parseWebFetch(field: Field): WebFetch {
  return {
    ...parseLimits(field),
    max_content_tokens: field.optional("max_content_tokens", parseCount),
  };
}

function parseAdvisor(field: Field): Advisor {
  const uses = field.at("max_uses");
  if (!uses.isMissing) uses.drop("tools.advisor.max_uses");
  return {
    model: field.optional("model", (model) => model.asName()),
    max_tokens: field.optional("max_tokens", parseCount),
  };
}

type Limits = Pick<WebSearch, "max_uses" | "allowed_domains" | "blocked_domains">;

/** Limits that search and fetch share. */
function parseLimits(field: Field): Limits {
  const limits: Limits = {
    max_uses: field.optional("max_uses", parseCount),
    allowed_domains: field.optional("allowed_domains", parseDomains),
    blocked_domains: field.optional("blocked_domains", parseDomains),
  };
  if (limits.allowed_domains !== undefined && limits.blocked_domains !== undefined) {
    throw invalidError(field.path, "only one of allowed_domains and blocked_domains can be given");
  }
  return limits;
}

function parseCount(field: Field): number {
  return field.asInteger({ min: 1 });
}

/** An empty list has no effect, and upstream accepts only one of the two lists. */
function parseDomains(field: Field): string[] | undefined {
  const domains = field.asList().map((domain) => domain.asNonEmptyString());
  return domains.length === 0 ? undefined : domains;
}

function parseLocation(field: Field): UserLocation {
  field.asTag(["approximate"]);
  const location: UserLocation = { type: "approximate" };
  for (const key of ["city", "region", "country", "timezone"] as const) {
    location[key] = field.optional(key, (part) => part.asString());
  }
  return location;
}
