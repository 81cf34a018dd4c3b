// The translated stream: headers, timeouts, failures and disconnects, with a minimal translator.

import { assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { ActiveSet } from "../../lib/active_set.ts";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { ApiError } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json.ts";
import { createEventStream } from "../../lib/stream/event_stream.ts";
import type { Translator } from "../../lib/stream/chunk_translation.ts";
import type {
  OpenStream,
  ResponseStreamOptions,
  StreamEnd,
} from "../../lib/stream/response_stream.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { parseSse } from "../helpers/sse.ts";
import { sse } from "../helpers/chunks.ts";
import { createOpenBody, type OpenBody } from "../helpers/upstream.ts";

const MESSAGE: Message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m",
  content: [],
  stop_reason: null,
  stop_sequence: null,
  stop_details: null,
  usage: {
    input_tokens: 1,
    output_tokens: 1,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  },
};

/**
 * Translates `{text}`, `{finish}`, `{trust}`, `{end}`, `{kept}`, `{error}`, `{bug}`, and `{mute}`, after which it fails to
 * report errors; any other chunk has no content.
 */
class FakeTranslator implements Translator {
  keptChars = 0;
  isComplete = false;
  hasEnded = false;
  #hasStarted = false;
  #trustsDone = false;
  #isMute = false;

  start(): StreamEvent[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    return [{ type: "message_start", message: MESSAGE }];
  }

  push(chunk: JsonObject): StreamEvent[] {
    if (chunk["bug"]) throw new RangeError("a bug");
    if (chunk["error"]) throw new ApiError("rate_limit_error", "slow down");
    if (chunk["mute"]) this.#isMute = true;
    if (typeof chunk["kept"] === "number") this.keptChars = chunk["kept"];
    if (chunk["trust"]) this.#trustsDone = true;
    if (chunk["finish"]) this.isComplete = true;
    if (chunk["end"]) this.hasEnded = this.#trustsDone = true;
    if (typeof chunk["text"] !== "string") return [];
    const delta = { type: "text_delta", text: chunk["text"] } as const;
    return [...this.start(), { type: "content_block_delta", index: 0, delta }];
  }

