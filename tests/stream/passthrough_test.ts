/**
 * Forwarding of Anthropic streams: bytes are unchanged, and a stream that breaks ends with an error event.
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ApiError, toErrorBody } from "../../lib/errors.ts";
import { parseErrorObject } from "../../lib/openrouter/errors.ts";
import { encodeEvent } from "../../lib/stream/sse.ts";
import type { OpenStream, StreamEnd } from "../../lib/stream/response_stream.ts";
import { passThrough, type PassThroughOptions } from "../../lib/stream/passthrough.ts";
import { parseSse } from "../helpers/sse.ts";
import { createOpenBody, type OpenBody } from "../helpers/upstream.ts";

const START = 'event: message_start\ndata: {"type":"message_start","message":{"model":"x/y"}}\n\n';
const DELTA = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0}\n\n';
const STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
const ERROR = 'event: error\ndata: {"type":"error","error":{"message":"Too much"}}\n\n';

interface Trial {
  source: OpenBody;
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
  ends: StreamEnd[];
  observed: unknown[];
}

function start(first: string, options: Partial<PassThroughOptions> = {}): Trial {
  const source = createOpenBody(first);
  const ends: StreamEnd[] = [];
  const observed: unknown[] = [];
  const body = passThrough(source.body, {
    timeoutMs: 60_000,
    now: () => performance.now(),
    onEvent: (event) => observed.push(event["type"]),
    onEnd: (end) => ends.push(end),
    parseError: parseErrorObject,
    encodeError: (error) =>
      encodeEvent({
        type: "error",
        error: toErrorBody(error, (text) => text.replaceAll("sk-or-secret", "***")),
      }),
    ...options,
  });
  return { source, body, ends, observed };
}

/** What the client reads, and how the stream ends. */
async function finish({ body, ends, observed }: Trial) {
  const text = await new Response(body).text();
  assertEquals(ends.length, 1);
  return { text, end: ends[0], observed };
}

Deno.test("passThrough forwards a complete stream unchanged, and observes all events but the deltas", async () => {
  const bytes = `: hello\n\n${START}${DELTA.replaceAll("\n", "\r\n")}${STOP}`;
  const trial = start(bytes);
  trial.source.close();
  assertEquals(await finish(trial), {
    text: bytes,
    end: { how: "complete" },
    observed: ["message_start", "message_stop"],
  });
});

Deno.test("passThrough returns bytes that later reads do not overwrite", async () => {
  const trial = start(START);
  const reader = trial.body.getReader();
  const { value: first } = await reader.read();
  trial.source.send(STOP);
  const { value: second } = await reader.read();
  const decoder = new TextDecoder();
  assertEquals([decoder.decode(first), decoder.decode(second)], [START, STOP]);
  await reader.cancel();
});

Deno.test("passThrough ends a stream that is cut with a complete error event", async () => {
  const places = [
    "",
    START,
    `${START}event: content_block_delta\n`,
    `${START}${DELTA.trimEnd()}`,
    `${START}${DELTA.trimEnd()}\n`,
    `${START}${DELTA.slice(0, -12)}`,
  ];
  for (const place of places) {
    for (const how of ["close", "cut"] as const) {
      const trial = start(place);
      if (how === "close") trial.source.close();
      else queueMicrotask(() => trial.source.cut());
      const { text, end } = await finish(trial);
      assertEquals(end?.how, "failed");
      const last = parseSse(text).at(-1);
      assertEquals(last?.name, "error", place);
      assertMatch(
        JSON.parse(last?.data ?? "").error.message,
        /connection closed before the response was complete/,
      );
    }
  }
});

Deno.test("passThrough completes when the connection breaks after message_stop", async () => {
  for (const how of ["close", "cut"] as const) {
    const trial = start(`${START}${STOP}`);
    const reader = trial.body.getReader();
    await reader.read();
    if (how === "close") trial.source.close();
    else trial.source.cut();
    assertEquals((await reader.read()).done, true);
    assertEquals(trial.ends, [{ how: "complete" }]);
  }
});

Deno.test("passThrough ends at upstream's error event, and redacts keys in its message", async () => {
  const secret = ERROR.replace("Too much", "Too much for sk-or-secret");
  for (const event of [secret, secret.replace("event: error\n", "")]) {
    const stream = `${START}${DELTA}${event}${DELTA}`;
    for (let at = 0; at < stream.length; at++) {
      const trial = start(stream.slice(0, at));
      trial.source.send(stream.slice(at));
      const { text, end } = await finish(trial);
      const [first, second, last, ...more] = parseSse(text);
      assertEquals([first?.name, second?.name, more.length], [
        "message_start",
        "content_block_delta",
        0,
      ]);
      assertEquals([last?.name, JSON.parse(last?.data ?? "").error], [
        "error",
        { type: "api_error", message: "Too much for ***" },
      ]);
      assert(end?.how === "failed");
    }
  }
});

