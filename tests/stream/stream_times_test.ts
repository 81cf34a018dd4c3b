// Pings and timeouts of both kinds of streams, to the millisecond: lib/stream/response_stream.ts.

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { createEventStream } from "../../lib/stream/event_stream.ts";
import type { Translator } from "../../lib/stream/chunk_translation.ts";
import { passThrough } from "../../lib/stream/passthrough.ts";
import type { StreamEnd } from "../../lib/stream/response_stream.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";
import { parseSse } from "../helpers/sse.ts";
import { createOpenBody, type OpenBody } from "../helpers/upstream.ts";

const CHUNK = "data: {}\n\n";
const COMMENT = ": hello\n\n";
const STOP = 'data: {"type":"message_stop"}\n\n';
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';
const TIMES = { timeoutMs: 1000, pingMs: 30 };

/** Every chunk is one event, and `[DONE]` completes the response. */
const translator: Translator = {
  isComplete: false,
  hasEnded: false,
  keptChars: 0,
  start: () => [{ type: "content_block_stop", index: 0 }],
  push: () => [{ type: "content_block_stop", index: 1 }],
  finish: () => [{ type: "message_stop" }],
  fail: ({ type, message }) => [{ type: "error", error: { type, message } }],
};

/** A client on fake timers. Events are noted with the time at which they are read. */
class Trial implements Disposable {
  readonly timers = new FakeTimers();
  readonly source: OpenBody;
  readonly events: string[] = [];
  readonly ends: string[] = [];
  readonly now = () => this.timers.now;
  readonly onEnd = (end: StreamEnd) => {
    this.ends.push(`${end.how === "failed" ? end.error.type : end.how} ${this.timers.now}`);
  };

  constructor(first: string) {
    this.source = createOpenBody(first);
  }

  open(times: { timeoutMs: number; pingMs: number } = TIMES): ReturnType<typeof createEventStream> {
    const { now, onEnd } = this;
    return createEventStream(this.source.body, translator, { ...times, now, onEnd });
  }

  pass(times: { timeoutMs: number; pingMs: number } = TIMES): ReturnType<typeof passThrough> {
    return passThrough(this.source.body, {
      ...times,
      now: this.now,
      onEnd: this.onEnd,
      onEvent() {},
      parseError: () => new ApiError("api_error", "No"),
      encodeError: ({ type }) => `event: ${type}\ndata: {}\n\n`,
    });
  }

  async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { value } = await reader.read();
    for (const { name } of parseSse(new TextDecoder().decode(value))) {
      this.events.push(
        `${name.replace("content_block_stop", "event") || "message"} ${this.timers.now}`,
      );
    }
  }

  async readAll(stream: ReadableStream<Uint8Array>): Promise<void> {
    const reader = stream.getReader();
    while (this.ends.length === 0) await this.read(reader);
  }

  /** Advances one millisecond after the other, so that everything has time to react. */
  async wait(ms: number): Promise<void> {
    for (let n = 0; n < ms; n++) {
      await settle();
      this.timers.advance(1);
    }
    await settle();
  }

  [Symbol.dispose](): void {
    this.timers[Symbol.dispose]();
  }
}

