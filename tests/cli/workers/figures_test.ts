// What the program with several workers shows and learns: the same whichever worker receives a request.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createFolder, query } from "../../helpers/history.ts";
import { completion, sse, sseAnswer, textChunk } from "../../helpers/chunks.ts";
import { toCents, usage } from "../../helpers/priced_proxy.ts";
import { requestBody } from "../../helpers/proxy.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  replyInvalidModel,
  startUpstream,
} from "../../helpers/upstream.ts";
import {
  fetchAlone,
  HAS_WORKERS,
  listHistoryFlags,
  MANY,
  readAlone,
  readStats,
  say,
  sendAlone,
  startWorkers,
  until,
} from "../../helpers/workers.ts";

const ignore = !HAS_WORKERS;

/** Sends requests on connections of their own, one after the other, and reads the responses. */
async function sendMany(url: string, count: number, more: Record<string, unknown> = {}) {
  for (let i = 0; i < count; i++) {
    const response = await sendAlone(url, more);
    assertEquals(response.status, 200, await response.text());
  }
}

Deno.test({
  name: "figures, log and history contain every request once, whichever worker handled it",
  ignore,
  async fn() {
    using folder = createFolder();
    await using upstream = startUpstream(({ body }) =>
      body["stream"] === true
        ? eventStream(sseAnswer("Hi"))
        : Response.json({ ...completion("Hi"), usage: usage({ cost: 0.5 }) })
    );
    const flags = listHistoryFlags(folder);
    await using program = startWorkers(upstream, { flags, env: { HISTORY: folder.path } });
    const url = await program.listening();
    const session = (i: number) => ({ metadata: { user_id: `{"session_id":"session-${i % 2}"}` } });
    await Promise.all(
      Array.from(
        { length: MANY },
        (_, i) => sendMany(url, 1, { stream: i % 2 === 1, ...session(i) }),
      ),
    );
    const stats = await readStats(url);
    assertEquals(stats.totals.requests, MANY);
    assertEquals(
      stats.requests.map(({ number }) => number),
      Array.from({ length: MANY }, (_, i) => i + 1),
    );
    const ids = new Set(stats.requests.map(({ requestId }) => requestId));
    assertEquals([ids.size, stats.inFlight.length], [MANY, 0]);
    assertEquals(stats.outcomes, [{ end: "complete", count: MANY }]);
    assertEquals(toCents(stats.today.costUsd), toCents(stats.totals.costUsd ?? 0));
    assertEquals(stats.series.hour.buckets.reduce((sum, { requests }) => sum + requests, 0), MANY);
    const { requests } = await readAlone<typeof stats>(`${url}/stats?before=11&limit=5`);
    assertEquals(requests.map(({ number }) => number), [6, 7, 8, 9, 10]);
    const one = await readAlone<{ totals: { requests: number } }>(`${url}/stats?session=session-1`);
    assertEquals(one.totals.requests, MANY / 2);
    const report = await readAlone<{ totals: { requests: number } }>(`${url}/stats/history?by=day`);
    assertEquals(report.totals.requests, MANY);
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    assertEquals(Number(query(folder.path, "SELECT COUNT(*) AS n FROM requests")[0]?.["n"]), MANY);
    // Every line is whole, and there is one for each request.
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const logged = lines.filter(({ path }) => path === "/v1/messages");
    assertEquals(new Set(logged.map(({ requestId }) => requestId)), ids);
    assertEquals(logged.length, MANY);
    assertEquals(lines.filter(({ message }) => /^workers +3 threads$/.test(message)).length, 1);
  },
});

Deno.test({
  name: "an invalid query of the history is the client's error, whichever worker receives it",
  ignore,
  async fn() {
    using folder = createFolder();
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    const flags = listHistoryFlags(folder);
    await using program = startWorkers(upstream, { flags, env: { HISTORY: folder.path } });
    const url = await program.listening();
    const response = await fetchAlone(`${url}/stats/history?by=week`);
    const { error } = await response.json();
    assertEquals([response.status, error.type], [400, "invalid_request_error"]);
    assertMatch(error.message, /^by: /);
    const unknown = await fetchAlone(`${url}/stats?session=nobody`);
    assertEquals([unknown.status, (await unknown.json()).error.type], [404, "not_found_error"]);
  },
});