  finish({ isDone }: { isDone: boolean }): StreamEvent[] {
    if (!this.isComplete && !(this.#trustsDone && isDone !== false)) {
      throw new ApiError("api_error", "incomplete", { status: 502 });
    }
    return [...this.start(), { type: "message_stop" }];
  }

  fail(error: ApiError): StreamEvent[] {
    if (this.#isMute) throw new RangeError("a bug of ours");
    return [{ type: "error", error: { type: error.type, message: error.message } }];
  }
}

/** A stream with its source, and what it reported. */
interface Trial {
  source: OpenBody;
  opened: Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  ends: StreamEnd[];
  firstEvents: number;
  /** Resolves when the stream's own clock has advanced so far; the stream reads it again and again. */
  passed(ms: number): Promise<void>;
}

/** Not reached in a passing test; a failing one ends after it instead of hanging. */
const LONG = 5_000;

function start(first: string, times: Partial<ResponseStreamOptions> = {}): Trial {
  const source = createOpenBody(first);
  const alarms: { at: number; resolve: () => void }[] = [];
  const trial: Trial = {
    source,
    ends: [],
    firstEvents: 0,
    opened: createEventStream(source.body, new FakeTranslator(), {
      timeoutMs: LONG,
      pingMs: LONG,
      ...times,
      now() {
        const now = performance.now();
        for (const alarm of alarms) if (now >= alarm.at) alarm.resolve();
        return now;
      },
      onFirstEvent: () => trial.firstEvents++,
      onEnd: (end) => trial.ends.push(end),
    }),
    passed: (ms) => new Promise((resolve) => alarms.push({ at: performance.now() + ms, resolve })),
  };
  return trial;
}

const TEXT = { text: "Hi" };
const FINISH = { finish: true };

/** One word per enqueue: `start`, `Hi`, `ping`, `stop`, or an error's type and message. */
async function readAll(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string[][]> {
  const reads: string[][] = [];
  const ended = (async () => {
    for await (const bytes of stream) reads.push(toWords(bytes));
  })();
  await withTimeout(ended, "the client's stream to end");
  return reads;
}

function toWords(bytes: Uint8Array | undefined): string[] {
  return parseSse(new TextDecoder().decode(bytes)).map(({ name, data, isWhole }) => {
    const event: StreamEvent = JSON.parse(data);
    assertEquals([name, isWhole], [event.type, true]);
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
      return event.delta.text;
    }
    if (event.type === "error") return `${event.error.type}: ${event.error.message}`;
    return event.type.replace("message_", "");
  });
}

function describeEnds(ends: readonly StreamEnd[]): string[] {
  return ends.map((end) => end.how === "failed" ? `${end.error.type}` : end.how);
}

const LOST = "api_error: The upstream connection closed before the response was complete";
const INVALID_JSON = "api_error: Upstream sent an event that is not valid JSON";
const INVALID_UTF8 = new Uint8Array([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a]);

/** Failures, what the client reads of them after `start, Hi`, and the status before the headers are sent. */
const FAILURES = [
  { about: "a cut", act: (source: OpenBody) => source.cut(), word: LOST, status: 502 },
  {
    about: "an end without a finish",
    act: (source: OpenBody) => source.close(),
    word: "api_error: incomplete",
    status: 502,
  },
  {
    about: "[DONE] without a finish",
    act: (source: OpenBody) => source.send(sse("[DONE]")),
    word: "api_error: incomplete",
    status: 502,
  },
  {
    about: "an error chunk",
    act: (source: OpenBody) => source.send(sse({ error: true })),
    word: "rate_limit_error: slow down",
    status: 429,
  },
  {
    about: "an event that is not valid JSON",
    act: (source: OpenBody) => source.send(sse('{"text": "Hi')),
    word: INVALID_JSON,
    status: 502,
  },
  {
    about: "an event that is not a JSON object",
    act: (source: OpenBody) => source.send(sse('["text"]')),
    word: INVALID_JSON,
    status: 502,
  },
  {
    about: "an event cut by the end of the stream",
    act(source: OpenBody) {
      source.send('data: {"text": "H');
      source.close();
    },
    word: "api_error: incomplete",
    status: 502,
  },
  {
    about: "invalid UTF-8",
    act: (source: OpenBody) => source.send(INVALID_UTF8),
    word: LOST,
    status: 502,
  },
  {
    about: "an end inside a character",
    act(source: OpenBody) {
      source.send(new Uint8Array([...new TextEncoder().encode('data: {"text":"'), 0xe2, 0x82]));
      source.close();
    },
    word: LOST,
    status: 502,
  },
  {
    about: "a bug of ours",
    act: (source: OpenBody) => source.send(sse({ bug: true })),
    word: "api_error: Internal error of the proxy",
    status: 500,
  },
] as const;

for (const { about, act, word, status } of FAILURES) {
  Deno.test(`createEventStream rejects after ${about} before the headers, and ends once`, async () => {
    const trial = start(sse({ role: "assistant" }));
    act(trial.source);
    const error = await assertRejects(() => trial.opened, ApiError);
    assertEquals([`${error.type}: ${error.message}`, error.status], [word, status]);
    assertEquals(describeEnds(trial.ends), [error.type]);
    assertEquals(trial.firstEvents, 0);
  });

  Deno.test(`createEventStream ends the stream with an error event after ${about} midway`, async () => {
    const trial = start(sse(TEXT));
    const stream = await trial.opened;
    act(trial.source);
    assertEquals((await readAll(stream)).flat(), ["start", "Hi", word]);
    assertEquals(describeEnds(trial.ends), [word.split(":")[0]]);
  });
}

for (const { about, act } of FAILURES) {
  if (about === "an error chunk" || about === "a bug of ours") continue;
  Deno.test(`createEventStream completes the stream after ${about} that follows the finish`, async () => {
    const trial = start(sse(TEXT, FINISH));
    const stream = await trial.opened;
    act(trial.source);
    // A bad event is skipped and does not end the stream.
    if (about.startsWith("an event that")) trial.source.send(sse("[DONE]"));
    assertEquals((await readAll(stream)).flat(), ["start", "Hi", "stop"]);
    assertEquals(describeEnds(trial.ends), ["complete"]);
  });
}

for (const bad of ["an event that is not valid JSON", "invalid UTF-8", "an error chunk"]) {
  Deno.test(`createEventStream cancels upstream after ${bad}, before and after the headers`, async () => {
    const failure = FAILURES.find(({ about }) => about === bad);
    for (const first of ["", sse(TEXT)]) {
      const trial = start(first);
      if (first === "") failure?.act(trial.source);
      const stream = await trial.opened.catch(() => null);
      if (first !== "") failure?.act(trial.source);
      if (stream !== null) await readAll(stream);
      await trial.source.cancelled;
      assertEquals(trial.ends.length, 1);
    }
  });
}

Deno.test("createEventStream delivers text that arrives in one read with an error", async () => {
  for (const bad of [sse({ error: true }), sse("{")]) {
    const trial = start(sse({ text: "a" }, { text: "b" }) + bad + sse({ text: "never" }));
    const [first, ...rest] = await readAll(await trial.opened);
    assertEquals(first?.slice(0, 3), ["start", "a", "b"]);
    assertEquals(first?.length, 4);
    assertEquals(rest, []);
    assertEquals(trial.ends.length, 1);
    await trial.source.cancelled;
  }
});

Deno.test("createEventStream rejects with 504 when upstream is idle before the headers, and cancels it", async () => {
  const trial = start(sse({ role: "assistant" }), { timeoutMs: 50 });
  const error = await assertRejects(() => trial.opened, ApiError);
  assertEquals([error.type, error.status], ["timeout_error", 504]);
  assertEquals(error.message, "No data from upstream for 0.05 s (TIMEOUT_S)");
  await trial.source.cancelled;
  assertEquals(describeEnds(trial.ends), ["timeout_error"]);
});

Deno.test("createEventStream ends with an error event when upstream is idle after the headers", async () => {
  const trial = start(sse(TEXT), { timeoutMs: 50 });
  const received = (await readAll(await trial.opened)).flat();
  assertEquals(received, [
    "start",
    "Hi",
    "timeout_error: No data from upstream for 0.05 s (TIMEOUT_S)",
  ]);
  await trial.source.cancelled;
  assertEquals(describeEnds(trial.ends), ["timeout_error"]);
});

Deno.test("createEventStream ends with an error event when upstream is idle after headers that were sent early", async () => {
  const trial = start("", { timeoutMs: 120, pingMs: 30 });
  const received = (await readAll(await trial.opened)).flat();
  assertEquals(received.slice(0, 2), ["start", "ping"]);
  assertEquals(received.at(-1), "timeout_error: No data from upstream for 0.12 s (TIMEOUT_S)");
  assertEquals(new Set(received.slice(2, -1)), new Set(["ping"]));
  await trial.source.cancelled;
  assertEquals(describeEnds(trial.ends), ["timeout_error"]);
});

Deno.test("createEventStream completes when upstream is idle after the finish", async () => {
  const trial = start(sse(TEXT, FINISH), { timeoutMs: 50 });
  assertEquals((await readAll(await trial.opened)).flat(), ["start", "Hi", "stop"]);
  assertEquals(describeEnds(trial.ends), ["complete"]);
  await trial.source.cancelled;
});

Deno.test("createEventStream accepts comments as activity, before and after the headers", async () => {
  const trial = start("", { timeoutMs: 200 });
  let comments = 0;
  const timer = setInterval(() => {
    trial.source.send(": OPENROUTER PROCESSING\n\n");
    comments++;
    if (comments === 8) trial.source.send(sse(TEXT));
    if (comments === 16) trial.source.send(sse(FINISH, "[DONE]"));
  }, 40);
  const received = (await readAll(await trial.opened)).flat();
  clearInterval(timer);
  assertEquals(received, ["start", "Hi", "stop"]);
  assertGreaterOrEqual(comments, 16);
});

Deno.test("createEventStream does not count the time of a slow client as upstream idle time", async () => {
  const trial = start(sse(TEXT), { timeoutMs: 300, pingMs: 10 });
  const stream = await trial.opened;
  trial.source.send(sse({ text: "b" }));
  await trial.passed(200);
  const reading = readAll(stream);
  await trial.passed(200);
  assertEquals(trial.ends, []);
  trial.source.send(sse(FINISH, "[DONE]"));
  const received = (await reading).flat();
  assertEquals(received.filter((word) => word !== "ping"), ["start", "Hi", "b", "stop"]);
});

Deno.test("createEventStream aborts the response of a client that reads nothing within the timeout", async () => {
  const { source, opened, ends } = start(sse(TEXT), { timeoutMs: 30 });
  const stream = await opened;
  const reader = stream.getReader();
  source.send(sse({ text: "b" }));
  await withTimeout(source.cancelled, "upstream to be cancelled");
  assertEquals(describeEnds(ends), ["client_gone"]);
  await assertRejects(
    async () => {
      for (;;) await reader.read();
    },
    Error,
    "The client read nothing",
  );
});

/** When a stream is ended from outside, and what the client reads then. */
const OUTSIDE_ENDS = [
  { about: "before the client has read", reads: 0, sends: "", expected: ["start", "Hi"] },
  { about: "while a read is under way", reads: 1, sends: "", expected: ["start", "Hi"] },
  {
    about: "while output waits for the client",
    reads: 0,
    sends: sse(TEXT, TEXT),
    expected: ["start", "Hi"],
  },
];
for (const { about, reads, sends, expected } of OUTSIDE_ENDS) {
  Deno.test(`a stream that is ended from outside ${about} ends with an error event`, async () => {
    const openStreams = new ActiveSet<OpenStream>();
    const { source, opened, ends } = start(sse(TEXT), { openStreams });
    const reader = (await opened).getReader();
    const read: string[] = [];
    for (let n = 0; n < reads; n++) read.push(...toWords((await reader.read()).value));
    if (sends !== "") source.send(sends);
    const next = reads > 0 ? reader.read() : null;
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const one of openStreams) one.end(new ApiError("overloaded_error", "closing"));
    if (next !== null) read.push(...toWords((await next).value));
    for (let one = await reader.read(); !one.done; one = await reader.read()) {
      read.push(...toWords(one.value));
    }
    assertEquals(read, [...expected, "overloaded_error: closing"]);
    assertEquals([describeEnds(ends), openStreams.size], [["overloaded_error"], 0]);
    await withTimeout(source.cancelled, "upstream to be cancelled");
  });
}

Deno.test("a stream that is ended from outside before its headers is an error with a status", async () => {
  const openStreams = new ActiveSet<OpenStream>();
  const { opened, ends } = start(": hello\n\n", { openStreams });
  const rejected = assertRejects(() => opened, ApiError, "closing");
  for (const one of openStreams) one.end(new ApiError("overloaded_error", "closing"));
  assertEquals((await rejected).status, 529);
  assertEquals(describeEnds(ends), ["overloaded_error"]);
});

Deno.test("a complete stream that is ended from outside before its headers is still an error with a status", async () => {
  const openStreams = new ActiveSet<OpenStream>();
  const { opened, ends } = start(sse(FINISH), { openStreams });
  const rejected = assertRejects(() => opened, ApiError, "closing");
  // The finish has been read by now, and has no content.
  await nextTurn();
  for (const one of openStreams) one.end(new ApiError("overloaded_error", "closing"));
  assertEquals((await rejected).status, 529);
  assertEquals(describeEnds(ends), ["overloaded_error"]);
});

Deno.test("a complete stream that is ended from outside ends with an error event", async () => {
  const openStreams = new ActiveSet<OpenStream>();
  const { opened, ends } = start(sse(TEXT, FINISH), { openStreams });
  const reading = readAll(await opened);
  await nextTurn();
  for (const one of openStreams) one.end(new ApiError("overloaded_error", "closing"));
  assertEquals((await reading).flat(), ["start", "Hi", "overloaded_error: closing"]);
  assertEquals(describeEnds(ends), ["overloaded_error"]);
});

Deno.test("a stream that has ended cannot be ended from outside", async () => {
  const openStreams = new ActiveSet<OpenStream>();
  const { opened, ends } = start(sse(TEXT, FINISH, "[DONE]"), { openStreams });
  const [stream] = openStreams;
  const body = await opened;
  stream?.end(new ApiError("overloaded_error", "closing"));
  assertEquals(await readAll(body), [["start", "Hi", "stop"]]);
  assertEquals([openStreams.size, describeEnds(ends)], [0, ["complete"]]);
});

Deno.test("createEventStream survives a translator that cannot report an error", async () => {
  const before = start(sse({ mute: true, text: "Hi" }, { error: true }));
  const error = await assertRejects(() => before.opened, ApiError);
  assertEquals([error.type, error.message], ["rate_limit_error", "slow down"]);
  const after = start(sse({ mute: true, text: "Hi" }));
  const stream = await after.opened;
  after.source.send(sse({ text: " there" }, { error: true }));
  assertEquals(await readAll(stream), [["start", "Hi"]]);
  assertEquals([describeEnds(before.ends), describeEnds(after.ends)], [
    ["rate_limit_error"],
    ["rate_limit_error"],
  ]);
});

Deno.test("createEventStream accepts a finish without its blank line from an upstream that then is idle", async () => {
  const trial = start(`${sse(TEXT)}data: {"finish":true}`, { timeoutMs: 20 });
  assertEquals((await readAll(await trial.opened)).flat(), ["start", "Hi", "stop"]);
  assertEquals(describeEnds(trial.ends), ["complete"]);
});

Deno.test("createEventStream buffers 32,000,000 characters of thinking and arguments and not one more", async () => {
  const comment = ": hello";
  for (const more of ["", "!"]) {
    const { source, opened, ends } = start(sse(TEXT));
    const stream = await opened;
    source.send(sse({ kept: 32_000_000 - comment.length }) + comment + more);
    const reading = readAll(stream);
    await nextTurn();
    if (more === "") source.send(`\n\n${sse({ kept: 0 }, FINISH, "[DONE]")}`);
    const last = (await reading).flat().at(-1);
    const tooMuch = "api_error: Upstream sent more thinking and arguments than can be buffered";
    assertEquals([last, ends.length], [more === "" ? "stop" : tooMuch, 1]);
  }
});

Deno.test("createEventStream reserves memory for what it buffers, and gives it back at the end", async () => {
  const calls: unknown[] = [];
  const share = {
    resize: (chars: number) => calls.push(chars),
    release: () => calls.push("release"),
  };
  const { source, opened } = start(sse(TEXT), { share });
  const stream = await opened;
  source.send(`${sse({ kept: 100 })}data: {`);
  const reading = readAll(stream);
  await nextTurn();
  source.send(`}\n\n${sse(FINISH, "[DONE]")}`);
  await reading;
  assertEquals(calls, [0, 107, "release"]);
});

Deno.test("createEventStream rejects with 529 where the memory for what it buffers is not free", async () => {
  const share = {
    resize() {
      throw new ApiError("overloaded_error", "too many bodies");
    },
    release() {},
  };
  const error = await assertRejects(() => start("data: {", { share }).opened, ApiError);
  assertEquals(error.status, 529);
});

Deno.test("createEventStream holds the headers back until the first real chunk", async () => {
  const trial = start(sse({ role: "assistant" }));
  let isOpen = false;
  const opened = trial.opened.then((stream) => {
    isOpen = true;
    return stream;
  });
  for (const text of [": comment\n\n", sse({ role: "assistant" }), 'data: {"role":']) {
    trial.source.send(text);
    await nextTurn();
    assertEquals([isOpen, trial.firstEvents], [false, 0]);
  }
  trial.source.send(`""}\n\n${sse(TEXT)}`);
  const reader = (await opened).getReader();
  assertEquals(trial.firstEvents, 1);
  assertEquals(toWords((await reader.read()).value), ["start", "Hi"]);
  await reader.cancel();
});

Deno.test("createEventStream sends start and ping when the first chunk takes longer than pingMs", async () => {
  const trial = start(sse({ role: "assistant" }), { pingMs: 30 });
  const started = performance.now();
  const stream = await trial.opened;
  const reader = stream.getReader();
  assertGreaterOrEqual(performance.now() - started, 29);
  assertEquals(trial.firstEvents, 1);
  assertEquals(toWords((await reader.read()).value), ["start", "ping"]);
  reader.releaseLock();
  trial.source.send(sse(TEXT, FINISH, "[DONE]"));
  const received = (await readAll(stream)).flat();
  assertEquals(received.filter((word) => word !== "ping"), ["Hi", "stop"]);
  assertEquals(trial.firstEvents, 1);
});

Deno.test("createEventStream sends pings while upstream sends only comments", async () => {
  const trial = start(sse(TEXT), { pingMs: 40 });
  const timer = setInterval(() => trial.source.send(": OPENROUTER PROCESSING\n\n"), 10);
  const reader = (await trial.opened).getReader();
  assertEquals(toWords((await reader.read()).value), ["start", "Hi"]);
  const started = performance.now();
  for (let pings = 0; pings < 3; pings++) {
    assertEquals(toWords((await reader.read()).value), ["ping"]);
  }
  assertGreaterOrEqual(performance.now() - started, 3 * 40 - 10);
  clearInterval(timer);
  await reader.cancel();
  assertEquals(describeEnds(trial.ends), ["client_gone"]);
});

Deno.test("createEventStream sends no pings to a client that does not read", async () => {
  const trial = start(sse(TEXT), { pingMs: 10 });
  const stream = await trial.opened;
  await trial.passed(100);
  trial.source.send(sse(FINISH, "[DONE]"));
  const received = (await readAll(stream)).flat();
  // One may be queued between the first read and the second.
  assertEquals(received.slice(0, 2), ["start", "Hi"]);
  assertEquals(received.filter((word) => word === "ping").length <= 1, true, received.join());
  assertEquals(received.at(-1), "stop");
});

Deno.test("createEventStream queues at most one ping for a client that has stopped reading", async () => {
  const trial = start(sse(TEXT), { pingMs: 10 });
  const stream = await trial.opened;
  const reader = stream.getReader();
  await reader.read();
  await trial.passed(100);
  reader.releaseLock();
  trial.source.send(sse(FINISH, "[DONE]"));
  assertEquals((await readAll(stream)).flat(), ["ping", "stop"]);
});

Deno.test("createEventStream stops reading upstream while the client does not read", async () => {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    type: "bytes",
    pull(controller) {
      pulls++;
      controller.enqueue(new TextEncoder().encode(sse(TEXT)));
    },
  });
  const ends: StreamEnd[] = [];
  const stream = await createEventStream(body, new FakeTranslator(), {
    timeoutMs: LONG,
    pingMs: LONG,
    now: () => performance.now(),
    onEnd: (end) => ends.push(end),
  });
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assertEquals(pulls < 10, true, `${pulls} pulls`);
  await stream.cancel();
  assertEquals(ends, [{ how: "client_gone" }]);
});

