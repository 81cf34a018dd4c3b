// The timeouts and pings of a stream: lib/stream/stream_timer.ts.

import { assertEquals } from "@std/assert";
import { StreamTimer, type StreamTimerOptions } from "../../lib/stream/stream_timer.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";

/** A timer on fake timers, and its calls with their times. */
class Trial implements Disposable {
  readonly timers = new FakeTimers();
  readonly calls: string[] = [];
  readonly timer: StreamTimer;

  constructor(
    times: Pick<StreamTimerOptions, "timeoutMs" | "pingMs">,
    { onPingDue = () => {}, startAt = 0 } = {},
  ) {
    this.timers.now = startAt;
    const record = (name: string) => () => this.calls.push(`${name} ${this.timers.now}`);
    this.timer = new StreamTimer({
      ...times,
      now: () => this.timers.now,
      onUpstreamTimeout: record("upstream"),
      onClientTimeout: record("client"),
      onPingDue: () => {
        this.calls.push(`ping ${this.timers.now}`);
        onPingDue();
      },
    });
  }

  advanceTo(time: number): void {
    this.timers.advance(time - this.timers.now);
  }

  [Symbol.dispose](): void {
    this.timers[Symbol.dispose]();
  }
}

for (const peer of ["upstream", "client"] as const) {
  Deno.test(`StreamTimer counts the timeout from the last sign of life: ${peer}`, () => {
    // Before the start of the timer, too, and where pings wake it in between.
    for (const [pings, startAt] of [[{}, 0], [{}, 5000], [{ pingMs: 1_000_000 }, 5000]] as const) {
      using trial = new Trial({ timeoutMs: 100, ...pings }, { startAt });
      if (peer === "upstream") trial.timer.startRead();
      else trial.timer.startWrite();
      trial.advanceTo(startAt + 40);
      trial.timer.start();
      trial.advanceTo(startAt + 1000);
      // The second check comes 50 ms after the first, and is the last.
      assertEquals(trial.calls, [`${peer} ${startAt + 150}`]);
      assertEquals(trial.timers.pending, 0);
    }
  });

  Deno.test(`StreamTimer starts anew with each sign of life, also after its first check: ${peer}`, () => {
    using trial = new Trial({ timeoutMs: 100 }, { startAt: 1000 });
    const { timer } = trial;
    const wait = () => peer === "upstream" ? timer.startRead() : timer.startWrite();
    const stop = () => peer === "upstream" ? timer.endRead() : timer.endWrite();
    wait();
    timer.start();
    trial.advanceTo(1120);
    stop();
    wait();
    trial.advanceTo(1230);
    stop();
    trial.advanceTo(5010);
    assertEquals([trial.calls, trial.timers.pending], [[], 1]);
    wait();
    trial.advanceTo(6000);
    assertEquals(trial.calls, [`${peer} 5160`]);
  });
}

Deno.test("StreamTimer times out the peer that is late, while the other is not", () => {
  for (const [late, other] of [["upstream", "client"], ["client", "upstream"]] as const) {
    using trial = new Trial({ timeoutMs: 100 }, { startAt: 1000 });
    const { timer } = trial;
    const wait = { upstream: () => timer.startRead(), client: () => timer.startWrite() };
    wait[late]();
    trial.advanceTo(1070);
    wait[other]();
    timer.start();
    trial.advanceTo(3000);
    assertEquals(trial.calls, [`${late} 1150`]);
  }
});

Deno.test("StreamTimer blames upstream where both are late", () => {
  using trial = new Trial({ timeoutMs: 100 });
  trial.timer.startRead();
  trial.timers.advance(10);
  trial.timer.startWrite();
  trial.timers.advance(500);
  trial.timer.start();
  trial.timers.advance(1000);
  assertEquals(trial.calls, ["upstream 560"]);
});

Deno.test("StreamTimer reports a ping as due again and again while nothing is sent", () => {
  using trial = new Trial({ timeoutMs: 1_000_000, pingMs: 30 }, { startAt: 1000 });
  trial.timer.start();
  trial.advanceTo(1100);
  assertEquals(trial.calls, ["ping 1030", "ping 1060", "ping 1090"]);
});

Deno.test("StreamTimer counts the time to the next ping from what was sent last", () => {
  using trial = new Trial({ timeoutMs: 1_000_000, pingMs: 30 }, {
    startAt: 1000,
    onPingDue: () => trial.timer.sendPing(),
  });
  trial.timer.start();
  trial.advanceTo(1031);
  trial.timer.startWrite();
  // The check at 1060 finds that 1 ms is missing.
  trial.advanceTo(1100);
  assertEquals(trial.calls, ["ping 1030", "ping 1061", "ping 1091"]);
});

Deno.test("StreamTimer sends no ping early because it checks a timeout", () => {
  using trial = new Trial({ timeoutMs: 100, pingMs: 30 }, {
    onPingDue: () => trial.timer.sendPing(),
  });
  trial.timer.startRead();
  trial.timer.start();
  trial.timers.advance(119);
  assertEquals(trial.calls, ["ping 30", "ping 60", "ping 90"]);
});

Deno.test("StreamTimer sends no pings without pingMs", () => {
  using trial = new Trial({ timeoutMs: 100 });
  trial.timer.start();
  trial.timers.advance(100_000);
  assertEquals([trial.calls, trial.timers.pending], [[], 1]);
  assertEquals(new Set(trial.timers.waits), new Set([100]));
});

Deno.test("StreamTimer waits a millisecond where less is left: the runtime would not wait at all", () => {
  using trial = new Trial({ timeoutMs: 100 }, { startAt: 0.5 });
  trial.timer.startRead();
  trial.advanceTo(0.9);
  trial.timer.start();
  trial.advanceTo(1000);
  assertEquals(trial.calls.map((call) => Number(call.split(" ")[1]).toFixed(1)), ["150.9"]);
  assertEquals(trial.timers.waits.map((wait) => Number(wait.toFixed(1))), [99.6, 1, 50]);
});

Deno.test("StreamTimer that is stopped leaves no timer", () => {
  using trial = new Trial({ timeoutMs: 100, pingMs: 30 });
  trial.timer.start();
  trial.timer.stop();
  assertEquals(trial.timers.pending, 0);
});

Deno.test("StreamTimer attributes a stalled process neither to upstream nor to the client", () => {
  for (const peer of ["upstream", "client"] as const) {
    using trial = new Trial({ timeoutMs: 100 });
    if (peer === "upstream") trial.timer.startRead();
    else trial.timer.startWrite();
    // The process is stopped for an hour; data that arrived meanwhile is read right after the timers.
    trial.timers.now += 3_600_000;
    trial.timer.start();
    if (peer === "upstream") trial.timer.endRead();
    else trial.timer.endWrite();
    trial.timers.advance(1000);
    assertEquals(trial.calls, []);
  }
});
