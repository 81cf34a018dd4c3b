// MAX_COST_USD: however requests end, no reservation stays.

import { assertEquals } from "@std/assert";
import {
  callChunk,
  callHead,
  callTail,
  completion,
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  textChunk,
} from "../helpers/chunks.ts";
import { startHarness } from "../helpers/priced_proxy.ts";
import { call, get, post, requestBody } from "../helpers/proxy.ts";
import { createOpenStream, errorBody, eventStream, type Reply } from "../helpers/upstream.ts";

const TOOL_CALL = sse(
  roleChunk(),
  callChunk(callHead(0, "c", "look")),
  callChunk(callTail(0, "no JSON")),
  finishChunk("tool_calls"),
  "[DONE]",
);

const REPLIES: Reply[] = [
  () => eventStream(sseAnswer("Hello you")),
  () => Response.json(completion("Hello")),
  () => new Response("no JSON", { headers: { "content-type": "application/json" } }),
  () => errorBody(429, "Slow down"),
  ({ body }) => errorBody(400, `${body["model"]} is not a valid model ID`),
  () => eventStream(sse(roleChunk(), textChunk("Hel"))),
  () => eventStream(sse(errorChunk({ code: 502, message: "x" }))),
  () => eventStream(sse(roleChunk(), textChunk("to STOP here"), finishChunk(), "[DONE]")),
  () => eventStream(TOOL_CALL),
  () => eventStream("data: {broken\n\n"),
  () => createOpenStream(sse(roleChunk(), textChunk("Hel"))).response,
];

const OPEN = REPLIES.length - 1;

/** Pseudorandom integers below a bound, the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 2_147_483_648 * below);
  };
}

Deno.test("after 1,000 requests with random endings nothing is reserved or in flight", async () => {
  const random = createRandom(7);
  const replies = new Map<string, Reply | undefined>();
  await using harness = await startHarness(
    (request) => replies.get(`${request.body["model"]}`)?.(request) ?? errorBody(500, "no script"),
    { MAX_COST_USD: "1000000" },
    [],
  );
  const { proxy } = harness;
  const run = async (number: number) => {
    const choice = random(REPLIES.length);
    const model = `a/${number}`;
    replies.set(model, REPLIES[choice]);
    const controller = new AbortController();
    const cancels = choice === OPEN || random(5) === 0;
    const stream = choice === OPEN || random(3) > 0;
    const body = requestBody({ model, stream, stop_sequences: ["STOP"] });
    const request = new Request(post(body), { signal: controller.signal });
    const response = call(proxy.handler, request);
    if (cancels && choice !== OPEN && random(2) === 0) controller.abort();
    const given = await response;
    if (cancels) await given.body?.cancel();
    else await given.text().catch(() => {});
  };
  for (let i = 0; i < 1000; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => run(i + j)));
  }
  await proxy.services.recorded(999);
  const stats = await (await call(proxy.handler, get("/stats"))).json();
  assertEquals([stats.today.reservedUsd, stats.inFlight], [0, []]);
  assertEquals(stats.totals.requests, 1000);
});
