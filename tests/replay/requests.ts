/**
 * Replays recorded requests of real Anthropic clients: the translated requests must satisfy the published schemas, and
 * no text may be lost. Not named `*_test.ts`: `deno task replay` runs this file.
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { isJsonObject, parseJson, toText } from "../../lib/json.ts";
import { post } from "../helpers/proxy.ts";
import { createReplayProxy, readDropped, RESPONSE, type Setup } from "./proxy.ts";
import { type Exchange, loadExchanges, testRecorded } from "./recorded.ts";
import { compileCheck } from "./schema.ts";
import { findLostTexts } from "./texts.ts";
import { Verdict } from "./verdict.ts";

const SETUPS: readonly Setup[] = [
  { dialect: "openrouter", target: "anthropic/claude-sonnet-5" },
  { dialect: "openrouter", target: "openai/gpt-5.2" },
  { dialect: "openai", target: "gpt-5.2" },
];

/**
 * Error messages for recorded requests that Anthropic accepted and the proxy rejects, because it cannot translate them.
 * Each must occur in the recordings.
 */
const REJECTIONS: readonly RegExp[] = [/file sources .* are not supported/];

const exchanges = (await loadExchanges("messages")).filter(({ request }) => request !== null);
const seenRejections = new Set<RegExp>();

for (const setup of SETUPS) {
  testRecorded(
    `recorded requests to ${setup.target} (${setup.dialect}) are complete and valid`,
    async () => {
      const check = compileCheck(setup.dialect);
      const verdict = new Verdict("requests");
      for (const exchange of exchanges) {
        verdict.note(exchange.name, await checkRequest(exchange, setup, check));
      }
      verdict.check(1040);
    },
  );
}

testRecorded("the published schemas reject invalid requests", () => {
  for (const dialect of ["openrouter", "openai"] as const) {
    const check = compileCheck(dialect);
    const message = { role: "user", content: [{ type: "text", text: 1 }] };
    assertEquals(check({ model: "m", messages: [{ role: "user", content: "Hello" }] }), []);
    assertNotEquals(check({ model: "m" }), [], dialect);
    assertNotEquals(check({ model: "m", messages: [message] }), [], dialect);
  }
});

testRecorded("every expected rejection occurs among the recorded requests", () => {
  assertEquals(REJECTIONS.filter((pattern) => !seenRejections.has(pattern)), []);
});

async function checkRequest(
  exchange: Exchange,
  setup: Setup,
  check: (body: unknown) => string[],
): Promise<string[]> {
  const request = exchange.request ?? {};
  const proxy = createReplayProxy(RESPONSE, setup);
  const { response, text } = await proxy.call(post(request));
  const sent = proxy.sent();
  if (response.status !== 200) return checkRejection(exchange, response, parseJson(text));
  if (sent === null) return ["no request was sent upstream"];
  const lost = findLostTexts(request, sent, readDropped(response));
  return [...check(sent), ...lost.map((path) => `lost ${path}`)];
}

function checkRejection(exchange: Exchange, response: Response, body: unknown): string[] {
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const message = toText(error["message"]);
  // Requests that Anthropic rejected may be rejected here.
  if (exchange.status >= 400) return [];
  const pattern = REJECTIONS.find((one) => response.status === 400 && one.test(message));
  if (pattern === undefined) return [`${response.status} ${message}`];
  seenRejections.add(pattern);
  return [];
}
