// UPSTREAM_DIALECT=auto: Claude's requests go to /messages, all others are translated.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { completion } from "../helpers/chunks.ts";
import { DELTA, END, events, MESSAGE, START } from "../helpers/anthropic_dialect.ts";
import { call, createProxy, get, ORIGIN, requestBody, send } from "../helpers/proxy.ts";
import { replyEither } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  type Reply,
  replyInvalidModel,
  type SeenRequest,
  startUpstream,
  type Upstream,
} from "../helpers/upstream.ts";

const ENV = {
  UPSTREAM_DIALECT: "auto",
  TARGET_MODEL_OPUS: "anthropic/claude-opus-5",
  TARGET_MODEL_BIG: "openai/gpt-6",
  TARGET_MODEL_SMALL: "anthropic/claude-haiku-5.5,openai/gpt-6-mini",
};

const isMessages = ({ path }: SeenRequest) => path === "/api/v1/messages";

/** Responds in the format of the endpoint. */
const reply: Reply = (request) => {
  if (!isMessages(request)) return replyEither(request);
  return request.body["stream"] === true
    ? eventStream(START + DELTA + END)
    : Response.json(MESSAGE);
};

function start(upstream: Upstream, env: Record<string, string | undefined> = {}) {
  return createProxy({ upstream, env: { ...ENV, ...env } });
}

const ROUTES: [about: string, body: JsonObject, endpoint: string, models: unknown[]][] = [
  ["a Claude target", { model: "claude-opus-4-8" }, "messages", ["anthropic/claude-opus-5"]],
  ["another target", { model: "claude-sonnet-5" }, "chat/completions", ["openai/gpt-6"]],
  ["a Claude id", { model: "anthropic/claude-fable-5" }, "messages", ["anthropic/claude-fable-5"]],
  ["an alias of OpenRouter", { model: "~anthropic/claude-opus-latest" }, "messages", [
    "~anthropic/claude-opus-latest",
  ]],
  ["a Claude id with a window", { model: "anthropic/claude-opus-5[1m]" }, "messages", [
    "anthropic/claude-opus-5",
  ]],
  ["an id of another vendor", { model: "z-ai/glm-5" }, "chat/completions", ["z-ai/glm-5"]],
  ["a preset", { model: "@preset/mine" }, "chat/completions", ["@preset/mine"]],
  ["a list of both", { model: "haiku" }, "chat/completions", [
    "anthropic/claude-haiku-5.5",
    "openai/gpt-6-mini",
  ]],
  [
    "Claude with another vendor's fallback",
    {
      model: "opus",
      fallbacks: [{ model: "openai/gpt-6" }],
    },
    "chat/completions",
    ["anthropic/claude-opus-5", "openai/gpt-6"],
  ],
  [
    "Claude with a Claude fallback",
    {
      model: "opus",
      fallbacks: [{ model: "anthropic/claude-opus-4.8" }],
    },
    "messages",
    ["anthropic/claude-opus-5", "anthropic/claude-opus-4.8"],
  ],
];

for (const [about, body, endpoint, models] of ROUTES) {
  Deno.test(`auto sends a request for ${about} to ${endpoint}`, async () => {
    await using upstream = startUpstream(reply);
    for (const stream of [false, true]) {
      const response = await send(start(upstream).handler, requestBody({ ...body, stream }));
      const text = await response.text();
      assertEquals(response.status, 200, text);
      // The client always gets the name that it has requested.
      assertStringIncludes(text, `"model":${JSON.stringify(body["model"])}`);
      const seen = upstream.requests.at(-1);
      assertEquals(seen?.path, `/api/v1/${endpoint}`);
      const list = seen?.body["models"];
      const sent = endpoint === "messages" || !Array.isArray(list)
        ? list ?? [seen?.body["model"]]
        : [seen?.body["model"], ...list];
      assertEquals(sent, models);
    }
  });
}

