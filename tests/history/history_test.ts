/** The history in a file: what it stores and reports, its limits, and files that cannot be used. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { HistoryDatabase } from "../../lib/history/database.ts";
import { toEntry } from "../../lib/history/entry.ts";
import type { CompletedRequest } from "../../lib/metrics/types.ts";
import {
  createCompleted,
  createFolder,
  lock,
  openHistory,
  query,
  type TestHistory,
} from "../helpers/history.ts";
import { NOON } from "../helpers/metrics.ts";
import { withTimeout } from "../helpers/timeout.ts";

const DAY_MS = 86_400_000;
const OWN = { isClient: false };
const HAS_MODES = Deno.build.os !== "windows";

function addAll({ history }: TestHistory, requests: readonly Partial<CompletedRequest>[]): void {
  for (const request of requests) history.add(createCompleted(request), OWN);
}

async function readRows({ history }: TestHistory, by: string, since = "7d") {
  const { rows } = await history.read({ by, since });
  return rows.map(({ name, requests, costUsd }) => [name, requests, costUsd]);
}

const REQUESTS: readonly Partial<CompletedRequest>[] = [
  { upstreamModel: "a/x", sessionId: "one", costUsd: 1 },
  { upstreamModel: "a/x", sessionId: "two", costUsd: 2 },
  { upstreamModel: "b/y", sessionId: "one", costUsd: 4, time: NOON - DAY_MS },
  { status: 502, error: "No", time: NOON - 40 * DAY_MS },
];

for (
  const [by, since, expected] of [
    ["day", "7d", [["2026-11-22", 2, 3], ["2026-11-21", 1, 4]]],
    ["month", "90d", [["2026-11", 3, 7], ["2026-10", 1, null]]],
    ["model", "90d", [["b/y", 1, 4], ["a/x", 2, 3], [null, 1, null]]],
    ["session", "7d", [["one", 2, 5], ["two", 1, 2]]],
    ["key", "1d", [[null, 2, 3]]],
    ["day", "13h", [["2026-11-22", 2, 3]]],
    ["day", "2026-11-22", [["2026-11-22", 2, 3]]],
  ] as const
) {
  Deno.test(`a history reports requests by ${by} since ${since}`, async () => {
    using folder = createFolder();
    using opened = await openHistory(folder.path);
    addAll(opened, REQUESTS);
    assertEquals(await readRows(opened, by, since), expected.map((row) => [...row]));
  });
}

Deno.test("a history reports by the label of a key", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  for (const key of ["key 1", "key 2", "key 2", undefined]) {
    opened.history.add(createCompleted({ costUsd: 1 }), { isClient: false, key });
  }
  const rows = (await readRows(opened, "key")).map(([name, requests]) => `${name}: ${requests}`);
  assertEquals(rows.toSorted(), ["key 1: 1", "key 2: 2", "null: 1"]);
  assertEquals(rows[0], "key 2: 2");
});

Deno.test("a history sums up tokens, costs and failures, and counts unknown costs", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  const tokens = { inputTokens: 10, cachedTokens: 20, writtenTokens: 30, outputTokens: 40 };
  addAll(opened, [
    { ...tokens, costUsd: 0.1, savedUsd: -0.01 },
    { ...tokens, estimatedUsd: 0.2, time: NOON - DAY_MS },
    { status: 400, error: "No" },
  ]);
  const { totals, rows } = await opened.history.read({});
  assertEquals(totals, {
    requests: 3,
    failed: 1,
    inputTokens: 20,
    cachedTokens: 40,
    writtenTokens: 60,
    outputTokens: 80,
    costUsd: 0.1,
    unpriced: 1,
    savedUsd: -0.01,
    estimatedUsd: 0.2,
  });
  assertEquals(rows.map(({ firstTime, lastTime }) => [firstTime, lastTime]), [
    [NOON, NOON],
    [NOON - DAY_MS + 1000, NOON - DAY_MS + 1000],
  ]);
});

Deno.test("a history is the same after it was opened again", async () => {
  using folder = createFolder();
  {
    using first = await openHistory(folder.path);
    addAll(first, REQUESTS);
  }
  using second = await openHistory(folder.path);
  assertEquals(await readRows(second, "session"), [["one", 2, 5], ["two", 1, 2]]);
});

Deno.test("an opened history has the costs of today that the server's key paid for", async () => {
  using folder = createFolder();
  {
    using first = await openHistory(folder.path);
    const add = (more: Partial<CompletedRequest>, payer: { isClient: boolean; key?: string }) =>
      first.history.add(createCompleted(more), payer);
    add({ costUsd: 1 }, OWN);
    add({ costUsd: 2, estimatedUsd: 0.5 }, { ...OWN, key: "key 1" });
    add({ estimatedUsd: 0.25 }, { ...OWN, key: "key 1" });
    add({ costUsd: 100 }, { isClient: true });
    // The first one ends after midnight, the second one before.
    add({ costUsd: 10, time: NOON - DAY_MS / 2 - 1000, totalMs: 2000 }, OWN);
    add({ costUsd: 1000, time: NOON - DAY_MS / 2 - 1000, totalMs: 999 }, OWN);
  }
  using second = await openHistory(folder.path);
  assertEquals([second.day, second.spent], ["2026-11-22", [
    { key: null, costUsd: 11, estimatedUsd: 0 },
    { key: "key 1", costUsd: 2, estimatedUsd: 0.75 },
  ]]);
});

Deno.test("a history stores names of at most 256 characters, without control characters", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  const hostile = `\x1b[31m\u202e${"x".repeat(1000)}`;
  const names = { model: hostile, upstreamModel: hostile, provider: hostile, sessionId: hostile };
  opened.history.add(createCompleted(names), { ...OWN, key: hostile });
  opened.history.close();
  const columns = ["model", "upstream_model", "provider", "session", "key"];
  const expected = ` [31m ${"x".repeat(250)}`;
  assertEquals(query(folder.path, `SELECT ${columns.join(", ")} FROM requests`), [
    Object.fromEntries(columns.map((name) => [name, expected])),
  ]);
});

Deno.test("a history stores no counts and costs that are not numbers", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  addAll(opened, [
    { inputTokens: 1e300, outputTokens: -5, cachedTokens: 1.5, costUsd: -1 },
    { inputTokens: NaN, outputTokens: Infinity, costUsd: Infinity },
  ]);
  const { totals } = await opened.history.read({});
  const { inputTokens, outputTokens, cachedTokens, costUsd } = totals;
  assertEquals([inputTokens, outputTokens, cachedTokens, costUsd], [1e9, 0, 2, null]);
});

Deno.test("a history stores no texts of a request other than its names", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  addAll(opened, [{ error: "secret-error", dropped: ["secret-field"], requestId: "secret-id" }]);
  opened.history.close();
  const [row = {}] = query(folder.path, "SELECT * FROM requests");
  assertEquals([row["failed"], JSON.stringify(row).includes("secret")], [1, false]);
});

Deno.test("a report has at most 500 rows, the most expensive ones, and totals over all", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  addAll(opened, Array.from({ length: 700 }, (_, i) => ({ sessionId: `s${i}`, costUsd: i })));
  const { rows, omitted, totals } = await opened.history.read({ by: "session" });
  assertEquals([rows.length, omitted, totals.requests], [500, 200, 700]);
  assertEquals([rows[0]?.name, rows.at(-1)?.name], ["s699", "s200"]);
});

Deno.test("a history deletes what is older than its days", async () => {
  using folder = createFolder();
  {
    using first = await openHistory(folder.path, { days: 3650 });
    const old = Array.from({ length: 1200 }, () => ({ time: NOON - 91 * DAY_MS }));
    addAll(first, [...old, { time: NOON - 89 * DAY_MS }]);
  }
  using second = await openHistory(folder.path);
  const count = async () => (await second.history.read({ since: "2020-01-01" })).totals.requests;
  assertEquals(await count(), 1201);
  const deleted = (async () => {
    while (await count() > 1) await new Promise((resolve) => setTimeout(resolve, 10));
  })();
  await withTimeout(deleted, "old requests to be deleted");
  assertEquals(await count(), 1);
});

Deno.test("two histories of one file write at the same time and lose nothing", async () => {
  using folder = createFolder();
  const [one, two] = await Promise.all([openHistory(folder.path), openHistory(folder.path)]);
  using _one = one;
  using _two = two;
  for (let i = 0; i < 1000; i++) addAll(i % 2 === 0 ? one : two, [{ costUsd: 1 }]);
  await one.history.read({});
  assertEquals(await readRows(two, "day"), [["2026-11-22", 1000, 1000]]);
  assertEquals([one.warnings, two.warnings], [[], []]);
});

Deno.test("a history that is locked for a moment is opened", async () => {
  using folder = createFolder();
  const held = lock(folder.path);
  const opening = openHistory(folder.path);
  setTimeout(() => held[Symbol.dispose](), 120);
  using opened = await opening;
  addAll(opened, [{ costUsd: 1 }]);
  assertEquals(await readRows(opened, "day"), [["2026-11-22", 1, 1]]);
});

Deno.test("HistoryDatabase writes all rows or none, and can write after an error", () => {
  using folder = createFolder();
  const database = new HistoryDatabase(folder.path);
  const entry = toEntry(createCompleted(), OWN);
  // The table rejects a text as a time.
  assertThrows(() => database.insert([entry, { ...entry, time: "noon" }]), Error, "TEXT");
  database.insert([entry, entry]);
  database.close();
  assertEquals(query(folder.path, "SELECT COUNT(*) AS count FROM requests"), [{ count: 2 }]);
});

Deno.test("a history that another program has locked delays nothing and is written later", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  {
    using _lock = lock(folder.path);
    addAll(opened, Array.from({ length: 500 }, () => ({ costUsd: 1 })));
    const startedAt = performance.now();
    // What is pending is missing, but nothing waits for the lock.
    assertEquals(await readRows(opened, "day"), []);
    assert(performance.now() - startedAt < 1000);
  }
  assertEquals(await readRows(opened, "day"), [["2026-11-22", 500, 500]]);
  assertEquals(opened.warnings, []);
});

Deno.test({
  name: "only the owner can read the files of a history",
  ignore: !HAS_MODES,
  async fn() {
    using folder = createFolder();
    using opened = await openHistory(folder.path);
    addAll(opened, [{}]);
    await opened.history.read({});
    for (const suffix of ["", "-wal", "-shm"]) {
      assertEquals((Deno.statSync(folder.path + suffix).mode ?? 0) & 0o777, 0o600, suffix);
    }
  },
});

// --- files that cannot be used ---

interface UnusableFile {
  about: string;
  prepare: (path: string) => unknown;
  reason: RegExp;
  /** Whether the file is the same afterwards. */
  isKept?: true;
}

