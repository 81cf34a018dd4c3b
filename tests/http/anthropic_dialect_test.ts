// UPSTREAM_DIALECT=anthropic: body and response are passed through; authentication, keys, timeouts, errors and log
// are the proxy's.

import {
  estimateAnthropicTokens,
  listRequestedModels,
} from "../../lib/translate/request/anthropic_request.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject as Json } from "../../lib/json.ts";
import {
  awaitHeaders,
  call,
  createProxy,
  get,
  HELD_KEY,
  post,
  startProxy,
  type TestServices,
} from "../helpers/proxy.ts";
import {
  eventStream,
  holdStream,
  type Reply,
  startUpstream,
  type Upstream,
} from "../helpers/upstream.ts";

const ENV = { UPSTREAM_DIALECT: "anthropic", TARGET_MODEL_OPUS: "anthropic/claude-opus-5" };
const BODY = {
  model: "claude-opus-5[1m]",
  max_tokens: 100,
  never_heard_of: { deep: [1, null] },
  messages: [{ role: "user", content: [{ type: "hologram", cache_control: null }] }],
};
const USAGE = { input_tokens: 10, cache_read_input_tokens: 4, cache_creation_input_tokens: 2 };
const MESSAGE = {
  id: "gen-1",
  type: "message",
  role: "assistant",
  model: "anthropic/claude-5-opus",
  provider: "Anthropic",
  content: [{ type: "text", text: "Grüße" }],
  stop_reason: "end_turn",
  usage: { ...USAGE, output_tokens: 7, cost: 0.25 },
};

/** Events as Anthropic's API sends them. */
function events(...list: Json[]): string {
  return list.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join(
    "",
  );
}

const START = events({ type: "message_start", message: { ...MESSAGE, content: [], usage: USAGE } });
const DELTA = events(
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Grüße" } },
  { type: "content_block_stop", index: 0 },
);
const END = events(
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn" },
    usage: { output_tokens: 7, cost: 0.25 },
  },
  { type: "message_stop" },
);

interface Stage extends AsyncDisposable {
  upstream: Upstream;
  services: TestServices;
  send(body: unknown, headers?: Record<string, string>): Promise<Response>;
}

function startStage(reply: Reply, env: Record<string, string | undefined> = {}): Stage {
  const upstream = startUpstream(reply);
  const { services, handler } = createProxy({ upstream, env: { ...ENV, ...env } });
  return {
    upstream,
    services,
    send: (body, headers) => call(handler, post(body, headers)),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

Deno.test("the anthropic dialect forwards the body with another model and key", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  const response = await stage.send(BODY, {
    "anthropic-version": "2026-10-21",
    "anthropic-beta": "a-2026-01-01,b-2026-01-01",
    "x-api-key": "whatever",
    cookie: "c",
  });
  assertEquals(await response.json(), MESSAGE);
  const [seen] = stage.upstream.requests;
  assertEquals([seen?.method, seen?.path], ["POST", "/api/v1/messages"]);
  assertEquals(seen?.body, { ...BODY, model: "anthropic/claude-opus-5" });
  assertEquals(Object.keys(seen?.body ?? {}), Object.keys(BODY));
  const { headers } = seen ?? { headers: new Headers() };
  assertEquals(headers.get("authorization"), `Bearer ${HELD_KEY}`);
  assertEquals(headers.get("anthropic-version"), "2026-10-21");
  assertEquals(headers.get("anthropic-beta"), "a-2026-01-01,b-2026-01-01");
  assertEquals([headers.get("x-api-key"), headers.get("cookie")], [null, null]);
});

Deno.test("the anthropic dialect removes the billing header from system", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  const line = "x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli;";
  const kept = { type: "text", text: "You are.", cache_control: { type: "ephemeral", ttl: "1h" } };
  const systems: [unknown, unknown][] = [
    [`${line}\nYou are.`, "You are."],
    [[{ type: "text", text: line }, kept], [kept]],
    [7, 7],
  ];
  for (const [system] of systems) await (await stage.send({ ...BODY, system })).text();
  assertEquals(
    stage.upstream.requests.map(({ body }) => body["system"]),
    systems.map(([, to]) => to),
  );
});

Deno.test("the anthropic dialect sends a target list, fallbacks and provider preferences", async () => {
  await using stage = startStage(() => Response.json(MESSAGE), {
    TARGET_MODEL_OPUS: "a/one,b/two",
    OPENROUTER_PROVIDER: '{"sort":"price"}',
  });
  await (await stage.send(BODY)).text();
  await (await stage.send({ ...BODY, fallbacks: [{ model: "claude-opus-4-1", max_tokens: 5 }, 1] }))
    .text();
  const [list, named] = stage.upstream.requests.map(({ body }) => body);
  assertEquals([list?.["model"], list?.["models"]], ["a/one", ["a/one", "b/two"]]);
  assertEquals(list?.["provider"], { sort: "price" });
  assertEquals(named?.["models"], undefined);
  assertEquals(named?.["fallbacks"], [{ model: "a/one", max_tokens: 5 }, 1]);
});

