// Endless upstream responses are cancelled at a size limit, with an error that names it.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { sse } from "../helpers/chunks.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

const MB = 1024 * 1024;

/** A response that repeats the same text without end. */
function endless(
  first: string,
  again: string,
  contentType: string,
): { reply: Response; sent: () => number } {
  let sent = 0;
  const chunk = new TextEncoder().encode(again.repeat(Math.ceil(65_536 / again.length)));
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
    pull(controller) {
      sent += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const reply = new Response(body, { headers: { "content-type": contentType } });
  return { reply, sent: () => sent };
}

const EVENTS = "text/event-stream";
const event = (delta: unknown) => sse({ choices: [{ index: 0, delta }] });

const ENDLESS: readonly [
  about: string,
  first: string,
  again: string,
  type: string,
  message: string,
][] = [
  ["an SSE line", "data: ", "x", EVENTS, "Upstream sent an event of more than 16 MiB"],
  ["an SSE event", "", "data: x\n", EVENTS, "Upstream sent an event of more than 16 MiB"],
  [
    "a JSON body",
    '{"a":"',
    "x",
    "application/json",
    "Upstream sent a response of more than 20 MiB",
  ],
  [
    "tool arguments",
    event({ tool_calls: [{ index: 0, id: "a", function: { name: "b", arguments: '{"a":"' } }] }),
    event({ tool_calls: [{ index: 0, function: { arguments: "x".repeat(30_000) } }] }),
    EVENTS,
    "Upstream sent more thinking and arguments than can be buffered",
  ],
  [
    "encrypted reasoning",
    event({ reasoning: "a" }),
    event({ reasoning_details: [{ type: "reasoning.encrypted", data: "x".repeat(30_000) }] }),
    EVENTS,
    "Upstream sent more thinking and arguments than can be buffered",
  ],
];

for (const [about, first, again, type, message] of ENDLESS) {
  Deno.test(`${about} without end ends in an error that names the limit`, async () => {
    const { reply, sent } = endless(first, again, type);
    await using upstream = startUpstream(() => reply);
    const { handler, services } = createProxy({ upstream });
    const response = await call(handler, post(requestBody({ stream: type === EVENTS })));
    const text = await response.text();
    assert(text.slice(-300).includes(`"message":"${message}"`), text.slice(-300));
    assert(response.status === 502 || text.includes("event: error"));
    assert(sent() < 50 * MB, `${sent()}`);
    assertEquals(services.byteBudget.used, 0);
  });
}

Deno.test("a response that decompresses to a thousand times its size is cancelled at the limit", async () => {
  const chunk = new Uint8Array(64 * 1024).fill("x".charCodeAt(0));
  const source = new Blob(['{"a":"', ...Array.from({ length: 640 }, () => chunk)]).stream();
  const packed = await new Response(source.pipeThrough(new CompressionStream("gzip"))).bytes();
  assert(packed.length < 60_000, `${packed.length}`);
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  await using upstream = startUpstream(() => new Response(packed, { headers }));
  const { handler } = createProxy({ upstream });
  const response = await call(handler, post(requestBody()));
  assertEquals(response.status, 502);
  assertEquals(
    (await response.json()).error.message,
    "Upstream sent a response of more than 20 MiB",
  );
});

Deno.test("an endless model list is cancelled at the limit", async () => {
  const { reply, sent } = endless('{"data":["', "x", "application/json");
  await using upstream = startUpstream([], { models: () => reply });
  const { services } = createProxy({ upstream });
  await assertRejects(() => services.client.fetchModels(), ApiError, "more than 20 MiB");
  assert(sent() < 50 * MB, `${sent()}`);
});
