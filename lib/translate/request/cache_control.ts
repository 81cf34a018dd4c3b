/**
 * Cache breakpoints of a translated request: how many may travel, and how long what they mark is kept. Pure.
 * @module
 */

import type * as openrouter from "../../openrouter/types.ts";

/** Anthropic refuses a request with more; the top-level form counts as one. */
const MAX_BREAKPOINTS = 4;

type Marked = { cache_control?: openrouter.ChatRequest["cache_control"] };

/**
 * Takes out breakpoints above the limit, the earliest of the conversation first: those on tools and the system
 * prompt hold the longest prefix, the last ones what the next request reads.
 */
export function limitCacheControl(body: openrouter.ChatRequest, dropped: Set<string>): void {
  const isHead = (index: number) => index === 0 && body.messages[0]?.role === "system";
  const head = body.messages.filter((_, index) => isHead(index)).flatMap(listMarks);
  const turns = body.messages.filter((_, index) => !isHead(index)).flatMap(listMarks);
  const prefix: Marked[] = [...(body.cache_control ? [body] : []), ...listTools(body), ...head];
  const room = Math.max(0, MAX_BREAKPOINTS - prefix.length);
  const surplus = [
    ...prefix.slice(MAX_BREAKPOINTS),
    ...turns.slice(0, Math.max(0, turns.length - room)),
  ];
  for (const mark of surplus) delete mark.cache_control;
  if (surplus.length > 0) dropped.add("cache_control");
}

/** How long what a request writes to the cache is kept: as the last breakpoint says, where the new text ends. */
export function findCacheTtl(body: openrouter.ChatRequest): "5m" | "1h" {
  const marks: Marked[] = [
    ...listTools(body),
    ...body.messages.flatMap(listMarks),
    ...(body.cache_control ? [body] : []),
  ];
  return marks.at(-1)?.cache_control?.ttl ?? "5m";
}

function listTools({ tools = [] }: openrouter.ChatRequest): Marked[] {
  return tools.filter((tool) => tool.type === "function").filter(isMarked);
}

function listMarks({ content }: openrouter.ChatMessage): Marked[] {
  return Array.isArray(content) ? content.filter(isMarked) : [];
}

function isMarked(part: Marked): boolean {
  return part.cache_control !== undefined;
}