const locks: Disposable[] = [];

const UNUSABLE: readonly UnusableFile[] = [
  {
    about: "a text file",
    prepare: (path) => Deno.writeTextFileSync(path, "export PATH=/bin\n".repeat(50)),
    reason: /not a database/,
    isKept: true,
  },
  {
    about: "a database of another program",
    prepare: (path) => query(path, "CREATE TABLE theirs (x)"),
    reason: /^it belongs to another program$/,
    isKept: true,
  },
  {
    about: "a history of a newer version",
    prepare: async (path) => {
      (await openHistory(path)).history.close();
      query(path, "PRAGMA user_version = 2");
    },
    reason: /^its format 2 is from another version$/,
    isKept: true,
  },
  {
    about: "a history with a damaged schema",
    prepare: async (path) => {
      (await openHistory(path)).history.close();
      const bytes = Deno.readFileSync(path);
      bytes.fill(0x55, 100, 4096);
      Deno.writeFileSync(path, bytes);
    },
    reason: /malformed|corrupt/,
    isKept: true,
  },
  {
    about: "a folder",
    prepare: (path) => Deno.mkdirSync(path),
    reason: /^it is not a file$/,
  },
  {
    about: "a symbolic link",
    prepare: (path) => Deno.symlinkSync(`${path}.target`, path),
    reason: /^it is a symbolic link; name the file itself$/,
  },
  {
    about: "a named pipe, which would block",
    prepare: (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    reason: /^it is not a file$/,
  },
  {
    about: "a new file that another program has locked",
    prepare: (path) => locks.push(lock(path)),
    reason: /locked/,
  },
];

for (const { about, prepare, reason, isKept } of UNUSABLE) {
  Deno.test({
    name: `${about} is no history`,
    ignore: !HAS_MODES,
    async fn() {
      using folder = createFolder();
      await prepare(folder.path);
      const before = isKept && Deno.readFileSync(folder.path);
      const error = await assertRejects(() => withTimeout(openHistory(folder.path), about), Error);
      assertMatch(error.message, reason);
      if (before) assertEquals(Deno.readFileSync(folder.path), before);
      for (const held of locks.splice(0)) held[Symbol.dispose]();
    },
  });
}

Deno.test("a history in a folder that does not exist or accepts no files is an error", async () => {
  using folder = createFolder();
  await assertRejects(() => openHistory(`${folder.folder}/none/history.db`), Error);
  // Not even root can create a file there.
  if (Deno.build.os === "linux") await assertRejects(() => openHistory("/proc/history.db"), Error);
});

Deno.test("a history that is damaged while it is open is a warning, and an error of its reports", async () => {
  using folder = createFolder();
  using opened = await openHistory(folder.path);
  addAll(opened, Array.from({ length: 2000 }, () => ({ costUsd: 1 })));
  await opened.history.read({});
  query(folder.path, "PRAGMA wal_checkpoint(TRUNCATE)");
  const bytes = Deno.readFileSync(folder.path);
  bytes.fill(0x55, 4096);
  Deno.writeFileSync(folder.path, bytes);
  addAll(opened, Array.from({ length: 2000 }, () => ({ costUsd: 1 })));
  await assertRejects(() => opened.history.read({ by: "model" }), Error, "malformed");
  assertMatch(opened.warnings.join("\n"), /^The history cannot be written: .*malformed/);
});
