// Clock and ids of the running proxy.

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { createCliServices } from "../../lib/cli/serve.ts";
import { loadConfig } from "../../lib/config.ts";

/** Replaces the wall clock. */
function setWallClock(now: () => number): Disposable {
  const original = Date.now;
  Date.now = now;
  return { [Symbol.dispose]: () => void (Date.now = original) };
}

function createRealServices() {
  return createCliServices(loadConfig(() => undefined), { name: "test", version: "0" });
}

Deno.test("the clock of timeouts does not follow the wall clock", () => {
  const { now } = createRealServices();
  const before = now();
  const day = Date.now() + 86_400_000;
  using _clock = setWallClock(() => day);
  assertLess(Math.abs(now() - before), 5000);
});

Deno.test("message ids are unique within one millisecond and have Anthropic's format", () => {
  const { newId } = createRealServices();
  using _clock = setWallClock(() => 0);
  const ids = Array.from({ length: 10_000 }, () => newId("msg"));
  assertEquals(new Set(ids).size, ids.length);
  for (const id of ids) assertMatch(id, /^msg_[0-9a-f]{32}$/);
});