Deno.test("createEventStream ends at [DONE] and cancels upstream, although that stays open", async () => {
  const trial = start(sse(TEXT));
  const stream = await trial.opened;
  trial.source.send(sse(FINISH, "[DONE]", { text: "never" }));
  assertEquals(await readAll(stream), [["start", "Hi"], ["stop"]]);
  await trial.source.cancelled;
  assertEquals(describeEnds(trial.ends), ["complete"]);
});

Deno.test("createEventStream cancels upstream when the translator has ended the response", async () => {
  const { source, opened, ends } = start(sse(TEXT));
  const stream = await opened;
  source.send(sse({ text: " there", end: true }, { text: " and more" }));
  assertEquals((await readAll(stream)).flat(), ["start", "Hi", " there", "stop"]);
  assertEquals(describeEnds(ends), ["complete"]);
  await withTimeout(source.cancelled, "upstream to be cancelled");
});

Deno.test("createEventStream ends at [DONE] in the first read", async () => {
  const trial = start(sse(TEXT, FINISH, "[DONE]"));
  assertEquals(await readAll(await trial.opened), [["start", "Hi", "stop"]]);
  await trial.source.cancelled;
  assertEquals([trial.firstEvents, ...describeEnds(trial.ends)], [1, "complete"]);
});

Deno.test("createEventStream reports to the translator whether upstream sent [DONE]", async () => {
  const trust = { trust: true };
  const done = start(sse(TEXT, trust, "[DONE]"));
  assertEquals(await readAll(await done.opened), [["start", "Hi", "stop"]]);
  const cut = start(sse(TEXT, trust));
  const stream = await cut.opened;
  cut.source.close();
  assertEquals((await readAll(stream)).flat(), ["start", "Hi", "api_error: incomplete"]);
});

