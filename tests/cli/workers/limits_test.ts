// The limits of the program with several workers: each holds over all of them, exactly as with one.

import { assertEquals } from "@std/assert";
import type { Stats } from "../../../lib/metrics/types.ts";
import { completion, sse, textChunk } from "../../helpers/chunks.ts";
import { createFolder } from "../../helpers/history.ts";
import { DOLLAR_TEXT, PRICED, usage } from "../../helpers/priced_proxy.ts";
import { createOpenStream, startUpstream } from "../../helpers/upstream.ts";
import {
  fetchAlone,
  HAS_WORKERS,
  listHistoryFlags,
  MANY,
  readStats,
  sendAlone,
  startWorkers,
  until,
} from "../../helpers/workers.ts";

const ignore = !HAS_WORKERS;
const MB = 1024 * 1024;

Deno.test({
  name: "MAX_INFLIGHT is the number of streams over all workers, and a place is free when one ends",
  ignore,
  async fn() {
    const streams: { close(): void }[] = [];
    await using upstream = startUpstream(() => {
      const stream = createOpenStream(sse(textChunk("Hi")));
      streams.push(stream);
      return stream.response;
    });
    await using program = startWorkers(upstream, { env: { MAX_INFLIGHT: "7" } });
    const url = await program.listening();
    const responses = await Promise.all(
      Array.from({ length: MANY }, () => sendAlone(url, { stream: true })),
    );
    const accepted = responses.filter(({ status }) => status === 200);
    const rejected = responses.filter(({ status }) => status === 529);
    assertEquals([accepted.length, rejected.length], [7, MANY - 7]);
    for (const response of rejected) await response.body?.cancel();
    const { inFlight } = await readStats(url);
    assertEquals(inFlight.length, 7);
    for (const response of accepted) await response.body?.cancel();
    for (const stream of streams) stream.close();
    await until(() => readStats(url), (stats) => stats.inFlight.length === 0);
    const again = await until(
      () => sendAlone(url, { stream: true }),
      ({ status, body }) => {
        body?.cancel();
        return status === 200;
      },
    );
    assertEquals(again.status, 200);
    for (const stream of streams.slice(7)) stream.close();
  },
});

for (const perKey of [false, true]) {
  const name = perKey ? "MAX_COST_USD_PER_KEY" : "MAX_COST_USD";
  Deno.test({
    name: `250 requests at once over all workers cost no more than ${name}`,
    ignore,
    async fn() {
      const gate = Promise.withResolvers<void>();
      const body = { ...completion("Hi"), usage: usage({ cost: 1 }) };
      await using upstream = startUpstream(
        () => gate.promise.then(() => Response.json(body)),
        { models: [PRICED], check: () => {} },
      );
      const key = "key-of-a-test-1234567";
      await using program = startWorkers(upstream, {
        env: { [name]: "2", MAX_INFLIGHT: "1000", ...perKey && { PROXY_API_KEYS: `other,${key}` } },
      });
      const url = await program.listening();
      const headers: Record<string, string> = perKey ? { "x-api-key": key } : {};
      await awaitCatalogs(url, headers);
      const pending = Array.from(
        { length: 250 },
        () => sendAlone(url, { model: PRICED.id }, headers),
      );
      await upstream.arrival(1);
      gate.resolve();
      const responses = await Promise.all(pending);
      const count = (status: number) => responses.filter((one) => one.status === status).length;
      for (const response of responses) await response.body?.cancel();
      // Each is expected to cost one dollar.
      assertEquals([upstream.requests.length, count(200), count(429)], [2, 2, 248]);
      const stats: Stats = await (await fetchAlone(`${url}/stats`, { headers })).json();
      const { costUsd, reservedUsd, estimatedUsd } = (perKey && stats.today.keys[1]) || stats.today;
      assertEquals({ costUsd, reservedUsd, estimatedUsd }, {
        costUsd: 2,
        reservedUsd: 0,
        estimatedUsd: 0,
      });
      const late = await sendAlone(url, { model: PRICED.id }, headers);
      assertEquals([late.status, (await late.json()).error.type], [429, "billing_error"]);
    },
  });
}

