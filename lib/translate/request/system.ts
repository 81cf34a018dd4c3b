/**
 * System text, at the top or in mid-conversation. Pure.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { SEPARATORS, translateParts } from "./content_parts.ts";

/**
 * The first line Claude Code puts before its system prompt. It differs per session and subagent, so at the
 * head of a prompt it defeats every prefix cache; Anthropic itself takes it out too.
 */
const BILLING_HEADER = /^x-anthropic-billing-header:[^\n]*\n*/;

/** The text of a system turn; tools that it makes known are offered, and what has no counterpart is named. */
export function listSystemText(
  blocks: readonly anthropic.SystemContent[],
  dropped: Set<string>,
): anthropic.TextBlock[] {
  return blocks.flatMap((block) => {
    if (block.type === "text") return [block];
    if (block.type === "foreign") dropped.add(block.foreign);
    return [];
  });
}

/** A text without the billing line that leads it. */
export function stripBillingHeaderFromText(text: string): string {
  return text.replace(BILLING_HEADER, "");
}

/** Removes the billing line where it leads a text; elsewhere it is content. A text of nothing else goes. */
export function stripBillingHeader(blocks: readonly anthropic.TextBlock[]): anthropic.TextBlock[] {
  return blocks
    .map((block) => {
      const text = stripBillingHeaderFromText(block.text);
      return text.length === block.text.length ? block : { ...block, text };
    })
    .filter((block) => block.text !== "");
}

/** System blocks → content: parts where a cache breakpoint stands on one, else one string; null for none. */
export function translateSystemText(
  blocks: readonly anthropic.TextBlock[],
): string | openrouter.TextPart[] | null {
  if (blocks.length === 0) return null;
  if (blocks.some((block) => block.cache_control)) return translateParts(blocks);
  return blocks.map((block) => block.text).join(SEPARATORS.system);
}
