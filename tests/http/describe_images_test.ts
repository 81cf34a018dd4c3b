/**
 * IMAGE_MODEL: images for models that accept none are described once by another model, within limits of time, memory
 * and cost.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Stats } from "../../lib/metrics/types.ts";
import { completion } from "../helpers/chunks.ts";
import { checkOpenAiRequest } from "../helpers/openai_request_checker.ts";
import { call, createProxy, get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import {
  errorBody,
  type Reply,
  type SeenRequest,
  startUpstream,
  type Upstream,
} from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const VISION = "b/vision";
const TEXT_MODEL = { id: "a/text", architecture: { input_modalities: ["text"] } };
const VISION_MODEL = {
  id: VISION,
  architecture: { input_modalities: ["text", "image"] },
  pricing: { prompt: "0.000001", completion: "0.001" },
};

/** A different image for each number. */
const image = (number: number | string = 0) => ({
  type: "image",
  source: { type: "base64", media_type: "image/png", data: btoa(`image ${number}`) },
});
const withBlocks = (...blocks: Json[]) => ({ messages: [{ role: "user", content: blocks }] });
const NOTE = "image/png, not shown: a/text takes no images";

/** The description of an image names its text; costs one cent. */
const replyWithWords: Reply = (seen) => Response.json(describe(seen));
function describe(seen: SeenRequest): Json {
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, cost: 0.01 };
  return { ...completion(`Shows ${readImage(seen)}`), model: VISION, usage };
}

