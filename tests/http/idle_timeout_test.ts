// Idle timeouts: each read of a request body or an upstream response may take that long.

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { readUpstreamText } from "../../lib/stream/read_text.ts";
import { roleChunk, sse, textChunk } from "../helpers/chunks.ts";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { lastError, readError, readEvents } from "../helpers/responses.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { createOpenBody, createOpenStream, startUpstream } from "../helpers/upstream.ts";

Deno.test("readJson fails with 408 after an idle timeout of the body", async () => {
  for (const first of ["", '{"model":']) {
    const source = createOpenBody(first);
    const request = new Request("http://localhost/", { method: "POST", body: source.body });
    const error = await assertRejects(
      () => withTimeout(readJson(request, { maxBytes: 1000, idleMs: 30 }), "readJson to fail"),
      ApiError,
    );
    assertEquals([error.status, error.type], [408, "timeout_error"]);
    await withTimeout(source.cancelled, "the body to be cancelled");
  }
});

Deno.test("readJson fails with 408 when a short body is not complete in time", async () => {
  const source = createOpenBody('{"model":');
  const headers = { "content-length": "100" };
  const request = new Request("http://localhost/", { method: "POST", body: source.body, headers });
  const error = await assertRejects(
    () => withTimeout(readJson(request, { maxBytes: 1000, idleMs: 30 }), "readJson to fail"),
    ApiError,
    "The request body did not arrive within 0.03 s",
  );
  assertEquals([error.status, error.type], [408, "timeout_error"]);
  source.close();
});

for (const text of ["not UTF-8", "a broken connection"] as const) {
  Deno.test(`readJson fails with 400 for a short body with ${text}`, async () => {
    const body = text === "not UTF-8"
      ? new Uint8Array([0x22, 0xff, 0x22])
      : new ReadableStream({ start: (controller) => controller.error(new Error("lost")) });
    const headers = { "content-length": "3" };
    const request = new Request("http://localhost/", { method: "POST", body, headers });
    const error = await assertRejects(() => readJson(request, { maxBytes: 1000 }), ApiError);
    assertEquals([error.status, error.type], [400, "invalid_request_error"]);
  });
}

const real = { setTimeout, clearTimeout };

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  // Deno 2.5 rejects setTimeout as a method of another object.
  const { setTimeout } = real;
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Replaces the global timers with ones that run when the test advances them. */
function fakeTimers(): Disposable & { advance(ms: number): Promise<void> } {
  const timers = new Map<number, { at: number; run: () => void }>();
  let now = 0;
  let lastId = 0;
  Object.assign(globalThis, {
    setTimeout(run: () => void, ms: number) {
      timers.set(++lastId, { at: now + ms, run });
      return lastId;
    },
    clearTimeout: (id: number) => timers.delete(id),
  });
  return {
    async advance(ms) {
      now += ms;
      for (const [id, { at, run }] of timers) {
        if (at <= now && timers.delete(id)) run();
      }
      await nextTurn();
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, real);
    },
  };
}

const READERS: [
  name: string,
  read: (body: ReturnType<typeof createOpenBody>["body"]) => unknown,
][] = [
  [
    "readUpstreamText",
    async (body) => JSON.parse(await readUpstreamText(body, { timeoutMs: 1000 })),
  ],
  ["readJson", (body) => {
    const request = new Request("http://localhost/", { method: "POST", body });
    return readJson(request, { maxBytes: 1000, idleMs: 1000 });
  }],
];

for (const [name, read] of READERS) {
  Deno.test(`${name} applies the idle timeout to each read, not to the whole body`, async () => {
    using timers = fakeTimers();
    const source = createOpenBody("[1,");
    const reading = Promise.allSettled([read(source.body)]);
    await nextTurn();
    for (const chunk of ["2", ",3", "]"]) {
      await timers.advance(999);
      source.send(chunk);
      await nextTurn();
    }
    source.close();
    assertEquals(await reading, [{ status: "fulfilled", value: [1, 2, 3] }]);
  });
}

Deno.test("readUpstreamText rejects invalid UTF-8", async () => {
  const source = createOpenBody();
  source.send(new Uint8Array([0x22, 0xff, 0x22]));
  source.close();
  const error = await assertRejects(
    () => readUpstreamText(source.body, { timeoutMs: 60_000 }),
    ApiError,
  );
  assertEquals(error.status, 502);
});

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets 504 if the upstream body is idle for TIMEOUT_S, and the upstream request is aborted`, async () => {
    for (const first of ["", mode === "a plain request" ? '{"id":' : sse(roleChunk())]) {
      const source = createOpenStream(first);
      await using upstream = startUpstream(() => source.response);
      const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
      const error = await readError(await send(handler, request));
      assertEquals(error, {
        status: 504,
        type: "timeout_error",
        message: "No data from upstream for 0.05 s (TIMEOUT_S)",
      });
      await withTimeout(source.cancelled, "the body to be cancelled");
    }
  });
}

Deno.test("a stream that is idle after its first text ends in a timeout error", async () => {
  const source = createOpenStream(sse(textChunk("Hel")));
  await using upstream = startUpstream(() => source.response);
  const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
  const events = await readEvents(await send(handler, requestBody({ stream: true })));
  assertEquals(lastError(events), "timeout_error: No data from upstream for 0.05 s (TIMEOUT_S)");
  await withTimeout(source.cancelled, "the body to be cancelled");
});
