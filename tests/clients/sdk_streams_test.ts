/**
 * The official SDK's streams: interrupted, aborted and concurrent.
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { DELTA, END, START } from "../helpers/anthropic_dialect.ts";
import { Anthropic } from "../helpers/sdk.ts";
import { reportsDisconnect } from "../helpers/raw_client.ts";
import { callChunk, callHead, finishChunk, sse, textChunk, usageChunk } from "../helpers/chunks.ts";
import { createOpenStream, eventStream, type Reply } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { catchError, HELLO, startHarness, WEATHER } from "./sdk_harness.ts";

for (
  const [about, text] of [
    ["between two chunks", sse(textChunk("Half"))],
    ["inside a chunk", sse(textChunk("Half")) + 'data: {"choices":[{"index":0,"del'],
    ["inside a call", sse(callChunk(callHead(0, "call_1", "get_weather", '{"city": "Ro')))],
  ] as const
) {
  Deno.test(`a stream that ends ${about} makes finalMessage reject`, async () => {
    await using harness = startHarness(() => eventStream(text));
    const stream = harness.client.messages.stream({ ...HELLO, tools: [WEATHER] });
    const blocks: unknown[] = [];
    stream.on("contentBlock", (block) => blocks.push(block));
    const error = await catchError(stream.finalMessage());
    assertEquals(error.type, "api_error");
    // The client would run a completed call.
    assertEquals(blocks.filter((block) => JSON.stringify(block).includes("tool_use")), []);
  });
}

Deno.test("pings before the first event of a forwarded stream do not disturb the SDK", async () => {
  const openStream = createOpenStream();
  await using harness = startHarness(() => openStream.response, {
    env: { UPSTREAM_DIALECT: "auto", PING_S: "0.03" },
  });
  const stream = harness.client.messages.stream(HELLO);
  await new Promise((resolve) => setTimeout(resolve, 100));
  openStream.send(START + DELTA + END);
  openStream.close();
  const { content, model } = await stream.finalMessage();
  assertEquals(content.map((block) => block.type === "text" && block.text), ["Grüße"]);
  assertEquals(model, HELLO.model);
});

Deno.test("a lost connection makes finalMessage reject", async () => {
  const openStream = createOpenStream(sse(textChunk("Half")));
  await using harness = startHarness(() => openStream.response);
  const stream = harness.client.messages.stream(HELLO);
  stream.once("text", () => openStream.cut());
  const error = await catchError(stream.finalMessage());
  assertEquals(error.type, "api_error");
});

Deno.test("aborting a stream aborts the upstream request", async () => {
  const openStream = createOpenStream(sse(textChunk("Half")));
  await using harness = startHarness(() => openStream.response);
  const messages = [{ role: "user" as const, content: "Long. ".repeat(20_000) }];
  const stream = harness.client.messages.stream({ ...HELLO, messages });
  stream.once("text", () => stream.abort());
  await assertRejects(() => stream.finalMessage(), Anthropic.APIUserAbortError);
  await withTimeout(openStream.cancelled, "the upstream body to be cancelled");
  const record = await withTimeout(harness.proxy.services.recorded(), "the record");
  assertEquals(record.outcome, "client_gone");
});

Deno.test("leaving the loop over a stream aborts the upstream request", async () => {
  const openStream = createOpenStream(sse(textChunk("Half")));
  await using harness = startHarness(() => openStream.response);
  const stream = await harness.client.messages.create({ ...HELLO, stream: true });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  await withTimeout(openStream.cancelled, "the upstream body to be cancelled");
});

const REPORTS_DISCONNECT = await reportsDisconnect();

Deno.test({
  name: `an abort before the upstream response aborts the upstream request${
    REPORTS_DISCONNECT ? "" : " (not run: this Deno does not report disconnects)"
  }`,
  ignore: !REPORTS_DISCONNECT,
  fn: async () => {
    const pending = Promise.withResolvers<Response>();
    await using harness = startHarness(() => pending.promise);
    const controller = new AbortController();
    const { signal } = controller;
    const call = assertRejects(
      () => harness.client.messages.create(HELLO, { signal }),
      Anthropic.APIUserAbortError,
    );
    try {
      const received = await withTimeout(harness.upstream.arrival(0), "the request");
      controller.abort();
      await call;
      await withTimeout(received.disconnected, "the upstream request to be aborted");
    } finally {
      // The upstream server can stop only after this response.
      pending.resolve(new Response());
    }
  },
});

Deno.test("fifty concurrent streams do not mix", async () => {
  const words = Array.from({ length: 50 }, (_, i) => `question-${i}`);
  const allStarted = Promise.withResolvers<void>();
  let started = 0;
  // Each response pauses until all have started, then continues in chunks of one character.
  const echo: Reply = ({ body }) => {
    const word = /question-\d+/.exec(JSON.stringify(body))?.[0] ?? "";
    const openStream = createOpenStream(sse(textChunk(`<${word}`)));
    if (++started === words.length) allStarted.resolve();
    allStarted.promise.then(async () => {
      for (const letter of `${word}>`) {
        openStream.send(sse(textChunk(letter)));
        await Promise.resolve();
      }
      openStream.send(sse(finishChunk(), usageChunk(), "[DONE]"));
      openStream.close();
    });
    return openStream.response;
  };
  await using harness = startHarness(echo);
  const contents = words.map(async (content) => {
    const messages = [{ role: "user" as const, content }];
    const message = await harness.client.messages.stream({ ...HELLO, messages }).finalMessage();
    return message.content;
  });
  const results = await withTimeout(Promise.all(contents), "all responses");
  assertEquals<unknown>(
    results,
    words.map((word) => [{ type: "text", text: `<${word}${word}>` }]),
  );
});
