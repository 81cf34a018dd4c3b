/**
 * The running program under adverse conditions: no file descriptors, a log that is not read, a closed terminal, a
 * suspended process. Starts real processes; exit codes and signals are in cli_test.ts.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  HAS_SIGNALS,
  KEY,
  openStream,
  Program,
  readRest,
  sendMessage,
  untilRefused,
  Upstream,
} from "../helpers/program.ts";
import { withTimeout } from "../helpers/timeout.ts";

/** On Deno 2.5 `finished` rejects only after the last response, until which no connection is accepted. */
const REPORTS_ACCEPT_ERRORS = !Deno.version.deno.startsWith("2.5.");

function startInFrontOf(upstream: Upstream, more: ConstructorParameters<typeof Program>[0] = {}) {
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl, ...more.env };
  return new Program({ ...more, env });
}

/** Opens up to `max` connections that send nothing. Dispose of them with `using`. */
async function connectIdly(url: string, max: number): Promise<Disposable> {
  const connections: Deno.Conn[] = [];
  try {
    while (connections.length < max) {
      connections.push(await Deno.connect({ port: Number(new URL(url).port) }));
    }
  } catch {
    // Refused or reset: the program does not accept connections at the moment.
  }
  return { [Symbol.dispose]: () => connections.forEach((connection) => connection.close()) };
}

/** Sends a request again until it is accepted: the listener closes before it listens again. */
async function untilAccepted(send: () => Promise<Response>): Promise<Response> {
  const deadline = performance.now() + 5000;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

Deno.test({
  name:
    "idle connections that use up all file descriptors are closed, and end neither the program nor a stream",
  ignore: !HAS_SIGNALS || !REPORTS_ACCEPT_ERRORS,
  async fn() {
    await using upstream = new Upstream();
    await using program = startInFrontOf(upstream, { maxFiles: 128 });
    const url = await program.listening();
    const reader = await openStream(url);
    for (let round = 0; round < 2; round++) {
      using _idle = await connectIdly(url, 150);
      // Although all of them are still open on this side.
      const response = await untilAccepted(() => fetch(`${url}/health`));
      await response.body?.cancel();
      assertEquals(response.status, 200);
    }
    await program.waitFor(/"level":"error".*Cannot accept connections.*os error 24.*ulimit -n/);
    upstream.goOn();
    assertMatch(await readRest(reader), / two\.[^]*event: message_stop\ndata: .*\n\n$/);
    const last = await untilAccepted(() => sendMessage(url, { stream: true }));
    assertStringIncludes(await last.text(), "message_stop");
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    // Logged once, not in each round.
    assertEquals(stdout.match(/Cannot accept/g)?.length, 1);
  },
});

/** Their log lines exceed a pipe (64 KiB) and the queue (1 MiB). */
const REQUESTS = 1000;

async function fillLog(url: string): Promise<void> {
  const path = "x".repeat(1500);
  for (let i = 0; i < REQUESTS; i++) {
    const response = await withTimeout(fetch(`${url}/${path}`), "a response");
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
}

Deno.test({
  name: "a log that is not read delays no request, and lost lines are counted",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using program = new Program();
    const url = await program.listening();
    await fillLog(url);
    // From here on the log is read. Requests are sent until one is logged again.
    let isLogged = false;
    const logged = program.waitFor(/"path":"\/last"/).then(() => isLogged = true);
    let sent = REQUESTS;
    for (; !isLogged; sent++) await (await fetch(`${url}/last`)).text();
    await withTimeout(logged, "a line");
    program.kill("SIGTERM");
    const { stdout } = await program.end();
    const seen = stdout.match(/"path":/g)?.length ?? 0;
    const losses = [
      ...stdout.matchAll(/"(\d+) log lines were lost: standard output was not read/g),
    ];
    const lost = losses.reduce((sum, [, count]) => sum + Number(count), 0);
    assertEquals([losses.length, seen + lost], [1, sent]);
    assert(seen > 300, `${seen} lines were kept`);
  },
});

Deno.test({
  name: "a log that is not read delays the exit of the program only briefly",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using program = new Program();
    await fillLog(await program.listening());
    program.kill("SIGTERM");
    assertEquals(await withTimeout(program.endUnread(), "its exit"), 0);
  },
});

Deno.test({
  name: "a closed terminal, which sends SIGHUP twice, lets a running stream finish",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using upstream = new Upstream();
    await using program = startInFrontOf(upstream);
    const url = await program.listening();
    const reader = await openStream(url);
    program.kill("SIGHUP");
    await untilRefused(url);
    program.kill("SIGHUP");
    upstream.goOn();
    assertMatch(await readRest(reader), /event: message_stop\ndata: .*\n\n$/);
    const { code, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
  },
});

for (
  const [about, options] of [
    ["upstream's headers", { holdsHead: true }],
    ["the rest of a JSON response", { holdsHead: false }],
  ] as const
) {
  Deno.test({
    name: `a request that still waits for ${about} after DRAIN_S gets a 529`,
    ignore: !HAS_SIGNALS,
    async fn() {
      await using upstream = new Upstream(options);
      await using program = startInFrontOf(upstream, { env: { DRAIN_S: "0.2" } });
      const pending = sendMessage(await program.listening(), { stream: false });
      await upstream.requested;
      program.kill("SIGTERM");
      const response = await pending;
      const { type, error } = await response.json();
      assertEquals([response.status, type, error.type], [529, "error", "overloaded_error"]);
      assertEquals(error.message, "The proxy is shutting down; try again");
      const { code, stdout, stderr } = await program.end();
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, '"status":529');
    },
  });
}

Deno.test({
  name: "a process that was suspended for longer than TIMEOUT_S continues its streams",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using upstream = new Upstream();
    await using program = startInFrontOf(upstream, { env: { TIMEOUT_S: "1", PING_S: "0.3" } });
    const reader = await openStream(await program.listening());
    program.kill("SIGSTOP");
    // The kernel buffers what upstream sends now.
    upstream.goOn();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    program.kill("SIGCONT");
    const rest = await readRest(reader);
    assert(!rest.includes("event: error"), rest);
    assertMatch(rest, / two\.[^]*event: message_stop\ndata: .*\n\n$/);
  },
});
