// Time limits: lib/stream/deadline.ts.

import { assertEquals } from "@std/assert";
import { Deadline, GRACE_MS, settlesWithin } from "../../lib/stream/deadline.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";

function start(ms: number): { timers: FakeTimers; deadline: Deadline; times: number[] } {
  const timers = new FakeTimers();
  const times: number[] = [];
  return { timers, deadline: new Deadline(ms, () => times.push(timers.now)), times };
}

Deno.test("Deadline expires once, 50 ms after its time: data that arrived meanwhile is read first", () => {
  const { timers, times } = start(100);
  using _ = timers;
  timers.advance(1000);
  assertEquals([GRACE_MS, times, timers.pending], [50, [150], 0]);
});

Deno.test("Deadline that is restarted starts anew, also in its last 50 ms", () => {
  const { timers, deadline, times } = start(100);
  using _ = timers;
  timers.advance(60);
  deadline.restart();
  timers.advance(149);
  deadline.restart();
  timers.advance(149);
  assertEquals([times, timers.pending], [[], 1]);
  timers.advance(1);
  assertEquals([times, timers.pending], [[359], 0]);
});

Deno.test("Deadline that is stopped never expires, also in its last 50 ms", () => {
  for (const ms of [0, 99, 149]) {
    const { timers, deadline, times } = start(100);
    using _ = timers;
    timers.advance(ms);
    deadline.stop();
    assertEquals(timers.pending, 0);
    timers.advance(1000);
    assertEquals(times, []);
  }
});

Deno.test("settlesWithin is false for work that takes longer", async () => {
  using timers = new FakeTimers();
  const results: boolean[] = [];
  const waiting = settlesWithin(new Promise(() => {}), 100).then((result) => results.push(result));
  timers.advance(99);
  await Promise.resolve();
  assertEquals([results, timers.pending], [[], 1]);
  timers.advance(1);
  await waiting;
  assertEquals([results, timers.pending], [[false], 0]);
});

Deno.test("settlesWithin is true for work that succeeds or fails in time, and leaves no timer", async () => {
  using timers = new FakeTimers();
  for (const work of [Promise.resolve(), Promise.reject(new Error("failed"))]) {
    assertEquals([await settlesWithin(work, 100), timers.pending], [true, 0]);
  }
});
