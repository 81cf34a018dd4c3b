// The timeouts and pings of a stream: lib/stream/stream_timer.ts.

import { assertEquals } from "@std/assert";
import { StreamTimer } from "../../lib/stream/stream_timer.ts";

/** A timer with a clock that the test sets, and its calls. */
function create(times: { timeoutMs: number; pingMs: number }) {
  let time = 0;
  const calls: string[] = [];
  const { promise: called, resolve } = Promise.withResolvers<void>();
  const record = (name: string) => () => {
    calls.push(name);
    resolve();
  };
  const timer = new StreamTimer({
    ...times,
    now: () => time,
    onUpstreamTimeout: record("upstream timeout"),
    onClientTimeout: record("client timeout"),
    onPingDue: record("ping"),
  });
  return { timer, calls, called, advance: (ms: number) => time += ms };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("StreamTimer reports that upstream is idle", async () => {
  const { timer, calls, called, advance } = create({ timeoutMs: 10, pingMs: 1e9 });
  timer.startRead();
  timer.start();
  advance(11);
  await called;
  assertEquals(calls, ["upstream timeout"]);
  timer.stop();
});

Deno.test("StreamTimer reports a client that does not read", async () => {
  const { timer, calls, called, advance } = create({ timeoutMs: 10, pingMs: 1e9 });
  timer.startWrite();
  timer.start();
  advance(11);
  await called;
  assertEquals(calls, ["client timeout"]);
  timer.stop();
});

Deno.test("StreamTimer attributes a stalled process neither to upstream nor to the client", async () => {
  for (const peer of ["upstream", "client"] as const) {
    const { timer, calls, advance } = create({ timeoutMs: 10, pingMs: 1e9 });
    if (peer === "upstream") timer.startRead();
    else timer.startWrite();
    // The process is stopped for an hour; data that arrived meanwhile is read right after the timers.
    advance(3_600_000);
    timer.start();
    if (peer === "upstream") timer.endRead();
    else timer.endWrite();
    await sleep(80);
    assertEquals(calls, []);
    timer.stop();
  }
});

Deno.test("StreamTimer reports due pings until it is stopped", async () => {
  const { timer, calls, called, advance } = create({ timeoutMs: 1e6, pingMs: 5 });
  timer.start();
  advance(6);
  await called;
  timer.stop();
  const count = calls.length;
  await sleep(20);
  assertEquals([calls[0], calls.length], ["ping", count]);
});