Deno.test("createEventStream accepts a last event without its blank line", async () => {
  const trial = start(sse(TEXT));
  const stream = await trial.opened;
  trial.source.send('data: {"finish":true}');
  trial.source.close();
  assertEquals((await readAll(stream)).flat(), ["start", "Hi", "stop"]);
});

Deno.test("createEventStream skips events without data", async () => {
  const trial = start(sse(TEXT, " ", FINISH, "[DONE]"));
  assertEquals((await readAll(await trial.opened)).flat(), ["start", "Hi", "stop"]);
});

Deno.test("createEventStream enqueues once per read", async () => {
  const trial = start(sse({ text: "a" }, { text: "b" }, { text: "c" }));
  const reader = (await trial.opened).getReader();
  assertEquals(toWords((await reader.read()).value), ["start", "a", "b", "c"]);
  trial.source.send(sse({ text: "d" }, { text: "e" }));
  assertEquals(toWords((await reader.read()).value), ["d", "e"]);
  trial.source.send(sse({ text: "f" }, FINISH, "[DONE]"));
  assertEquals(toWords((await reader.read()).value), ["f", "stop"]);
  assertEquals((await reader.read()).done, true);
});

Deno.test("createEventStream cancels upstream when the client disconnects while upstream is idle", async () => {
  const trial = start(sse(TEXT));
  const reader = (await trial.opened).getReader();
  await reader.read();
  const waiting = reader.read();
  await reader.cancel();
  await trial.source.cancelled;
  assertEquals((await waiting).done, true);
  assertEquals(describeEnds(trial.ends), ["client_gone"]);
});

