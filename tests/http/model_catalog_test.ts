// What requests take from OpenRouter's model catalog, and that they do not depend on it.

import { assertEquals } from "@std/assert";
import { CATALOG } from "../helpers/catalog.ts";
import { createProxy, requestBody, send } from "../helpers/proxy.ts";
import { replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { createOpenBody, replyInvalidModel, startUpstream } from "../helpers/upstream.ts";

Deno.test("the error for an unknown model ID suggests similar IDs from the catalog", async () => {
  await using upstream = startUpstream(replyInvalidModel, { models: CATALOG });
  const { services, handler } = createProxy({ upstream });
  await services.catalog.list(5000);
  const model = "anthropic/claude-sonet-4.5";
  const error = await readError(await send(handler, requestBody({ model })));
  assertEquals(error.status, 400);
  const [message, ids = ""] = error.message.split(". Nearest known ids: ");
  assertEquals(message, `${model} is not a valid model ID`);
  assertEquals(ids.split(", ")[0], "anthropic/claude-sonnet-4.5");
  assertEquals(ids.includes("zz/unlike"), false);
});

Deno.test("max_tokens is clamped to the limit in the catalog, where there is one", async () => {
  await using upstream = startUpstream(replyJson, { models: CATALOG });
  const { services, handler } = createProxy({ upstream });
  const model = "openai/gpt-5:free";
  for (const known of [false, true]) {
    if (known) await services.catalog.list(5000);
    for (const [max_tokens, name] of [[100, model], [10, model], [100, "a/unknown"]] as const) {
      const response = await send(handler, requestBody({ model: name, max_tokens }));
      await response.body?.cancel();
    }
  }
  const limits = upstream.requests.map(({ body }) => body["max_tokens"]);
  assertEquals(limits, [100, 10, 100, 50, 10, 100]);
});

Deno.test("a limit in the catalog applies to every variant of a model", async () => {
  await using upstream = startUpstream(replyJson, {
    models: [{ id: "a/x", top_provider: { max_completion_tokens: 50 } }],
  });
  const { services, handler } = createProxy({ upstream });
  await services.catalog.list(5000);
  for (const name of ["a/x", "a/x:nitro", "a/x:thinking", "a/x:free:online", "~a/x", "a/y:nitro"]) {
    await (await send(handler, requestBody({ model: name, max_tokens: 100 }))).body?.cancel();
  }
  const limits = upstream.requests.map(({ body }) => body["max_tokens"]);
  assertEquals(limits, [50, 50, 50, 50, 50, 100]);
});

Deno.test("requests succeed when the catalog cannot be fetched", async () => {
  const models = () => new Response("no", { status: 500 });
  await using upstream = startUpstream(replyJson, { models });
  const { services, handler } = createProxy({ upstream });
  services.catalog.refresh();
  await services.catalog.settled();
  assertEquals(upstream.modelListRequests, 1);
  const response = await send(handler, requestBody());
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

Deno.test("requests do not wait for a slow catalog", async () => {
  const hanging = createOpenBody();
  const models = () => new Response(hanging.body);
  await using upstream = startUpstream(replyJson, { models });
  const { services, handler } = createProxy({ upstream });
  services.catalog.refresh();
  const response = await send(handler, requestBody());
  await response.body?.cancel();
  assertEquals(response.status, 200);
  hanging.close();
  await services.catalog.settled();
});