/** Lets all reads and writes happen that need no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

Deno.test("createEventStream sends the headers with a ping after pingMs, and then pings while nothing comes", async () => {
  using trial = new Trial(COMMENT);
  const reading = trial.open().then((stream) => trial.readAll(stream));
  await trial.wait(29);
  assertEquals(trial.events, []);
  await trial.wait(66);
  trial.source.send(CHUNK);
  await trial.wait(40);
  trial.source.send("data: [DONE]\n\n");
  await reading;
  assertEquals(trial.events, [
    "event 30",
    "ping 30",
    "ping 60",
    "ping 90",
    "event 95",
    "ping 125",
    "message_stop 135",
  ]);
  assertEquals([trial.ends, trial.timers.pending], [["complete 135"], 0]);
});

Deno.test("createEventStream queues one ping for a client that does not read, and none before its first read", async () => {
  using trial = new Trial(CHUNK);
  const stream = await trial.open();
  const reader = stream.getReader();
  await trial.wait(200);
  await trial.read(reader);
  await trial.wait(200);
  trial.source.send(`${CHUNK}data: [DONE]\n\n`);
  await trial.read(reader);
  await trial.read(reader);
  assertEquals(trial.events, ["event 200", "ping 400", "event 400", "message_stop 400"]);
  assertEquals([trial.ends, trial.timers.pending], [["complete 400"], 0]);
});

Deno.test("createEventStream times out an idle upstream 50 ms after its time, before and after the headers", async () => {
  const times = { timeoutMs: 100, pingMs: 1_000_000 };
  using before = new Trial(COMMENT);
  const rejected = assertRejects(() => before.open(times), ApiError, "No data from upstream");
  await before.wait(149);
  assertEquals(before.ends, []);
  await before.wait(1);
  assertEquals((await rejected).status, 504);
  assertEquals([before.ends, before.timers.pending], [["timeout_error 150"], 0]);
  before[Symbol.dispose]();

  using after = new Trial(CHUNK);
  const reading = after.open(times).then((stream) => after.readAll(stream));
  await after.wait(90);
  after.source.send(COMMENT);
  await after.wait(149);
  assertEquals([after.events, after.ends], [["event 0"], []]);
  await after.wait(1);
  await reading;
  assertEquals(after.events, ["event 0", "error 240"]);
  assertEquals([after.ends, after.timers.pending], [["timeout_error 240"], 0]);
});

Deno.test("passThrough times out an idle upstream before the headers, and comments keep the request open", async () => {
  using trial = new Trial("");
  const rejected = assertRejects(
    () => trial.pass({ timeoutMs: 1000, pingMs: 1_000_000 }),
    ApiError,
    "No data from upstream",
  );
  for (let n = 0; n < 3; n++) {
    await trial.wait(990);
    trial.source.send(COMMENT);
  }
  await trial.wait(1049);
  assertEquals([trial.events, trial.ends], [[], []]);
  await trial.wait(1);
  assertEquals((await rejected).status, 504);
  assertEquals([trial.ends, trial.timers.pending], [["timeout_error 4020"], 0]);
});

Deno.test("passThrough times out an idle upstream after the headers with an error event", async () => {
  using trial = new Trial(CHUNK);
  const reading = trial.pass({ timeoutMs: 100, pingMs: 1_000_000 }).then((stream) =>
    trial.readAll(stream)
  );
  await trial.wait(90);
  trial.source.send(COMMENT);
  await trial.wait(149);
  assertEquals(trial.ends, []);
  await trial.wait(1);
  await reading;
  assertEquals(trial.events, ["message 0", "timeout_error 240"]);
  assertEquals([trial.ends, trial.timers.pending], [["timeout_error 240"], 0]);
});

Deno.test("passThrough sends the headers with a ping after pingMs, and then pings while nothing but comments comes", async () => {
  using trial = new Trial(COMMENT);
  const reading = trial.pass().then((stream) => trial.readAll(stream));
  await trial.wait(29);
  assertEquals(trial.events, []);
  await trial.wait(20);
  trial.source.send(COMMENT);
  await trial.wait(46);
  trial.source.send(CHUNK);
  await trial.wait(20);
  trial.source.send(COMMENT);
  await trial.wait(20);
  trial.source.send(STOP);
  trial.source.close();
  await reading;
  assertEquals(trial.events, [
    "ping 30",
    "ping 60",
    "ping 90",
    "message 95",
    "ping 125",
    "message 135",
  ]);
  assertEquals([trial.ends, trial.timers.pending], [["complete 135"], 0]);
});

Deno.test("passThrough never sends a ping inside an event", async () => {
  using trial = new Trial(CHUNK);
  const reader = (await trial.pass()).getReader();
  await trial.read(reader);
  const next = reader.read();
  await settle();
  trial.source.send(CHUNK.slice(0, 8));
  await trial.wait(40);
  assertEquals(new TextDecoder().decode((await next).value), PING);
  const rest = reader.read();
  trial.source.send(CHUNK.slice(8));
  assertEquals(new TextDecoder().decode((await rest).value), CHUNK);
  await reader.cancel();
});

Deno.test("passThrough queues one ping for a client that does not read, and none before its first read", async () => {
  using trial = new Trial(CHUNK);
  const reader = (await trial.pass()).getReader();
  await trial.wait(200);
  await trial.read(reader);
  await trial.wait(200);
  trial.source.send(STOP);
  trial.source.close();
  await trial.read(reader);
  await trial.read(reader);
  assertEquals(trial.events, ["message 200", "ping 400", "message 400"]);
});

Deno.test("a client that reads is never timed out, however slowly upstream sends", async () => {
  using trial = new Trial(CHUNK);
  const reading = trial.open({ timeoutMs: 100, pingMs: 1_000_000 }).then((stream) =>
    trial.readAll(stream)
  );
  for (let n = 0; n < 5; n++) {
    await trial.wait(90);
    trial.source.send(COMMENT);
  }
  assertEquals(trial.ends, []);
  trial.source.send("data: [DONE]\n\n");
  await reading;
  assertEquals(trial.ends, ["complete 450"]);
});

for (const kind of ["createEventStream", "passThrough"] as const) {
  Deno.test(`${kind} times out a client that reads nothing for the timeout, 50 ms after its time`, async () => {
    using trial = new Trial(CHUNK);
    const stream = kind === "passThrough"
      ? await trial.pass({ timeoutMs: 1000, pingMs: 1_000_000 })
      : await trial.open({ timeoutMs: 1000, pingMs: 1_000_000 });
    const reader = stream.getReader();
    await trial.wait(500);
    trial.source.send(CHUNK);
    await trial.read(reader);
    await settle();
    await trial.wait(1049);
    assertEquals(trial.ends, []);
    await trial.wait(1);
    assertEquals([trial.ends, trial.timers.pending], [["client_gone 1550"], 0]);
    await trial.source.cancelled;
    await assertRejects(
      async () => {
        for (let n = 0; n < 3; n++) await reader.read();
      },
      Error,
      "The client read nothing within TIMEOUT_S",
    );
  });

  Deno.test(`${kind} leaves no timer when the client disconnects`, async () => {
    using trial = new Trial(CHUNK);
    const stream = kind === "passThrough" ? await trial.pass() : await trial.open();
    await stream.cancel();
    assertEquals([trial.ends, trial.timers.pending], [["client_gone 0"], 0]);
  });
}
