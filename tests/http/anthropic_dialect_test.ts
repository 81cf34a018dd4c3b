// UPSTREAM_DIALECT=anthropic: request bodies are forwarded; authentication, keys and token counts are the proxy's.

import { assertEquals } from "@std/assert";
import { BODY, ENV, MESSAGE, startHarness } from "../helpers/anthropic_dialect.ts";
import { call, createProxy, get, SERVER_KEY } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

Deno.test("the anthropic dialect forwards the body with another model and key", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  const response = await harness.send(BODY, {
    "anthropic-version": "2026-10-21",
    "anthropic-beta": "a-2026-01-01,b-2026-01-01",
    "x-api-key": "whatever",
    cookie: "c",
  });
  assertEquals(await response.json(), MESSAGE);
  const [seen] = harness.upstream.requests;
  assertEquals([seen?.method, seen?.path], ["POST", "/api/v1/messages"]);
  assertEquals(seen?.body, { ...BODY, model: "anthropic/claude-opus-5" });
  assertEquals(Object.keys(seen?.body ?? {}), Object.keys(BODY));
  const { headers } = seen ?? { headers: new Headers() };
  assertEquals(headers.get("authorization"), `Bearer ${SERVER_KEY}`);
  assertEquals(headers.get("anthropic-version"), "2026-10-21");
  assertEquals(headers.get("anthropic-beta"), "a-2026-01-01,b-2026-01-01");
  assertEquals([headers.get("x-api-key"), headers.get("cookie")], [null, null]);
});

Deno.test("the anthropic dialect removes the billing header from system", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  const line = "x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli;";
  const kept = { type: "text", text: "You are.", cache_control: { type: "ephemeral", ttl: "1h" } };
  const systems: [unknown, unknown][] = [
    [`${line}\nYou are.`, "You are."],
    [[{ type: "text", text: line }, kept], [kept]],
    [7, 7],
  ];
  for (const [system] of systems) await (await harness.send({ ...BODY, system })).text();
  assertEquals(
    harness.upstream.requests.map(({ body }) => body["system"]),
    systems.map(([, to]) => to),
  );
});

Deno.test("the anthropic dialect sends a target list, fallbacks and provider preferences", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE), {
    TARGET_MODEL_OPUS: "a/one,b/two",
    OPENROUTER_PROVIDER: '{"sort":"price"}',
  });
  await (await harness.send(BODY)).text();
  await (await harness.send({
    ...BODY,
    fallbacks: [{ model: "claude-opus-4-1", max_tokens: 5 }, 1],
  }))
    .text();
  const [list, named] = harness.upstream.requests.map(({ body }) => body);
  assertEquals([list?.["model"], list?.["models"]], ["a/one", ["a/one", "b/two"]]);
  assertEquals(list?.["provider"], { sort: "price" });
  assertEquals(named?.["models"], undefined);
  assertEquals(named?.["fallbacks"], [{ model: "a/one", max_tokens: 5 }, 1]);
});

Deno.test("the anthropic dialect sends a default anthropic-version and no anthropic-beta", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  await (await harness.send(BODY)).text();
  const [seen] = harness.upstream.requests;
  assertEquals(seen?.headers.get("anthropic-version"), "2023-06-01");
  assertEquals(seen?.headers.get("anthropic-beta"), null);
});

Deno.test("the anthropic dialect keeps a billing header in the middle of a text, and blocks without text", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  const line = "Be brief.\nx-anthropic-billing-header: cc_version=2;";
  const blocks = [{ type: "text", text: line }, { type: "hologram" }, 7];
  for (const system of [line, blocks]) await (await harness.send({ ...BODY, system })).text();
  assertEquals(harness.upstream.requests.map(({ body }) => body["system"]), [line, blocks]);
});

Deno.test("the anthropic dialect forwards fallbacks of an unknown form", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  const odd = ["default", [{ max_tokens: 5 }, "x", null]];
  for (const fallbacks of odd) await (await harness.send({ ...BODY, fallbacks })).text();
  const bodies = harness.upstream.requests.map(({ body }) => body);
  assertEquals(bodies.map((body) => body["fallbacks"]), odd);
  assertEquals(bodies.filter((body) => "models" in body || "provider" in body), []);
});

Deno.test("the anthropic dialect rejects a body that is not an object with a model, without an upstream request", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  for (const body of [[], "x", {}, { model: 7 }]) {
    const response = await harness.send(body);
    assertEquals([response.status, JSON.parse(await response.text()).type], [400, "error"]);
  }
  assertEquals(harness.upstream.requests.length, 0);
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
