/** Tokens of images, by the size in their headers. @module */

import { assertEquals } from "@std/assert";
import { estimateImageTokens, readImageSize } from "../../lib/translate/image_tokens.ts";

/** The maximum, also used for an image of unknown size. */
const MAX = 1600;

function estimate(bytes: readonly number[], prefix = ""): number {
  const data = prefix + btoa(String.fromCharCode(...bytes));
  return estimateImageTokens({ type: "base64", media_type: "image/png", data });
}

function readSize(bytes: readonly number[], prefix = "") {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return readImageSize({ type: "base64", media_type: "image/png", data: prefix + btoa(binary) });
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

/** A segment with another size at the offset where a frame has its size. */
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
  Deno.test(`estimateImageTokens reads the size of ${name}`, () => {
    // Odd sizes, near a step of the estimate, so that each bit of the header matters.
    assertEquals(estimate(make(1001, 751)), 1003);
    assertEquals(estimate(make(1027, 51)), 70);
    assertEquals(estimate(make(31, 1489)), 62);
  });
}

/** Sizes with other bytes in each place, of one byte up to what the format has room for. */
const SIZES: Record<string, [width: number, height: number][]> = {
  "a PNG": [[0x01020304, 0x05060708], [0x0a000000, 0x0b000000], [1, 2], [2, 1]],
  "a GIF": [[0x0102, 0x0304], [0xff00, 0x00ff], [1, 2], [2, 1]],
  "a JPEG": [[0x0102, 0x0304], [0xff00, 0x00ff], [1, 2], [2, 1]],
  "a lossy WebP": [[0x3102, 0x2304], [0x3fff, 0x3ffe], [0x3f00, 0x00ff], [1, 2], [2, 1]],
  "a lossless WebP": [[0x3102, 0x2304], [0x4000, 0x3fff], [0x3fff, 0x4000], [1, 2], [2, 1]],
  "an extended WebP": [[0x010203, 0x040506], [0x1000000, 0xffffff], [1, 2], [2, 1]],
};

for (const [name, sizes] of Object.entries(SIZES)) {
  Deno.test(`readImageSize reads every byte of the size of ${name}`, () => {
    for (const [width, height] of sizes) {
      // Bytes after the size, which are not part of it.
      const bytes = [...FORMATS[name]?.(width, height) ?? [], 0xff, 0xff, 0xff, 0xff];
      assertEquals(readSize(bytes), { width, height });
    }
  });
}

Deno.test("readImageSize ignores the scaling bits of a lossy WebP", () => {
  const size = [...little(0x4000 | 300, 2), ...little(0xc000 | 200, 2)];
  assertEquals(readSize(webp("VP8 ", [...zeros(10), ...size])), { width: 300, height: 200 });
});

Deno.test("readImageSize returns null for a width or height of 0, and for a missing one", () => {
  assertEquals([png(0, 5), png(5, 0), png(1, 1).slice(0, 20)].map((bytes) => readSize(bytes)), [
    null,
    null,
    null,
  ]);
  assertEquals(readSize(png(1, 1)), { width: 1, height: 1 });
  const type = "url" as const;
  assertEquals(readImageSize({ type, url: "data:image/gif;base64,R0lGODlhAQABAAAA" }), null);
});

Deno.test("readImageSize finds a format only by the bytes at the start", () => {
  const riff = (kind: string) => [...text("RIFF"), ...zeros(4), ...text(kind)];
  const size = [...zeros(8), ...little(9, 3), ...little(9, 3)];
  assertEquals(readSize([...riff("WEBP"), ...text("VP8X"), ...size]), { width: 10, height: 10 });
  assertEquals(readSize([...riff("WAVE"), ...text("VP8X"), ...size]), null);
  assertEquals(
    readSize([...text("RIFX"), ...riff("WEBP").slice(4), ...text("VP8X"), ...size]),
    null,
  );
  for (const bytes of [png(9, 9), gif(9, 9), jpeg(frame(0xc0, 9, 9))]) {
    assertEquals(readSize([0, ...bytes]), null);
    assertEquals(readSize([...zeros(40), ...bytes.slice(0, 4)]), null);
  }
});

Deno.test("readImageSize reads a frame of a JPEG only if a byte follows its size", () => {
  const whole = jpeg(frame(0xc0, 9, 9));
  assertEquals(readSize(whole.slice(0, 12)), { width: 9, height: 9 });
  assertEquals(readSize(whole.slice(0, 11)), null);
});

Deno.test("readImageSize searches the first 64 KiB of the base64 for the frame of a JPEG", () => {
  const find = (offset: number, prefix: string) => {
    const length = offset - 4;
    const filler = ["\xff\xe0", ...big(length, 2), "\0".repeat(length - 2)];
    const data = prefix + bytes("\xff\xd8", ...filler, ...frame(0xc0, 9, 9));
    return readImageSize({ type: "base64", media_type: "image/jpeg", data });
  };
  // 64 KiB of base64 are 48 KiB of bytes, of which ten are the frame.
  const last = 48 * 1024 - 10;
  for (const prefix of ["", "data:image/jpeg;base64,"]) {
    assertEquals(find(last, prefix), { width: 9, height: 9 });
    assertEquals(find(last + 1, prefix), null);
  }
});

