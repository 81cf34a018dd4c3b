/**
 * Single pieces of content: text and image blocks → parts. Pure.
 * This is where to change how an image is sent.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type * as openrouter from "../openrouter/types.ts";

/** Text blocks → text parts, each with its cache breakpoint. */
export function translateParts(blocks: readonly anthropic.TextBlock[]): openrouter.TextPart[] {
  return blocks.map((block) => {
    const part: openrouter.TextPart = { type: "text", text: block.text };
    if (block.cache_control) part.cache_control = block.cache_control;
    return part;
  });
}

/** An image → one `image_url` part: base64 as a data URL, a URL as it is (upstream fetches it, we never do). */
export function translateImage(block: anthropic.ImageBlock): openrouter.ImagePart {
  const part: openrouter.ImagePart = {
    type: "image_url",
    image_url: { url: toImageUrl(block.source) },
  };
  if (block.cache_control) part.cache_control = block.cache_control;
  return part;
}

function toImageUrl(source: anthropic.ImageSource): string {
  if (source.type === "url") return source.url;
  // Some clients already put a data URL into `data`; a doubled prefix makes the image unreadable.
  if (source.data.startsWith("data:")) return source.data;
  return `data:${source.media_type};base64,${source.data}`;
}
