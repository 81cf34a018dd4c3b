/** Listening again after accept has failed, in front of a stand-in for `Deno.serve`. With real files: process_life_test.ts. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Listener } from "../../lib/cli/listener.ts";
import type { LogLevel } from "../../lib/config.ts";
import { withTimeout as soon } from "../helpers/timeout.ts";

const OUT_OF_FILES = new Error("Too many open files (os error 24)");

/** A server that fails, and ends, when the test says so. */
function createServer(port: number) {
  const finished = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const addr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port };
  const server = {
    addr,
    finished: finished.promise,
    fail: (error: Error) => finished.reject(error),
    /** Its last answer is out. */
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

/** A listener, and what it asked for. */
function setUp() {
  const servers: ReturnType<typeof createServer>[] = [];
  const ports: number[] = [];
  const lines: [LogLevel, string][] = [];
  const waiting = new Map<number, () => void>();
  const world = { now: 0, refusal: null as Error | null };
  const listener = new Listener({
    hostname: "127.0.0.1",
    port: 0,
    handler: () => new Response(),
    log: { request: () => {}, write: (level, message) => lines.push([level, message]) },
    now: () => world.now,
    serve({ port = 0 }) {
      ports.push(port);
      waiting.get(ports.length)?.();
      if (world.refusal !== null) throw world.refusal;
      const server = createServer(8123);
      servers.push(server);
      return server;
    },
  });
  /** Resolves when it is listened for this time, counted from 1. */
  const listened = (time: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (ports.length >= time) resolve();
    waiting.set(time, resolve);
    return soon(promise, `listening for time ${time}`);
  };
  return { listener, servers, ports, lines, world, listened };
}

Deno.test("when accept fails, idle connections are closed and the same port is listened on", async () => {
  const { listener, servers, ports, lines, listened } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  assertEquals([ports, servers.map((one) => one.isStopping)], [[0, 8123], [true, false]]);
  assertEquals(lines.map(([level]) => level), ["error"]);
  assertMatch(lines[0]?.[1] ?? "", /Cannot accept connections.*\(os error 24\).*ulimit -n/);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("a port that cannot be had again is tried until it can", async () => {
  const { listener, servers, ports, world, listened } = setUp();
  world.refusal = OUT_OF_FILES;
  servers[0]?.fail(OUT_OF_FILES);
  await listened(3);
  world.refusal = null;
  await listened(4);
  assertEquals([ports, servers.length], [[0, 8123, 8123, 8123], 2]);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("what lasts is said once a minute", async () => {
  const { listener, servers, lines, world, listened } = setUp();
  for (const [time, now] of [[2, 0], [3, 59_999], [4, 60_000]] as const) {
    world.now = now;
    servers.at(-1)?.fail(OUT_OF_FILES);
    await listened(time);
  }
  assertEquals(lines.length, 2);
  servers.forEach((one) => one.end());
  await listener.stop();
});

Deno.test("a stop waits for the answers of every server, and listens no more", async () => {
  const { listener, servers, ports, listened } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  let isOver = false;
  const stopped = listener.stop().then(() => isOver = true);
  servers[1]?.end();
  await servers[1]?.finished;
  assertEquals(isOver, false);
  servers[0]?.end();
  await soon(stopped, "the stop");
  await listener.finished;
  assertEquals(ports.length, 2);
});

Deno.test("a server that cannot be shut down holds up neither the next one nor the stop", async () => {
  const { listener, servers, listened } = setUp();
  const refuse = () => Promise.reject(new Error("no"));
  Object.assign(servers[0] ?? {}, { shutdown: refuse });
  servers[0]?.fail(OUT_OF_FILES);
  await listened(2);
  Object.assign(servers[1] ?? {}, { shutdown: refuse });
  await soon(listener.stop(), "the stop");
  await listener.finished;
});

Deno.test("a stop while it waits to listen again ends the wait", async () => {
  const { listener, servers, ports } = setUp();
  servers[0]?.fail(OUT_OF_FILES);
  await servers[0]?.finished.catch(() => {});
  servers[0]?.end();
  // A timer that is left would fail this test.
  await listener.stop();
  await listener.finished;
  assertEquals(ports.length, 1);
});

Deno.test("an address that cannot be had at the start is an error", () => {
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
