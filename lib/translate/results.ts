/**
 * Tool results → `tool` messages. Pure.
 * Upstream takes text there; images follow in a user message after all sibling results.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type * as openrouter from "../openrouter/types.ts";
import { translateImage, translateParts } from "./content.ts";
import type { ToolNames } from "./names.ts";

/** An empty tool message makes some models stop; Anthropic's clients send empty results. */
const EMPTY = "(no output)";
/** A history cut or compacted by the client may have lost a result; upstream refuses a call without one. */
const MISSING = "(no result: the tool was not run)";
const SEE_BELOW = "(image in the next message)";

/** A result in upstream's form. */
export interface TranslatedResult {
  message: Extract<openrouter.ChatMessage, { role: "tool" }>;
  /** Parts that cannot stand in a tool message, labelled with the call they belong to. */
  follow: openrouter.ContentPart[];
}

/** What results are translated with. */
export interface ResultOptions {
  names: ToolNames;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** The answer to one call; a missing result is made up and says so. */
export function translateResult(
  { result, upstreamId: callId }: { result?: anthropic.ToolResultBlock; upstreamId: string },
  options: ResultOptions,
): TranslatedResult {
  if (result === undefined) return { message: toMessage(callId, MISSING), follow: [] };
  const { texts, images } = split(result, options);
  const follow: openrouter.ContentPart[] = images.length === 0 ? [] : [
    { type: "text", text: `Images from the result of tool call ${callId}:` },
    ...images.map(translateImage),
  ];
  const marked = markError(fill(texts, images.length), result.is_error === true);
  return { message: toMessage(callId, toContent(marked, result.cache_control)), follow };
}

/** A result whose call is not in the history (compacted away) → plain content of the same user turn. */
export function translateOrphan(
  result: anthropic.ToolResultBlock,
  options: ResultOptions,
): anthropic.UserContent[] {
  const { texts, images } = split(result, options);
  const marked = markError(fill(texts, images.length), result.is_error === true);
  const words = marked.map((block) => block.text).join("\n");
  const text: anthropic.TextBlock = {
    type: "text",
    text: `Result of an earlier tool call (${result.tool_use_id}):\n${words}`,
  };
  if (result.cache_control) text.cache_control = result.cache_control;
  return [text, ...images];
}

/** Upstream's tool messages take text; images go elsewhere, and what has no counterpart is named. */
function split(
  { content = [] }: anthropic.ToolResultBlock,
  { names, dropped }: ResultOptions,
): { texts: anthropic.TextBlock[]; images: anthropic.ImageBlock[] } {
  const texts: anthropic.TextBlock[] = [];
  const images: anthropic.ImageBlock[] = [];
  const blocks = typeof content === "string" ? [toText(content)] : content;
  for (const block of blocks) {
    switch (block.type) {
      case "text":
        if (block.text !== "") texts.push(block);
        break;
      case "image":
        images.push(block);
        break;
      case "tool_reference":
        // What a client's tool search found: as text the model still learns the name.
        texts.push(toText(`Tool available: ${names.toUpstream(block.tool_name)}`));
        break;
      case "foreign":
        dropped.add(block.foreign);
        break;
      default:
        block satisfies never;
    }
  }
  return { texts, images };
}

function toText(text: string): anthropic.TextBlock {
  return { type: "text", text };
}

function fill(texts: anthropic.TextBlock[], images: number): anthropic.TextBlock[] {
  if (texts.length > 0) return texts;
  return [toText(images > 0 ? SEE_BELOW : EMPTY)];
}

/** `is_error` has no field upstream, so the model reads it in the text. */
function markError(texts: anthropic.TextBlock[], isError: boolean): anthropic.TextBlock[] {
  const [first, ...rest] = texts;
  if (!isError || first === undefined || /^\W*(tool_use_)?error/i.test(first.text)) return texts;
  return [{ ...first, text: `Error: ${first.text}` }, ...rest];
}

/** One string, unless a cache breakpoint needs a part to stand on. */
function toContent(
  texts: anthropic.TextBlock[],
  cacheControl: anthropic.CacheControl | null | undefined,
): string | openrouter.TextPart[] {
  const parts = translateParts(texts);
  const last = parts.at(-1);
  if (cacheControl && last !== undefined) last.cache_control = cacheControl;
  if (parts.some((part) => part.cache_control)) return parts;
  return parts.map((part) => part.text).join("\n");
}

function toMessage(
  callId: string,
  content: string | openrouter.TextPart[],
): TranslatedResult["message"] {
  return { role: "tool", tool_call_id: callId, content };
}
