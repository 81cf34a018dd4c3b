/** Tests the text of contents, and the text made of images: lib/translate/response/content_text.ts. @module */

import { assertEquals } from "@std/assert";
import { describeImages, readText } from "../../../lib/translate/response/content_text.ts";

const image = (url: unknown) => ({ type: "image_url", image_url: { url } });

Deno.test("describeImages returns a link for each image, in order", () => {
  const images = [image("https://a.test/1.png"), image("https://a.test/2.png")];
  assertEquals(
    describeImages(images),
    "\n![image](https://a.test/1.png)\n\n![image](https://a.test/2.png)\n",
  );
});

Deno.test("describeImages returns type and size of an image in a data URL, without its prefix", () => {
  const describe = (url: string) => describeImages([image(url)]).trim();
  const note = (kind: string) => `(The model sent an ${kind}, which cannot be shown here.)`;
  assertEquals(
    describe(`data:image/svg+xml;base64,${"A".repeat(1364)}`),
    note("image/svg+xml of 1 KB"),
  );
  assertEquals(describe(`data:image/png;base64,${"A".repeat(1366)}`), note("image/png of 2 KB"));
  assertEquals(describe("data:,A"), note("image of 1 KB"));
  assertEquals(describe("data:,data:text/plain"), note("image of 1 KB"));
  const svg = `data:image/svg+xml,${"0,".repeat(1000)}`;
  assertEquals(describe(svg), note("image/svg+xml of 2 KB"));
});

Deno.test("describeImages ignores everything that is not an image", () => {
  for (
    const images of [undefined, null, "x", {}, [], [null], [{}], [image(7)], [{ image_url: 1 }]]
  ) {
    assertEquals(describeImages(images), "", JSON.stringify(images));
  }
});

/** Content → its text. */
const CONTENTS: [content: unknown, text: string][] = [
  ["Hi", "Hi"],
  ["", ""],
  [[], ""],
  [[{ type: "text", text: "a" }, { text: "b" }], "ab"],
  [[null, 7, "x", [], {}, { text: 7 }, { text: null }, { text: "a" }], "a"],
  [[{ text: [{ text: "a" }, { text: "b" }] }], "ab"],
  ...[undefined, null, 7, true, {}, { text: "a" }].map((
    content,
  ): [unknown, string] => [content, ""]),
];

for (const [content, text] of CONTENTS) {
  Deno.test(`readText of ${JSON.stringify(content)} is ${JSON.stringify(text)}`, () => {
    assertEquals(readText(content), text);
  });
}

Deno.test("describeImages rounds the size of an image up to full KB", () => {
  // Four characters of base64 are three bytes; the comma counts as one character.
  const describe = (chars: number) => {
    const images = [image(`data:image/png;base64,${"A".repeat(chars)}`)];
    return /of (\d+) KB/.exec(describeImages(images))?.[1];
  };
  assertEquals([0, 1364, 1365, 2729, 2730].map(describe), ["1", "1", "2", "2", "3"]);
});
