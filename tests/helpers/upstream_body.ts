/**
 * Sends requests through the handler and returns what upstream received.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkChatRequest } from "./openrouter_request_checker.ts";
import { call, createProxy, post, requestBody, type TestOptions } from "./proxy.ts";
import { replyJson } from "./replies.ts";
import { type Reply, type SeenRequest, startUpstream } from "./upstream.ts";

type Json = Record<string, unknown>;

/** The responses to some requests, and the upstream bodies. */
export interface Outcome {
  responses: { status: number; text: string }[];
  /** The upstream request bodies, all checked. */
  seen: Json[];
}

/** Sends bodies one after the other through the handler. */
export async function sendAll(
  bodies: unknown[],
  options: Omit<TestOptions, "upstream"> & { script?: Reply | Reply[]; models?: Json[] } = {},
): Promise<Outcome> {
  const { script = replyJson, models, ...proxyOptions } = options;
  await using upstream = startUpstream(script, models && { models });
  const { handler, services } = createProxy({ upstream, ...proxyOptions });
  if (models !== undefined) await services.catalog.list(5000);
  const outcome: Outcome = { responses: [], seen: [] };
  for (const body of bodies) {
    const response = await call(handler, post(body));
    outcome.responses.push({ status: response.status, text: await response.text() });
  }
  outcome.seen = upstream.requests.map(({ body }) => body);
  outcome.seen.forEach(checkChatRequest);
  return outcome;
}

/** The upstream body of one request that must succeed. */
export async function readUpstreamBody(body: Json): Promise<Json> {
  const { responses: [response], seen: [seen] } = await sendAll([body]);
  assertEquals(response?.status, 200, response?.text);
  assert(seen !== undefined);
  return seen;
}

/** Checks that a request is a 400 whose message contains these texts, without an upstream request. */
export async function assertRejected(body: unknown, ...texts: string[]): Promise<void> {
  const { responses: [response], seen } = await sendAll([body]);
  assertEquals([response?.status, seen], [400, []]);
  const { type, error } = JSON.parse(response?.text ?? "");
  assertEquals([type, error.type], ["error", "invalid_request_error"]);
  for (const text of texts) assertStringIncludes(error.message, text);
}

/** Sends one request through the handler and returns the upstream request and the response. */
export async function sendOne(keys: Json, reply: Reply, env: Record<string, string> = {}) {
  await using upstream = startUpstream(reply);
  const { handler } = createProxy({ upstream, env });
  const response = await call(handler, post(requestBody(keys)));
  const message = await response.json();
  const seen: SeenRequest | undefined = upstream.requests[0];
  assert(seen !== undefined);
  return { seen, message, headers: response.headers };
}

/** A tool call of an assistant message, as it is sent upstream. */
export function sentCall(id: string, name = "Read") {
  return { id, type: "function", function: { name, arguments: "{}" } };
}