Deno.test({
  name: "a response that costs more than expected uses up the limit of the other workers too",
  ignore,
  async fn() {
    // Three dollars of text, of which one cent was expected.
    const stream = createOpenStream(sse(textChunk(DOLLAR_TEXT.repeat(3))));
    await using upstream = startUpstream([
      () => stream.response,
      () => Response.json({ ...completion("Hi"), usage: usage({ cost: 0 }) }),
    ], { models: [PRICED], check: () => {} });
    await using program = startWorkers(upstream, { env: { MAX_COST_USD: "2" } });
    const url = await program.listening();
    await awaitCatalogs(url, {});
    const request = { model: PRICED.id, max_tokens: 1 };
    const open = await sendAlone(url, { ...request, stream: true });
    assertEquals(open.status, 200);
    const reader = open.body?.getReader();
    await reader?.read();
    await until(() => readStats(url), ({ today }) => today.reservedUsd > 2.9);
    const responses = await Promise.all(
      Array.from({ length: MANY }, () => sendAlone(url, request)),
    );
    assertEquals(responses.map(({ status }) => status), responses.map(() => 429));
    for (const response of responses) await response.body?.cancel();
    await reader?.cancel();
    stream.close();
  },
});

Deno.test({
  name: "costs of today in the history count in every worker after a restart",
  ignore,
  async fn() {
    using folder = createFolder();
    await using upstream = startUpstream(() =>
      Response.json({ ...completion("Hi"), usage: usage({ cost: 1 }) })
    );
    const start = () =>
      startWorkers(upstream, {
        flags: listHistoryFlags(folder),
        env: { HISTORY: folder.path, MAX_COST_USD: "2" },
      });
    {
      await using program = start();
      const url = await program.listening();
      for (const _request of [1, 2]) await (await sendAlone(url)).body?.cancel();
      program.kill("SIGTERM");
      assertEquals((await program.end()).code, 0);
    }
    await using program = start();
    const url = await program.listening();
    for (let i = 0; i < MANY; i++) {
      const response = await sendAlone(url);
      assertEquals([response.status, (await response.json()).error.type], [429, "billing_error"]);
    }
    assertEquals(upstream.requests.length, 2);
  },
});

/** Waits until every worker has the model list: before that, no price is known. */
async function awaitCatalogs(url: string, headers: HeadersInit): Promise<void> {
  for (let i = 0; i < MANY; i++) {
    const response = await fetchAlone(`${url}/v1/models`, { headers });
    assertEquals((await response.json()).data.length > 0, true);
  }
}

Deno.test({
  name: "the memory for request bodies is one over all workers",
  ignore,
  async fn() {
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    await using program = startWorkers(upstream);
    const { port } = new URL(await program.listening());
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => announceBody(Number(port), 32 * MB)),
    );
    try {
      // 128 MB, of which each body may take half of what is free: 32, 32, 32, and the fourth may not.
      const answered = await Promise.all(clients.map(({ answer }) => answer));
      assertEquals(answered.filter((status) => status === "529").length, 5);
      assertEquals(answered.filter((status) => status === "none").length, 3);
    } finally {
      for (const { connection } of clients) connection.close();
    }
  },
});

/** A client that announces a body and sends none of it, and the status that it gets within a second. */
async function announceBody(port: number, bytes: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
    `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return { connection, answer: readStatus(connection) };
}

async function readStatus(connection: Deno.Conn): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("none"), 1000);
  const buffer = new Uint8Array(4096);
  const read = connection.read(buffer).then(() =>
    new TextDecoder().decode(buffer).split(" ")[1] ?? ""
  ).catch(() => "closed");
  const status = await Promise.race([read, late]);
  clearTimeout(timer);
  return status;
}
