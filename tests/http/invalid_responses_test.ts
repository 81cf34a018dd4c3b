// Upstream responses of an unexpected form: redirects, HTML, invalid JSON, other content types.

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";
import { checkGrammar, collapse } from "../helpers/grammar.ts";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { replyEither, replyJson, replyStream } from "../helpers/replies.ts";
import { readError, readEvents } from "../helpers/responses.ts";
import { type Reply, startUpstream } from "../helpers/upstream.ts";

for (const { mode, request } of MODES) {
  for (const status of [301, 302, 303, 307, 308]) {
    Deno.test(`${mode} gets 502 if upstream redirects with ${status}, and the redirect is not followed`, async () => {
      await using other = startUpstream(replyEither);
      const location = `${other.baseUrl}/chat/completions`;
      await using upstream = startUpstream(() =>
        new Response(null, { status, headers: { location } })
      );
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
      assertStringIncludes(error.message, "redirect");
      assertEquals([upstream.requests.length, other.requests.length], [1, 0]);
    });
  }

  Deno.test(`${mode} gets 502 without the HTML if upstream sends an HTML page`, async () => {
    const page = "<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>";
    const headers = { "content-type": "text/html" };
    await using upstream = startUpstream([
      () => new Response(page, { status: 502, headers }),
      () => new Response(page, { headers }),
    ]);
    const { handler } = createProxy({ upstream });
    for (let i = 0; i < 2; i++) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
      assertEquals(error.message.includes("<"), false);
    }
  });

  Deno.test(`${mode} gets 502 if upstream sends JSON that is not a completion`, async () => {
    const bodies = [
      "{}",
      '{"choices":[]}',
      '{"choices":null}',
      "[]",
      "null",
      "1",
      '{"choices":[{}]}',
    ];
    await using upstream = startUpstream(() =>
      new Response(bodies[upstream.requests.length - 1], {
        headers: { "content-type": "application/json" },
      })
    );
    const { handler } = createProxy({ upstream });
    for (const body of bodies) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"], body);
    }
  });

  Deno.test(`${mode} gets 502 if upstream sends no body`, async () => {
    const headers = { "content-type": "text/event-stream" };
    const replies: Reply[] = [
      () => new Response(null),
      () => new Response(""),
      () => new Response("", { headers }),
      () => new Response("", { headers: { "content-type": "application/json" } }),
      () => new Response(null, { status: 204 }),
    ];
    await using upstream = startUpstream(replies);
    const { handler } = createProxy({ upstream });
    for (const _ of replies) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });

  Deno.test(`${mode} gets 502 if upstream sends invalid gzip`, async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      const headers = { "content-type": type, "content-encoding": "gzip" };
      await using upstream = startUpstream(() => new Response("no gzip", { headers }));
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });
}

const UPSTREAM_MODEL = "anthropic/claude-4-sonnet";

Deno.test("a JSON body for a stream request becomes a complete stream", async () => {
  await using upstream = startUpstream([replyJson, replyStream]);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, requestBody({ stream: true }));
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertEquals(response.headers.get("x-proxy-model"), UPSTREAM_MODEL);
  const events = await readEvents(response);
  checkGrammar(events);
  const streamed = await readEvents(await send(handler, requestBody({ stream: true })));
  const withoutId = (all: StreamEvent[]) => JSON.stringify(collapse(all)).replaceAll(/msg_\d/g, "");
  assertEquals(withoutId(events), withoutId(streamed));
  const { inputTokens, outputTokens, outcome } = await services.recorded();
  assertEquals([inputTokens, outputTokens, outcome], [20, 7, "complete"]);
});

for (const body of ["oops", "{", '{"choices":\n\n[']) {
  Deno.test(`a stream request gets an error about invalid JSON if upstream sends ${JSON.stringify(body)} as JSON`, async () => {
    const headers = { "content-type": "application/json" };
    await using upstream = startUpstream(() => new Response(body, { headers }));
    const { handler } = createProxy({ upstream });
    assertEquals(await readError(await send(handler, requestBody({ stream: true }))), {
      status: 502,
      type: "api_error",
      message: `${upstream.host} responded 200 with application/json that is not valid JSON`,
    });
  });
}

Deno.test("an event stream for a plain request is a 502", async () => {
  await using upstream = startUpstream(replyStream);
  const error = await readError(await send(createProxy({ upstream }).handler, requestBody()));
  assertEquals(error, {
    status: 502,
    type: "api_error",
    message: `${upstream.host} responded 200 with text/event-stream that is not valid JSON`,
  });
});

Deno.test("a gzipped response is decoded, plain and streamed", async () => {
  await using upstream = startUpstream((request) => {
    const isStream = request.body["stream"] === true;
    const text = isStream ? sseAnswer("Hi") : JSON.stringify(completion("Hi"));
    const body = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    const type = isStream ? "text/event-stream" : "application/json";
    return new Response(body, { headers: { "content-type": type, "content-encoding": "gzip" } });
  });
  const { handler } = createProxy({ upstream });
  for (const { request } of MODES) {
    const response = await send(handler, request);
    assertEquals(response.status, 200);
    assertStringIncludes(await response.text(), '"text":"Hi"');
  }
});
