// x-proxy-model: the model that responded.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { replyEither } from "../helpers/replies.ts";
import { errorBody, type Reply, startUpstream } from "../helpers/upstream.ts";

const UPSTREAM_MODEL = "anthropic/claude-4-sonnet";

Deno.test("x-proxy-model is the upstream model, and the response has the requested name", async () => {
  await using upstream = startUpstream(replyEither);
  const { handler } = createProxy({ upstream });
  for (const { request } of MODES) {
    const response = await send(handler, request);
    assertEquals(response.headers.get("x-proxy-model"), UPSTREAM_MODEL);
    assertStringIncludes(await response.text(), '"model":"claude-sonnet-4-5"');
  }
});

Deno.test("x-proxy-model is the target model if the upstream response has no model or is an error", async () => {
  const { model: _, ...nameless } = completion("Hi");
  const replies: Reply[] = [() => Response.json(nameless), () => errorBody(429, "slow down")];
  await using upstream = startUpstream(replies);
  const { handler } = createProxy({ upstream, env: { TARGET_MODEL_BIG: "a/x" } });
  for (const status of [200, 429]) {
    const response = await send(handler, requestBody());
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("x-proxy-model")], [status, "a/x"]);
  }
});

Deno.test("an error before model mapping has no x-proxy-model", async () => {
  const { handler } = createProxy();
  const response = await send(handler, "{");
  await response.body?.cancel();
  assertEquals(response.headers.has("x-proxy-model"), false);
});

Deno.test("a model name from upstream or client cannot inject a header", async () => {
  const model = "модель\r\nx-evil: 1";
  const named = () => Response.json({ ...completion("Hi"), model });
  await using upstream = startUpstream([named, () => errorBody(500, "no")]);
  const { handler } = createProxy({ upstream });
  for (const name of ["claude", model.replace("\r\n", "/\r\n")]) {
    const response = await send(handler, requestBody({ model: name }));
    await response.body?.cancel();
    assertEquals(response.headers.has("x-evil"), false);
    assertEquals(response.headers.get("x-proxy-model")?.startsWith("??????"), true);
  }
});