Deno.test("passThrough forwards a stream in reads cut at any byte, with either line ending", async () => {
  for (
    const stream of [`${START}${DELTA}${STOP}`, `${START}${DELTA}${STOP}`.replaceAll("\n", "\r\n")]
  ) {
    for (let at = 0; at < stream.length; at++) {
      const trial = start(stream.slice(0, at));
      trial.source.send(stream.slice(at));
      trial.source.close();
      const { text, end } = await finish(trial);
      assertEquals([text, end?.how], [stream, "complete"]);
    }
    const bytewise = start("");
    for (const byte of new TextEncoder().encode(stream)) bytewise.source.send(Uint8Array.of(byte));
    bytewise.source.close();
    assertEquals((await finish(bytewise)).text, stream);
  }
});

Deno.test("passThrough forwards a last event without its blank line", async () => {
  const trial = start(`${START}${STOP.trimEnd()}`);
  trial.source.close();
  const { text, end } = await finish(trial);
  assertEquals([text, end?.how], [`${START}${STOP.trimEnd()}`, "complete"]);
});

Deno.test("passThrough ends a stream whose event exceeds 16 MiB", async () => {
  const trial = start(START);
  const piece = new Uint8Array(1024 * 1024).fill(0x61);
  const sending = (async () => {
    for (let n = 0; n < 17; n++) trial.source.send(piece);
    await Promise.resolve();
  })();
  const { text, end } = await finish(trial);
  await sending;
  assert(end?.how === "failed");
  assertMatch(end.error.message, /an event of more than 16 MiB/);
  assertEquals(parseSse(text).at(-1)?.name, "error");
});

Deno.test("passThrough ends a stream whose onEvent throws", async () => {
  const trial = start(START, {
    onEvent() {
      throw new RangeError("a bug");
    },
  });
  const { end } = await finish(trial);
  assertEquals(end?.how, "failed");
});

Deno.test("passThrough aborts the response of a client that reads nothing within the timeout", async () => {
  const trial = start(`${START}${DELTA}`, { timeoutMs: 20 });
  const reader = trial.body.getReader();
  await reader.read();
  await trial.source.cancelled;
  assertEquals(trial.ends, [{ how: "client_gone" }]);
  await assertRejects(() => reader.read(), Error, "The client read nothing");
});

Deno.test("passThrough ends with an error event when it is ended from outside, during a read or not", async () => {
  for (const reads of [0, 1]) {
    const openStreams = new Set<OpenStream>();
    const trial = start(START, { openStreams });
    const reader = trial.body.getReader();
    await reader.read();
    const next = reads === 0 ? null : reader.read();
    for (const one of openStreams) one.end(new ApiError("overloaded_error", "closing"));
    const { value } = await (next ?? reader.read());
    assertMatch(new TextDecoder().decode(value), /overloaded_error/);
    assertEquals([(await reader.read()).done, openStreams.size], [true, 0]);
    await trial.source.cancelled;
  }
});

Deno.test("passThrough ends with a timeout error when upstream is idle, and cancels it", async () => {
  const trial = start(START, { timeoutMs: 20 });
  const { text, end } = await finish(trial);
  await trial.source.cancelled;
  assert(end?.how === "failed");
  assertEquals(end.error.type, "timeout_error");
  assertEquals(parseSse(text).at(-1)?.name, "error");
});

Deno.test("passThrough cancels upstream when the client disconnects, and reports it once", async () => {
  const trial = start(START);
  const reader = trial.body.getReader();
  await reader.read();
  await reader.cancel();
  await trial.source.cancelled;
  assertEquals(trial.ends, [{ how: "client_gone" }]);
});

Deno.test("passThrough reads upstream only when the client reads", async () => {
  let pulled = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulled++;
      controller.enqueue(new TextEncoder().encode(DELTA));
    },
  }, { highWaterMark: 0 });
  const body = passThrough(source, {
    timeoutMs: 60_000,
    now: () => performance.now(),
    onEvent: () => {},
    onEnd: () => {},
    parseError: parseErrorObject,
    encodeError: () => "",
  });
  const reader = body.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(pulled, 1);
  await reader.cancel();
});

Deno.test("passThrough observes a character that is cut between two reads", async () => {
  const bytes = new TextEncoder().encode(
    'event: message_start\ndata: {"type":"message_start","message":{"model":"größe"}}\n\n',
  );
  const cut = bytes.indexOf(0xc3) + 1;
  const observed: unknown[] = [];
  const body = passThrough(ReadableStream.from([bytes.slice(0, cut), bytes.slice(cut)]), {
    now: () => performance.now(),
    timeoutMs: 60_000,
    onEvent: (event) => observed.push(event["message"]),
    onEnd: () => {},
    parseError: parseErrorObject,
    encodeError: () => "",
  });
  await new Response(body).text();
  assertEquals(observed, [{ model: "größe" }]);
});

Deno.test("passThrough ends once when the client disconnects while upstream is idle", async () => {
  const trial = start(START);
  const reader = trial.body.getReader();
  await reader.read();
  const pending = reader.read();
  await reader.cancel();
  await pending;
  // The pending read ends now that upstream is cancelled; that must not end the stream again.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(trial.ends, [{ how: "client_gone" }]);
});