Deno.test("the target `auto` goes to /messages with the dialect `auto`", async () => {
  await using upstream = startUpstream(reply);
  const { handler } = start(upstream, { TARGET_MODEL_BIG: "auto" });
  await (await send(handler, requestBody({ model: "claude-sonnet-4-5-20250929" }))).text();
  const [seen] = upstream.requests;
  assertEquals([seen?.path, seen?.body["model"]], [
    "/api/v1/messages",
    "anthropic/claude-sonnet-4.5",
  ]);
});

Deno.test("auto reports an invalid request as the translated route does", async () => {
  await using upstream = startUpstream(reply);
  const { handler } = start(upstream);
  const many = Array.from({ length: 101 }, () => ({ model: "opus" }));
  const cases: [body: unknown, message: RegExp | string][] = [
    [{}, "model: Field required"],
    [[], /valid dictionary/],
    [{ model: "opus", fallbacks: many }, /^fallbacks: List should have at most 100 items/],
    [{ model: "opus", fallbacks: ["x"] }, /^fallbacks.0: Input should be a valid dictionary/],
    [{ model: "opus".repeat(100) }, /^model: String should have at most 256 characters/],
  ];
  for (const [body, message] of cases) {
    const error = await readError(await send(handler, body));
    assertEquals(error.status, 400);
    assertMatch(error.message, new RegExp(message));
  }
  assertEquals(upstream.requests.length, 0);
});

const SONNET = "anthropic/claude-sonnet-4-20250514";

Deno.test("auto replaces a default target that /messages does not know once, and remembers it", async () => {
  await using upstream = startUpstream((request) =>
    request.body["model"] === SONNET ? replyInvalidModel(request) : reply(request)
  );
  const { handler } = start(upstream, { TARGET_MODEL_BIG: undefined });
  for (const expected of [2, 3]) {
    const response = await send(handler, requestBody());
    assertEquals([response.status, upstream.requests.length], [200, expected]);
    await response.body?.cancel();
  }
  assert(upstream.requests.every(isMessages));
  assertEquals(upstream.requests.map(({ body }) => body["model"]), [
    SONNET,
    "anthropic/claude-sonnet-4.5",
    "anthropic/claude-sonnet-4.5",
  ]);
});

const TOOL = {
  name: "send",
  input_schema: { type: "object", properties: { to: { type: "string", pattern: "^(?!x)" } } },
};

Deno.test("auto sends plain schemas to /messages after a refused one, and remembers that", async () => {
  await using upstream = startUpstream((request) =>
    JSON.stringify(request.body["tools"]).includes("pattern")
      ? errorBody(400, "tools.0.custom.input_schema: JSON schema is invalid")
      : reply(request)
  );
  const { handler } = start(upstream);
  for (const expected of [2, 3]) {
    const response = await send(handler, requestBody({ model: "opus", tools: [TOOL] }));
    assertEquals([response.status, upstream.requests.length], [200, expected]);
    assertEquals(response.headers.get("x-proxy-dropped"), "tools.input_schema");
    await response.body?.cancel();
  }
  assertEquals(upstream.requests.at(-1)?.body["tools"], [{
    name: "send",
    input_schema: { type: "object", properties: { to: { type: "string" } } },
  }]);
});

Deno.test("auto puts a note in place of an image that no provider of a Claude model takes", async () => {
  const source = { type: "base64", media_type: "image/png", data: "AAAA" };
  const messages = [{ role: "user", content: [{ type: "image", source }] }];
  await using upstream = startUpstream((request) =>
    JSON.stringify(request.body).includes("image/png;") ||
      JSON.stringify(request.body["messages"]).includes("base64")
      ? errorBody(404, "No endpoints found that support image input")
      : reply(request)
  );
  const response = await send(start(upstream).handler, requestBody({ model: "opus", messages }));
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [200, "image"]);
  assertEquals(upstream.requests.length, 2);
});

