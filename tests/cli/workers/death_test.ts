// Workers that die, hang or cannot be started: what is lost, what stays, and what the program does about it.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { completion, sse, textChunk } from "../../helpers/chunks.ts";
import { PRICED } from "../../helpers/priced_proxy.ts";
import { readUntilCut } from "../../helpers/program.ts";
import { requestBody } from "../../helpers/proxy.ts";
import { createOpenStream, startUpstream } from "../../helpers/upstream.ts";
import { NOWHERE } from "../../helpers/unused_port.ts";
import {
  fetchAlone,
  HAS_WORKERS,
  MANY,
  readStats,
  say,
  sendAlone,
  startMortals,
  until,
} from "../../helpers/workers.ts";

const ignore = !HAS_WORKERS;

Deno.test({
  name:
    "a worker that dies ends its own streams only; its costs stay, its places are free, and it comes back",
  ignore,
  async fn() {
    const streams: { close(): void }[] = [];
    await using upstream = startUpstream(() => {
      const stream = createOpenStream(sse(textChunk("One")));
      streams.push(stream);
      return stream.response;
    }, { models: [PRICED], check: () => {} });
    await using program = startMortals(upstream, {
      env: { MAX_COST_USD: "100", MAX_INFLIGHT: `${MANY + 1}` },
    });
    const url = await program.listening();
    await until(() => readModels(url), (models) => models.every((count) => count > 0));
    const readers = await Promise.all(
      Array.from({ length: MANY }, async () => {
        const { status, body } = await sendAlone(url, { model: PRICED.id, stream: true });
        assert(status === 200 && body !== null);
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        await reader.read();
        return reader;
      }),
    );
    const before = await readStats(url);
    // One dollar each.
    assertEquals(Math.round(before.today.reservedUsd), MANY);
    await sendAlone(url, { model: PRICED.id, ...say("die") }).then(
      (response) => response.body?.cancel(),
      () => {},
    );
    const line = await program.waitFor(/"(Worker \d has died and is started again.*killed by.*)"/);
    const lost = Number(/, (\d+) requests? w/.exec(line)?.[1]);
    assert(lost > 1 && lost < MANY, line);
    // Those of the others go on.
    const { inFlight, today } = await readStats(url);
    assertEquals(inFlight.length, MANY + 1 - lost);
    assertEquals(Math.round(today.reservedUsd), MANY + 1 - lost);
    assertEquals(Math.round(today.estimatedUsd), lost);
    for (const stream of streams) tryClose(stream);
    const rests = await Promise.all(readers.map(readUntilCut));
    // The request that killed it is one of the lost ones.
    assertEquals(rests.filter((rest) => rest === "cut").length, lost - 1);
    const after = await until(() => readStats(url), (stats) => stats.inFlight.length === 0);
    assertEquals(after.totals.requests, MANY + 1 - lost);
    // All places are free, and the new worker uses its own.
    const again = await Promise.all(
      Array.from({ length: MANY }, () => sendAlone(url, { model: PRICED.id, stream: true })),
    );
    assertEquals(again.map(({ status }) => status), again.map(() => 200));
    for (const { body } of again) await body?.cancel();
    for (const stream of streams) tryClose(stream);
    program.kill("SIGKILL");
    // The runtime prints the error itself.
    assertStringIncludes((await program.end()).stderr, "killed by the test");
  },
});

/** How many models the workers list, on several connections. */
function readModels(url: string): Promise<number[]> {
  return Promise.all(Array.from({ length: MANY }, async () => {
    const response = await fetchAlone(`${url}/v1/models`);
    return (await response.json()).data.length;
  }));
}

function tryClose(stream: { close(): void }): void {
  try {
    stream.close();
  } catch {
    // The proxy has left.
  }
}

Deno.test({
  name: "a new worker knows what the one before has learned, and is given the switch for bodies",
  ignore,
  async fn() {
    await using upstream = startUpstream(() =>
      Response.json({ ...completion("Hi"), usage: { prompt_tokens: 4000, completion_tokens: 1 } })
    );
    await using program = startMortals(upstream, { env: { WORKERS: "2" } });
    const url = await program.listening();
    const text = "word ".repeat(400);
    await (await sendAlone(url, say(text))).body?.cancel();
    const on = await fetchAlone(`${url}/stats/capture`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"on": true}',
    });
    assertEquals(on.status, 200, await on.text());
    for (const _worker of [1, 2]) {
      await sendAlone(url, say("die")).then((response) => response.body?.cancel(), () => {});
      await program.waitFor(/Worker \d has died/);
      await until(() => readModels(url).catch(() => null), (models) => models !== null);
    }
    const response = await sendAlone(url, say("live"));
    assertEquals(response.status, 200, await response.text());
    const { requests } = await readStats(url);
    assertEquals(requests.at(-1)?.preview, "live");
    const counted = await fetchAlone(`${url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(requestBody(say(text))),
    });
    assert((await counted.json()).input_tokens > 3000);
    program.kill("SIGKILL");
    await program.end();
  },
});

Deno.test({
  name: "a worker that does not answer is left out of the figures",
  ignore,
  async fn() {
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    await using program = startMortals(upstream);
    const url = await program.listening();
    await (await sendAlone(url, say("one"))).body?.cancel();
    await until(() => readStats(url), ({ totals }) => totals.requests === 1);
    const hanging = sendAlone(url, say("hang")).then((response) => response.text(), String);
    await upstream.arrival(1);
    const measure = async () => {
      const startedAt = performance.now();
      // Some of the connections belong to the worker that hangs.
      const all = Array.from({ length: MANY }, () => readStats(url));
      for (const one of all) one.catch(() => {});
      const { totals: { requests } } = await Promise.any(all);
      return { requests, elapsed: performance.now() - startedAt };
    };
    // The worker hangs a moment after the request has arrived.
    const { requests, elapsed } = await until(measure, ({ elapsed }) => elapsed > 500);
    assert(elapsed < 2500, `${elapsed} ms`);
    assertEquals(requests, 1);
    assertStringIncludes(await hanging, "Hi");
    assertEquals((await readStats(url)).totals.requests, 2);
  },
});

Deno.test({
  name: "a program whose workers cannot be started ends with the reason",
  ignore,
  async fn() {
    using broken = createBrokenFile();
    broken.create();
    await using program = startMortals({ baseUrl: NOWHERE }, {
      env: { TEST_BROKEN_FILE: broken.path },
    });
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^Worker 1 cannot be started: .*broken by the test/m);
  },
});

Deno.test({
  name: "a program ends if all its workers die, and die again whenever they are started",
  ignore,
  async fn() {
    using broken = createBrokenFile();
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    await using program = startMortals(upstream, {
      env: { WORKERS: "2", TEST_BROKEN_FILE: broken.path },
    });
    const url = await program.listening();
    broken.create();
    // Each request ends a worker, until none listens.
    const kill = () =>
      sendAlone(url, say("die")).then(() => "", (error) => `${error} ${error.cause}`);
    await until(kill, (error) => /refused/i.test(error));
    const { code, stdout, stderr } = await program.end();
    assertEquals(code, 1);
    assertMatch(stderr, /^No worker can be started: .*broken by the test/m);
    // The first death of each, and at least four more.
    assert(stdout.split("broken by the test").length > 8, stdout);
  },
});

/** A path that lets workers die at their start once it is created. */
function createBrokenFile() {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/broken`;
  return {
    path,
    create: () => Deno.writeTextFileSync(path, ""),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}
