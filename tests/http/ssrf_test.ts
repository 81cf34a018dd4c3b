// URL sources are forwarded and never fetched (SSRF).

import { assertEquals } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import { text, user } from "../helpers/messages.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { startRawUpstream } from "../helpers/raw_upstream.ts";
import { startUpstream } from "../helpers/upstream.ts";

for (const type of ["image", "document"]) {
  Deno.test(`the proxy forwards the URL of a ${type} and does not fetch it`, async () => {
    await using server = startRawUpstream(() => {});
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    const { handler } = createProxy({ upstream });
    const url = `${server.baseUrl}/secret`;
    const messages = [user({ type, source: { type: "url", url } }, text("What is this?"))];
    const response = await call(handler, post(requestBody({ messages })));
    assertEquals([response.status, (await response.json()).type], [200, "message"]);
    assertEquals(upstream.requests.map((seen) => seen.text.includes(url)), [true]);
    assertEquals([server.calls.length, server.open], [0, 0]);
  });
}
