/**
 * Forwarding of Anthropic streams: bytes are unchanged, and a stream that breaks ends with an error event.
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ActiveSet } from "../../lib/active_set.ts";
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

async function start(
  first: string,
  options: Partial<PassThroughOptions> = {},
): Promise<Trial> {
  const source = createOpenBody(first);
  const ends: StreamEnd[] = [];
  const observed: unknown[] = [];
  const body = await passThrough(source.body, {
    timeoutMs: 60_000,
    pingMs: 60_000,
    now: () => performance.now(),
    onEvent: (event) => observed.push(event["type"]),
    onEnd: (end) => ends.push(end),
    parseError: parseErrorObject,
    encodeError: encodeRedacted,
    ...options,
  });
  return { source, body, ends, observed };
}

function encodeRedacted(error: ApiError): string {
  const redact = (text: string) => text.replaceAll("sk-or-secret", "***");
  return encodeEvent({ type: "error", error: toErrorBody(error, redact) });
}

/** The client's reads of a body that is sent in these pieces, and how the stream ends. */
async function readPieces(
  pieces: readonly (string | Uint8Array<ArrayBuffer>)[],
  options: Partial<PassThroughOptions> = {},
) {
  const ends: StreamEnd[] = [];
  const encoded = pieces.map((piece) =>
    typeof piece === "string" ? new TextEncoder().encode(piece) : piece
  );
  const body = await passThrough(ReadableStream.from(encoded), {
    timeoutMs: 60_000,
    pingMs: 60_000,
    now: () => performance.now(),
    onEvent: () => {},
    onEnd: (end) => ends.push(end),
    parseError: parseErrorObject,
    encodeError: ({ message }) =>
      encodeEvent({ type: "error", error: { type: "api_error", message } }),
    ...options,
  });
  const reads: string[] = [];
  for await (const bytes of body) reads.push(new TextDecoder().decode(bytes));
  assertEquals(ends.length, 1);
  return { reads, end: ends[0] };
}

/** What the client reads, and how the stream ends. */
async function finish({ body, ends, observed }: Trial) {
  const text = await new Response(body).text();
  assertEquals(ends.length, 1);
  return { text, end: ends[0], observed };
}

Deno.test("passThrough forwards a complete stream unchanged, and observes all events but the deltas", async () => {
  const bytes = `: hello\n\n${START}${DELTA.replaceAll("\n", "\r\n")}${STOP}`;
  const trial = await start(bytes);
  trial.source.close();
  assertEquals(await finish(trial), {
    text: bytes,
    end: { how: "complete" },
    observed: ["message_start", "message_stop"],
  });
});