Deno.test("the anthropic dialect forwards a stream byte for byte and logs its usage", async () => {
  const bytes = `: OPENROUTER PROCESSING\n\n${START}${DELTA}${END}`;
  await using stage = startStage(() => eventStream(bytes));
  const response = await stage.send({ ...BODY, stream: true });
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertMatch(response.headers.get("request-id") ?? "", /^req_/);
  assertEquals(await response.text(), bytes);
  const record = await stage.services.recorded();
  assertEquals(
    [record.model, record.upstreamModel, record.provider, record.outcome, record.costUsd],
    ["claude-opus-5[1m]", "anthropic/claude-5-opus", "Anthropic", "complete", 0.25],
  );
  assertEquals(
    [record.inputTokens, record.outputTokens, record.cachedTokens, record.writtenTokens],
    [10, 7, 4, 2],
  );
});

Deno.test("the anthropic dialect logs the usage of a JSON response", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  await (await stage.send(BODY)).text();
  const record = await stage.services.recorded();
  assertEquals([record.inputTokens, record.outputTokens, record.costUsd], [10, 7, 0.25]);
  assertEquals(record.upstreamModel, "anthropic/claude-5-opus");
});

const INCOMPLETE: [about: string, bytes: string, type: string][] = [
  ["ends without message_stop", START + DELTA, "api_error"],
  ["is empty", "", "api_error"],
];
for (const [about, bytes, type] of INCOMPLETE) {
  Deno.test(`a stream of the anthropic dialect that ${about} ends in an error event`, async () => {
    await using stage = startStage(() => eventStream(bytes));
    const text = await (await stage.send({ ...BODY, stream: true })).text();
    assertEquals(text.startsWith(bytes), true);
    const last = JSON.parse(text.slice(text.lastIndexOf("data: ") + 6));
    assertEquals([last.type, last.error.type], ["error", type]);
    assertEquals((await stage.services.recorded()).outcome, type);
  });
}

Deno.test("an error event of the anthropic dialect is forwarded and logged", async () => {
  const error = { type: "error", error: { type: "overloaded_error", message: "Full" } };
  const bytes = START + events(error);
  await using stage = startStage(() => eventStream(bytes));
  assertEquals(await (await stage.send({ ...BODY, stream: true })).text(), bytes);
  const record = await stage.services.recorded();
  assertEquals([record.outcome, record.error], ["overloaded_error", "Full"]);
});

Deno.test("an idle stream of the anthropic dialect ends in a timeout error", async () => {
  const held = holdStream(START);
  await using stage = startStage(() => held.response, { TIMEOUT_S: "0.2" });
  const text = await (await stage.send({ ...BODY, stream: true })).text();
  assertStringIncludes(text, '"timeout_error"');
  await held.cancelled;
});

Deno.test("a client that cancels a stream of the anthropic dialect cancels the upstream body", async () => {
  const held = holdStream(START);
  await using stage = startStage(() => held.response);
  const response = await stage.send({ ...BODY, stream: true });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await held.cancelled;
  assertEquals((await stage.services.recorded()).outcome, "client_gone");
});

const ERRORS: [about: string, reply: () => Response, status: number, message: string][] = [
  [
    "an error in Anthropic's format",
    () =>
      Response.json({ type: "error", error: { type: "rate_limit_error", message: "Slow down" } }, {
        status: 429,
        headers: { "retry-after": "7" },
      }),
    429,
    "Slow down",
  ],
  [
    "an error with the key",
    () => Response.json({ error: { message: `bad ${HELD_KEY}`, code: 401 } }, { status: 401 }),
    401,
    "bad",
  ],
  [
    "an HTML page",
    () => new Response("<p>Oops</p>", { headers: { "content-type": "text/html" } }),
    502,
    "html",
  ],
  [
    "an error with HTTP 200",
    () => Response.json({ type: "error", error: { message: "Full", code: 529 } }),
    529,
    "Full",
  ],
];
for (const [about, reply, status, message] of ERRORS) {
  Deno.test(`${about} becomes a ${status} in the anthropic dialect`, async () => {
    await using stage = startStage(reply);
    const response = await stage.send(BODY);
    const text = await response.text();
    assertEquals(response.status, status);
    assertEquals(JSON.parse(text).type, "error");
    assertStringIncludes(text, message);
    assertEquals(text.includes(HELD_KEY), false);
    if (status === 429) assertEquals(response.headers.get("retry-after"), "7");
  });
}

Deno.test("the anthropic dialect sends a default anthropic-version and no anthropic-beta", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  await (await stage.send(BODY)).text();
  const [seen] = stage.upstream.requests;
  assertEquals(seen?.headers.get("anthropic-version"), "2023-06-01");
  assertEquals(seen?.headers.get("anthropic-beta"), null);
});

