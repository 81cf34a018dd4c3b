/** HistoryWriter: batches, errors of the file, and the limit on rows in memory. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { isBusy } from "../../lib/history/database.ts";
import { type Entry, toEntry } from "../../lib/history/entry.ts";
import { HistoryWriter } from "../../lib/history/writer.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";
import { createCompleted } from "../helpers/history.ts";

const ENTRY = toEntry(createCompleted(), { isClient: false });

/** A writer with a file that can fail, and a stopped clock. */
class Harness implements Disposable {
  readonly timers = new FakeTimers();
  readonly batches: number[] = [];
  readonly warnings: string[] = [];
  attempts = 0;
  error: Error | null = null;
  readonly writer = new HistoryWriter({
    write: (entries: readonly Entry[]) => {
      this.attempts++;
      if (this.error !== null) throw this.error;
      this.batches.push(entries.length);
    },
    onWarning: (message) => this.warnings.push(message),
    now: () => this.timers.now,
    isBusy,
  });

  add(count: number): void {
    for (let i = 0; i < count; i++) this.writer.add(ENTRY);
  }

  /** The number of rows written. */
  get written(): number {
    return this.batches.reduce((sum, size) => sum + size, 0);
  }

  [Symbol.dispose](): void {
    this.timers[Symbol.dispose]();
  }
}

Deno.test("HistoryWriter writes rows together within a second, and then has no timer", () => {
  using harness = new Harness();
  harness.add(3);
  assertEquals(harness.batches, []);
  harness.timers.advance(1000);
  assertEquals([harness.batches, harness.timers.pending], [[3], 0]);
});

Deno.test("HistoryWriter writes many rows in small batches with pauses", () => {
  using harness = new Harness();
  harness.add(450);
  harness.timers.advance(1000);
  assertEquals(harness.batches, [200, 200, 50]);
  assertEquals(harness.timers.waits.slice(1), [10, 10]);
});

Deno.test("HistoryWriter writes the rest when it is closed", () => {
  using harness = new Harness();
  harness.add(450);
  harness.writer.close();
  assertEquals([harness.written, harness.timers.pending], [450, 0]);
});

for (
  const reason of [
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
  ]
) {
  Deno.test(`HistoryWriter warns once after “${reason}”, and tries again less and less often`, () => {
    using harness = new Harness();
    harness.error = new Error(reason);
    harness.add(1);
    harness.timers.advance(3_600_000);
    assert(
      harness.attempts > 60 && harness.attempts < 140,
      `${harness.attempts} attempts an hour`,
    );
    assertEquals(harness.warnings.length, 1);
    assert(harness.warnings[0]?.startsWith(`The history cannot be written: ${reason}. `));
    harness.error = null;
    harness.timers.advance(30_000);
    assertEquals([harness.written, harness.timers.pending], [1, 0]);
    assertEquals(harness.warnings.slice(1), ["The history is written again"]);
  });
}

Deno.test("HistoryWriter keeps at most 10,000 rows in memory and reports how many are missing", () => {
  using harness = new Harness();
  harness.error = new Error("database or disk is full");
  harness.add(1);
  harness.timers.advance(1000);
  harness.add(10_050);
  harness.error = null;
  harness.timers.advance(60_000);
  assertEquals(harness.written, 10_000);
  assertEquals(harness.warnings.at(-1), "The history is written again; 51 requests are missing");
});

Deno.test("HistoryWriter starts afresh after a recovery", () => {
  using harness = new Harness();
  for (const round of [1, 2]) {
    harness.error = new Error("database or disk is full");
    harness.add(10_000 + round);
    harness.timers.advance(600);
    assertEquals(harness.attempts, harness.batches.length + round);
    harness.error = null;
    harness.timers.advance(60_000);
  }
  assertEquals(harness.written, 20_000);
  assertEquals(harness.warnings.filter((line) => line.includes("again;")), [
    "The history is written again; 1 request is missing",
    "The history is written again; 2 requests are missing",
  ]);
});

Deno.test("HistoryWriter warns about a lock only if it lasts", () => {
  using harness = new Harness();
  harness.error = new Error("database is locked");
  harness.add(1);
  harness.timers.advance(2900);
  assertEquals([harness.warnings, harness.attempts], [[], 5]);
  harness.timers.advance(2000);
  assertMatch(
    harness.warnings.join("\n"),
    /^The history cannot be written: database is locked\..*$/,
  );
  harness.error = null;
  harness.timers.advance(60_000);
  assertEquals(harness.written, 1);
});

Deno.test("HistoryWriter gives up at the first error when it is closed", () => {
  using harness = new Harness();
  harness.error = new Error("database is locked");
  harness.add(450);
  harness.writer.close();
  assertEquals([harness.attempts, harness.timers.pending], [1, 0]);
});
