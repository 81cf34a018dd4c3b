/** Errors with a wording that clients act on: overflows, unknown models, images, routing. @module */

import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { ApiError } from "../../lib/errors.ts";
import { findRefusal, parseErrorObject, parseErrorResponse } from "../../lib/openrouter/errors.ts";
import {
  OTHER_ERRORS,
  type Overflow,
  OVERFLOW_ERRORS,
  OVERFLOWS,
} from "../helpers/context_overflow_errors.ts";

/** The expressions of Claude Code 2.1.332: it compacts on the first, and lowers `max_tokens` on the second. */
const TOO_LONG = /prompt is too long[^0-9]*(\d+)\s*tokens?\s*>\s*(\d+)/i;
const LESS_OUTPUT = /input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)/;

/** Locations of the message in a 4xx. */
const PLACES: readonly (readonly [place: string, parse: (message: string) => ApiError])[] = [
  ["a response 400", (message) => parseErrorResponse(400, toBody({ code: 400, message }), {})],
  ["a response 413", (message) => parseErrorResponse(413, toBody({ message }), {})],
  ["a response 422", (message) => parseErrorResponse(422, toBody({ message }), {})],
  ["an error that is a string", (error) => parseErrorResponse(400, JSON.stringify({ error }), {})],
  ["`detail`", (detail) => parseErrorResponse(400, JSON.stringify({ detail }), {})],
  ["plain text", (message) => parseErrorResponse(400, message, {})],
  ["an array", (message) => parseErrorResponse(400, JSON.stringify([{ error: { message } }]), {})],
  ["a provider's error", (message) => parseErrorResponse(400, wrap(400, { message }), {})],
  ["a chunk with a code", (message) => parseErrorObject({ code: 400, message })],
];

/** Locations in a server error, where only the wording identifies an overflow. */
const SERVER_ERROR_PLACES: typeof PLACES = [
  ["a response 500", (message) => parseErrorResponse(500, toBody({ code: 500, message }), {})],
  ["a chunk without a code", (message) => parseErrorObject({ message })],
  ["a chunk whose error is a string", (message) => parseErrorObject(message)],
  ["a provider's error 502", (message) => parseErrorResponse(502, wrap(502, { message }), {})],
];

for (const overflow of OVERFLOWS) {
  Deno.test(`Claude Code can act on an overflow with the wording of ${overflow.server}`, () => {
    const places = overflow.isLoose ? PLACES : [...PLACES, ...SERVER_ERROR_PLACES];
    for (const [place, parse] of places) checkOverflow(parse(overflow.message), overflow, place);
  });

  Deno.test(`a rate limit with the wording of ${overflow.server} is not an overflow`, () => {
    const { message } = overflow;
    for (const error of [{ message }, { code: "context_length_exceeded", message }]) {
      const limited = parseErrorResponse(429, toBody(error), {});
      assertEquals([limited.type, limited.message], ["rate_limit_error", message]);
    }
    const chunk = parseErrorObject({ code: 429, message });
    assertEquals([chunk.type, chunk.message], ["rate_limit_error", message]);
  });
}

for (const [server, error] of OVERFLOW_ERRORS) {
  Deno.test(`Claude Code can act on an overflow with only the code of ${server}`, () => {
    const overflow = { server, message: "No", tooLong: null };
    for (const status of [400, 500]) {
      checkOverflow(
        parseErrorResponse(status, toBody(error), {}),
        overflow,
        `a response ${status}`,
      );
      checkOverflow(
        parseErrorResponse(status, wrap(status, { error }), {}),
        overflow,
        "metadata.raw",
      );
    }
    checkOverflow(parseErrorObject(error), overflow, "a chunk");
  });
}

for (const [status, message] of OTHER_ERRORS) {
  Deno.test(`${status} "${message.slice(0, 60)}" is not an overflow`, () => {
    const error = parseErrorResponse(status, toBody({ message }), {});
    assertEquals(error.message, message);
  });
}

Deno.test("counts are read from llama.cpp's fields if its message has none", () => {
  const message = "the request exceeds the available context size, try increasing it";
  const error = { code: 400, message, type: "exceed_context_size_error" };
  const body = toBody({ ...error, n_ctx: 512, n_prompt_tokens: 2009 });
  const parsed = parseErrorResponse(400, body, {});
  assertEquals(TOO_LONG.exec(parsed.message)?.slice(1), ["2009", "512"]);
});

Deno.test("an overflow in OpenRouter's message is found behind another message of the provider", () => {
  const message = "This endpoint's maximum context length is 4096 tokens. However, you requested " +
    "about 9000 tokens (9000 of text input).";
  const metadata = { provider_name: "Groq", raw: "Bad request" };
  const error = parseErrorResponse(400, toBody({ code: 400, message, metadata }), {});
  assertEquals(TOO_LONG.exec(error.message)?.slice(1), ["9000", "4096"]);
});

