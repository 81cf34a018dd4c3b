/**
 * Translates system text, from the top-level prompt and from system turns.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { SEPARATORS, translateParts } from "./content_parts.ts";

/**
 * The first line of Claude Code's system prompt. It differs per session and subagent, so at the start of a prompt it
 * defeats every prefix cache; Anthropic removes it too.
 */
const BILLING_HEADER = /^x-anthropic-billing-header:[^\n]*\n*/;

/** The text blocks of a system turn. Tool references only make tools visible; the rest is reported as dropped. */
export function selectText(
  blocks: readonly anthropic.SystemContent[],
  dropped: Set<string>,
): anthropic.TextBlock[] {
  return blocks.flatMap((block) => {
    if (block.type === "text") return [block];
    if (block.type === "unsupported") dropped.add(block.blockType);
    return [];
  });
}

/** Removes the billing header at the start of a text. */
export function stripBillingHeaderFromText(text: string): string {
  return text.replace(BILLING_HEADER, "");
}

/** Removes the billing header at the start of each text, and texts that are empty without it. */
export function stripBillingHeader(blocks: readonly anthropic.TextBlock[]): anthropic.TextBlock[] {
  return blocks
    .map((block) => {
      const text = stripBillingHeaderFromText(block.text);
      return text.length === block.text.length ? block : { ...block, text };
    })
    .filter((block) => block.text !== "");
}

/** System blocks → one string, or parts if any has a cache breakpoint; null without blocks. */
export function translateSystemText(
  blocks: readonly anthropic.TextBlock[],
): string | openrouter.TextPart[] | null {
  if (blocks.length === 0) return null;
  if (blocks.some((block) => block.cache_control)) return translateParts(blocks);
  return blocks.map((block) => block.text).join(SEPARATORS.system);
}
