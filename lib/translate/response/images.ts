/**
 * Pictures in an answer → text. Anthropic's answers have no block for one, so a link is what can be shown. Pure.
 * @module
 */

import { isJsonObject } from "../../json.ts";

/** A link for each picture; of one that came as data, which no client of this API could show, a word about it. */
export function describeImages(images: unknown): string {
  if (!Array.isArray(images)) return "";
  return images.map((image: unknown) => {
    const holder = isJsonObject(image) ? image["image_url"] : undefined;
    const url = isJsonObject(holder) ? holder["url"] : undefined;
    return typeof url === "string" ? describe(url) : "";
  }).join("");
}

function describe(url: string): string {
  if (!url.startsWith("data:")) return `\n![image](${url})\n`;
  const type = /^data:([\w/+.-]+)/.exec(url)?.[1] ?? "image";
  const kilobytes = Math.ceil((url.length - url.indexOf(",")) * 3 / 4 / 1024);
  return `\n(The model sent an ${type} of ${kilobytes} KB, which cannot be shown here.)\n`;
}