function readImage({ text }: SeenRequest): string {
  return atob(/data:image\/png;base64,([^"]*)"/.exec(text)?.[1] ?? "");
}

const isDescription = ({ body }: SeenRequest) => body["model"] === VISION;

interface Harness extends AsyncDisposable {
  upstream: Upstream;
  proxy: ReturnType<typeof createProxy>;
  send(body: Json, init?: { signal?: AbortSignal; key?: string }): Promise<Response>;
  /** The requests to the image model, and to the target. */
  split(): { described: SeenRequest[]; sent: SeenRequest[] };
}

/** The image model answers with `reply`, the target with "Hi", or with a 404 for an image. */
async function start(
  reply: Reply = replyWithWords,
  { env = {}, models = [TEXT_MODEL, VISION_MODEL], rejectsImages = false }: {
    env?: Record<string, string | undefined>;
    models?: Json[];
    rejectsImages?: boolean;
  } = {},
): Promise<Harness> {
  const route: Reply = (seen) => {
    if (isDescription(seen)) return reply(seen);
    return rejectsImages && seen.text.includes("image_url")
      ? errorBody(404, "No endpoints found that support image input")
      : Response.json(completion("Hi"));
  };
  const isOpenAi = env["UPSTREAM_DIALECT"] === "openai";
  const checks = isOpenAi ? { check: checkOpenAiRequest } : {};
  const upstream = startUpstream(route, { models, ...checks });
  const proxy = createProxy({ upstream, env: { IMAGE_MODEL: VISION, ...env } });
  if (models.length > 0) await proxy.services.catalog.list(5000);
  return {
    upstream,
    proxy,
    send(body, { signal, key } = {}) {
      const headers = key === undefined ? {} : { "x-api-key": key };
      const request = post(requestBody({ model: "a/text", ...body }), headers);
      return call(proxy.handler, signal ? new Request(request, { signal }) : request);
    },
    split() {
      const { requests } = upstream;
      return {
        described: requests.filter(isDescription),
        sent: requests.filter((seen) => !isDescription(seen)),
      };
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

async function readStats({ proxy }: Harness): Promise<Stats> {
  const request = get("/stats", { headers: { "x-api-key": SERVER_KEY } });
  return await (await call(proxy.handler, request)).json();
}

Deno.test("the image model's words replace an image, and the history does not ask again", async () => {
  await using harness = await start();
  const first = await harness.send(withBlocks({ type: "text", text: "Look" }, image()));
  assertEquals([first.status, first.headers.get("x-proxy-dropped")], [200, null]);
  await first.body?.cancel();
  const later = {
    messages: [
      ...withBlocks({ type: "text", text: "Look" }, image()).messages,
      { role: "assistant", content: "A picture." },
      { role: "user", content: "Go on" },
    ],
  };
  await (await harness.send(later)).body?.cancel();
  const { described, sent } = harness.split();
  assertEquals([described.length, sent.length], [1, 2]);
  const expected = `[${NOTE}. What ${VISION} sees in it:]\\nShows image 0\\n` +
    `[End of the description by ${VISION}]`;
  for (const { text } of sent) {
    assertStringIncludes(text, expected);
    assertEquals(text.includes("image_url"), false);
  }
});

Deno.test("the image model gets the image and the prompt, with the key and provider of the request", async () => {
  const env = { OPENROUTER_PROVIDER: '{"data_collection":"deny"}' };
  await using harness = await start(replyWithWords, { env });
  await (await harness.send(withBlocks(image()))).body?.cancel();
  const [seen] = harness.split().described;
  assertEquals(seen?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
  assertEquals(seen?.body["provider"], { data_collection: "deny" });
  assertEquals(seen?.body["reasoning"], { enabled: false });
  assertEquals(readImage(seen ?? fail()), "image 0");
  assertMatch(seen?.text ?? "", /Copy all text exactly/);
});

function fail(): never {
  throw new Error("no request");
}

Deno.test("images in tool results and in documents are described too", async () => {
  await using harness = await start();
  const messages = [
    { role: "user", content: "Look" },
    { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "Read", input: {} }] },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "c1", content: [image("in a result")] },
        { type: "document", source: { type: "content", content: [image("in a document")] } },
      ],
    },
  ];
  await (await harness.send({ messages })).body?.cancel();
  const { described, sent: [sent] } = harness.split();
  assertEquals(described.map(readImage).sort(), ["image in a document", "image in a result"]);
  assertStringIncludes(sent?.text ?? "", "Shows image in a document");
  assertStringIncludes(sent?.text ?? "", "Shows image in a result");
});

Deno.test("an image URL is passed to the image model, not fetched", async () => {
  const url = "https://a.test/b.png";
  await using harness = await start(() => Response.json(completion("Seen")));
  await (await harness.send(withBlocks({ type: "image", source: { type: "url", url } }))).body
    ?.cancel();
  const { described: [described], sent: [sent] } = harness.split();
  assertStringIncludes(described?.text ?? "", `"url":"${url}"`);
  assertStringIncludes(sent?.text ?? "", "Seen");
  assertEquals(sent?.text.includes(url), false);
});

Deno.test("an image that the target rejects with a 404 is described for the second attempt", async () => {
  await using harness = await start(replyWithWords, { models: [], rejectsImages: true });
  const response = await harness.send({ ...withBlocks(image()), later: 1 });
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [200, "later"]);
  await response.body?.cancel();
  // The first attempt had dropped a field; the description has not.
  assertEquals(harness.proxy.services.records.map(({ dropped }) => dropped), [undefined, [
    "later",
  ]]);
  const { described, sent } = harness.split();
  assertEquals([described.length, sent.length], [1, 2]);
  assertStringIncludes(sent[1]?.text ?? "", "Shows image 0");
});

Deno.test("a model that accepts images gets them, without a description", async () => {
  await using harness = await start(replyWithWords, {
    models: [{ id: "a/text", architecture: { input_modalities: ["text", "image"] } }],
  });
  await (await harness.send(withBlocks(image()))).body?.cancel();
  const { described, sent: [sent] } = harness.split();
  assertEquals([described.length, sent?.text.includes("image_url")], [0, true]);
});

Deno.test("in the openai dialect the server's own model describes images", async () => {
  const env = { UPSTREAM_DIALECT: "openai", IMAGE_MODEL: VISION, TARGET_MODEL_DEFAULT: "a/text" };
  await using harness = await start(replyWithWords, { env });
  await (await harness.send(withBlocks(image()))).body?.cancel();
  assertStringIncludes(harness.split().sent[0]?.text ?? "", "Shows image 0");
});

