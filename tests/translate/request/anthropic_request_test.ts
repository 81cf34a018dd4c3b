/** Tests lib/translate/request/anthropic_request.ts. @module */

import { assertEquals } from "@std/assert";
import {
  estimateAnthropicTokens,
  listRequestedModels,
} from "../../../lib/translate/request/anthropic_request.ts";

Deno.test("estimateAnthropicTokens counts text by length and files by size", () => {
  const text = "word ".repeat(800);
  const tokens = (content: unknown) =>
    estimateAnthropicTokens({ messages: [{ role: "user", content }] });
  const least = tokens("");
  assertEquals(tokens(text) - least, 1000);
  assertEquals(tokens([{ type: "text", text }]) > 1000, true);
  const file = (media_type: string) => [{
    type: "image",
    source: { type: "base64", media_type, data: "A".repeat(400_000) },
  }];
  assertEquals(tokens(file("image/png")) < 2000, true);
  assertEquals(tokens(file("application/pdf")) > 4 * 2000, true);
  assertEquals(estimateAnthropicTokens({}), 1);
  assertEquals(estimateAnthropicTokens({ a: null, b: [7, true] }), 1);
});

Deno.test("listRequestedModels lists model, models and fallbacks", () => {
  assertEquals(listRequestedModels({ model: "a/x" }), ["a/x"]);
  assertEquals(listRequestedModels({ model: "a/x", models: ["a/x", "b/y"] }), [
    "a/x",
    "a/x",
    "b/y",
  ]);
  const fallbacks = [{ model: "c/z", max_tokens: 5 }, 7, { model: 8 }];
  assertEquals(listRequestedModels({ model: "a/x", fallbacks }), ["a/x", "c/z"]);
});
