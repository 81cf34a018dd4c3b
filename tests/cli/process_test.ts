/**
 * What an operator's accidents do to a running program: files run out, nothing reads the log, a terminal is closed, the
 * process stands still for a while. Real processes; ends and signals as such are in cli_test.ts.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  ask,
  HAS_SIGNALS,
  KEY,
  openStream,
  Program,
  readRest,
  untilRefused,
  Upstream,
} from "../helpers/program.ts";
import { withTimeout as soon } from "../helpers/timeout.ts";

/** Under Deno 2.5 `finished` does not reject before the last answer is out: until then nothing is accepted. */
const TELLS_OF_FAILED_ACCEPT = !Deno.version.deno.startsWith("2.5.");

function startBefore(upstream: Upstream, more: ConstructorParameters<typeof Program>[0] = {}) {
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl, ...more.env };
  return new Program({ ...more, env });
}

/** Connections that send nothing, as many as there may be. Leave them with `using`. */
async function connectIdly(url: string, most: number): Promise<Disposable> {
  const connections: Deno.Conn[] = [];
  try {
    while (connections.length < most) {
      connections.push(await Deno.connect({ port: Number(new URL(url).port) }));
    }
  } catch {
    // Refused or reset: nothing is accepted just now.
  }
  return { [Symbol.dispose]: () => connections.forEach((one) => one.close()) };
}

/** The status of a request that is sent again until it is accepted. */
async function untilServed(url: string): Promise<number> {
  const deadline = performance.now() + 5000;
  for (;;) {
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

Deno.test({
  name:
    "idle connections that use up all files end neither the program nor a stream, and are closed",
  ignore: !HAS_SIGNALS || !TELLS_OF_FAILED_ACCEPT,
  async fn() {
    await using upstream = new Upstream();
    await using program = startBefore(upstream, { maxFiles: 128 });
    const url = await program.listening();
    const reader = await openStream(url);
    for (let round = 0; round < 2; round++) {
      using _idle = await connectIdly(url, 150);
      // Although all of them are still open on this side.
      assertEquals(await untilServed(`${url}/health`), 200);
    }
    await program.waitFor(/"level":"error".*Cannot accept connections.*os error 24.*ulimit -n/);
    upstream.goOn();
    assertMatch(await readRest(reader), / two\.[^]*event: message_stop\ndata: .*\n\n$/);
    assertStringIncludes(await (await ask(url, { stream: true })).text(), "message_stop");
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    // Said once, not for each round.
    assertEquals(stdout.match(/Cannot accept/g)?.length, 1);
  },
});

/** More than a pipe (64 KiB) and the queue (1 MiB) hold. */
const REQUESTS = 1000;

async function fillLog(url: string): Promise<void> {
  const path = "x".repeat(1500);
  for (let i = 0; i < REQUESTS; i++) {
    const response = await soon(fetch(`${url}/${path}`), "an answer");
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
}

Deno.test({
  name: "a log that is not read holds up no request, and what is lost is counted",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using program = new Program();
    const url = await program.listening();
    await fillLog(url);
    // From here on it is read. Requests are sent until one is logged again.
    let isLogged = false;
    const logged = program.waitFor(/"path":"\/last"/).then(() => isLogged = true);
    let sent = REQUESTS;
    for (; !isLogged; sent++) await (await fetch(`${url}/last`)).text();
    await soon(logged, "a line");
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
  name: "a log that is not read holds up the end of the program for a moment only",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using program = new Program();
    await fillLog(await program.listening());
    program.kill("SIGTERM");
    assertEquals(await soon(program.endUnread(), "its end"), 0);
  },
});

Deno.test({
  name: "a closed terminal, which sends SIGHUP twice, lets a running stream finish",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using upstream = new Upstream();
    await using program = startBefore(upstream);
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
    ["upstream's head", { holdsHead: true }],
    ["the end of a whole answer", { holdsHead: false }],
  ] as const
) {
  Deno.test({
    name: `a request that waits for ${about} at the end of DRAIN_S gets a 529`,
    ignore: !HAS_SIGNALS,
    async fn() {
      await using upstream = new Upstream(options);
      await using program = startBefore(upstream, { env: { DRAIN_S: "0.2" } });
      const answer = ask(await program.listening(), { stream: false });
      await upstream.asked;
      program.kill("SIGTERM");
      const response = await answer;
      const { type, error } = await response.json();
      assertEquals([response.status, type, error.type], [529, "error", "overloaded_error"]);
      const { code, stdout, stderr } = await program.end();
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, '"status":529');
    },
  });
}

Deno.test({
  name: "a process that was stopped for longer than TIMEOUT_S goes on with its streams",
  ignore: !HAS_SIGNALS,
  async fn() {
    await using upstream = new Upstream();
    await using program = startBefore(upstream, { env: { TIMEOUT_S: "1", PING_S: "0.3" } });
    const reader = await openStream(await program.listening());
    program.kill("SIGSTOP");
    // What upstream sends now waits in the kernel.
    upstream.goOn();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    program.kill("SIGCONT");
    const rest = await readRest(reader);
    assert(!rest.includes("event: error"), rest);
    assertMatch(rest, / two\.[^]*event: message_stop\ndata: .*\n\n$/);
  },
});