Deno.test("passThrough returns bytes that later reads do not overwrite", async () => {
  const trial = await start(START);
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
    START,
    `${START}event: content_block_delta\n`,
    `${START}${DELTA.trimEnd()}`,
    `${START}${DELTA.trimEnd()}\n`,
    `${START}${DELTA.slice(0, -12)}`,
  ];
  for (const place of places) {
    for (const how of ["close", "cut"] as const) {
      const trial = await start(place);
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

Deno.test("passThrough rejects a stream that is cut before its first event", async () => {
  for (const pieces of [[], [": hello\n\n"], [START.trimEnd()]]) {
    const error = await assertRejects(() => readPieces(pieces), ApiError, "connection closed");
    assertEquals(error.status, 502);
  }
});

Deno.test("passThrough completes when the connection breaks after message_stop", async () => {
  for (const how of ["close", "cut"] as const) {
    const trial = await start(`${START}${STOP}`);
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
      const { reads, end } = await readPieces([stream.slice(0, at), stream.slice(at)], {
        encodeError: encodeRedacted,
      });
      const [first, second, last, ...more] = parseSse(reads.join(""));
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

/** Streams by their line endings, with the events that the client reads. */
const FRAMINGS: [about: string, events: string[]][] = [
  ["LF", [START, DELTA, STOP]],
  ["CRLF", [START, DELTA, STOP].map((event) => event.replaceAll("\n", "\r\n"))],
  ["CRLF in the blank line only", [START, DELTA, STOP].map((event) => `${event.slice(0, -1)}\r\n`)],
  ["a blank line in front", [`\n\n${START}`, STOP]],
];

for (const [about, events] of FRAMINGS) {
  const stream = events.join("");

  Deno.test(`passThrough forwards each event with the read that completes it, cut anywhere: ${about}`, async () => {
    for (let at = 1; at < stream.length; at++) {
      const pieces = [stream.slice(0, at), stream.slice(at)];
      let first = "";
      for (const event of events) {
        if (first.length + event.length > at) break;
        first += event;
      }
      const expected = [first, stream.slice(first.length)].filter((text) => text !== "");
      const { reads, end } = await readPieces(pieces);
      assertEquals([reads, end], [expected, { how: "complete" }], JSON.stringify(pieces));
    }
  });

  Deno.test(`passThrough forwards whole events of a stream that comes byte by byte: ${about}`, async () => {
    const { reads, end } = await readPieces([...stream]);
    assertEquals([reads, end], [events, { how: "complete" }]);
  });
}

Deno.test("passThrough forwards a last event without its blank line", async () => {
  const trial = await start(`${START}${STOP.trimEnd()}`);
  trial.source.close();
  const { text, end } = await finish(trial);
  assertEquals([text, end?.how], [`${START}${STOP.trimEnd()}`, "complete"]);
});

Deno.test("passThrough keeps the events before the first error, and drops all after it", async () => {
  const rewritten = encodeEvent({
    type: "error",
    error: { type: "api_error", message: "Too much" },
  });
  const comment = ": hello\n\n";
  const cases: [pieces: string[], reads: string[]][] = [
    [[comment + START + ERROR + ERROR + STOP], [comment + START + rewritten]],
    [[START, DELTA + ERROR + STOP], [START, DELTA + rewritten]],
    [[START + DELTA + ERROR.trimEnd()], [START + DELTA, rewritten]],
    [[START + ERROR, STOP], [START + rewritten]],
  ];
  for (const [pieces, expected] of cases) {
    const { reads, end } = await readPieces(pieces);
    assertEquals(reads, expected);
    assert(end?.how === "failed");
    assertEquals([end.error.type, end.error.message], ["api_error", "Too much"]);
  }
});

Deno.test("passThrough rejects with an error that comes before every event", async () => {
  for (const pieces of [[ERROR], [ERROR.trimEnd()], [`: hello\n\n${ERROR}`], [ERROR + START]]) {
    const error = await assertRejects(() => readPieces(pieces), ApiError);
    assertEquals([error.message, error.status], ["Too much", 502]);
  }
});

Deno.test("passThrough sends an error as the first event after a ping", async () => {
  const trial = await start("", { pingMs: 10 });
  const reader = trial.body.getReader();
  const { value: ping } = await reader.read();
  assertMatch(new TextDecoder().decode(ping), /^event: ping\n/);
  trial.source.send(ERROR);
  const { value: error } = await reader.read();
  assertMatch(new TextDecoder().decode(error), /^event: error\n.*Too much/s);
  assertEquals(trial.ends[0]?.how, "failed");
});

Deno.test("passThrough holds comments back until the next event, and forwards those after the last", async () => {
  const comment = ": hello\n\n";
  const { reads, end } = await readPieces([comment, START, comment, comment, STOP, comment]);
  assertEquals(reads, [comment + START, comment + comment + STOP, comment]);
  assertEquals(end, { how: "complete" });
});

Deno.test("passThrough replaces the events that `rewrite` changes, and no others", async () => {
  const odd = 'event: message_start\r\ndata:{"type":"message_start"}\r\n\r\n';
  for (const stream of [START + DELTA + odd + STOP, odd + odd + START + STOP]) {
    for (let at = 1; at < stream.length; at++) {
      const { reads } = await readPieces([stream.slice(0, at), stream.slice(at)], {
        rewrite: (event) => event["message"] === undefined ? null : { type: "message_start", x: 1 },
      });
      const expected = 'event: message_start\ndata: {"type":"message_start","x":1}\n\n';
      assertEquals(reads.join(""), stream.replace(START, expected));
    }
  }
});

Deno.test("passThrough reports the length of each delta instead of the delta", async () => {
  const lengths: number[] = [];
  const events: unknown[] = [];
  const long = DELTA.replace('"index":0', '"index":0,"delta":{"text":"abc"}');
  await readPieces([START + DELTA + long, STOP], {
    onEvent: (event) => events.push(event["type"]),
    onDelta: (chars) => lengths.push(chars),
  });
  assertEquals(lengths, [DELTA, long].map((event) => event.split("data: ")[1]?.trim().length));
  assertEquals(events, ["message_start", "message_stop"]);
});

Deno.test("passThrough takes data that is not a JSON object for an event without meaning", async () => {
  const odd = 'data: {"type"\n\ndata: ["error"]\n\ndata: null\n\n';
  const events: unknown[] = [];
  const { reads, end } = await readPieces([START + odd + STOP], {
    onEvent: (event) => events.push(event["type"]),
  });
  assertEquals([reads, end], [[START + odd + STOP], { how: "complete" }]);
  assertEquals(events, ["message_start", "message_stop"]);
});

const MAX_BYTES = 16 * 1024 * 1024;

Deno.test("passThrough ends a stream at once whose event is a byte longer than 16 MiB", async () => {
  for (const pieces of [[MAX_BYTES + 1], [1, MAX_BYTES]]) {
    const trial = await start(START);
    for (const length of pieces) trial.source.send(new Uint8Array(length));
    // Stays open: at its end, the parser would find the same.
    const { text } = await finish(trial);
    assertStringIncludes(text, "Upstream sent an event of more than 16 MiB");
    const [end] = trial.ends;
    assert(end?.how === "failed");
    assertEquals(end.error.status, 502);
  }
});

Deno.test("passThrough takes an event of 16 MiB", async () => {
  const { reads, end } = await readPieces([START, new Uint8Array(MAX_BYTES).fill(0x61)]);
  assertEquals(reads.length, 2);
  assert(end?.how === "failed");
  assertMatch(end.error.message, /closed before the response was complete/);
});

Deno.test("passThrough ends a stream whose onEvent throws", async () => {
  const bug = new RangeError("a bug");
  let events = 0;
  const trial = await start(START, {
    onEvent() {
      if (events++ > 0) throw bug;
    },
  });
  trial.source.send(START);
  const { end } = await finish(trial);
  assert(end?.how === "failed");
  assertEquals([end.error.status, end.error.cause], [502, bug]);
});

Deno.test("passThrough aborts the response of a client that reads nothing within the timeout", async () => {
  const trial = await start(`${START}${DELTA}`, { timeoutMs: 20 });
  const reader = trial.body.getReader();
  await reader.read();
  await trial.source.cancelled;
  assertEquals(trial.ends, [{ how: "client_gone" }]);
  await assertRejects(() => reader.read(), Error, "The client read nothing");
});

Deno.test("passThrough ends with an error event when it is ended from outside, during a read or not", async () => {
  for (const reads of [0, 1]) {
    const openStreams = new ActiveSet<OpenStream>();
    const trial = await start(START, { openStreams });
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

Deno.test("passThrough gives its share of the memory budget back at the end", async () => {
  let released = 0;
  const share = { resize() {}, release: () => released++ };
  await readPieces([START, STOP], { share });
  assertEquals(released, 1);
});

Deno.test("passThrough that has ended cannot be ended from outside", async () => {
  const openStreams = new ActiveSet<OpenStream>();
  const trial = await start(START + STOP, { openStreams });
  const [stream] = openStreams;
  trial.source.close();
  assertEquals((await finish(trial)).text, START + STOP);
  stream?.end(new ApiError("overloaded_error", "closing"));
  assertEquals([openStreams.size, trial.ends], [0, [{ how: "complete" }]]);
});

Deno.test("passThrough ends with a timeout error when upstream is idle, and cancels it", async () => {
  const trial = await start(START, { timeoutMs: 20 });
  const { text, end } = await finish(trial);
  await trial.source.cancelled;
  assert(end?.how === "failed");
  assertEquals(end.error.type, "timeout_error");
  assertEquals(parseSse(text).at(-1)?.name, "error");
});

Deno.test("passThrough cancels upstream when the client disconnects, and reports it once", async () => {
  const trial = await start(START);
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
  const body = await passThrough(source, {
    timeoutMs: 60_000,
    pingMs: 60_000,
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
  const body = await passThrough(ReadableStream.from([bytes.slice(0, cut), bytes.slice(cut)]), {
    now: () => performance.now(),
    timeoutMs: 60_000,
    pingMs: 60_000,
    onEvent: (event) => observed.push(event["message"]),
    onEnd: () => {},
    parseError: parseErrorObject,
    encodeError: () => "",
  });
  await new Response(body).text();
  assertEquals(observed, [{ model: "größe" }]);
});

Deno.test("passThrough ends once when the client disconnects while upstream is idle", async () => {
  const trial = await start(START);
  const reader = trial.body.getReader();
  await reader.read();
  const pending = reader.read();
  await reader.cancel();
  await pending;
  // The pending read ends now that upstream is cancelled; that must not end the stream again.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(trial.ends, [{ how: "client_gone" }]);
});
