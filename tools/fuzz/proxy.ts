/**
 * Runs requests through the handler with a fake fetch: no sockets, and the upstream requests are recorded.
 * @module
 */

import { AssertionError } from "@std/assert";
import { createClient } from "../../lib/openrouter/client.ts";
import { createHandler } from "../../lib/server.ts";
import { createTestServices, LOCAL, ORIGIN } from "../../tests/helpers/proxy.ts";
import { toBody } from "../../tests/helpers/sse.ts";
import type { Random } from "./random.ts";

const TIMEOUT_MS = 5000;

/** The response of the fake upstream. */
export interface FakeResponse {
  status: number;
  contentType: string;
  reads: Uint8Array<ArrayBuffer>[];
  /** The connection breaks after the last read. */
  breaks: boolean;
}

/** The result of a request. */
export interface Result {
  status: number;
  contentType: string;
  text: string;
  /** The bodies sent upstream. */
  sent: string[];
}

/** Sends one request through a new handler. @throws {AssertionError} on a timeout */
export async function run(
  random: Random,
  request: { path?: string; body: BodyInit },
  response: FakeResponse | ((body: string) => FakeResponse),
): Promise<Result> {
  const services = createTestServices();
  const sent: string[] = [];
  const fake: typeof fetch = (_input, init) => {
    sent.push(String(init?.body));
    return Promise.resolve(
      toResponse(random, typeof response === "function" ? response(sent[0] ?? "") : response),
    );
  };
  services.client = createClient(services.config, fake);
  const handler = createHandler(services);
  const incoming = new Request(ORIGIN + (request.path ?? "/v1/messages"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: request.body,
  });
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AssertionError("The handler hangs")), TIMEOUT_MS);
  try {
    const received = await Promise.race([handler(incoming, LOCAL), timeout]);
    const text = await Promise.race([received.text(), timeout]);
    const contentType = received.headers.get("content-type") ?? "";
    return { status: received.status, contentType, text, sent };
  } finally {
    clearTimeout(timer);
  }
}

function toResponse(random: Random, response: FakeResponse): Response {
  const { status, contentType, reads, breaks } = response;
  const hasBody = status !== 204;
  const isBytes = random.chance(0.5) && !breaks;
  const body = isBytes ? toBody(reads) : toPlainBody(reads, breaks);
  return new Response(hasBody ? body : null, { status, headers: { "content-type": contentType } });
}

/** A default stream instead of a byte stream; may break at its end. */
function toPlainBody(
  reads: readonly Uint8Array<ArrayBuffer>[],
  breaks: boolean,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const waiting = reads.values();
  return new ReadableStream({
    pull(controller) {
      const next = waiting.next();
      if (!next.done) controller.enqueue(next.value.slice());
      else if (breaks) controller.error(new TypeError("error reading a body from connection"));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}