Deno.test("concurrent requests with the same image share one description", async () => {
  const gate = Promise.withResolvers<void>();
  await using harness = await start(async (seen) => {
    await gate.promise;
    return replyWithWords(seen);
  });
  const responses = [1, 2, 3].map(() => harness.send(withBlocks(image(), image())));
  await harness.upstream.arrival(0);
  gate.resolve();
  for (const response of responses) await (await response).body?.cancel();
  assertEquals(harness.split().described.length, 1);
});

Deno.test("clients with different keys do not share descriptions", async () => {
  await using harness = await start(replyWithWords, { env: { OPENROUTER_API_KEY: undefined } });
  for (const key of ["sk-or-v1-first-client-key", "sk-or-v1-second-client-key"]) {
    await (await harness.send(withBlocks(image()), { key })).body?.cancel();
  }
  const keys = harness.split().described.map(({ headers }) => headers.get("authorization"));
  assertEquals(keys, [
    "Bearer sk-or-v1-first-client-key",
    "Bearer sk-or-v1-second-client-key",
  ]);
});

Deno.test("at most four images of a request are described at once, the newest first", async () => {
  const gate = Promise.withResolvers<void>();
  let open = 0;
  let most = 0;
  await using harness = await start(async (seen) => {
    most = Math.max(most, ++open);
    if (harness.upstream.requests.length === 4) gate.resolve();
    await gate.promise;
    // The others would arrive in this time.
    await new Promise((resolve) => setTimeout(resolve, 20));
    open--;
    return replyWithWords(seen);
  });
  const images = Array.from({ length: 9 }, (_, index) => image(index));
  await (await harness.send(withBlocks(...images))).body?.cancel();
  const { described } = harness.split();
  assertEquals([described.length, most], [9, 4]);
  assertEquals(described.slice(0, 4).map(readImage).sort(), [
    "image 5",
    "image 6",
    "image 7",
    "image 8",
  ]);
});

Deno.test("only the newest hundred images of a request are described", async () => {
  await using harness = await start();
  const images = Array.from({ length: 102 }, (_, index) => image(index));
  const response = await harness.send(withBlocks(...images));
  assertEquals(response.headers.get("x-proxy-dropped"), "image");
  await response.body?.cancel();
  const { described, sent: [sent] } = harness.split();
  assertEquals(described.length, 100);
  assertEquals(described.map(readImage).includes("image 1"), false);
  assertEquals(sent?.text.split(`[${NOTE}]`).length, 3);
});

const FAILURES: [name: string, reply: Reply, failure: string][] = [
  ["an error", () => errorBody(400, "This model\nis \u001b[31mbroken"), "This model is "],
  ["an answer without text", () => Response.json(completion("")), "its answer has no text"],
  ["a refusal", () => Response.json(refusal()), "it refused"],
  ["HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } }), "127.0.0.1"],
];

function refusal(): Json {
  const whole = completion("I cannot");
  const [choice] = (whole as { choices: Json[] }).choices;
  return { ...whole, choices: [{ ...choice, finish_reason: "content_filter" }] };
}

for (const [name, reply, failure] of FAILURES) {
  Deno.test(`after ${name} of the image model a note with the reason replaces the image, and it is not asked again at once`, async () => {
    await using harness = await start(reply);
    for (let turn = 0; turn < 2; turn++) {
      const response = await harness.send(withBlocks(image()));
      assertEquals([response.status, response.headers.get("x-proxy-dropped")], [200, "image"]);
      await response.body?.cancel();
    }
    const { described, sent } = harness.split();
    assertEquals([described.length, sent.length], [1, 2]);
    for (const { text } of sent) {
      assertStringIncludes(text, `[${NOTE}; ${VISION} could not describe it: ${failure}`);
      assertEquals(text.includes("\\u001b"), false);
    }
    const warnings = harness.proxy.services.lines.filter((line) =>
      line.includes("could not describe an image")
    );
    assertEquals(warnings.length, 1);
    const [record] = harness.proxy.services.records;
    assertEquals(record?.imageOf, "req_1");
    assertStringIncludes((record?.error ?? "").replace(/\s+/g, " "), failure);
  });
}

Deno.test("keys in an error of the image model reach neither the target nor the log", async () => {
  const reply: Reply = () => errorBody(400, `Bad key ${SERVER_KEY}`);
  await using harness = await start(reply);
  await (await harness.send(withBlocks(image()))).body?.cancel();
  const { text = "" } = harness.split().sent[0] ?? {};
  assertStringIncludes(text, "could not describe it: Bad key [redacted]");
  assertEquals(harness.proxy.services.lines.filter((line) => line.includes(SERVER_KEY)), []);
});

for (const status of [402, 429]) {
  Deno.test(`an error ${status} is not remembered as a failure of the image`, async () => {
    const replies: Reply[] = [() => errorBody(status, "Not now")];
    await using harness = await start((seen) => (replies.shift() ?? replyWithWords)(seen));
    await (await harness.send(withBlocks(image()))).body?.cancel();
    await (await harness.send(withBlocks(image()))).body?.cancel();
    const [first, second] = harness.split().sent;
    assertStringIncludes(first?.text ?? "", "Not now");
    assertStringIncludes(second?.text ?? "", "Shows image 0");
  });
}

Deno.test("a description that is cut off, or too long, says so", async () => {
  const cut = (text: string, reason: string): Json => {
    const whole = completion(text);
    const [choice] = (whole as { choices: Json[] }).choices;
    return { ...whole, choices: [{ ...choice, finish_reason: reason }] };
  };
  const replies = [cut("Short", "length"), cut("x".repeat(40_000), "stop")];
  await using harness = await start(() => Response.json(replies.shift()));
  await (await harness.send(withBlocks(image(0)))).body?.cancel();
  await (await harness.send(withBlocks(image(1)))).body?.cancel();
  const [short, long] = harness.split().sent.map(({ text }) => text);
  assertStringIncludes(short ?? "", "Short… (the description was cut off here)");
  assertMatch(long ?? "", /:\]\\nx{32000}… \(the description was cut off here\)/);
});

