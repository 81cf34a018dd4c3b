/**
 * Mutates valid requests. The proxy must respond, never with a 5xx, and the requests it sends upstream must be valid.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject } from "../../lib/json.ts";
import { loadRequestCases } from "../../tests/helpers/fixtures.ts";
import { checkChatRequest } from "../../tests/helpers/openrouter_request_checker.ts";
import { completion, sseAnswer } from "../../tests/helpers/chunks.ts";
import { classify } from "./classify.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import { type FakeResponse, run } from "./proxy.ts";
import { Random } from "./random.ts";

const encoder = new TextEncoder();
const SEEDS = loadRequestCases().map(({ request }) => request);

/** Checks one mutated request. @throws {AssertionError} if the response or the upstream request is invalid */
export async function checkRequest(seed: number): Promise<void> {
  const random = new Random(seed);
  const countsTokens = random.chance(0.1);
  const path = countsTokens ? "/v1/messages/count_tokens" : "/v1/messages";
  const result = await run(random, { path, body: makeBody(random) }, respond);
  classify(result);
  assert(result.status === 200 || (result.status >= 400 && result.status < 500), result.text);
  assertEquals(result.sent.length, result.status === 200 && !countsTokens ? 1 : 0);
  for (const body of result.sent) checkChatRequest(JSON.parse(body));
}

/** The body of a mutated request. */
export function makeBody(random: Random): Uint8Array<ArrayBuffer> {
  const request = random.pick(SEEDS);
  if (random.chance(0.1)) return mutateBytes(random, encoder.encode(JSON.stringify(request)));
  return encoder.encode(JSON.stringify(mutateJson(random, request)) ?? "");
}

/** A valid upstream response. */
function respond(body: string): FakeResponse {
  const request: unknown = JSON.parse(body);
  const isStream = isJsonObject(request) && request["stream"] === true;
  const text = isStream ? sseAnswer("Hi") : JSON.stringify(completion("Hi"));
  const contentType = isStream ? "text/event-stream" : "application/json";
  return { status: 200, contentType, reads: [encoder.encode(text)], breaks: false };
}
