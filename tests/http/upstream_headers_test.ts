// Key, headers and path of upstream requests.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createProxy, requestBody, send, SERVER_KEY } from "../helpers/proxy.ts";
import { replyJson, replyWith } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { startUpstream } from "../helpers/upstream.ts";
import { sendOne } from "../helpers/upstream_body.ts";

Deno.test("a request without any usable key is a 401 that names OPENROUTER_API_KEY and sends no upstream request", async () => {
  await using upstream = startUpstream(replyJson);
  const { handler } = createProxy({ upstream, env: { OPENROUTER_API_KEY: undefined } });
  for (
    const headers of [{}, { "x-api-key": "sk-ant-api03-x" }, { authorization: "Bearer dummy" }]
  ) {
    const response = await send(handler, requestBody(), headers);
    assertEquals(response.headers.get("x-should-retry"), "false");
    const error = await readError(response);
    assertEquals([error.status, error.type], [401, "authentication_error"]);
    assertStringIncludes(error.message, "OPENROUTER_API_KEY");
  }
  assertEquals(upstream.requests.length, 0);
});

Deno.test("the client's key, cookies and headers are not forwarded when the proxy has a key", async () => {
  await using upstream = startUpstream(replyJson);
  for (
    const [env, key] of [[{}, "sk-or-v1-client"], [
      { PROXY_API_KEYS: "team-key" },
      "team-key",
    ]] as const
  ) {
    const { handler } = createProxy({ upstream, env });
    const response = await send(handler, requestBody(), {
      "x-api-key": key,
      authorization: "Bearer sk-or-v1-another",
      cookie: "session=secret",
      "anthropic-beta": "x",
      "x-custom": "secret",
    });
    await response.body?.cancel();
    assertEquals(response.status, 200);
    const seen = upstream.requests.at(-1);
    assertEquals(seen?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
    const said = JSON.stringify([...seen?.headers ?? []]) + seen?.text;
    assertEquals(/sk-or-v1-client|sk-or-v1-another|team-key|secret/.test(said), false, said);
  }
});

Deno.test("the client's own OpenRouter key is sent when the proxy has none", async () => {
  await using upstream = startUpstream(replyJson);
  const { handler } = createProxy({ upstream, env: { OPENROUTER_API_KEY: undefined } });
  const response = await send(handler, requestBody(), { "x-api-key": "sk-or-v1-client" });
  await response.body?.cancel();
  assertEquals(upstream.requests[0]?.headers.get("authorization"), "Bearer sk-or-v1-client");
});

Deno.test("upstream receives authorization, content-type and the app's two headers besides those that fetch adds", async () => {
  await using upstream = startUpstream(replyJson);
  const body = '{"model":"a/b","messages":[{"role":"user","content":"Hello"}],"max_tokens":1}';
  const bare = await fetch(`${upstream.baseUrl}/chat/completions`, { method: "POST", body });
  await bare.body?.cancel();
  const app = {
    OPENROUTER_APP_URL: "https://me.example/",
    OPENROUTER_APP_TITLE: "My proxy",
  };
  for (const env of [{}, app]) {
    const { handler } = createProxy({ upstream, env });
    const response = await send(handler, requestBody(), { "anthropic-version": "2023-06-01" });
    await response.body?.cancel();
  }
  const [fetchs, plain, titled] = upstream.requests.map(({ headers }) => headers);
  const added = [...fetchs?.keys() ?? []].filter((name) => name !== "content-type");
  const own = (headers: Headers | undefined) =>
    [...headers ?? []].filter(([name]) => !added.includes(name)).map((pair) => pair.join(": "));
  const always = [`authorization: Bearer ${SERVER_KEY}`, "content-type: application/json"];
  assertEquals(own(plain), always);
  assertEquals(own(titled), [...always, "http-referer: https://me.example/", "x-title: My proxy"]);
});

Deno.test("the upstream request has the target model, its fallbacks and the session id", async () => {
  await using upstream = startUpstream(replyJson);
  const env = { OPENROUTER_BASE_URL: `${upstream.baseUrl}//`, TARGET_MODEL_BIG: "a/x,b/y" };
  const { handler } = createProxy({ upstream, env });
  const response = await send(handler, requestBody(), { "x-claude-code-session-id": "session-1" });
  assertEquals((await response.json()).model, "claude-sonnet-4-5");
  const [{ method = "", path = "", body = {} } = {}] = upstream.requests;
  assertEquals([method, path], ["POST", "/api/v1/chat/completions"]);
  assertEquals(
    [body["model"], body["models"], body["session_id"]],
    ["a/x", ["b/y"], "session-1"],
  );
});

Deno.test("POST /v1/messages sends the beta header for strict tools to Claude only", async () => {
  const tools = [{ name: "A", input_schema: { type: "object" }, strict: true }];
  const claude = await sendOne({ tools }, replyWith({}));
  assertEquals(claude.seen.headers.get("x-anthropic-beta"), "structured-outputs-2025-11-13");
  const other = await sendOne({ tools, model: "openai/gpt-5.1" }, replyWith({}));
  assertEquals(other.seen.headers.get("x-anthropic-beta"), null);
  const lax = await sendOne({ tools: [{ ...tools[0], strict: false }] }, replyWith({}));
  assertEquals(lax.seen.headers.get("x-anthropic-beta"), null);
});
