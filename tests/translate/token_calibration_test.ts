/**
 * Calibration of token estimates by the usage that responses report.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { TokenCalibration } from "../../lib/translate/token_calibration.ts";
import type { Handler } from "../../lib/server.ts";
import { call, createProxy, ORIGIN, post } from "../helpers/proxy.ts";
import { completion, finishChunk, sse, textChunk, usageChunk } from "../helpers/chunks.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";

Deno.test("TokenCalibration returns the estimate unchanged before the first report", () => {
  assertEquals(new TokenCalibration().adjust("a/x", 1000), 1000);
});

for (const ratio of [0.4, 0.8, 1.3, 2.5]) {
  Deno.test(`TokenCalibration converges on a tokenizer that counts ${ratio} of the first estimate`, () => {
    const calibration = new TokenCalibration();
    const errors: number[] = [];
    // A growing conversation; each report differs by up to 10 % from the model's own ratio.
    for (let turn = 0; turn < 20; turn++) {
      const estimate = 500 + turn * 700;
      const actual = estimate * ratio * (1 + 0.1 * Math.sin(turn * 7));
      errors.push(Math.abs(calibration.adjust("a/x", estimate) - actual) / actual);
      calibration.learn("a/x", estimate, actual);
    }
    const late = errors.slice(5);
    assert(late.every((error) => error < 0.2), `${late}`);
    assert(late.reduce((sum, error) => sum + error, 0) / late.length < 0.1, `${late}`);
  });
}

Deno.test("TokenCalibration learns a ratio per model", () => {
  const calibration = new TokenCalibration();
  calibration.learn("a/x", 1000, 2000);
  assertEquals([calibration.adjust("a/x", 100), calibration.adjust("b/y", 100)], [200, 100]);
});

Deno.test("TokenCalibration ignores implausible reports and tiny requests", () => {
  const calibration = new TokenCalibration();
  for (const reported of [0, -5, NaN, Infinity, 1e9]) calibration.learn("a/x", 1000, reported);
  calibration.learn("a/x", 10, 40);
  assertEquals(calibration.adjust("a/x", 1000), 1000);
});

/** Estimated and reported tokens → the corrected estimate of 1000 tokens. */
const REPORTS: [about: string, estimate: number, reported: number, adjusted: number][] = [
  ["a request of 50 tokens", 50, 100, 2000],
  ["a request of 49 tokens, which is ignored", 49, 98, 1000],
  ["ten times the estimate", 100, 1000, 10_000],
  ["more than ten times, which is ignored", 100, 1001, 1000],
  ["a tenth of the estimate", 100, 10, 100],
  ["less than a tenth, which is ignored", 100, 9, 1000],
  ["an uneven ratio, whose result is rounded", 3000, 2000, 667],
];

for (const [about, estimate, reported, adjusted] of REPORTS) {
  Deno.test(`TokenCalibration learns from a report of ${about}`, () => {
    const calibration = new TokenCalibration();
    calibration.learn("a/x", estimate, reported);
    assertEquals(calibration.adjust("a/x", 1000), adjusted);
  });
}

Deno.test("TokenCalibration keeps 200 models and forgets the least recently updated one", () => {
  const calibration = new TokenCalibration();
  for (let i = 0; i < 200; i++) calibration.learn(`a/${i}`, 1000, 2000);
  calibration.learn("a/0", 1000, 2000);
  calibration.learn("a/new", 1000, 2000);
  assertEquals(calibration.adjust("a/0", 1000), 2000);
  assertEquals(calibration.adjust("a/1", 1000), 1000);
});

Deno.test("TokenCalibration never returns less than 1", () => {
  assertEquals(new TokenCalibration().adjust("a/x", 0), 1);
});

for (const isStream of [true, false]) {
  const kind = isStream ? "streams" : "JSON responses";
  Deno.test(`count_tokens converges on the usage that ${kind} report, cached tokens included, per model`, async () => {
    const countActual = (body: string) => Math.round(body.length * 0.7);
    await using upstream = startUpstream(({ text }) => {
      const tokens = countActual(text);
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
      const estimate = await countTokens(handler, body);
      const response = await call(handler, post({ ...body, stream: isStream }));
      const text = await response.text();
      if (isStream) assertEquals(readStart(text), estimate);
      const reported = countActual(upstream.requests.at(-1)?.text ?? "");
      errors.push(Math.abs(estimate - reported) / reported);
      const other = { ...body, model: "b/y" };
      if (turn === 7) assert(estimate > 2 * (await countTokens(handler, other)), "not per model");
    }
    assert((errors[0] ?? 0) > 0.5, `${errors}`);
    assert(errors.slice(1).every((error) => error < 0.1), `${errors}`);
  });
}

const IGNORED: [
  about: string,
  model: string,
  more: Record<string, unknown>,
  usage: Record<string, unknown>,
][] = [
  ["a fallback of another vendor", "a/x", { fallbacks: [{ model: "b/y" }] }, {}],
  ["a web search", "anthropic/x", {}, { server_tool_use_details: { web_search_requests: 1 } }],
];
for (const [about, model, more, usage] of IGNORED) {
  Deno.test(`the usage of ${about} is not learned for the first model`, async () => {
    const response = { ...completion("Hi"), usage: { prompt_tokens: 9000, ...usage } };
    await using upstream = startUpstream(() => Response.json(response));
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

/** The estimate in the first event of a stream. */
function readStart(text: string): number | undefined {
  return Number(/"message_start".*?"input_tokens":(\d+)/.exec(text)?.[1]);
}
