// UPSTREAM_DIALECT=openai: any OpenAI-compatible server. Every upstream request is checked for keys that OpenAI
// does not document.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { checkOpenAiRequest } from "../helpers/openai_request_checker.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { loadRequestCases } from "../helpers/fixtures.ts";
import { call, createProxy, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";
import {
  errorBody,
  eventStream,
  type Reply,
  type SeenRequest,
  startUpstream,
} from "../helpers/upstream.ts";

const ENV = { UPSTREAM_DIALECT: "openai", TARGET_MODEL_DEFAULT: "llama-4" };
const replyEither: Reply = ({ body }) =>
  body["stream"] ? eventStream(sseAnswer("Hi")) : Response.json(completion("Hi"));
const CALL = { type: "tool_use", id: "c1", name: "Read", input: { cache_control: "theirs" } };
const CACHED = { cache_control: { type: "ephemeral" } };

interface Outcome {
  seen: SeenRequest | undefined;
  response: Response;
  text: string;
}

async function send(
  body: Record<string, unknown>,
  { env = {}, reply = replyEither, headers = {} }: {
    env?: Record<string, string | undefined>;
    reply?: Reply;
    headers?: Record<string, string>;
  } = {},
): Promise<Outcome> {
  await using upstream = startUpstream(reply, { check: checkOpenAiRequest });
  const { handler } = createProxy({ upstream, env: { ...ENV, ...env } });
  const response = await call(handler, post(requestBody({ model: "local", ...body }), headers));
  return { seen: upstream.requests[0], response, text: await response.text() };
}

Deno.test("the openai dialect sends no field that only OpenRouter knows", async () => {
  const { seen, response } = await send({
    system: [{ type: "text", text: "One.", ...CACHED }, { type: "text", text: "Two." }],
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi", ...CACHED }] },
      { role: "assistant", content: [{ type: "text", text: "Yes", ...CACHED }, CALL] },
      {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "c1",
          content: [{ type: "text", text: "a", ...CACHED }, { type: "text", text: "b" }],
        }],
      },
    ],
    tools: [{ name: "Read", input_schema: { type: "object", properties: {} }, ...CACHED }],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
    max_tokens: 4000,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 4,
    stop_sequences: ["END"],
    service_tier: "standard_only",
    metadata: { user_id: "u" },
    cache_control: { type: "ephemeral" },
    output_config: { effort: "max", format: { type: "json_schema", schema: { type: "object" } } },
    thinking: { type: "adaptive" },
    fallbacks: [{ model: "other/model" }],
    stream: true,
  }, {
    env: {
      OPENROUTER_PROVIDER: '{"sort":"price"}',
      OPENROUTER_APP_URL: "https://app.example",
      OPENROUTER_APP_TITLE: "App",
    },
    headers: { "x-claude-code-session-id": "s1" },
  });
  assertEquals(seen?.body, {
    model: "llama-4",
    messages: [
      { role: "system", content: "One.\n\nTwo." },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      {
        role: "assistant",
        content: "Yes",
        tool_calls: [{
          id: "c1",
          type: "function",
          function: { name: "Read", arguments: '{"cache_control":"theirs"}' },
        }],
      },
      { role: "tool", tool_call_id: "c1", content: "a\nb" },
    ],
    max_completion_tokens: 4000,
    tools: [{
      type: "function",
      function: { name: "Read", parameters: { type: "object", properties: {} } },
    }],
    tool_choice: "required",
    parallel_tool_calls: false,
    temperature: 0.5,
    top_p: 0.9,
    stop: ["END"],
    response_format: {
      type: "json_schema",
      json_schema: { name: "response", strict: true, schema: { type: "object" } },
    },
    reasoning_effort: "max",
    stream: true,
    stream_options: { include_usage: true },
  });
  assertEquals(
    response.headers.get("x-proxy-dropped")?.split(", ").toSorted(),
    ["cache_control", "fallbacks", "metadata.user_id", "service_tier", "top_k"],
  );
  assertEquals(seen?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
  assertEquals([seen?.headers.get("http-referer"), seen?.headers.get("x-title")], [null, null]);
});

const EFFORTS: [about: string, fields: JsonObject, effort: string | undefined][] = [
  ["no thinking", {}, undefined],
  ["thinking disabled", { thinking: { type: "disabled" } }, "none"],
  ["adaptive thinking", { thinking: { type: "adaptive" } }, undefined],
  ["an effort alone", { output_config: { effort: "low" } }, "low"],
  [
    "a budget",
    { max_tokens: 10_000, thinking: { type: "enabled", budget_tokens: 5000 } },
    "medium",
  ],
  [
    "an effort for a Claude behind such a server",
    { model: "anthropic/claude-opus-4.8", output_config: { effort: "high" } },
    "high",
  ],
];
for (const [about, fields, effort] of EFFORTS) {
  Deno.test(`${about} becomes reasoning_effort ${effort} in the openai dialect`, async () => {
    const { seen } = await send(fields);
    assertEquals(seen?.body["reasoning_effort"], effort);
  });
}

Deno.test("the openai dialect sends reasoning back in the field that the server used", async () => {
  const message = { role: "assistant", content: "Hi", reasoning_content: "I think." };
  const reply = { ...completion("Hi"), choices: [{ index: 0, message, finish_reason: "stop" }] };
  const first = await send({}, { reply: () => Response.json(reply) });
  const { content } = JSON.parse(first.text);
  assertEquals(content[0].thinking, "I think.");
  const claudes = { type: "thinking", thinking: "Signed.", signature: "c2ln" };
  const second = await send({
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", content },
      { role: "user", content: "And?" },
      { role: "assistant", content: [claudes, { type: "text", text: "So." }] },
      { role: "user", content: "Well?" },
    ],
  });
  assertEquals(second.seen?.body["messages"], [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hi", reasoning_content: "I think." },
    { role: "user", content: "And?" },
    { role: "assistant", content: "So." },
    { role: "user", content: "Well?" },
  ]);
});