Deno.test("the proxy's own count replaces a truncated input count", () => {
  const message =
    "This model's maximum context length is 32768 tokens. However, you requested 32000 " +
    "output tokens and your prompt contains at least 769 input tokens, for a total of at least 32769 tokens.";
  const parse = (tokens: number) =>
    parseErrorResponse(400, toBody({ message }), { estimateInput: () => tokens }).message;
  assertEquals(LESS_OUTPUT.exec(parse(13_000))?.slice(1), ["13000", "32000", "32768"]);
  assertEquals(LESS_OUTPUT.exec(parse(10))?.slice(1), ["769", "32000", "32768"]);
  assert(parse(40_000).startsWith("prompt is too long: This model's"), parse(40_000));
});

Deno.test("an error message of 250 KB is parsed in less than a second", () => {
  const seeds = [
    "is not available ",
    "model ",
    "maximum context length is 1 tokens. However, you requested about 1 tokens (",
    "prompt is too long: 1 tokens > ",
    "prompt contains 1 tokens ",
    "9",
    "1,1_",
    "exceed ",
    "No endpoints found for ",
    " ",
  ];
  for (const seed of seeds) {
    const message = seed.repeat(250_000 / seed.length);
    const started = performance.now();
    for (const status of [400, 404, 500]) {
      parseErrorResponse(status, toBody({ message }), {});
      parseErrorResponse(status, wrap(status, { message }), {});
      parseErrorObject({ message });
    }
    assertLess(performance.now() - started, 1000, seed);
  }
});

Deno.test("an overflow message with 200,000 numbers is recognized", () => {
  const message = `Too many tokens: ${"12345 ".repeat(200_000)}`;
  const error = parseErrorResponse(400, toBody({ message }), {});
  assert(error.message.startsWith("prompt is too long: Too many tokens: 12345"));
});

Deno.test("too many tokens per minute is a rate limit, not a context overflow", () => {
  const error = parseErrorResponse(
    429,
    toBody({ code: 429, message: "Too many tokens: 5000" }),
    {},
  );
  assertEquals([error.type, error.message], ["rate_limit_error", "Too many tokens: 5000"]);
});

Deno.test("an error about credit names the setting that lowers max_tokens", () => {
  const message = "This request requires more credits, or fewer max_tokens. You requested up to " +
    "32000 tokens, but can only afford 1234. To increase, visit https://openrouter.ai/settings/credits";
  const error = parseErrorResponse(402, toBody({ code: 402, message }), {});
  assertEquals([error.type, error.status], ["billing_error", 402]);
  assertStringIncludes(error.message, message);
  assertStringIncludes(error.message, "CLAUDE_CODE_MAX_OUTPUT_TOKENS=1234");
});

Deno.test("an unknown model keeps upstream's status and suggests similar ids", () => {
  const lookups: string[] = [];
  const suggestModels = (model: string) => {
    lookups.push(model);
    return ["anthropic/claude-sonnet-4", "anthropic/claude-sonnet-4.5"];
  };
  const context = { model: "anthropic/claude-sonet-4", suggestModels };
  const unknown: readonly (readonly [number, object])[] = [
    [400, { code: 400, message: "anthropic/claude-sonet-4 is not a valid model ID" }],
    [404, { code: 404, message: "No endpoints found for anthropic/claude-sonet-4." }],
    [404, { code: 404, message: "Model claude-sonet-4 is not available" }],
    [400, { message: "Gone", availability: { code: "model_not_found" } }],
    [404, { message: "Gone", availability: { code: "no_endpoints" } }],
    [404, { message: "Gone", availability: { code: "model_deprecated" } }],
    [404, { code: "model_not_found", message: "Gone" }],
    [404, { message: "The model `gpt-5.2-proo` does not exist or you do not have access to it." }],
    [404, { message: "model 'qwen4' not found", type: "not_found_error" }],
    [404, { message: 'model "qwen4" not found, try pulling it first' }],
    [400, { message: "Invalid model: mistral-larg", type: "invalid_model", code: "1500" }],
    [404, { message: "Specified model not found: x. Did you mean: y?" }],
  ];
  for (const [status, body] of unknown) {
    const error = parseErrorResponse(status, toBody(body), context);
    assertEquals(error.status, status);
    assertEquals(error.type, status === 404 ? "not_found_error" : "invalid_request_error");
    assertStringIncludes(error.message, "anthropic/claude-sonnet-4, anthropic/claude-sonnet-4.5");
    assertEquals(findRefusal(error), "unknown_model");
  }
  assertEquals(new Set(lookups), new Set([context.model]));
});

Deno.test("an unknown model without a catalog keeps upstream's message", () => {
  const body = toBody({ code: 400, message: "x/y is not a valid model ID" });
  for (const context of [{}, { model: "x/y" }, { model: "x/y", suggestModels: () => [] }]) {
    const error = parseErrorResponse(400, body, context);
    assertEquals(error.message, "x/y is not a valid model ID");
    assertEquals(findRefusal(error), "unknown_model");
  }
});

