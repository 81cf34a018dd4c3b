/** Tests lib/openrouter/client.ts. @module */

import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { type ChatOptions, createClient } from "../../lib/openrouter/client.ts";
import { createTestServices, SERVER_KEY } from "../helpers/proxy.ts";

/** Base URL → the name of upstream in messages. */
const HOSTS: Record<string, string> = {
  "https://openrouter.ai/api/v1": "openrouter.ai",
  "http://localhost:11434/v1": "localhost:11434",
  "http://[::1]:8080": "[::1]:8080",
  "https://me:secret@gateway.example/v1": "gateway.example",
  "not a URL": "upstream",
};

for (const [baseUrl, host] of Object.entries(HOSTS)) {
  Deno.test(`createClient calls ${baseUrl} ${host} in its messages`, async () => {
    const config = { ...createTestServices().config, baseUrl };
    const unreachable = createClient(config, () => Promise.reject(new TypeError("fetch failed")));
    await assertRejects(() => unreachable.fetchModels(), ApiError, `Cannot reach ${host}`);
    const redirecting = createClient(
      config,
      () => Promise.resolve(new Response("", { status: 307 })),
    );
    await assertRejects(
      () => redirecting.fetchModels(),
      ApiError,
      `${host} responded with a redirect (307)`,
    );
  });
}

/** Calls sendChat of a client that uses the test's fetch. */
function sendChat(fetcher: typeof fetch, signal = new AbortController().signal) {
  const config = {
    baseUrl: "http://upstream",
    appUrl: null,
    appTitle: null,
    timeoutMs: 60_000,
    dialect: "openrouter" as const,
  };
  const body: ChatOptions["body"] = { model: "a/b", messages: [], max_tokens: 1 };
  const chat: ChatOptions = { body, key: SERVER_KEY, signal, timeoutMs: 60_000 };
  return createClient(config, fetcher).sendChat(chat);
}

Deno.test("sendChat fails with 499 if the client has already disconnected", async () => {
  const fetcher: typeof fetch = (_url, init) =>
    init?.signal?.aborted ? Promise.reject(init.signal.reason) : Promise.resolve(new Response("x"));
  const error = await assertRejects(() => sendChat(fetcher, AbortSignal.abort()), ApiError);
  assertEquals(error.status, 499);
});

Deno.test("sendChat reads at most 1 MiB of an error body and cancels it", async () => {
  let sent = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      sent += 64 * 1024;
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x78));
      if (sent >= 4 * 1024 * 1024) controller.close();
    },
    cancel: () => void (isCancelled = true),
  });
  const fetcher = () => Promise.resolve(new Response(body, { status: 500 }));
  await assertRejects(() => sendChat(fetcher), ApiError);
  assertLess(sent, 1024 * 1024);
  assertEquals(isCancelled, true);
});

Deno.test("sendChat returns the content type without its parameters", async () => {
  const headers = { "content-type": "Application/JSON ; charset=utf-8" };
  const response = await sendChat(() => Promise.resolve(new Response("{}", { headers })));
  assertEquals(response.contentType, "application/json");
  await response.body.cancel();
});