Deno.test("auto leaves tool search by BM25 out of a request to /messages and says so", async () => {
  await using upstream = startUpstream((request) =>
    JSON.stringify(request.body).includes("bm25")
      ? errorBody(400, "tool_search_tool_bm25 is not supported")
      : reply(request)
  );
  const tools = [
    { type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" },
    { ...TOOL, defer_loading: true },
  ];
  const response = await send(start(upstream).handler, requestBody({ model: "opus", tools }));
  await response.body?.cancel();
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("x-proxy-dropped"),
    "tools.tool_search_tool_bm25_20251119",
  );
  assertEquals(upstream.requests[0]?.body["tools"], [TOOL]);
});

const SAFEGUARDS = { safeguards: [{ type: "dangerous_tool_use" }] };
const UNSUPPORTED = [{ type: "dangerous_tool_use", status: { type: "unsupported" } }];
const VERDICT = [{ type: "dangerous_tool_use", status: { type: "available", tool_uses: {} } }];

for (const dialect of ["auto", "anthropic"]) {
  const env = { UPSTREAM_DIALECT: dialect };

  Deno.test(`safeguards are answered as unsupported if upstream does not answer them (${dialect})`, async () => {
    await using upstream = startUpstream(reply);
    const { handler } = start(upstream, env);
    const body = requestBody({ model: "opus", ...SAFEGUARDS });
    const message = await (await send(handler, body)).json();
    assertEquals(message.safeguard_results, UNSUPPORTED);
    const text = await (await send(handler, { ...body, stream: true })).text();
    const json = JSON.stringify(UNSUPPORTED);
    assertStringIncludes(text, `"delta":{"stop_reason":"end_turn","safeguard_results":${json}}`);
    assertEquals(upstream.requests[0]?.body["safeguards"], SAFEGUARDS.safeguards);
  });

  Deno.test(`a verdict of upstream's safeguards is forwarded (${dialect})`, async () => {
    const end = END.replace('"stop_reason"', `"safeguard_results":${JSON.stringify(VERDICT)},"x"`);
    await using upstream = startUpstream(({ body }) =>
      body["stream"] === true
        ? eventStream(START + end)
        : Response.json({ ...MESSAGE, safeguard_results: VERDICT })
    );
    const { handler } = start(upstream, env);
    const body = requestBody({ model: "opus", ...SAFEGUARDS });
    assertEquals((await (await send(handler, body)).json()).safeguard_results, VERDICT);
    const text = await (await send(handler, { ...body, stream: true })).text();
    assertStringIncludes(text, end);
  });

  Deno.test(`a response without requested safeguards does not report on them (${dialect})`, async () => {
    await using upstream = startUpstream(reply);
    const { handler } = start(upstream, env);
    const text = await (await send(handler, requestBody({ model: "opus", stream: true }))).text();
    assertEquals(text.includes("safeguard"), false);
    assertStringIncludes(text, DELTA + END);
  });
}

Deno.test("auto sends pings on both ways while upstream is idle", async () => {
  for (const model of ["opus", "sonnet"]) {
    const source = createOpenStream(": OPENROUTER PROCESSING\n\n");
    await using upstream = startUpstream(() => source.response);
    const { handler } = start(upstream, { PING_S: "0.05" });
    const response = await send(handler, requestBody({ model, stream: true }));
    const reader = response.body?.getReader();
    let text = "";
    while (text.split("event: ping").length < 4) {
      text += new TextDecoder().decode((await reader?.read())?.value);
    }
    assertStringIncludes(text, events({ type: "ping" }));
    await reader?.cancel();
  }
});

Deno.test("auto times out on both ways with a 504 before the first event", async () => {
  for (const model of ["opus", "sonnet"]) {
    const source = createOpenStream();
    await using upstream = startUpstream(() => source.response);
    const { handler } = start(upstream, { TIMEOUT_S: "0.1" });
    const error = await readError(await send(handler, requestBody({ model, stream: true })));
    assertEquals([error.status, error.type], [504, "timeout_error"]);
    await source.cancelled;
  }
});

