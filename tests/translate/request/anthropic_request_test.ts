/** Requests in Anthropic's own format: what is replaced, and the estimate of their tokens. @module */

import { assertEquals } from "@std/assert";
import {
  type AnthropicRequestOptions,
  estimateAnthropicTokens,
  findAnthropicCacheTtl,
  listRequestedModels,
  toAnthropicRequest,
} from "../../../lib/translate/request/anthropic_request.ts";

type Json = Record<string, unknown>;

const BILLING = "x-anthropic-billing-header: cc_version=2";

function map(body: Json, options: Partial<AnthropicRequestOptions> = {}): Json {
  const resolve = (name: string) => `a/${name}`;
  return toAnthropicRequest(body, { models: ["a/x"], resolve, provider: null, ...options });
}

/** System prompt → the one that is sent. */
const SYSTEMS: [about: string, system: unknown, sent: unknown][] = [
  ["a text", "Be brief.", "Be brief."],
  ["a text after a billing header", `${BILLING}\n\nBe brief.`, "Be brief."],
  ["a billing header in the middle", `Hi\n${BILLING}`, `Hi\n${BILLING}`],
  ["a billing header alone", BILLING, ""],
  ["blocks, one of a billing header", [
    { type: "text", text: BILLING },
    { type: "text", text: `${BILLING}\nHi`, cache_control: { type: "ephemeral" } },
  ], [{ type: "text", text: "Hi", cache_control: { type: "ephemeral" } }]],
  ["blocks without text", [{ type: "image" }, null, 7, { text: 7 }], [
    { type: "image" },
    null,
    7,
    { text: 7 },
  ]],
  ["null", null, null],
  ["an object", { text: BILLING }, { text: BILLING }],
];

for (const [about, system, sent] of SYSTEMS) {
  Deno.test(`toAnthropicRequest sends a system prompt of ${about}`, () => {
    assertEquals(map({ model: "m", system }), { model: "a/x", system: sent });
  });
}

Deno.test("toAnthropicRequest changes nothing but the model of a plain request", () => {
  const body = { model: "m", max_tokens: 9, custom: { deep: [1] } };
  assertEquals(map(body), { ...body, model: "a/x" });
  assertEquals(body.model, "m");
});

Deno.test("toAnthropicRequest sends OpenRouter's fallbacks, unless the request has its own", () => {
  const models = ["a/x", "b/y"] as const;
  assertEquals(map({ model: "m" }, { models }), { model: "a/x", models: ["a/x", "b/y"] });
  const fallbacks = [{ model: "opus", max_tokens: 5 }, { model: 7 }, "x", null];
  assertEquals(map({ model: "m", fallbacks }, { models }), {
    model: "a/x",
    fallbacks: [{ model: "a/opus", max_tokens: 5 }, { model: 7 }, "x", null],
  });
  assertEquals(map({ model: "m", fallbacks: "x" }, { models }), {
    model: "a/x",
    models: ["a/x", "b/y"],
    fallbacks: "x",
  });
  assertEquals(map({ model: "m", fallbacks: [] }), { model: "a/x", fallbacks: [] });
});

Deno.test("toAnthropicRequest sends the operator's provider preferences instead of the client's", () => {
  const provider = { order: ["P"] };
  assertEquals(map({ model: "m", provider: { order: ["Q"] } }, { provider }), {
    model: "a/x",
    provider,
  });
  assertEquals(map({ model: "m", provider: { order: ["Q"] } }), {
    model: "a/x",
    provider: { order: ["Q"] },
  });
});

Deno.test("listRequestedModels lists the models of a request in order, without other values", () => {
  const models = ["b/y", null, { model: "c/z" }];
  assertEquals(listRequestedModels({ model: "a/x", models, fallbacks: [{ model: "d/w" }, 7] }), [
    "a/x",
    "b/y",
    "c/z",
    "d/w",
  ]);
  assertEquals(listRequestedModels({ model: 7, models: "b/y" }), [""]);
});

/** Body → its tokens: a quarter of each string's length, one for each object. */
const BODIES: [about: string, body: Json, tokens: number][] = [
  ["an empty body", {}, 1],
  ["a string", { a: "12345678" }, 3],
  ["a part of a token", { a: "12345" }, 3],
  ["other values", { a: 7, b: true, c: null }, 1],
  ["lists and objects", { a: ["1234", { b: "1234" }, [7, "12345678"]] }, 6],
  ["an image of unknown size", {
    source: { type: "base64", media_type: "image/png", data: "A".repeat(400_000) },
  }, 1601],
  ["a PDF of four pages", {
    source: { type: "base64", media_type: "application/pdf", data: "A".repeat(400_000) },
  }, 9001],
  ["a file without a media type", { source: { type: "base64", data: "A" } }, 2251],
  [
    "a data URL's media type",
    { source: { type: "base64", media_type: "x-image/", data: "A" } },
    2251,
  ],
  ["base64 without data", { source: { type: "base64", data: 7 } }, 4],
  ["data of another type", { source: { type: "text", data: "12345678" } }, 5],
];

for (const [about, body, tokens] of BODIES) {
  Deno.test(`estimateAnthropicTokens counts ${about}`, () => {
    assertEquals(estimateAnthropicTokens(body), tokens);
  });
}

const SHORT = { cache_control: { type: "ephemeral" } };
const LONG = { cache_control: { type: "ephemeral", ttl: "1h" } };

const TTLS: [about: string, body: Json, ttl: "5m" | "1h"][] = [
  ["without breakpoints", { messages: "x", tools: null }, "5m"],
  ["with one on a tool", { tools: [LONG, null] }, "1h"],
  ["with one on the system prompt", { system: [LONG], messages: [{ content: [{}] }] }, "1h"],
  ["with one in a message", { system: [SHORT], messages: [{ content: [LONG, "x"] }] }, "1h"],
  ["with a short one at the end", { tools: [LONG], messages: [{ content: [SHORT] }] }, "5m"],
  ["with one of its own", { ...LONG, messages: [{ content: [SHORT] }] }, "1h"],
];

for (const [about, body, ttl] of TTLS) {
  Deno.test(`findAnthropicCacheTtl of a request ${about} is ${ttl}`, () => {
    assertEquals(findAnthropicCacheTtl(body), ttl);
  });
}
