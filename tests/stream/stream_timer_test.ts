/** The clock of a stream: lib/stream/stream_timer.ts. @module */

import { assertEquals } from "@std/assert";
import { StreamTimer } from "../../lib/stream/stream_timer.ts";

/** A clock whose time the test sets, and what it said. */
function create(times: { timeoutMs: number; pingMs: number }) {
  let time = 0;
  const said: string[] = [];
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const say = (word: string) => () => {
    said.push(word);
    resolve();
  };
  const clock = new StreamTimer({
    ...times,
    now: () => time,
    onUpstreamTimeout: say("silence"),
    onClientTimeout: say("standstill"),
    onPingDue: say("ping"),
  });
  return { clock, said, heard, pass: (ms: number) => time += ms };
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("StreamClock tells a silence of upstream", async () => {
  const { clock, said, heard, pass } = create({ timeoutMs: 10, pingMs: 1e9 });
  clock.startRead();
  clock.start();
  pass(11);
  await heard;
  assertEquals(said, ["silence"]);
  clock.stop();
});

Deno.test("StreamClock tells a client that takes nothing", async () => {
  const { clock, said, heard, pass } = create({ timeoutMs: 10, pingMs: 1e9 });
  clock.startWrite();
  clock.start();
  pass(11);
  await heard;
  assertEquals(said, ["standstill"]);
  clock.stop();
});

Deno.test("StreamClock charges no stall of the process to upstream or to the client", async () => {
  for (const who of ["upstream", "client"] as const) {
    const { clock, said, pass } = create({ timeoutMs: 10, pingMs: 1e9 });
    if (who === "upstream") clock.startRead();
    else clock.startWrite();
    // The process stands still for an hour; what came meanwhile is read right after the timers.
    pass(3_600_000);
    clock.start();
    if (who === "upstream") clock.endRead();
    else clock.endWrite();
    await rest(80);
    assertEquals(said, []);
    clock.stop();
  }
});

Deno.test("StreamClock says that a ping is due, and stops when it is told to", async () => {
  const { clock, said, heard, pass } = create({ timeoutMs: 1e6, pingMs: 5 });
  clock.start();
  pass(6);
  await heard;
  clock.stop();
  const count = said.length;
  await rest(20);
  assertEquals([said[0], said.length], ["ping", count]);
});
