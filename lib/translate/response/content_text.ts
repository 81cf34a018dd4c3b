/**
 * Reads the text of a message or delta, and renders its images as text, because Anthropic's responses have no image
 * blocks. Pure.
 * @module
 */

import { isJsonObject } from "../../json.ts";

/** The text of a `content`, which is a string or a list of parts; "" for anything else. */
export function readText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.map((part) => isJsonObject(part) ? readText(part["text"]) : "").join("");
}

/** A Markdown link for each image. Clients cannot show data URLs, so for these a note with type and size. */
export function describeImages(images: unknown): string {
  if (!Array.isArray(images)) return "";
  return images.map((image: unknown) => {
    const imageUrl = isJsonObject(image) ? image["image_url"] : undefined;
    const url = isJsonObject(imageUrl) ? imageUrl["url"] : undefined;
    return typeof url === "string" ? describeImage(url) : "";
  }).join("");
}

function describeImage(url: string): string {
  if (!url.startsWith("data:")) return `\n![image](${url})\n`;
  const type = /^data:([\w/+.-]+)/.exec(url)?.[1] ?? "image";
  const kilobytes = Math.ceil((url.length - url.indexOf(",")) * 3 / 4 / 1024);
  return `\n(The model sent an ${type} of ${kilobytes} KB, which cannot be shown here.)\n`;
}
