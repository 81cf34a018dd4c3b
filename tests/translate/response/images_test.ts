/** Pictures in an answer: lib/translate/response/images.ts. @module */

import { assertEquals } from "@std/assert";
import { describeImages } from "../../../lib/translate/response/images.ts";

const image = (url: unknown) => ({ type: "image_url", image_url: { url } });

Deno.test("describeImages gives a link for each picture, in order", () => {
  const images = [image("https://a.test/1.png"), image("https://a.test/2.png")];
  assertEquals(
    describeImages(images),
    "\n![image](https://a.test/1.png)\n\n![image](https://a.test/2.png)\n",
  );
});

Deno.test("describeImages names type and size of a picture that came as data, its head not counted", () => {
  const say = (url: string) => describeImages([image(url)]).trim();
  const words = (what: string) => `(The model sent an ${what}, which cannot be shown here.)`;
  assertEquals(
    say(`data:image/svg+xml;base64,${"A".repeat(1364)}`),
    words("image/svg+xml of 1 KB"),
  );
  assertEquals(say(`data:image/png;base64,${"A".repeat(1366)}`), words("image/png of 2 KB"));
  assertEquals(say("data:,A"), words("image of 1 KB"));
});

Deno.test("describeImages says nothing of what is not a picture", () => {
  for (
    const images of [undefined, null, "x", {}, [], [null], [{}], [image(7)], [{ image_url: 1 }]]
  ) {
    assertEquals(describeImages(images), "", JSON.stringify(images));
  }
});
