/**
 * Response times that clients rely on: of the model list and of token counts.
 * @module
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { call, createProxy, get, ORIGIN } from "../helpers/proxy.ts";
import { startSilentUpstream, startUpstream } from "../helpers/upstream.ts";

const MAPPED = ["claude-opus", "claude-sonnet", "claude-haiku", "claude-fable"];
/** Half the timeout of Claude Code, and the tolerance for a loaded machine. */
const COLD_MS = 2000;
const SLACK_MS = 900;
const WARM_MS = 50;
const COUNT_MS = 5;

async function listIds(response: Response): Promise<string[]> {
  const { data }: { data: { id: string }[] } = await response.json();
  return data.map(({ id }) => id);
}

/** The fastest of several runs in ms, as the others may be delayed by a busy machine. */
async function measure(runs: number, run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return Math.min(...times);
}

Deno.test("a cold model list waits two seconds for upstream, then lists the mapped names", async () => {
  await using upstream = startSilentUpstream();
  const { handler, services } = createProxy({ upstream, env: { TIMEOUT_S: "4" } });
  const startedAt = performance.now();
  // All of them wait for the same fetch.
  const responses = await Promise.all(
    ["", "?limit=1000", "/claude-opus"].map((path) => call(handler, get(`/v1/models${path}`))),
  );
  const tookMs = performance.now() - startedAt;
  assert(tookMs > COLD_MS - 100 && tookMs < COLD_MS + SLACK_MS, `It took ${tookMs} ms`);
  const [first, second, third] = responses;
  assert(first !== undefined && second !== undefined && third !== undefined);
  assertEquals([await listIds(first), await listIds(second)], [MAPPED, MAPPED]);
  assertEquals([third.status, (await third.json()).id], [200, "claude-opus"]);
  await services.catalog.settled();
});

Deno.test("a warm model list of 500 models takes less than 50 ms", async () => {
  const models = Array.from({ length: 500 }, (_, i) => ({
    id: `vendor-${i % 40}/model-${i}`,
    name: `Vendor ${i % 40}: Model ${i}`,
    created: 1_700_000_000 + i,
    context_length: 131_072,
    supported_parameters: ["tools"],
    pricing: { prompt: "0.0000006", completion: "0.0000022" },
  }));
  await using upstream = startUpstream([], { models });
  const { handler } = createProxy({ upstream });
  const list = async () => await listIds(await call(handler, get("/v1/models?limit=1000")));
  assertEquals((await list()).length, 1000);
  assertLess(await measure(11, list), WARM_MS);
  assertEquals(upstream.modelListRequests, 1);
});

/** A body of about this size, like Claude Code's: long texts, 24 tools and a long history. */
function buildRequest(bytes: number): string {
  const words = 'Reads a file from the disk, "quoted", 世界, and says what is in it.\n';
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { path: { type: "string", description: words }, limit: { type: "number" } },
    required: ["path"],
    additionalProperties: false,
  };
  const tools = Array.from({ length: 24 }, (_, i) => ({
    name: `Tool${i}`,
    description: words.repeat(20),
    input_schema: schema,
  }));
  const system = [{ type: "text", text: words.repeat(100) }];
  const messages: unknown[] = [];
  const build = () => JSON.stringify({ model: "claude-opus-5-5", system, tools, messages });
  const step = JSON.stringify(buildTurns(1, words)).length;
  const turns = Math.round((bytes - build().length) / step);
  for (let i = 0; i < turns; i++) messages.push(...buildTurns(i, words));
  return build();
}

function buildTurns(i: number, words: string): unknown[] {
  const call = { type: "tool_use", id: `toolu_${i}`, name: "Tool1", input: { path: words } };
  return [
    {
      role: "user",
      content: i === 0 ? "Go" : [
        { type: "tool_result", tool_use_id: `toolu_${i - 1}`, content: words.repeat(8) },
      ],
    },
    { role: "assistant", content: [{ type: "text", text: words }, call] },
  ];
}

Deno.test("a token count of 80 KB takes less than 5 ms, and of 800 KB less than 90 ms", async () => {
  const { handler } = createProxy();
  const count = (body: string) => async () => {
    const headers = { "content-type": "application/json" };
    const url = `${ORIGIN}/v1/messages/count_tokens?beta=true`;
    const response = await call(handler, new Request(url, { method: "POST", headers, body }));
    assertEquals(response.status, 200, await response.clone().text());
    return await response.json();
  };
  const [small, large] = [buildRequest(80_000), buildRequest(800_000)];
  assert(Math.abs(small.length - 80_000) < 3000, `${small.length}`);
  assert(Math.abs(large.length - 800_000) < 30_000, `${large.length}`);
  await measure(30, count(small));
  const smallMs = await measure(41, count(small));
  const largeMs = await measure(15, count(large));
  assertLess(smallMs, COUNT_MS);
  assertLess(largeMs, 18 * COUNT_MS);
});