Deno.test("a feature that a model lacks does not make the model unknown", () => {
  const messages = [
    "Function calling is not available for this model",
    "Streaming is not available with this model",
    "Tool choice is not available for model x/y",
    "No endpoints found for x/y with the requested parameters",
    "The model does not support this tool_choice",
    "File not found: model card",
    "[OpenAI] The model `gpt-5` does not exist or you do not have access to it.",
  ];
  for (const message of messages) {
    for (const status of [400, 404]) {
      assertEquals(findRefusal(parseErrorResponse(status, toBody({ message }), {})), null, message);
    }
  }
});

/** Wordings of servers for an image to a text-only model. */
const NO_IMAGES: readonly (readonly [status: number, message: string])[] = [
  [404, "No endpoints found that support image input"],
  [
    500,
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
  ],
  [400, "this model does not support image input (ref: b8bd630e-4a39-4b57-82af-9158ee9d5703)"],
  [400, "Model does not support images. Please use a model that does."],
  [400, "qwen3-coder is not a multimodal model"],
  [400, "At most 0 image(s) may be provided in one prompt."],
  [400, "Invalid content type. image_url is only supported by certain models."],
  [
    400,
    "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant " +
    "`image_url`, expected `text` at line 1 column 197",
  ],
];

for (const [status, message] of NO_IMAGES) {
  Deno.test(`${status} "${message.slice(0, 60)}" is an image refusal`, () => {
    const errors = [
      parseErrorResponse(status, toBody({ code: status, message }), {}),
      parseErrorResponse(status, wrap(status, { message }), {}),
    ];
    for (const error of errors) {
      assertEquals([error.type, error.status], ["invalid_request_error", 400]);
      assertStringIncludes(error.message, message);
      assertEquals(findRefusal(error), "image_input");
    }
  });
}

Deno.test("other errors about images are not an image refusal", () => {
  const messages = [
    "Image exceeds the limit of 20 MB",
    "Error while downloading https://example.com/test-image.jpg.",
    "Failed to load image or audio file",
    "This model does not support images larger than 8000 pixels",
    "unsupported content[].type",
  ];
  for (const message of messages) {
    assertEquals(findRefusal(parseErrorResponse(400, toBody({ message }), {})), null, message);
  }
  const busy = parseErrorResponse(
    429,
    toBody({ message: "No endpoints found that support image input" }),
    {},
  );
  assertEquals(findRefusal(busy), null);
});

/** Routing errors with 404; Claude Code would hide their message. */
const ROUTING = [
  "No endpoints found matching your data policy (Free model publication).",
  "No endpoints available matching your guardrail restrictions and data policy.",
  "No endpoints found that support tool use. To learn more about provider routing, visit: https://x",
  "No allowed providers are available for the selected model.",
  "All providers have been ignored. To change your default ignored providers, visit: https://x",
  "No endpoints found that can handle the requested parameters.",
  "No endpoints found for x/y matching your data policy.",
  "This model is unavailable for free. The paid version is available now - use this slug instead: x/y",
];

for (const message of ROUTING) {
  Deno.test(`the 404 '${message}' becomes a 400 with a hint`, () => {
    const error = parseErrorResponse(404, toBody({ code: 404, message }), {});
    assertEquals([error.type, error.status], ["invalid_request_error", 400]);
    assert(error.message.startsWith(message));
    assert(error.message.length > message.length + 10);
    assertEquals(findRefusal(error), null);
  });
}

Deno.test("other 404s stay 404", () => {
  const error = parseErrorResponse(404, toBody({ code: 404, message: "Image not found" }), {});
  assertEquals([error.type, error.status], ["not_found_error", 404]);
  assertEquals(error.message, "Image not found");
  assertEquals(findRefusal(error), null);
});

function checkOverflow(error: ApiError, overflow: Overflow, place: string): void {
  const { type, status, message } = error;
  assertEquals([type, status], ["invalid_request_error", 400], `${place}: ${message}`);
  assertEquals(findRefusal(error), null);
  assertStringIncludes(message, overflow.message);
  const [, ...read] = (overflow.lessOutput === undefined ? TOO_LONG : LESS_OUTPUT).exec(message) ??
    [];
  assertEquals(read.map(Number), [...overflow.lessOutput ?? overflow.tooLong ?? []], place);
  if (overflow.lessOutput !== undefined) assertFalse(/prompt is too long/i.test(message), message);
  else assertMatch(message, /prompt is too long/i, place);
}

/** A provider's error as OpenRouter forwards it. */
function wrap(code: number, error: object): string {
  const metadata = { provider_name: "Groq", raw: JSON.stringify(error) };
  return toBody({ code, message: "Provider returned error", metadata });
}

function toBody(error: object): string {
  return JSON.stringify({ error });
}
