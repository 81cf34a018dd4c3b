/** Wordings of upstream that clients act on: lib/openrouter/errors.ts. @module */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findRefusal, parseErrorAnswer } from "../lib/openrouter/errors.ts";

/** Wordings of a context overflow → tokens and limit, where the wording tells them. */
const OVERFLOWS: readonly (readonly [string, string, [number, number] | null, string?])[] = [
  [
    "OpenRouter",
    "This endpoint's maximum context length is 200000 tokens. However, you requested about 210000 " +
    "tokens (193000 of text input, 17000 in the output). Please reduce the length of either one.",
    [210000, 200000],
  ],
  [
    "OpenAI",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in " +
    "130501 tokens. Please reduce the length of the messages.",
    [130501, 128000],
  ],
  [
    "OpenAI with commas",
    "maximum context length is 128,000 tokens, however you requested 130,501 tokens",
    [130501, 128000],
  ],
  ["Anthropic", "prompt is too long: 210000 tokens > 200000 maximum", [210000, 200000]],
  [
    "vLLM",
    "This model's maximum context length is 131072 tokens. However, you requested 8000 output " +
    "tokens and your prompt contains at least 123073 input tokens, for a total of at least 131073 tokens.",
    [131073, 131072],
  ],
  [
    "Gemini",
    "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
    [1200293, 1048576],
  ],
  [
    "xAI",
    "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    [140000, 131072],
  ],
  ["Bedrock", "Input is too long for requested model.", null],
  ["a code only", "Too big", null, "context_length_exceeded"],
];

for (const [who, message, figures, errorType] of OVERFLOWS) {
  Deno.test(`a context overflow in the words of ${who} is one that Claude Code compacts at`, () => {
    const metadata = errorType === undefined ? {} : { error_type: errorType };
    const error = parseErrorAnswer(400, toBody({ code: 400, message, metadata }), {});
    assertEquals([error.type, error.status], ["invalid_request_error", 400]);
    assertMatch(error.message, /prompt is too long/);
    if (figures === null) return;
    const [, asked, limit] =
      /prompt is too long[^0-9]*(\d+)\s*tokens?\s*>\s*(\d+)/.exec(error.message) ?? [];
    assertEquals([Number(asked), Number(limit)], figures);
  });
}

Deno.test("input and max_tokens over the limit keep the words that Claude Code reads", () => {
  const message = "input length and `max_tokens` exceed context limit: 190000 + 16384 > 200000";
  const metadata = { provider_name: "Anthropic", raw: toBody({ message }) };
  const body = toBody({ code: 400, message: "Provider returned error", metadata });
  const error = parseErrorAnswer(400, body, {});
  assertEquals([error.type, error.status], ["invalid_request_error", 400]);
  assertStringIncludes(error.message, message);
});

Deno.test("too many tokens a minute are a rate limit, not a context overflow", () => {
  const error = parseErrorAnswer(429, toBody({ code: 429, message: "Too many tokens: 5000" }), {});
  assertEquals([error.type, error.message], ["rate_limit_error", "Too many tokens: 5000"]);
});

Deno.test("an unaffordable answer names the setting that makes it affordable", () => {
  const message = "This request requires more credits, or fewer max_tokens. You requested up to " +
    "32000 tokens, but can only afford 1234. To increase, visit https://openrouter.ai/settings/credits";
  const error = parseErrorAnswer(402, toBody({ code: 402, message }), {});
  assertEquals([error.type, error.status], ["billing_error", 402]);
  assertStringIncludes(error.message, message);
  assertStringIncludes(error.message, "CLAUDE_CODE_MAX_OUTPUT_TOKENS=1234");
});

Deno.test("an unknown model keeps upstream's status and names the nearest", () => {
  const asked: string[] = [];
  const nearest = (model: string) => {
    asked.push(model);
    return ["anthropic/claude-sonnet-4", "anthropic/claude-sonnet-4.5"];
  };
  const context = { model: "anthropic/claude-sonet-4", nearest };
  const unknown: readonly (readonly [number, object])[] = [
    [400, { code: 400, message: "anthropic/claude-sonet-4 is not a valid model ID" }],
    [404, { code: 404, message: "No endpoints found for anthropic/claude-sonet-4." }],
    [400, { message: "Gone", availability: { code: "model_not_found" } }],
    [404, { message: "Gone", availability: { code: "no_endpoints" } }],
    [404, { message: "Gone", availability: { code: "model_deprecated" } }],
  ];
  for (const [status, body] of unknown) {
    const error = parseErrorAnswer(status, toBody(body), context);
    assertEquals(error.status, status);
    assertEquals(error.type, status === 404 ? "not_found_error" : "invalid_request_error");
    assertStringIncludes(error.message, "anthropic/claude-sonnet-4, anthropic/claude-sonnet-4.5");
    assertEquals(findRefusal(error), "unknown_model");
  }
  assertEquals(new Set(asked), new Set([context.model]));
});

Deno.test("an unknown model without a catalog keeps upstream's words", () => {
  const body = toBody({ code: 400, message: "x/y is not a valid model ID" });
  for (const context of [{}, { model: "x/y" }, { model: "x/y", nearest: () => [] }]) {
    const error = parseErrorAnswer(400, body, context);
    assertEquals(error.message, "x/y is not a valid model ID");
    assertEquals(findRefusal(error), "unknown_model");
  }
});

/** 404s of routing; Claude Code would hide their words. */
const ROUTING = [
  "No endpoints found matching your data policy (Free model publication).",
  "No endpoints available matching your guardrail restrictions and data policy.",
  "No endpoints found that support tool use. To learn more about provider routing, visit: https://x",
  "No allowed providers are available for the selected model.",
  "All providers have been ignored. To change your default ignored providers, visit: https://x",
  "No endpoints found that can handle the requested parameters.",
];

for (const message of ROUTING) {
  Deno.test(`the 404 '${message}' becomes a 400 with those words and a cure`, () => {
    const error = parseErrorAnswer(404, toBody({ code: 404, message }), {});
    assertEquals([error.type, error.status], ["invalid_request_error", 400]);
    assert(error.message.startsWith(message));
    assert(error.message.length > message.length + 10);
    assertEquals(findRefusal(error), null);
  });
}

Deno.test("every other 404 stays a 404", () => {
  const error = parseErrorAnswer(404, toBody({ code: 404, message: "Image not found" }), {});
  assertEquals([error.type, error.status], ["not_found_error", 404]);
  assertEquals(error.message, "Image not found");
  assertEquals(findRefusal(error), null);
});

function toBody(error: object): string {
  return JSON.stringify({ error });
}
