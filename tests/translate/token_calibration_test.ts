/**
 * Token estimates: learning from what answers report, and what images cost.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { TokenCalibration } from "../../lib/translate/token_calibration.ts";
import type { Handler } from "../../lib/server.ts";
import { estimateImageTokens } from "../../lib/translate/image_tokens.ts";
import { call, createProxy, ORIGIN, post } from "../helpers/proxy.ts";
import { completion, finishChunk, sse, textChunk, usageChunk } from "../helpers/chunks.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";

Deno.test("an estimate is itself until an answer has reported", () => {
  assertEquals(new TokenCalibration().adjust("a/x", 1000), 1000);
});

for (const ratio of [0.4, 0.8, 1.3, 2.5]) {
  Deno.test(`estimates converge on a tokenizer that counts ${ratio} of the first guess`, () => {
    const calibration = new TokenCalibration();
    const errors: number[] = [];
    // Requests of a growing conversation, each report off by up to 10 % from the model's own ratio.
    for (let turn = 0; turn < 20; turn++) {
      const estimate = 500 + turn * 700;
      const truth = estimate * ratio * (1 + 0.1 * Math.sin(turn * 7));
      errors.push(Math.abs(calibration.adjust("a/x", estimate) - truth) / truth);
      calibration.learn("a/x", estimate, truth);
    }
    const late = errors.slice(5);
    assert(late.every((error) => error < 0.2), `${late}`);
    assert(late.reduce((sum, error) => sum + error, 0) / late.length < 0.1, `${late}`);
  });
}

Deno.test("every model has a ratio of its own", () => {
  const calibration = new TokenCalibration();
  calibration.learn("a/x", 1000, 2000);
  assertEquals([calibration.adjust("a/x", 100), calibration.adjust("b/y", 100)], [200, 100]);
});

Deno.test("reports that cannot be right, and tiny requests, teach nothing", () => {
  const calibration = new TokenCalibration();
  for (const reported of [0, -5, NaN, Infinity, 1e9]) calibration.learn("a/x", 1000, reported);
  calibration.learn("a/x", 10, 40);
  assertEquals(calibration.adjust("a/x", 1000), 1000);
});

Deno.test("memory is bounded: the model used longest ago is forgotten", () => {
  const calibration = new TokenCalibration();
  for (let i = 0; i < 200; i++) calibration.learn(`a/${i}`, 1000, 2000);
  calibration.learn("a/0", 1000, 2000);
  calibration.learn("a/new", 1000, 2000);
  assertEquals(calibration.adjust("a/0", 1000), 2000);
  assertEquals(calibration.adjust("a/1", 1000), 1000);
});

Deno.test("an estimate is never below 1", () => {
  assertEquals(new TokenCalibration().adjust("a/x", 0), 1);
});

for (const isStream of [true, false]) {
  const how = isStream ? "streams" : "whole answers";
  Deno.test(`estimates of the proxy converge on what ${how} report, cached tokens included, per model`, async () => {
    const truth = (body: string) => Math.round(body.length * 0.7);
    await using upstream = startUpstream(({ text }) => {
      const tokens = truth(text);
      const details = { cached_tokens: tokens >> 1 };
      const usage = { prompt_tokens: tokens, completion_tokens: 3, prompt_tokens_details: details };
      if (!isStream) return Response.json({ ...completion("Hi"), usage });
      return eventStream(sse(textChunk("Hi"), finishChunk(), { ...usageChunk(), usage }, "[DONE]"));
    });
    const { handler } = createProxy({ upstream });
    const errors: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const messages = [{ role: "user", content: "Some words. ".repeat(200 + turn * 150) }];
      const body = { model: "a/x", max_tokens: 10, messages };
      const guess = await countTokens(handler, body);
      const answer = await call(handler, post({ ...body, stream: isStream }));
      const text = await answer.text();
      if (isStream) assertEquals(readStart(text), guess);
      const told = truth(upstream.requests.at(-1)?.text ?? "");
      errors.push(Math.abs(guess - told) / told);
      const other = { ...body, model: "b/y" };
      if (turn === 7) assert(guess > 2 * (await countTokens(handler, other)), "not per model");
    }
    assert((errors[0] ?? 0) > 0.5, `${errors}`);
    assert(errors.slice(1).every((error) => error < 0.1), `${errors}`);
  });
}

const UNTAUGHT: [
  about: string,
  model: string,
  more: Record<string, unknown>,
  usage: Record<string, unknown>,
][] = [
  ["a fallback of another vendor", "a/x", { fallbacks: [{ model: "b/y" }] }, {}],
  ["a search", "anthropic/x", {}, { server_tool_use_details: { web_search_requests: 1 } }],
];
for (const [about, model, more, usage] of UNTAUGHT) {
  Deno.test(`what ${about} cost teaches nothing about the first model`, async () => {
    const answer = { ...completion("Hi"), usage: { prompt_tokens: 9000, ...usage } };
    await using upstream = startUpstream(() => Response.json(answer));
    const { handler } = createProxy({ upstream });
    const body = {
      model,
      max_tokens: 10,
      messages: [{ role: "user", content: "Word. ".repeat(999) }],
    };
    const before = await countTokens(handler, body);
    await (await call(handler, post({ ...body, ...more }))).text();
    assertEquals(await countTokens(handler, body), before);
  });
}

async function countTokens(handler: Handler, body: Record<string, unknown>): Promise<number> {
  const request = new Request(`${ORIGIN}/v1/messages/count_tokens`, post(body));
  const { input_tokens }: { input_tokens: number } = await (await call(handler, request)).json();
  return input_tokens;
}

/** The estimate with which a stream begins. */
function readStart(text: string): number | undefined {
  return Number(/"message_start".*?"input_tokens":(\d+)/.exec(text)?.[1]);
}

const bytes = (...values: (number | string)[]) =>
  btoa(
    values.map((value) => typeof value === "string" ? value : String.fromCharCode(value)).join(""),
  );
const PAD = "\0".repeat(40);

/** Headers of images → tokens by width × height / 750. */
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
  ["bytes that are no image", bytes("not an image", PAD), 1600],
  ["text that is no base64", "%%%", 1600],
];

for (const [name, data, tokens] of IMAGES) {
  Deno.test(`${name} costs ${tokens} tokens`, () => {
    const source = { type: "base64" as const, media_type: "image/png", data };
    assertEquals(estimateImageTokens(source), tokens);
  });
}

Deno.test("an image by URL is not fetched to learn its size", () => {
  assertEquals(estimateImageTokens({ type: "url", url: "https://a.example/b.png" }), 1600);
});
