/**
 * Limits the cache breakpoints of a translated request, and finds the TTL of its cache writes.
 * @module
 */

import type * as openrouter from "../../openrouter/types.ts";

/** Anthropic rejects a request with more; the top-level `cache_control` counts as one. */
const MAX_BREAKPOINTS = 4;

type Cacheable = Pick<openrouter.ChatRequest, "cache_control">;

/**
 * Removes breakpoints above the limit, the earliest of the conversation first: those on tools and system prompt cover
 * the longest prefix, the latest are read by the next request.
 */
export function limitCacheControl(body: openrouter.ChatRequest, dropped: Set<string>): void {
  const [first, ...others] = body.messages;
  const system = first?.role === "system" ? listBreakpoints(first) : [];
  const turns = (first?.role === "system" ? others : body.messages).flatMap(listBreakpoints);
  const prefix: Cacheable[] = [
    ...(body.cache_control ? [body] : []),
    ...listTools(body),
    ...system,
  ];
  const remaining = Math.max(0, MAX_BREAKPOINTS - prefix.length);
  const surplus = [
    ...prefix.slice(MAX_BREAKPOINTS),
    ...turns.slice(0, Math.max(0, turns.length - remaining)),
  ];
  for (const part of surplus) delete part.cache_control;
  if (surplus.length > 0) dropped.add("cache_control");
}

/** The TTL of the request's cache writes: that of the last breakpoint, where the new text ends. */
export function findCacheTtl(body: openrouter.ChatRequest): "5m" | "1h" {
  const breakpoints: Cacheable[] = [
    ...listTools(body),
    ...body.messages.flatMap(listBreakpoints),
    ...(body.cache_control ? [body] : []),
  ];
  return breakpoints.at(-1)?.cache_control?.ttl ?? "5m";
}

function listTools({ tools = [] }: openrouter.ChatRequest): Cacheable[] {
  return tools.filter((tool) => tool.type === "function").filter(hasBreakpoint);
}

function listBreakpoints({ content }: openrouter.ChatMessage): Cacheable[] {
  return Array.isArray(content) ? content.filter(hasBreakpoint) : [];
}

function hasBreakpoint(part: Cacheable): boolean {
  return part.cache_control !== undefined;
}
