/**
 * The handler with a fake fetch: no sockets, and everything that would go upstream is kept.
 * @module
 */

import { AssertionError } from "@std/assert";
import { createClient } from "../../lib/openrouter/client.ts";
import { createHandler } from "../../lib/server.ts";
import { createTestServices, LOCAL, ORIGIN } from "../../tests/helpers/proxy.ts";
import { toBody } from "../../tests/helpers/sse.ts";
import type { Random } from "./random.ts";

const PATIENCE_MS = 5000;

/** What the fake upstream says. */
export interface FakeAnswer {
  status: number;
  contentType: string;
  reads: Uint8Array<ArrayBuffer>[];
  /** The connection breaks behind the last read. */
  breaks: boolean;
}

/** What became of a request. */
export interface Result {
  status: number;
  contentType: string;
  text: string;
  /** The bodies that went upstream. */
  sent: string[];
}

/** One request through a fresh handler. @throws {AssertionError} where nothing comes of it */
export async function run(
  random: Random,
  request: { path?: string; body: BodyInit },
  answer: FakeAnswer | ((body: string) => FakeAnswer),
): Promise<Result> {
  const services = createTestServices();
  const sent: string[] = [];
  const fake: typeof fetch = (_input, init) => {
    sent.push(String(init?.body));
    return Promise.resolve(
      toResponse(random, typeof answer === "function" ? answer(sent[0] ?? "") : answer),
    );
  };
  services.client = createClient(services.config, fake);
  const handler = createHandler(services);
  const asked = new Request(ORIGIN + (request.path ?? "/v1/messages"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: request.body,
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AssertionError("Nothing came: a hang")), PATIENCE_MS);
  try {
    const response = await Promise.race([handler(asked, LOCAL), late]);
    const text = await Promise.race([response.text(), late]);
    const contentType = response.headers.get("content-type") ?? "";
    return { status: response.status, contentType, text, sent };
  } finally {
    clearTimeout(timer);
  }
}

function toResponse(random: Random, answer: FakeAnswer): Response {
  const { status, contentType, reads, breaks } = answer;
  const hasBody = status !== 204;
  const isBytes = random.chance(0.5) && !breaks;
  const body = isBytes ? toBody(reads) : toPlainBody(reads, breaks);
  return new Response(hasBody ? body : null, { status, headers: { "content-type": contentType } });
}

/** No byte stream, as hand-made bodies are none; may break at its end. */
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