Deno.test({
  name:
    "requests in flight and captured bodies are found by every worker, and the switch is one for all",
  ignore,
  async fn() {
    const stream = createOpenStream(sse(textChunk("Hi")));
    await using upstream = startUpstream([
      () => Response.json(completion("Hello")),
      () => stream.response,
      () => Response.json(completion("Hello")),
    ]);
    await using program = startWorkers(upstream, { env: { INSPECT: "1" } });
    const url = await program.listening();
    const done = await sendAlone(url, say("What is the answer?"));
    const requestId = done.headers.get("request-id") ?? "";
    await done.body?.cancel();
    const open = await sendAlone(url, { stream: true, ...say("Stay open") });
    for (let i = 0; i < MANY; i++) {
      const bodies = await readAlone<{ request: string }>(`${url}/stats?request=${requestId}`);
      assert(bodies.request.includes("What is the answer?"));
      const { inFlight, requests } = await readStats(url);
      assertEquals(inFlight.map(({ preview }) => preview), ["Stay open"]);
      assertEquals(requests.map(({ preview }) => preview), ["What is the answer?"]);
    }
    await open.body?.cancel();
    stream.close();
    const off = await fetchAlone(`${url}/stats/capture`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"on": false}',
    });
    assertEquals(await off.json(), { on: false });
    for (let i = 0; i < MANY; i++) {
      const gone = await fetchAlone(`${url}/stats?request=${requestId}`);
      assertEquals(gone.status, 404);
      assertMatch((await gone.json()).error.message, /^Set INSPECT=1 /);
      await sendMany(url, 1);
    }
    const { requests, capturesBodies } = await readStats(url);
    assertEquals([capturesBodies, requests.some(({ preview }) => preview)], [false, false]);
  },
});

Deno.test({
  name: "every worker knows the token counts that one response has taught",
  ignore,
  async fn() {
    const text = "word ".repeat(400);
    await using upstream = startUpstream(() =>
      Response.json({
        ...completion("Hi"),
        usage: { prompt_tokens: 2000, completion_tokens: 1 },
      })
    );
    await using program = startWorkers(upstream);
    const url = await program.listening();
    const count = () =>
      readAlone<{ input_tokens: number }>(`${url}/v1/messages/count_tokens`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(requestBody(say(text))),
      });
    const before = await count();
    await sendMany(url, 1, say(text));
    await until(async () => {
      const counts = await Promise.all(Array.from({ length: MANY }, count));
      return counts.map(({ input_tokens }) => input_tokens);
    }, (counts) => counts.every((tokens) => tokens > before.input_tokens * 3));
  },
});

Deno.test({
  name: "every worker knows a default model and a limit that upstream has rejected once",
  ignore,
  async fn() {
    const isImage = (text: string) => text.includes("image_url");
    await using upstream = startUpstream((request) => {
      if (request.body["model"] === "anthropic/claude-sonnet-4-20250514") {
        return replyInvalidModel(request);
      }
      return isImage(request.text)
        ? errorBody(404, "No endpoints found that support image input")
        : Response.json(completion("Hi"));
    });
    await using program = startWorkers(upstream);
    const url = await program.listening();
    const source = { type: "base64", media_type: "image/png", data: "aGVsbG8=" };
    const image = {
      messages: [{
        role: "user",
        content: [{ type: "image", source }, { type: "text", text: "What is it?" }],
      }],
    };
    await sendMany(url, 1, image);
    // Rejected default, rejected image, answer.
    assertEquals(upstream.requests.length, 3);
    // The other workers are told within a few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await sendMany(url, MANY, image);
    assertEquals(upstream.requests.length, 3 + MANY);
  },
});

Deno.test({
  name: "GET /stats?setup=1 shows the credit of the key, with one request to upstream",
  ignore,
  async fn() {
    let requests = 0;
    await using upstream = startUpstream(() => Response.json(completion("Hi")), {
      key: () => {
        requests++;
        return Response.json({ data: { limit: 10, limit_remaining: 4, usage: 6 } });
      },
    });
    await using program = startWorkers(upstream);
    const url = await program.listening();
    const read = () => readAlone<{ credit: unknown }>(`${url}/stats?setup=1`);
    const { credit } = await until(read, (setup) => setup.credit !== null);
    assertEquals(credit, { remainingUsd: 4, limitUsd: 10, usedUsd: 6 });
    for (let i = 0; i < MANY; i++) assertEquals((await read()).credit, credit);
    assertEquals(requests, 1);
  },
});
