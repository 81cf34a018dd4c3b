/**
 * Reads the size of an image from its header and estimates its tokens.
 * Source: Anthropic's vision guide: width × height / 750, after images are scaled to 1568 pixels at most.
 * @module
 */

import type { ImageSource } from "../anthropic/types.ts";

const PIXELS_PER_TOKEN = 750;
const MAX_EDGE = 1568;
/** Maximum after scaling; also used when the size cannot be read. */
const MAX_TOKENS = 1600;
/** Enough for any header: a JPEG may contain a thumbnail before its size. */
const HEADER_CHARS = 64 * 1024;

/** In pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Width and height in pixels; null when they cannot be read. */
export function readImageSize(source: ImageSource): Size | null {
  const size = source.type === "base64" ? readSize(decodeHeader(source.data)) : null;
  return size !== null && size.width > 0 && size.height > 0 ? size : null;
}

/** Tokens of one image. */
export function estimateImageTokens(source: ImageSource): number {
  const size = readImageSize(source);
  if (size === null) return MAX_TOKENS;
  const scale = Math.min(1, MAX_EDGE / Math.max(size.width, size.height));
  const pixels = size.width * scale * size.height * scale;
  return Math.min(MAX_TOKENS, Math.ceil(pixels / PIXELS_PER_TOKEN));
}

/** The first bytes as a string of one character per byte; "" when the data is not base64. */
function decodeHeader(data: string): string {
  const start = data.startsWith("data:") ? data.indexOf(",") + 1 : 0;
  try {
    return atob(withoutPadding(data.slice(start, start + HEADER_CHARS)));
  } catch {
    return "";
  }
}

/** Scans from the end: a regular expression would start a match at every `=`. */
function withoutPadding(base64: string): string {
  let end = base64.length;
  while (base64[end - 1] === "=") end--;
  return base64.slice(0, end);
}

function readSize(bytes: string): Size | null {
  if (bytes.startsWith("\x89PNG")) return { width: big(bytes, 16, 4), height: big(bytes, 20, 4) };
  if (bytes.startsWith("GIF8")) return { width: little(bytes, 6, 2), height: little(bytes, 8, 2) };
  if (bytes.startsWith("\xff\xd8")) return readJpeg(bytes);
  if (bytes.startsWith("RIFF") && bytes.startsWith("WEBP", 8)) return readWebp(bytes);
  return null;
}

/** A JPEG is a list of segments; the size is in one of type "start of frame". */
function readJpeg(bytes: string): Size | null {
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === "\xff") {
    const type = bytes.charCodeAt(at + 1);
    const isFrame = type >= 0xc0 && type <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(type);
    if (isFrame) return { height: big(bytes, at + 5, 2), width: big(bytes, at + 7, 2) };
    at += 2 + big(bytes, at + 2, 2);
  }
  return null;
}

/** Each of the three WebP formats has its size at a different offset. */
function readWebp(bytes: string): Size | null {
  switch (bytes.slice(12, 16)) {
    case "VP8X":
      return { width: little(bytes, 24, 3) + 1, height: little(bytes, 27, 3) + 1 };
    case "VP8 ":
      return { width: little(bytes, 26, 2) & 0x3fff, height: little(bytes, 28, 2) & 0x3fff };
    case "VP8L": {
      const bits = little(bytes, 21, 4);
      return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    default:
      return null;
  }
}

function big(bytes: string, start: number, length: number): number {
  let value = 0;
  for (let i = start; i < start + length; i++) value = value * 256 + toByte(bytes, i);
  return value;
}

function little(bytes: string, start: number, length: number): number {
  let value = 0;
  for (let i = start + length - 1; i >= start; i--) value = value * 256 + toByte(bytes, i);
  return value;
}

function toByte(bytes: string, index: number): number {
  return bytes.charCodeAt(index) || 0;
}