Deno.test("readImageSize skips what precedes a comma only in a data URL", () => {
  assertEquals(readSize(gif(300, 200), "data:,"), { width: 300, height: 200 });
  assertEquals(readSize(gif(300, 200), "AAAA,"), null);
});

Deno.test("readImageSize reads base64 without padding, and with too much", () => {
  for (const extra of [0, 1, 2]) {
    const base64 = btoa(String.fromCharCode(...gif(300, 200), ...zeros(extra)));
    for (const data of [base64.replace(/=+$/, ""), base64, `${base64}===`]) {
      const source = { type: "base64" as const, media_type: "image/gif", data };
      assertEquals(readImageSize(source), { width: 300, height: 200 }, data);
    }
  }
});

Deno.test("estimateImageTokens finds the first frame of a JPEG, of any kind, after other segments", () => {
  for (const type of [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc7, 0xc9, 0xcb, 0xcd, 0xcf]) {
    assertEquals(estimate(jpeg(segment(0xe0), frame(type, 1001, 751))), 1003, `${type}`);
  }
  for (const type of [0xbf, 0xc4, 0xc8, 0xcc, 0xd0, 0xdb, 0xe1, 0xfe]) {
    assertEquals(estimate(jpeg(segment(type), frame(0xc2, 1001, 751))), 1003, `${type}`);
  }
});

Deno.test("estimateImageTokens uses the maximum for a JPEG without a frame or with bytes between segments", () => {
  assertEquals(estimate(jpeg(segment(0xe0))), MAX);
  assertEquals(estimate(jpeg([0, ...frame(0xc0, 10, 10)])), MAX);
  assertEquals(estimate(jpeg(frame(0xc0, 10, 10).slice(0, 8))), MAX);
});

Deno.test("estimateImageTokens scales the longer edge to 1568 pixels and returns at most 1600", () => {
  assertEquals(estimate(png(15_680, 7500)), 1568);
  assertEquals(estimate(png(7500, 15_680)), 1568);
  assertEquals(estimate(png(1568, 765)), 1600);
  assertEquals(estimate(png(1568, 1568)), MAX);
});

Deno.test("estimateImageTokens returns 1 for the smallest image, and the maximum for a size of 0", () => {
  assertEquals(estimate(png(1, 1)), 1);
  assertEquals(estimate(png(0, 0)), MAX);
});

Deno.test("estimateImageTokens uses the maximum for a size that cannot be read, and does not fetch URLs", () => {
  assertEquals(estimate(text("BM6")), MAX);
  assertEquals(estimate(webp("VP9 ", zeros(20))), MAX);
  assertEquals(estimate([...text("RIFF"), ...zeros(4), ...text("WAVEfmt ")]), MAX);
  const broken = { type: "base64", media_type: "image/png", data: "%%%" } as const;
  assertEquals(estimateImageTokens(broken), MAX);
  assertEquals(estimateImageTokens({ type: "url", url: "https://example.com/a.png" }), MAX);
});

Deno.test("estimateImageTokens reads data URLs, and base64 with extra padding", () => {
  assertEquals(estimate(png(1001, 751), "data:image/png;base64,"), 1003);
  const data = `${btoa(String.fromCharCode(...png(1001, 751)))}==`;
  assertEquals(estimateImageTokens({ type: "base64", media_type: "image/png", data }), 1003);
});

const bytes = (...values: (number | string)[]) =>
  btoa(
    values.map((value) => typeof value === "string" ? value : String.fromCharCode(value)).join(""),
  );
const PAD = "\0".repeat(40);

/** Real headers → tokens by width × height / 750. */
const IMAGES: [string, string, number][] = [
  [
    "PNG of 1000 × 750",
    bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 0, 0, 3, 232, 0, 0, 2, 238, PAD),
    1000,
  ],
  ["PNG of 1 × 1", bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 0, 0, 0, 1, 0, 0, 0, 1, PAD), 1],
  [
    "PNG of 8000 × 800, scaled",
    bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 0, 0, 31, 64, 0, 0, 3, 32, PAD),
    328,
  ],
  ["GIF of 300 × 200", bytes("GIF89a", 44, 1, 200, 0, PAD), 80],
  [
    "JPEG of 640 × 480",
    bytes(255, 216, 255, 224, 0, 4, 0, 0, 255, 192, 0, 17, 8, 1, 224, 2, 128, PAD),
    410,
  ],
  [
    "WebP (VP8X) of 300 × 200",
    bytes("RIFF\0\0\0\0WEBPVP8X", "\0".repeat(8), 43, 1, 0, 199, 0, 0, PAD),
    80,
  ],
  [
    "WebP (VP8) of 300 × 200",
    bytes("RIFF\0\0\0\0WEBPVP8 ", "\0".repeat(10), 44, 1, 200, 0, PAD),
    80,
  ],
  ["bytes that are not an image", bytes("not an image", PAD), 1600],
  ["text that is not base64", "%%%", 1600],
];

for (const [name, data, tokens] of IMAGES) {
  Deno.test(`estimateImageTokens returns ${tokens} for ${name}`, () => {
    const source = { type: "base64" as const, media_type: "image/png", data };
    assertEquals(estimateImageTokens(source), tokens);
  });
}