Deno.test("a failed description is tried again after two minutes", async () => {
  const replies = [() => errorBody(500, "Busy"), replyWithWords];
  await using harness = await start((seen) => (replies.shift() ?? replyWithWords)(seen));
  const { services } = harness.proxy;
  let elapsed = 0;
  const { imageDescriptions } = services;
  // The cache has the clock of the services as they were created.
  const original = performance.now.bind(performance);
  performance.now = () => original() + elapsed;
  try {
    await (await harness.send(withBlocks(image()))).body?.cancel();
    elapsed = 119_000;
    await (await harness.send(withBlocks(image()))).body?.cancel();
    assertEquals(harness.split().described.length, 1);
    elapsed = 121_000;
    await (await harness.send(withBlocks(image()))).body?.cancel();
  } finally {
    performance.now = original;
  }
  assertEquals(harness.split().described.length, 2);
  assertStringIncludes(harness.split().sent.at(-1)?.text ?? "", "Shows image 0");
  assertEquals(imageDescriptions.size, "Shows image 0".length);
});

Deno.test("a description takes at most half of TIMEOUT_S, and the request goes on", async () => {
  const gate = Promise.withResolvers<Response>();
  await using harness = await start(() => gate.promise, { env: { TIMEOUT_S: "0.4" } });
  const calls = recordCalls(harness);
  const response = await harness.send(withBlocks(image()));
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [200, "image"]);
  await response.body?.cancel();
  assertStringIncludes(harness.split().sent[0]?.text ?? "", "no answer within 1 s");
  // Otherwise every turn would wait.
  await (await harness.send(withBlocks(image()))).body?.cancel();
  assertEquals(harness.split().described.length, 1);
  const [description, request] = calls;
  assertEquals(description?.signal.aborted, true);
  assert((description?.timeoutMs ?? 0) <= 200, `${description?.timeoutMs} ms`);
  assert((request?.timeoutMs ?? 0) > 20, `${request?.timeoutMs} ms are left`);
  gate.resolve(new Response());
});

/** The time limits and signals of the calls of upstream. */
function recordCalls(
  { proxy: { services: { client } } }: Harness,
): { timeoutMs: number; signal: AbortSignal }[] {
  const calls: { timeoutMs: number; signal: AbortSignal }[] = [];
  const { sendChat } = client;
  client.sendChat = (options) => {
    calls.push(options);
    return sendChat(options);
  };
  return calls;
}

