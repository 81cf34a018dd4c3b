/** Listening again after an accept error, with a fake `Deno.serve`. With real file descriptors: process_test.ts. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Listener } from "../../lib/cli/listener.ts";
import type { LogLevel } from "../../lib/config.ts";
import { withTimeout } from "../helpers/timeout.ts";

const OUT_OF_FILES = new Error("Too many open files (os error 24)");

/** A fake server that fails and ends on demand. */
function createServer(port: number) {
  const finished = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port };
  const server = {
    addr,
    finished: finished.promise,
    fail: (error: Error) => finished.reject(error),
    /** Sends its last response. */
    end: () => ended.resolve(),
    isStopping: false,
    async shutdown() {
      server.isStopping = true;
      await ended.promise;
      finished.resolve();
    },
  };
  return server;
}

/** A listener, the fake servers that it started, and its log. */
function setUp() {
  const servers: ReturnType<typeof createServer>[] = [];
  const ports: number[] = [];
  const lines: [LogLevel, string][] = [];
  const waiting = new Map<number, () => void>();
  const state = { now: 0, error: null as Error | null };
  const listener = new Listener({
    hostname: "127.0.0.1",
    port: 0,
    handler: () => new Response(),
    log: { request: () => {}, write: (level, message) => lines.push([level, message]) },
    now: () => state.now,
    serve({ port = 0 }) {
      ports.push(port);
      waiting.get(ports.length)?.();
      if (state.error !== null) throw state.error;
      const server = createServer(8123);
      servers.push(server);
      return server;
    },
  });
  /** Resolves at the nth attempt to listen. */
  const listened = (time: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (ports.length >= time) resolve();
    waiting.set(time, resolve);
    return withTimeout(promise, `attempt ${time} to listen`);
  };
  return { listener, servers, ports, lines, state, listened };
}

Deno.test("Listener closes idle connections and listens on the same port again after an accept error", async () => {
  const { listener, servers, ports, lines, listened } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  assertEquals([ports, servers.map((one) => one.isStopping)], [[0, 8123], [true, false]]);
  assertEquals(lines.map(([level]) => level), ["error"]);
  assertMatch(lines[0]?.[1] ?? "", /Cannot accept connections.*\(os error 24\).*ulimit -n/);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("Listener retries until it can listen again", async () => {
  const { listener, servers, ports, state, listened } = setUp();
  state.error = OUT_OF_FILES;
  servers[0]?.fail(OUT_OF_FILES);
  await listened(3);
  state.error = null;
  await listened(4);
  assertEquals([ports, servers.length], [[0, 8123, 8123, 8123], 2]);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("Listener logs a persistent error once a minute", async () => {
  const { listener, servers, lines, state, listened } = setUp();
  for (const [time, now] of [[2, 0], [3, 59_999], [4, 60_000]] as const) {
    state.now = now;
    servers.at(-1)?.fail(OUT_OF_FILES);
    await listened(time);
  }
  assertEquals(lines.length, 2);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("stop waits for the responses of every server and does not listen again", async () => {
  const { listener, servers, ports, listened } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  let hasStopped = false;
  const stopped = listener.stop().then(() => hasStopped = true);
  servers[1]?.end();
  await servers[1]?.finished;
  assertEquals(hasStopped, false);
  servers[0]?.end();
  await withTimeout(stopped, "the stop");
  await listener.finished;
  assertEquals(ports.length, 2);
});

Deno.test("a server that fails to shut down delays neither the next one nor the stop", async () => {
  const { listener, servers, listened } = setUp();
  const fail = () => Promise.reject(new Error("no"));
  Object.assign(servers[0] ?? {}, { shutdown: fail });
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  Object.assign(servers[1] ?? {}, { shutdown: fail });
  await withTimeout(listener.stop(), "the stop");
  await listener.finished;
});

Deno.test("stop cancels a pending retry", async () => {
  const { listener, servers, ports } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await servers[0]?.finished.catch(() => {});
  servers[0]?.end();
  // The sanitizer fails this test if a timer is left.
  await listener.stop();
  await listener.finished;
  assertEquals(ports.length, 1);
});

Deno.test("Listener throws if it cannot listen at the start", () => {
  const options = {
    hostname: "127.0.0.1",
    port: 1,
    handler: () => new Response(),
    log: { request: () => {}, write: () => {} },
    now: () => 0,
    serve: () => {
      throw new Deno.errors.AddrInUse("taken");
    },
  };
  assertThrows(() => new Listener(options), Deno.errors.AddrInUse);
});