const OPENROUTERS = [
  { type: "web_search_20250305", name: "web_search" },
  { type: "web_fetch_20250910", name: "web_fetch" },
  { type: "advisor_20260301", name: "advisor", model: "claude-opus-4-8" },
];
const FUNCTION = { name: "A", input_schema: { type: "object" } };

Deno.test("the openai dialect sends the settings of a target that every server knows, and reports no others", async () => {
  const settings =
    "provider.zdr=true;service_tier=flex;top_k=4;temperature=0.5;reasoning.effort=low";
  const { seen, response } = await send({ max_tokens: 9000 }, {
    env: { TARGET_MODEL_DEFAULT: `llama-4;${settings};max_tokens=50` },
  });
  const { model, temperature, max_completion_tokens, reasoning_effort } = seen?.body ?? {};
  assertEquals([model, temperature, max_completion_tokens, reasoning_effort], [
    "llama-4",
    0.5,
    50,
    "low",
  ]);
  assertEquals(response.headers.get("x-proxy-dropped"), null);
});

Deno.test("the openai dialect drops and reports the tools that OpenRouter runs", async () => {
  const tools = [...OPENROUTERS, FUNCTION];
  const { response, seen } = await send({ tools, tool_choice: { type: "any" } });
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("x-proxy-dropped"),
    "tools.web_search, tools.web_fetch, tools.advisor",
  );
  const { tools: sent, tool_choice } = seen?.body ?? {};
  assertEquals([Array.isArray(sent) && sent.length, tool_choice], [1, "required"]);
});

Deno.test("the openai dialect sends no tools if all of them are run by OpenRouter", async () => {
  const { response, seen } = await send({
    tools: OPENROUTERS,
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  });
  assertEquals(response.status, 200);
  assertEquals(Object.keys(seen?.body ?? {}).filter((key) => key.includes("tool")), []);
});

for (const name of ["web_search", "web_fetch", "advisor"]) {
  Deno.test(`the openai dialect rejects a tool_choice of ${name} without an upstream request`, async () => {
    const { response, text, seen } = await send({
      tools: [...OPENROUTERS, FUNCTION],
      tool_choice: { type: "tool", name },
    });
    assertEquals([response.status, seen], [400, undefined]);
    assertStringIncludes(text, `tool_choice: only OpenRouter runs ${name}, not UPSTREAM_DIALECT`);
  });
}

Deno.test("the openai dialect rejects tool_choice any if all tools are run by OpenRouter", async () => {
  const { response, text, seen } = await send({
    tools: OPENROUTERS,
    tool_choice: { type: "any" },
  });
  assertEquals([response.status, seen], [400, undefined]);
  assertStringIncludes(text, "only OpenRouter runs web_search, web_fetch, advisor");
});

Deno.test("the openai dialect without a key accepts only local clients and sends no key", async () => {
  const keyless = { OPENROUTER_API_KEY: undefined };
  const { seen, response } = await send({}, {
    env: keyless,
    headers: { authorization: "Bearer sk-or-v1-the-clients-own" },
  });
  assertEquals([response.status, seen?.headers.get("authorization")], [200, null]);
  const forwarded = { "x-forwarded-for": "203.0.113.9" };
  const outside = await send({}, { env: keyless, headers: forwarded });
  assertEquals([outside.response.status, outside.seen], [403, undefined]);
});

Deno.test("the openai dialect does not forward a client's OpenRouter key", async () => {
  const { seen, response } = await send({}, {
    env: { OPENROUTER_API_KEY: undefined, PROXY_API_KEYS: "team" },
    headers: { "x-api-key": "team", authorization: "Bearer sk-or-v1-the-clients-own" },
  });
  assertEquals([response.status, seen?.headers.get("authorization")], [200, null]);
});

Deno.test("the openai dialect does not replace a rejected default target", async () => {
  const reject = () => errorBody(400, "x is not a valid model ID");
  await using upstream = startUpstream(reject, { check: checkOpenAiRequest });
  const { handler } = createProxy({ upstream, env: { UPSTREAM_DIALECT: "openai" } });
  const response = await call(handler, post(requestBody({ model: "claude-opus-5" })));
  assertMatch(await response.text(), /not a valid model ID/);
  assertEquals([response.status, upstream.requests.length], [400, 1]);
});

Deno.test("the openai dialect translates a stream", async () => {
  await using upstream = startUpstream(replyEither, { check: checkOpenAiRequest });
  const { handler } = createProxy({ upstream, env: ENV });
  const response = await call(handler, post(requestBody({ stream: true })));
  checkGrammar(parseSse(await response.text()).map(({ data }) => JSON.parse(data)));
});

/** Fixtures whose tool_choice is a tool that only OpenRouter runs. */
const FORCED = [
  "web_search/forced.request",
  "web_fetch/parameters.requests#forced",
  "server_tools/advisor_forced.request",
  "server_tools/order.request",
];

Deno.test("every request fixture without such a tool_choice passes the checker in the openai dialect", async () => {
  let sent = 0;
  for (const { name, request } of loadRequestCases()) {
    if (FORCED.includes(name)) continue;
    const { response } = await send(request);
    assertEquals([name, response.status], [name, 200]);
    sent++;
  }
  assert(sent > 290);
});