Deno.test("a description takes at most a minute", async () => {
  await using harness = await start();
  const calls = recordCalls(harness);
  await (await harness.send(withBlocks(image()))).body?.cancel();
  assertEquals(calls[0]?.timeoutMs, 60_000);
});

Deno.test("when the client leaves, its description is aborted and not remembered", async () => {
  const gate = Promise.withResolvers<Response>();
  const replies: Reply[] = [() => gate.promise];
  await using harness = await start((seen) => (replies.shift() ?? replyWithWords)(seen));
  const calls = recordCalls(harness);
  const controller = new AbortController();
  const sending = harness.send(withBlocks(image()), { signal: controller.signal });
  await harness.upstream.arrival(0);
  controller.abort();
  assertEquals((await sending).status, 499);
  assertEquals(calls[0]?.signal.aborted, true);
  gate.resolve(new Response());
  const { services } = harness.proxy;
  await services.recorded(1);
  const description = services.records.find(({ imageOf }) => imageOf === "req_1");
  assertEquals([description?.upstreamModel, description?.outcome], [VISION, "client_gone"]);
  assertEquals(harness.split().sent.length, 0);
  await (await harness.send(withBlocks(image()))).body?.cancel();
  assertStringIncludes(harness.split().sent[0]?.text ?? "", "Shows image 0");
});

Deno.test("a description goes on while another client waits for it", async () => {
  const gate = Promise.withResolvers<void>();
  await using harness = await start(async (seen) => {
    await gate.promise;
    return replyWithWords(seen);
  });
  const controller = new AbortController();
  const first = harness.send(withBlocks(image()), { signal: controller.signal });
  await harness.upstream.arrival(0);
  const second = harness.send(withBlocks(image()));
  // The second request must have reached the description.
  await new Promise((resolve) => setTimeout(resolve, 50));
  controller.abort();
  assertEquals((await first).status, 499);
  gate.resolve();
  const response = await second;
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [200, null]);
  await response.body?.cancel();
  assertEquals(harness.split().described.length, 1);
});

Deno.test("the cost of a description is in the totals, in a record of its own and in the log", async () => {
  await using harness = await start();
  await (await harness.send(withBlocks(image()))).body?.cancel();
  await (await harness.send(withBlocks(image()))).body?.cancel();
  const { totals, models, today, inFlight } = await readStats(harness);
  assertEquals(inFlight, []);
  assertEquals([totals.requests, totals.failed], [3, 0]);
  assertEquals(models.find(({ model }) => model === VISION)?.costUsd, 0.01);
  assertEquals(today.costUsd, totals.costUsd);
  const [description, first, second] = harness.proxy.services.records;
  assertEquals([description?.model, description?.upstreamModel, description?.costUsd], [
    "a/text",
    VISION,
    0.01,
  ]);
  assertEquals(description?.imageOf, first?.requestId);
  assertEquals([first?.imageModel, first?.imageCostUsd], [VISION, 0.01]);
  assertEquals([second?.imageModel, second?.imageCostUsd], [VISION, undefined]);
});

Deno.test("a description reserves its cost, and none is made when the limit is reached", async () => {
  const gate = Promise.withResolvers<void>();
  const env = { MAX_COST_USD: "5" };
  await using harness = await start(async (seen) => {
    await gate.promise;
    return replyWithWords(seen);
  }, { env });
  // Five descriptions of up to 4,096 tokens: a first one reserves four dollars, a second one all five.
  const response = harness.send(withBlocks(...[0, 1, 2, 3, 4].map(image)));
  await harness.upstream.arrival(0);
  // Only a refused description has a record now; if the gate opened before, all could follow one another.
  await harness.proxy.services.recorded(0);
  const { today } = await readStats(harness);
  assert(today.reservedUsd > 4, `${today.reservedUsd} USD are reserved`);
  gate.resolve();
  const sent = await response;
  await sent.body?.cancel();
  const described = harness.split().described.length;
  assert(described < 5, `${described} were described`);
  assertEquals((await readStats(harness)).today.reservedUsd, 0);
});
