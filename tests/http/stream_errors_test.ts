// Streams that fail, or that end before they are complete.

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  deltaChunk,
  errorChunk,
  roleChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { call, createProxy, MODES, post, requestBody, send } from "../helpers/proxy.ts";
import { lastError, readError, readEvents } from "../helpers/responses.ts";
import {
  createHandlerWithFetch,
  failingBody,
  idAndName,
  parseEvents,
  requestError,
  requestStream,
  type StreamRow,
  summarize,
  testStreams,
  toolCallChunk,
  toolCallDelta,
} from "../helpers/translated_response.ts";
import { eventStream, startBytesUpstream, startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const ROWS: StreamRow[] = [
  [
    "an error object beside finish_reason error becomes an error event",
    [textChunk("Half"), errorChunk({ code: 502, message: "Bad gateway" }), usageChunk(), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "finish_reason error without an error object becomes an error event",
    [textChunk("Half"), deltaChunk({ content: "" }, "error"), "[DONE]"],
    ["text Half…", "! api_error"],
  ],
  [
    "a stream that ends within text becomes an error event",
    [textChunk("Half")],
    ["text Half…", "! api_error"],
  ],
  [
    "a stream that ends within arguments becomes an error event and leaves the tool call open",
    [toolCallChunk(toolCallDelta(0, '{"p":', idAndName("call_a")))],
    ['call call_a Read {"p":…', "! api_error"],
  ],
  [
    "a stream without finish_reason and [DONE] becomes an error event",
    [textChunk("Half"), usageChunk()],
    ["text Half…", "! api_error"],
  ],
];

testStreams(ROWS);

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets the status of an error that upstream sends with HTTP 200`, async () => {
    const error = { code: 429, message: "Rate limit exceeded: free-models-per-day" };
    await using upstream = startUpstream([
      () => Response.json({ error }),
      () => Response.json({ error: { message: "Something" } }),
    ]);
    const { handler } = createProxy({ upstream });
    assertEquals(await readError(await send(handler, request)), {
      status: 429,
      type: "rate_limit_error",
      message: "Rate limit exceeded: free-models-per-day",
    });
    const other = await readError(await send(handler, request));
    assertEquals(other, { status: 502, type: "api_error", message: "Something" });
  });
}

Deno.test("an error in the first chunk of a stream keeps its HTTP status", async () => {
  const body = sse(roleChunk(), errorChunk({ code: 429, message: "slow down" }));
  await using upstream = startUpstream(() => eventStream(body));
  const response = await send(createProxy({ upstream }).handler, requestBody({ stream: true }));
  assertEquals(await readError(response), {
    status: 429,
    type: "rate_limit_error",
    message: "slow down",
  });
});

Deno.test("a stream cut off before its finish reason ends in an error event without message_stop", async () => {
  const text = sse(roleChunk(), textChunk("Hel"));
  const headers = "content-type: text/event-stream\r\ntransfer-encoding: chunked";
  const bytes = `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n`;
  await using upstream = startBytesUpstream(bytes);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, requestBody({ stream: true }));
  const events = await readEvents(response);
  checkGrammar(events);
  assertStringIncludes(lastError(events), "api_error: The upstream connection closed");
  assertStringIncludes(JSON.stringify(events), '"text":"Hel"');
  assertEquals((await services.recorded()).outcome, "api_error");
});

Deno.test("an error with HTTP 200, as body or first chunk, becomes its own status and message", async () => {
  const error = { code: 502, message: "Bad gateway" };
  const expected = [502, "api_error", "Bad gateway"];
  assertEquals(await requestError(() => Response.json({ error })), expected);
  const first = () => eventStream(sse(roleChunk(), errorChunk(error), "[DONE]"));
  assertEquals(await requestError(first, { stream: true }), expected);
});

Deno.test("a connection cut within text becomes an error event, and before any text a retryable 502", async () => {
  const begun = await requestStream(() => eventStream(failingBody(sse(textChunk("Half")))));
  assertEquals(summarize(parseEvents(begun)), ["text Half…", "! api_error"]);
  const request = post(requestBody({ stream: true }));
  const response = await call(
    createHandlerWithFetch(() => eventStream(failingBody(sse(roleChunk())))),
    request,
  );
  assertEquals([response.status, response.headers.get("x-should-retry")], [502, null]);
  assertEquals((await response.json()).error.type, "api_error");
});

Deno.test("a stream of [DONE] alone becomes a 502", async () => {
  const [status, type] = await requestError(() => eventStream(sse("[DONE]")), { stream: true });
  assertEquals([status, type], [502, "api_error"]);
});
