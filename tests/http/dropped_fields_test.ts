// x-proxy-dropped: the request fields that were not forwarded.

import { assertEquals } from "@std/assert";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { replyEither } from "../helpers/replies.ts";
import { errorBody, startUpstream } from "../helpers/upstream.ts";

Deno.test("x-proxy-dropped lists dropped fields and is absent if there are no dropped fields", async () => {
  await using upstream = startUpstream(replyEither);
  for (const { request } of MODES) {
    const { services, handler } = createProxy({ upstream });
    const plain = await send(handler, request);
    await plain.text();
    assertEquals(plain.headers.has("x-proxy-dropped"), false);
    const response = await send(handler, { ...request, container: "c", inference_geo: "eu" });
    await response.text();
    assertEquals(response.headers.get("x-proxy-dropped"), "container, inference_geo");
    assertEquals((await services.recorded(1)).dropped, ["container", "inference_geo"]);
  }
});

Deno.test("x-proxy-dropped is also on upstream errors", async () => {
  await using upstream = startUpstream(() => errorBody(400, "no"));
  const response = await send(createProxy({ upstream }).handler, requestBody({ container: "c" }));
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [400, "container"]);
});
