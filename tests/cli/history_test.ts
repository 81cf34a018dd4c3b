/**
 * The history of the program as a process: killed, restarted, with a full disk, and with files that it cannot use.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import { createFolder, lock, openHistory, query } from "../helpers/history.ts";
import {
  HAS_SIGNALS,
  KEY,
  Program,
  sendMessage,
  type Start,
  START_FLAGS,
} from "../helpers/program.ts";
import { startUpstream, type Upstream } from "../helpers/upstream.ts";

/** Batches are written within this time. */
const WRITTEN_MS = 1000;

function startReplies(): Upstream {
  const usage = { prompt_tokens: 10, completion_tokens: 5, cost: 0.5 };
  return startUpstream(() => Response.json({ ...completion("Hi"), usage }));
}

/** The flags of the start task, and permission for the file. */
function allow(path: string): string[] {
  const flags = START_FLAGS.filter((flag) => !/^--allow-(read|write)=/.test(flag));
  return [...flags, `--allow-read=.env,${path}`, `--allow-write=${path}`];
}

function start(path: string, upstream: Upstream, more: Start = {}): Program {
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl, HISTORY: path };
  return new Program({ flags: allow(path), ...more, env: { ...env, ...more.env } });
}

async function sendAll(url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await sendMessage(url, { stream: false });
    assertEquals(response.status, 200, await response.text());
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function countRows(path: string): number {
  return Number(query(path, "SELECT COUNT(*) AS count FROM requests")[0]?.["count"]);
}

function checkFile(path: string): string {
  return String(query(path, "PRAGMA integrity_check")[0]?.["integrity_check"]);
}

Deno.test({
  name: "a killed process loses nothing that is older than a second",
  ignore: !HAS_SIGNALS,
  async fn() {
    using folder = createFolder();
    await using upstream = startReplies();
    await using program = start(folder.path, upstream);
    const url = await program.listening();
    await sendAll(url, 40);
    await wait(WRITTEN_MS);
    await sendAll(url, 5);
    program.kill("SIGKILL");
    await program.end();
    const count = countRows(folder.path);
    assert(count >= 40 && count <= 45, `${count} rows`);
    assertEquals(checkFile(folder.path), "ok");
  },
});

Deno.test({
  name: "a process that is killed while it writes leaves a file without damage",
  ignore: !HAS_SIGNALS,
  async fn() {
    using folder = createFolder();
    await using upstream = startReplies();
    let least = 0;
    for (let round = 0; round < 3; round++) {
      await using program = start(folder.path, upstream);
      const url = await program.listening();
      const sent = sendAll(url, 1000).catch(() => {});
      // About when the first batch is written.
      await wait(450 + 60 * round);
      program.kill("SIGKILL");
      await program.end();
      await sent;
      assertEquals(checkFile(folder.path), "ok");
      const count = countRows(folder.path);
      assert(count >= least, `${count} rows after ${least}`);
      least = count;
    }
  },
});

Deno.test({
  name: "a process that is stopped writes all requests, and its limit goes on at the next start",
  ignore: !HAS_SIGNALS,
  async fn() {
    using folder = createFolder();
    await using upstream = startReplies();
    const env = { MAX_COST_USD: "1.2" };
    {
      await using first = start(folder.path, upstream, { env });
      await sendAll(await first.listening(), 3);
      first.kill("SIGTERM");
      assertEquals((await first.end()).code, 0);
    }
    assertEquals(countRows(folder.path), 3);
    await using second = start(folder.path, upstream, { env });
    const url = await second.listening();
    const response = await sendMessage(url, { stream: false });
    assertMatch(await response.text(), /Today's limit is reached: \$1\.5 of \$1\.2/);
    const stats = await (await fetch(`${url}/stats`)).json();
    assertEquals(stats.today.costUsd, 1.5);
  },
});

Deno.test("deno task start may use history.db in the current folder, and shows it", async () => {
  await using upstream = startReplies();
  await using program = start("history.db", upstream, {
    flags: START_FLAGS,
    env: { HISTORY_DAYS: "30" },
  });
  const url = await program.listening();
  await program.waitFor(/"history {6}history\.db \(30 days\)"/);
  await sendAll(url, 1);
  const report = await (await fetch(`${url}/stats/history`)).json();
  assertEquals([report.totals.requests, report.totals.costUsd], [1, 0.5]);
});

Deno.test({
  name: "a full disk is a warning, and no request fails",
  ignore: !HAS_SIGNALS,
  async fn() {
    using folder = createFolder();
    await using upstream = startReplies();
    // The file, its log of changes and the shared index have some 50 KB at the start.
    await using program = start(folder.path, upstream, { maxFileBytes: 64 * 1024 });
    const url = await program.listening();
    await sendAll(url, 60);
    const warned = program.waitFor(/"level":"warn".*The history cannot be written: (.*?)\. Req/);
    for (let round = 0; round < 20; round++) {
      await sendAll(url, 10);
      await wait(50);
    }
    assertMatch(await warned, /full|I\/O/);
    await sendAll(url, 1);
    program.kill("SIGTERM");
    const { code, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    assertEquals(checkFile(folder.path), "ok");
  },
});

interface Unusable {
  about: string;
  warning: RegExp;
  prepare?: (path: string) => unknown;
  start?: Start;
}

const held: Disposable[] = [];

const UNUSABLE: readonly Unusable[] = [
  {
    about: "without permission for its file",
    warning:
      /No permission for the history \S+, add --allow-read=\S+ --allow-write=\S+: figures stay/,
    start: { flags: START_FLAGS },
  },
  {
    about: "with a file that is no history",
    warning: /The history \S+ cannot be used: file is not a database: figures stay in memory/,
    prepare: (path) => Deno.writeTextFileSync(path, "not a database ".repeat(100)),
  },
  {
    about: "with a damaged file",
    warning: /The history \S+ cannot be used: .*malformed.*: figures stay in memory/,
    prepare: async (path) => {
      (await openHistory(path)).history.close();
      const bytes = Deno.readFileSync(path);
      bytes.fill(0x55, 100, 4096);
      Deno.writeFileSync(path, bytes);
    },
  },
  {
    about: "with a locked file",
    warning: /The history \S+ cannot be used: database is locked: figures stay in memory/,
    prepare: (path) => held.push(lock(path)),
  },
  {
    about: "on Deno Deploy",
    warning: /HISTORY has no effect on Deno Deploy, which keeps no files: figures stay in memory/,
    start: { env: { DENO_DEPLOY: "true", PROXY_API_KEYS: "a-key-of-this-test" } },
  },
];

for (const { about, warning, prepare, start: more } of UNUSABLE) {
  Deno.test(`a start ${about} warns, and the proxy works without a history`, async () => {
    using folder = createFolder();
    await prepare?.(folder.path);
    await using upstream = startReplies();
    await using program = start(folder.path, upstream, more ?? {});
    const url = await program.listening();
    await program.waitFor(new RegExp(`"level":"warn","message":".*${warning.source}`));
    const headers = { "content-type": "application/json", "x-api-key": "a-key-of-this-test" };
    const body = { model: "claude-x", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    assertStringIncludes(await (await fetch(`${url}/v1/messages`, init)).text(), "Hi");
    const response = await fetch(`${url}/stats/history`, { headers });
    await response.body?.cancel();
    assertEquals(response.status, 404);
    for (const one of held.splice(0)) one[Symbol.dispose]();
  });
}
