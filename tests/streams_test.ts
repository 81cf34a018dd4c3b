/**
 * lib/streams.ts: a response of upstream as a stream of events, and the translator's defaults.
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { StreamEvent } from "../lib/anthropic/types.ts";
import { createTranslator, encodeEvents, translateStream } from "../lib/streams.ts";
import { finishChunk, sse, sseEnd, textChunk } from "./helpers/chunks.ts";

const MODEL = "claude-sonnet-4-5";
const encoder = new TextEncoder();

/** A body in pieces that is read on demand, and whether it has been cancelled. */
function createBody(pieces: readonly (Uint8Array<ArrayBuffer> | Error)[], isOpen = false) {
  const state = { reads: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = pieces[state.reads++];
      if (piece instanceof Error) controller.error(piece);
      else if (piece !== undefined) controller.enqueue(piece);
      else if (!isOpen) controller.close();
    },
    cancel() {
      state.isCancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

async function collect(stream: ReadableStream<StreamEvent>): Promise<StreamEvent[]> {
  return await Array.fromAsync(stream);
}

const WHOLE = encoder.encode(sse(textChunk("Zwölf ")) + sse(textChunk("€")) + sseEnd());

for (const size of [1, 7, WHOLE.length]) {
  Deno.test(`translateStream translates a body in pieces of ${size} bytes`, async () => {
    const pieces = Array.from(
      { length: Math.ceil(WHOLE.length / size) },
      (_, index) => WHOLE.slice(index * size, (index + 1) * size),
    );
    const events = await collect(translateStream(createBody(pieces).body, { model: MODEL }));
    assertEquals(events.map(({ type }) => type), [
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    const text = events.map((event) =>
      event.type === "content_block_delta" && event.delta.type === "text_delta"
        ? event.delta.text
        : ""
    );
    assertEquals(text.join(""), "Zwölf €");
  });
}

Deno.test("encodeEvents writes the events as a client of Anthropic reads them", async () => {
  const events = translateStream(createBody([WHOLE]).body, { model: MODEL, messageId: "msg_1" });
  const text = await new Response(encodeEvents(events)).text();
  assertMatch(
    text,
    /^event: message_start\ndata: \{"type":"message_start","message":\{"id":"msg_1"/,
  );
  assert(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'), text);
});

const failures: [about: string, pieces: (string | Error)[], type: string, message: RegExp][] = [
  [
    "a broken connection",
    [sse(textChunk("One")), new TypeError("reset")],
    "api_error",
    /connection closed before/,
  ],
  ["a body that ends early", [sse(textChunk("One"))], "api_error", /ended the response before/],
  [
    "an error of upstream",
    [sse(textChunk("One")), 'data: {"error":{"code":429,"message":"Slow down"}}\n\n'],
    "rate_limit_error",
    /Slow down/,
  ],
  ["an event that is not JSON", [sse(textChunk("One")), "data: {oops\n\n"], "api_error", /JSON/],
];

for (const [about, pieces, type, message] of failures) {
  Deno.test(`translateStream ends with an error event after ${about}`, async () => {
    const bytes = pieces.map((piece) => piece instanceof Error ? piece : encoder.encode(piece));
    const { body, state } = createBody(bytes, false);
    const events = await collect(translateStream(body, { model: MODEL }));
    assertEquals(events[2]?.type, "content_block_delta");
    const last = events.at(-1);
    assert(last?.type === "error", JSON.stringify(last));
    assertEquals(last.error.type, type);
    assertMatch(last.error.message, message);
    assert(state.isCancelled || state.reads >= pieces.length);
  });
}

Deno.test("translateStream delivers the events before an error in the same piece", async () => {
  const piece = sse(textChunk("One")) + 'data: {"error":{"code":502,"message":"Broken"}}\n\n';
  const { body, state } = createBody([encoder.encode(piece)], true);
  const events = await collect(translateStream(body, { model: MODEL }));
  assertEquals(events.map(({ type }) => type), [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "error",
  ]);
  assert(state.isCancelled, "upstream goes on sending");
});

Deno.test("translateStream is complete without [DONE] if the connection breaks after the finish reason", async () => {
  const pieces = [
    encoder.encode(sse(textChunk("One")) + sse(finishChunk())),
    new TypeError("reset"),
  ];
  const events = await collect(translateStream(createBody(pieces).body, { model: MODEL }));
  assertEquals(events.at(-1)?.type, "message_stop");
});

Deno.test("translateStream cancels the body after [DONE], although upstream keeps it open", async () => {
  const { body, state } = createBody([WHOLE], true);
  await collect(translateStream(body, { model: MODEL }));
  assertEquals(state, { reads: 1, isCancelled: true });
});

const openPieces = ["One", "Two", "Three"].map((text) => encoder.encode(sse(textChunk(text))));

Deno.test("translateStream reads upstream only when it is read", async () => {
  const { body, state } = createBody(openPieces, true);
  const events = translateStream(body, { model: MODEL }).getReader();
  assertEquals(state.reads, 0);
  for (let read = 0; read < 3; read++) await events.read();
  assertEquals(state.reads, 1);
  await events.cancel();
  assertEquals(state, { reads: 1, isCancelled: true });
});

Deno.test("a cancelled encodeEvents cancels the body, also while upstream sends nothing", async () => {
  const { body, state } = createBody([], true);
  const stalled = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: () => new Promise<void>(() => {}),
    cancel: () => body.cancel(),
  });
  const bytes = encodeEvents(translateStream(stalled, { model: MODEL })).getReader();
  const reading = bytes.read();
  await bytes.cancel();
  assertEquals((await reading).done, true);
  assert(state.isCancelled);
});

Deno.test("translateStream takes a translator, which then has the metadata of the response", async () => {
  const translator = createTranslator({ model: MODEL });
  const body = createBody([
    encoder.encode(sse({ ...textChunk("One"), provider: "Azure" }) + sseEnd()),
  ]);
  await collect(translateStream(body.body, translator));
  assertEquals(translator.metadata.provider, "Azure");
});

Deno.test("createTranslator creates a random message ID and call IDs unless it gets them, and counts one input token", () => {
  const call = (index: number) => ({ index, function: { name: `f${index}`, arguments: "{}" } });
  const run = (more: Partial<Parameters<typeof createTranslator>[0]> = {}) => {
    const translator = createTranslator({ model: MODEL, ...more });
    const events = [
      ...translator.push({ choices: [{ delta: { tool_calls: [call(0), call(1)] } }] }),
      ...translator.push(finishChunk("tool_calls")),
      ...translator.finish(),
    ];
    return events.flatMap((event) => {
      if (event.type === "message_start") return [event.message.id];
      const block = event.type === "content_block_start" ? event.content_block : undefined;
      return block?.type === "tool_use" ? [block.id] : [];
    });
  };
  const [message = "", ...calls] = run();
  assertMatch(message, /^msg_[0-9a-f]{32}$/);
  for (const id of calls) assertMatch(id, /^toolu_[0-9a-f]{32}$/);
  assertEquals([calls.length, new Set(calls).size], [2, 2]);
  assertNotEquals(run()[0], message);
  const [start] = createTranslator({ model: MODEL }).start();
  assertEquals(start?.type === "message_start" && start.message.usage.input_tokens, 1);
  let number = 0;
  const own = run({ messageId: "msg_mine", newCallId: () => `toolu_${++number}` });
  assertEquals(own, ["msg_mine", "toolu_1", "toolu_2"]);
});
