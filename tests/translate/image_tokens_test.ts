/** What an image costs in tokens, by the size in its header: lib/translate/image_tokens.ts. @module */

import { assertEquals } from "@std/assert";
import { estimateImageTokens } from "../../lib/translate/image_tokens.ts";

/** The price of an image whose size is not known, and the most that any costs. */
const MOST = 1600;

function estimate(bytes: readonly number[], prefix = ""): number {
  const data = prefix + btoa(String.fromCharCode(...bytes));
  return estimateImageTokens({ type: "base64", media_type: "image/png", data });
}

const text = (words: string) => [...words].map((char) => char.charCodeAt(0));
const zeros = (count: number) => Array.from({ length: count }, () => 0);
const big = (value: number, length: number) =>
  zeros(length).map((_, place) => (value >> (8 * (length - 1 - place))) & 0xff);
const little = (value: number, length: number) => big(value, length).reverse();

const png = (width: number, height: number) => [
  ...[0x89, ...text("PNG\r\n\x1a\n"), ...zeros(8)],
  ...[...big(width, 4), ...big(height, 4)],
];
const gif = (width: number, height: number) => [
  ...text("GIF89a"),
  ...little(width, 2),
  ...little(height, 2),
];
const webp = (kind: string, rest: readonly number[]) => [
  ...[...text("RIFF"), ...zeros(4), ...text("WEBP"), ...text(kind), ...rest],
];
const webpLossy = (width: number, height: number) =>
  webp("VP8 ", [...zeros(10), ...little(width, 2), ...little(height, 2)]);
const webpLossless = (width: number, height: number) =>
  webp("VP8L", [...zeros(5), ...little((width - 1) | ((height - 1) << 14), 4)]);
const webpExtended = (width: number, height: number) =>
  webp("VP8X", [...zeros(8), ...little(width - 1, 3), ...little(height - 1, 3)]);

/** A segment with another size where a frame would have its own. */
const segment = (type: number) => [0xff, type, ...big(7, 2), 8, ...big(30, 2), ...big(30, 2)];
const frame = (type: number, width: number, height: number) => [
  ...[0xff, type, ...big(11, 2), 8],
  ...[...big(height, 2), ...big(width, 2), 3],
];
const jpeg = (...segments: number[][]) => [0xff, 0xd8, ...segments.flat()];

const FORMATS: Record<string, (width: number, height: number) => number[]> = {
  "a PNG": png,
  "a GIF": gif,
  "a JPEG": (width, height) => jpeg(frame(0xc0, width, height)),
  "a lossy WebP": webpLossy,
  "a lossless WebP": webpLossless,
  "an extended WebP": webpExtended,
};

for (const [name, make] of Object.entries(FORMATS)) {
  Deno.test(`the tokens of ${name} are those of its pixels`, () => {
    // Odd sizes, near a step of the price, so that each bit of the header counts.
    assertEquals(estimate(make(1001, 751)), 1003);
    assertEquals(estimate(make(1027, 51)), 70);
    assertEquals(estimate(make(31, 1489)), 62);
  });
}

Deno.test("a JPEG's size is in the first frame, whatever its kind, behind all other segments", () => {
  for (const type of [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc7, 0xc9, 0xcb, 0xcd, 0xcf]) {
    assertEquals(estimate(jpeg(segment(0xe0), frame(type, 1001, 751))), 1003, `${type}`);
  }
  for (const type of [0xbf, 0xc4, 0xc8, 0xcc, 0xd0, 0xdb, 0xe1, 0xfe]) {
    assertEquals(estimate(jpeg(segment(type), frame(0xc2, 1001, 751))), 1003, `${type}`);
  }
});

Deno.test("a JPEG without a frame, or with bytes between segments, has no known size", () => {
  assertEquals(estimate(jpeg(segment(0xe0))), MOST);
  assertEquals(estimate(jpeg([0, ...frame(0xc0, 10, 10)])), MOST);
  assertEquals(estimate(jpeg(frame(0xc0, 10, 10).slice(0, 8))), MOST);
});

Deno.test("a large image is scaled to 1568 pixels at its longer edge, and costs 1600 at most", () => {
  assertEquals(estimate(png(15_680, 7500)), 1568);
  assertEquals(estimate(png(7500, 15_680)), 1568);
  assertEquals(estimate(png(1568, 765)), 1600);
  assertEquals(estimate(png(1568, 1568)), MOST);
});

Deno.test("the smallest image costs one token, and one that says it is empty what the largest does", () => {
  assertEquals(estimate(png(1, 1)), 1);
  assertEquals(estimate(png(0, 0)), MOST);
});

Deno.test("an image whose size cannot be read costs what the largest does", () => {
  assertEquals(estimate(text("BM6")), MOST);
  assertEquals(estimate(webp("VP9 ", zeros(20))), MOST);
  assertEquals(estimate([...text("RIFF"), ...zeros(4), ...text("WAVEfmt ")]), MOST);
  const broken = { type: "base64", media_type: "image/png", data: "%%%" } as const;
  assertEquals(estimateImageTokens(broken), MOST);
  assertEquals(estimateImageTokens({ type: "url", url: "https://example.com/a.png" }), MOST);
});

Deno.test("an image may come as a data URL, and with padding in its middle", () => {
  assertEquals(estimate(png(1001, 751), "data:image/png;base64,"), 1003);
  const data = `${btoa(String.fromCharCode(...png(1001, 751)))}==`;
  assertEquals(estimateImageTokens({ type: "base64", media_type: "image/png", data }), 1003);
});