Deno.test("createEventStream ends once when the client disconnects between the finish and the end", async () => {
  const trial = start(sse(TEXT, FINISH));
  const reader = (await trial.opened).getReader();
  await reader.read();
  const waiting = reader.read();
  // The stream reads by now, and that read ends as if upstream had ended.
  await nextTurn();
  await reader.cancel();
  await waiting;
  await nextTurn();
  assertEquals(describeEnds(trial.ends), ["client_gone"]);
});

Deno.test("createEventStream cancels upstream when the client disconnects before it reads", async () => {
  for (const pingMs of [LONG, 10]) {
    const trial = start(pingMs === LONG ? sse(TEXT) : "", { pingMs });
    const stream = await trial.opened;
    await stream.cancel();
    await trial.source.cancelled;
    assertEquals(describeEnds(trial.ends), ["client_gone"]);
  }
});

/** Lets everything that is due happen first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("createEventStream keeps nothing of the reads that send nothing", async () => {
  const comment = new TextEncoder().encode(": OPENROUTER PROCESSING\n\n");
  const pieces = [sse(TEXT), sse(FINISH, "[DONE]")].map((text) => new TextEncoder().encode(text));
  const before = Deno.memoryUsage().heapUsed;
  let most = 0;
  let reads = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      reads++;
      if (reads % 1000 === 0) most = Math.max(most, Deno.memoryUsage().heapUsed);
      const isText = reads === 1 || reads === 300_000;
      controller.enqueue(isText ? pieces.shift() ?? comment : comment);
    },
  }, { highWaterMark: 0 });
  const options = { timeoutMs: LONG, pingMs: LONG, now: () => 0, onEnd: () => {} };
  const received = await readAll(await createEventStream(body, new FakeTranslator(), options));
  assertEquals(received, [["start", "Hi"], ["stop"]]);
  // Promises that wait for each other took 67 MB, a loop 4 MB.
  assertEquals(most - before < 30e6, true, `${most - before} bytes`);
});