Deno.test("the anthropic dialect keeps a billing header in the middle of a text, and blocks without text", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  const line = "Be brief.\nx-anthropic-billing-header: cc_version=2;";
  const blocks = [{ type: "text", text: line }, { type: "hologram" }, 7];
  for (const system of [line, blocks]) await (await stage.send({ ...BODY, system })).text();
  assertEquals(stage.upstream.requests.map(({ body }) => body["system"]), [line, blocks]);
});

Deno.test("the anthropic dialect forwards fallbacks of an unknown form", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  const odd = ["default", [{ max_tokens: 5 }, "x", null]];
  for (const fallbacks of odd) await (await stage.send({ ...BODY, fallbacks })).text();
  const bodies = stage.upstream.requests.map(({ body }) => body);
  assertEquals(bodies.map((body) => body["fallbacks"]), odd);
  assertEquals(bodies.filter((body) => "models" in body || "provider" in body), []);
});

Deno.test("the anthropic dialect logs the target list and the time of the first event", async () => {
  await using stage = startStage(() => eventStream(START + DELTA + END), {
    TARGET_MODEL_OPUS: "a/one,b/two",
  });
  await (await stage.send({ ...BODY, stream: true })).text();
  const record = await stage.services.recorded();
  assertEquals([record.sentModels, typeof record.firstEventMs], [["a/one", "b/two"], "number"]);
});

Deno.test("the anthropic dialect forwards a message with error null and rejects a list", async () => {
  await using stage = startStage(() => Response.json({ ...MESSAGE, error: null }));
  const response = await stage.send(BODY);
  assertEquals([response.status, await response.json()], [200, { ...MESSAGE, error: null }]);
  await using list = startStage(() => Response.json([MESSAGE]));
  const rejected = await list.send(BODY);
  assertStringIncludes(await rejected.text(), "no JSON");
  assertEquals(rejected.status, 502);
});

Deno.test("a client that disconnects during a JSON response of the anthropic dialect is logged as client_gone", async () => {
  const held = holdStream("{");
  await using upstream = startUpstream(() =>
    new Response(held.body, { headers: { "content-type": "application/json" } })
  );
  await using proxy = startProxy({ upstream, env: ENV });
  const hasHead = awaitHeaders(proxy.services);
  const { hostname, port, host } = new URL(proxy.url);
  const text = JSON.stringify(BODY);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const headers =
    `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `content-length: ${text.length}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(headers + text));
  await hasHead;
  connection.close();
  await held.cancelled;
  const { outcome, status } = await proxy.services.recorded();
  assertEquals([outcome, status], ["client_gone", 499]);
});

Deno.test("the anthropic dialect rejects a body that is not an object with a model, without an upstream request", async () => {
  await using stage = startStage(() => Response.json(MESSAGE));
  for (const body of [[], "x", {}, { model: 7 }]) {
    const response = await stage.send(body);
    assertEquals([response.status, JSON.parse(await response.text()).type], [400, "error"]);
  }
  assertEquals(stage.upstream.requests.length, 0);
});

Deno.test("the anthropic dialect counts tokens and lists models without an upstream request", async () => {
  await using upstream = startUpstream(() => Response.json(MESSAGE));
  const { handler } = createProxy({ upstream, env: ENV });
  const counted = await call(
    handler,
    new Request("http://localhost:8000/v1/messages/count_tokens", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hello" }] }),
    }),
  );
  assertEquals(typeof (await counted.json()).input_tokens, "number");
  const models = await call(handler, get("/v1/models"));
  assertEquals((await models.json()).data.length > 0, true);
  assertEquals(upstream.requests.length, 0);
});

// ── Estimated cost ──────────────────────────────────────────────────────────────────────────────────────────

Deno.test("estimateAnthropicTokens counts text by length and files by size", () => {
  const text = "word ".repeat(800);
  const tokens = (content: unknown) =>
    estimateAnthropicTokens({ messages: [{ role: "user", content }] });
  const least = tokens("");
  assertEquals(tokens(text) - least, 1000);
  assertEquals(tokens([{ type: "text", text }]) > 1000, true);
  const file = (media_type: string) => [{
    type: "image",
    source: { type: "base64", media_type, data: "A".repeat(400_000) },
  }];
  assertEquals(tokens(file("image/png")) < 2000, true);
  assertEquals(tokens(file("application/pdf")) > 4 * 2000, true);
  assertEquals(estimateAnthropicTokens({}), 1);
  assertEquals(estimateAnthropicTokens({ a: null, b: [7, true] }), 1);
});

Deno.test("listRequestedModels lists model, models and fallbacks", () => {
  assertEquals(listRequestedModels({ model: "a/x" }), ["a/x"]);
  assertEquals(listRequestedModels({ model: "a/x", models: ["a/x", "b/y"] }), [
    "a/x",
    "a/x",
    "b/y",
  ]);
  const fallbacks = [{ model: "c/z", max_tokens: 5 }, 7, { model: 8 }];
  assertEquals(listRequestedModels({ model: "a/x", fallbacks }), ["a/x", "c/z"]);
});
