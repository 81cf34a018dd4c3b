// Upstream errors about a tool schema: the retry with plain schemas.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { isJsonObject } from "../../lib/json.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import {
  errorBody,
  eventStream,
  replyInvalidModel,
  type SeenRequest,
  startUpstream,
} from "../helpers/upstream.ts";

const OPENAI_ERROR =
  `Invalid schema for function 'Artifact': '^(?!__.*__$)[^\\p{Cc}]{1,200}$' is not a 'regex'.`;
const ANTHROPIC_ERROR =
  "tools.73.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level";
const LLAMA_ERROR = "JSON schema conversion failed:\\nPattern must start with '^' and end with '$'";
const EMAIL = { type: "string", format: "email", maxLength: 99 };
const TOOLS = [{ name: "Mail", input_schema: { properties: { to: EMAIL }, title: "Mail" } }];
const PLAIN = { type: "object", properties: { to: { type: "string" } } };
const ENV = { TARGET_MODEL_DEFAULT: "openai/gpt-5.1" };
const ASK = requestBody({ model: "openai/gpt-5.1", tools: TOOLS });

function schemaOf({ body }: SeenRequest | { body: Record<string, unknown> }): unknown {
  const [tool] = Array.isArray(body["tools"]) ? body["tools"] : [];
  return isJsonObject(tool) && isJsonObject(tool["function"]) && tool["function"]["parameters"];
}

const isPlain = (request: SeenRequest) =>
  JSON.stringify(schemaOf(request)) === JSON.stringify(PLAIN);
const reject = () => errorBody(400, OPENAI_ERROR);
const acceptPlain = (request: SeenRequest) =>
  isPlain(request) ? Response.json(completion("Hi")) : reject();

function listWarnings(lines: string[]): unknown[] {
  return lines.map((line) => JSON.parse(line)).filter(({ level }) => level === "warn")
    .map(({ message }) => message);
}

Deno.test("a rejected schema is retried in plain form, remembered, reported and logged once", async () => {
  await using upstream = startUpstream(acceptPlain);
  const { handler, services } = createProxy({ upstream, env: ENV });
  for (let turn = 0; turn < 2; turn++) {
    const response = await call(handler, post(ASK));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("x-proxy-dropped"), "tools.input_schema");
    assertEquals((await response.json()).content[0].text, "Hi");
  }
  assertEquals(upstream.requests.map(isPlain), [false, true, true]);
  assertEquals(listWarnings(services.lines), [
    "openai/gpt-5.1 refused the schema of a tool; sending plain schemas from now on",
  ]);
});

Deno.test("a rejected schema of a stream request is retried in plain form", async () => {
  await using upstream = startUpstream((request) =>
    isPlain(request) ? eventStream(sseAnswer("Hi")) : reject()
  );
  const { handler } = createProxy({ upstream, env: ENV });
  const response = await call(handler, post({ ...ASK, stream: true }));
  assertStringIncludes(await response.text(), "message_stop");
  assertEquals(upstream.requests.length, 2);
});

Deno.test("a schema that one target rejects is not simplified for another", async () => {
  await using upstream = startUpstream((request) =>
    request.body["model"] === "openai/gpt-5.1"
      ? acceptPlain(request)
      : Response.json(completion("Hi"))
  );
  const { handler } = createProxy({ upstream, env: ENV });
  for (const model of ["openai/gpt-5.1", "meta-llama/llama-4"]) {
    await (await call(handler, post({ ...ASK, model }))).body?.cancel();
  }
  assertEquals(upstream.requests.map(isPlain), [false, true, false]);
});

Deno.test("a schema that Claude rejects is retried in plain form", async () => {
  await using upstream = startUpstream((request) =>
    isPlain(request) ? Response.json(completion("Hi")) : errorBody(400, ANTHROPIC_ERROR)
  );
  const { handler } = createProxy({ upstream });
  const response = await call(handler, post({ ...ASK, model: "anthropic/claude-opus-4.8" }));
  assertEquals([response.status, upstream.requests.length], [200, 2]);
  await response.body?.cancel();
});

Deno.test("a server that rejects plain schemas too gets two attempts, and the first error is returned", async () => {
  await using upstream = startUpstream((request) =>
    errorBody(400, `Invalid schema for function 'Mail': ${isPlain(request) ? "second" : "first"}`)
  );
  const { handler, services } = createProxy({ upstream, env: ENV });
  for (const attempts of [2, 4]) {
    const response = await call(handler, post(ASK));
    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).error.message, "first");
    assertEquals(upstream.requests.length, attempts);
  }
  assertEquals(listWarnings(services.lines), []);
});

Deno.test("a different error of the retry is returned", async () => {
  await using upstream = startUpstream((request) =>
    isPlain(request) ? errorBody(429, "Slow down") : reject()
  );
  const { handler } = createProxy({ upstream, env: ENV });
  const response = await call(handler, post(ASK));
  assertEquals(response.status, 429);
  assertStringIncludes(await response.text(), "Slow down");
});

Deno.test("a rejected default target and a rejected schema are both retried", async () => {
  await using upstream = startUpstream((request) =>
    request.body["model"] === "anthropic/claude-sonnet-4.5"
      ? acceptPlain(request)
      : replyInvalidModel(request)
  );
  const { handler } = createProxy({ upstream });
  const response = await call(handler, post({ ...ASK, model: "claude-sonnet-4-5" }));
  assertEquals([response.status, upstream.requests.length], [200, 3]);
  await response.body?.cancel();
});

Deno.test("the attempts with both schemas share one TIMEOUT_S", async () => {
  await using upstream = startUpstream([
    reject,
    async ({ disconnected }) => {
      await disconnected;
      return new Response();
    },
  ]);
  const { handler } = createProxy({ upstream, env: { ...ENV, TIMEOUT_S: "0.2" } });
  const response = await call(handler, post(ASK));
  assertEquals(response.status, 504);
  await response.body?.cancel();
});

Deno.test("in the openai dialect a rejected schema is retried in plain form", async () => {
  await using upstream = startUpstream(
    (request) => isPlain(request) ? Response.json(completion("Hi")) : errorBody(400, LLAMA_ERROR),
    { check: () => {} },
  );
  const { handler } = createProxy({
    upstream,
    env: { UPSTREAM_DIALECT: "openai", TARGET_MODEL_DEFAULT: "local" },
  });
  const response = await call(handler, post({ ...ASK, model: "claude-x" }));
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [
    200,
    "tools.input_schema",
  ]);
  await response.body?.cancel();
});

Deno.test("the model of an advisor is mapped", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream, env: { TARGET_MODEL_OPUS: "openai/gpt-5.1-pro" } });
  const tools = [{ type: "advisor_20260301", name: "advisor", model: "claude-opus-4-8" }];
  await (await call(handler, post(requestBody({ tools })))).body?.cancel();
  assertEquals(upstream.requests[0]?.body["tools"], [{
    type: "openrouter:advisor",
    parameters: { model: "openai/gpt-5.1-pro", forward_transcript: true },
  }]);
});
