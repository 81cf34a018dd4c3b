/**
 * Mutated requests: valid ones with damage. Whatever it is, the proxy answers, never with a 5xx, and what it
 * sends upstream is valid.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject } from "../../lib/json.ts";
import { loadRequestCases } from "../../tests/helpers/fixtures.ts";
import { checkChatRequest } from "../../tests/helpers/openrouter_request_checker.ts";
import { completion, sseAnswer } from "../../tests/helpers/chunks.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { type FakeAnswer, run } from "./proxy.ts";
import { Random } from "./random.ts";
import { judge } from "./verdict.ts";

const encoder = new TextEncoder();
const SEEDS = loadRequestCases().map(({ request }) => request);

/** Mutates, asks and judges. @throws {AssertionError} where the answer or what goes upstream is not valid */
export async function checkRequest(seed: number): Promise<void> {
  const random = new Random(seed);
  const counts = random.chance(0.1);
  const path = counts ? "/v1/messages/count_tokens" : "/v1/messages";
  const result = await run(random, { path, body: makeBody(random) }, answerWell);
  judge(result);
  assert(result.status === 200 || (result.status >= 400 && result.status < 500), result.text);
  assertEquals(result.sent.length, result.status === 200 && !counts ? 1 : 0);
  for (const body of result.sent) checkChatRequest(JSON.parse(body));
}

/** The body of a mutated request. */
export function makeBody(random: Random): Uint8Array<ArrayBuffer> {
  const request = random.pick(SEEDS);
  if (random.chance(0.1)) return mutateBytes(random, encoder.encode(JSON.stringify(request)));
  return encoder.encode(JSON.stringify(mutateJson(random, request)) ?? "");
}

/** Upstream as it should be. */
function answerWell(body: string): FakeAnswer {
  const asked: unknown = JSON.parse(body);
  const isStream = isJsonObject(asked) && asked["stream"] === true;
  const text = isStream ? sseAnswer("Hi") : JSON.stringify(completion("Hi"));
  const contentType = isStream ? "text/event-stream" : "application/json";
  return { status: 200, contentType, reads: [encoder.encode(text)], breaks: false };
}