Deno.test("an overflow on /messages is recognized by the proxy's count of the input, so that Claude Code compacts", async () => {
  await using upstream = startUpstream(() =>
    errorBody(
      400,
      "This model's maximum context length is 1000 tokens. However, you requested 100 output " +
        "tokens and your prompt contains at least 901 input tokens, for a total of at least 1001 tokens.",
    )
  );
  const messages = [{ role: "user", content: "word ".repeat(2000) }];
  const { handler } = start(upstream);
  const error = await readError(await send(handler, requestBody({ model: "opus", messages })));
  assertMatch(error.message, /^prompt is too long: /);
});

const REASONING = {
  reasoning_details: [
    { type: "reasoning.summary", summary: "Plan", format: "openai-responses-v1" },
    { type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", format: "openai-responses-v1" },
  ],
};
const THINKING = { type: "thinking", thinking: "Hm", signature: "EqQBCg==" };

Deno.test("auto returns each model's thinking to where it came from, through a session with both", async () => {
  const message = { role: "assistant", content: "I", ...REASONING };
  await using upstream = startUpstream((request) =>
    isMessages(request)
      ? Response.json({ ...MESSAGE, content: [THINKING, { type: "text", text: "You" }] })
      : Response.json({ ...completion("I"), choices: [{ message, finish_reason: "stop" }] })
  );
  const { handler } = start(upstream);
  const messages: JsonObject[] = [];
  for (const model of ["opus", "sonnet", "opus", "sonnet"]) {
    messages.push({ role: "user", content: "Who?" });
    const response = await send(handler, requestBody({ model, messages }));
    messages.push({ role: "assistant", content: (await response.json()).content });
  }
  const [, gpt, claude, last] = upstream.requests.map(({ body }) => body["messages"]);
  const user = { role: "user", content: "Who?" };
  const opus = { role: "assistant", content: [THINKING, { type: "text", text: "You" }] };
  assertEquals(gpt, [user, { role: "assistant", content: "You" }, user]);
  assertEquals(claude, [user, opus, user, {
    role: "assistant",
    content: [{ type: "text", text: "I" }],
  }, user]);
  assertEquals((last as JsonObject[])[3], message);
});

Deno.test("auto counts tokens and lists models without an upstream request", async () => {
  await using upstream = startUpstream(reply, { models: [{ id: "anthropic/claude-opus-5" }] });
  const { handler } = start(upstream);
  const counted = await call(
    handler,
    new Request(`${ORIGIN}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(requestBody({ model: "opus" })),
    }),
  );
  assertEquals(typeof (await counted.json()).input_tokens, "number");
  const { data } = await (await call(handler, get("/v1/models"))).json();
  assert(data.some(({ id }: { id: string }) => id === "claude-opus"));
  assertEquals(upstream.requests.length, 0);
});

Deno.test("auto learns token counts from /messages, but not from a response with a search or an edited context", async () => {
  const search = { type: "server_tool_use", id: "s", name: "web_search", input: { query: "x" } };
  const messages = [{ role: "user", content: "word ".repeat(400) }];
  const usage = { input_tokens: 1000, output_tokens: 1 };
  const edits = { context_management: { applied_edits: [{ type: "x" }] } };
  const cases: [more: JsonObject, isLearned: boolean][] = [
    [{}, true],
    [{ content: [search] }, false],
    [edits, false],
  ];
  for (const [more, isLearned] of cases) {
    for (const stream of [false, true]) {
      const content = "content" in more
        ? events({ type: "content_block_start", index: 0, content_block: search })
        : "";
      const end = END.replace(
        '"usage"',
        `${JSON.stringify(more).slice(1, -1)}${Object.keys(more).length > 0 ? "," : ""}"usage"`,
      );
      const begin = events({ type: "message_start", message: { ...MESSAGE, content: [], usage } });
      await using upstream = startUpstream(() =>
        stream ? eventStream(begin + content + end) : Response.json({ ...MESSAGE, usage, ...more })
      );
      const { handler, services } = start(upstream);
      await (await send(handler, requestBody({ model: "opus", messages, stream }))).text();
      await services.recorded();
      const ratio = services.tokenCalibration.adjust("anthropic/claude-opus-5", 1000);
      assertEquals(ratio !== 1000, isLearned, JSON.stringify({ more, stream, ratio }));
    }
  }
});

Deno.test("auto records model, cost, tokens and dropped fields of both ways", async () => {
  await using upstream = startUpstream(reply);
  const { handler, services } = start(upstream, { MAX_COST_USD: "5", INSPECT: "1" });
  const tools = [{ type: "mcp_toolset", mcp_server_name: "x" }];
  for (const model of ["opus", "sonnet"]) {
    await (await send(handler, requestBody({ model, stream: true, tools }))).text();
  }
  const [opus, sonnet] = await Promise.all([services.recorded(0), services.recorded(1)]);
  assertEquals([opus.upstreamModel, opus.outcome, opus.costUsd, opus.inputTokens], [
    "anthropic/claude-5-opus",
    "complete",
    0.25,
    10,
  ]);
  assertEquals([opus.dropped, sonnet.dropped], [["tools.mcp_toolset"], ["tools.mcp_toolset"]]);
  assertEquals([sonnet.outcome, typeof sonnet.inputTokens], ["complete", "number"]);
  const stats = await (await call(handler, get("/stats"))).json();
  assertEquals(stats.today.reservedUsd, 0);
  assert(stats.today.costUsd >= 0.25);
  const bodies = await (await call(handler, get("/stats?request=req_1"))).text();
  assertStringIncludes(bodies, "anthropic/claude-opus-5");
  assertStringIncludes(bodies, "message_start");
});

Deno.test("MAX_COST_USD reserves requests to /messages too", async () => {
  const models = [{
    id: "anthropic/claude-opus-5",
    pricing: { prompt: "0.000005", completion: "0.000025" },
  }];
  const source = createOpenStream(START);
  await using upstream = startUpstream(() => source.response, { models });
  const { handler, services } = start(upstream, { MAX_COST_USD: "2" });
  await services.catalog.list(5000);
  const body = requestBody({ model: "opus", max_tokens: 100_000, stream: true });
  const first = await send(handler, body);
  const { status } = await readError(await send(handler, body));
  assert(status === 402 || status === 429, `${status}`);
  await first.body?.cancel();
});

Deno.test("the settings of a target are sent on both ways, and not for an id", async () => {
  const settings = "provider.sort=latency;service_tier=flex;temperature=0.2";
  await using upstream = startUpstream(reply);
  const { handler } = start(upstream, {
    TARGET_MODEL_OPUS: `anthropic/claude-opus-5;${settings}`,
    TARGET_MODEL_BIG: `openai/gpt-6,openai/gpt-5;${settings}`,
    OPENROUTER_PROVIDER: '{"only":["a"],"sort":"price"}',
  });
  for (const model of ["opus", "sonnet", "openai/gpt-6", "anthropic/claude-opus-5"]) {
    await (await send(handler, requestBody({ model, temperature: 1 }))).text();
  }
  const sent = upstream.requests.map(({ body: { provider, service_tier, temperature } }) => ({
    provider,
    service_tier,
    temperature,
  }));
  const own = {
    provider: { only: ["a"], sort: "latency" },
    service_tier: "flex",
    temperature: 0.2,
  };
  const none = {
    provider: { only: ["a"], sort: "price" },
    service_tier: undefined,
    temperature: 1,
  };
  assertEquals(sent, [own, own, none, none]);
});
