/**
 * The official SDK's error classes and retries.
 * @module
 */

import { assertEquals, assertInstanceOf, assertMatch, assertStringIncludes } from "@std/assert";
import { Anthropic } from "../helpers/sdk.ts";
import { errorChunk, sse, textChunk } from "../helpers/chunks.ts";
import { errorBody, eventStream, type Reply } from "../helpers/upstream.ts";
import {
  catchError,
  HELLO,
  startHarness,
  textReply,
  TWO_CALLS_CONTENT,
  twoCallsReply,
  WEATHER,
} from "./sdk_harness.ts";

type ErrorClass = new (...args: never[]) => InstanceType<typeof Anthropic.APIError>;

for (
  const [upstreamStatus, status, type, errorClass] of [
    [400, 400, "invalid_request_error", Anthropic.BadRequestError],
    [401, 401, "authentication_error", Anthropic.AuthenticationError],
    [402, 402, "billing_error", Anthropic.PaymentRequiredError],
    [403, 403, "permission_error", Anthropic.PermissionDeniedError],
    [404, 404, "not_found_error", Anthropic.NotFoundError],
    [408, 504, "timeout_error", Anthropic.GatewayTimeoutError],
    [429, 429, "rate_limit_error", Anthropic.RateLimitError],
    [500, 500, "api_error", Anthropic.InternalServerError],
    [502, 502, "api_error", Anthropic.InternalServerError],
    [503, 529, "overloaded_error", Anthropic.OverloadedError],
    [504, 504, "timeout_error", Anthropic.GatewayTimeoutError],
    [529, 529, "overloaded_error", Anthropic.OverloadedError],
  ] satisfies [number, number, string, ErrorClass][]
) {
  Deno.test(`upstream's ${upstreamStatus} becomes a ${errorClass.name}`, async () => {
    const errorReply: Reply = () => {
      const response = errorBody(upstreamStatus, "Upstream message");
      response.headers.set("retry-after", "7");
      return response;
    };
    await using harness = startHarness(errorReply);
    const calls = [
      harness.client.messages.create(HELLO),
      harness.client.messages.create({ ...HELLO, stream: true }),
      harness.client.messages.stream(HELLO).finalMessage(),
      harness.client.beta.messages.create(HELLO),
    ];
    for (const error of await Promise.all(calls.map(catchError))) {
      assertInstanceOf(error, errorClass);
      assertEquals([error.status, error.type], [status, type]);
      assertStringIncludes(error.message, "Upstream message");
      assertMatch(error.requestID ?? "", /^req_/);
      assertEquals(error.headers?.get("retry-after"), "7");
    }
  });
}

Deno.test("an invalid request becomes a BadRequestError that names the field", async () => {
  await using harness = startHarness(textReply("never"));
  const error = await catchError(harness.client.messages.create({ ...HELLO, max_tokens: -1 }));
  assertInstanceOf(error, Anthropic.BadRequestError);
  assertMatch(error.apiMessage ?? "", /^max_tokens: /);
  assertEquals(harness.upstream.requests.length, 0);
});

for (
  const [status, attempts] of [[500, 3], [529, 3], [400, 1], [401, 1], [402, 1], [404, 1]] as const
) {
  Deno.test(`the SDK makes ${attempts} attempts for a ${status}`, async () => {
    // The proxy forwards retry-after; ten milliseconds keep the test fast.
    const errorReply: Reply = () => {
      const response = errorBody(status, "No");
      response.headers.set("retry-after", "0.01");
      return response;
    };
    await using harness = startHarness(errorReply, { client: { maxRetries: 2 } });
    const error = await catchError(harness.client.messages.create(HELLO));
    assertEquals([error.status, harness.upstream.requests.length], [status, attempts]);
  });
}

Deno.test("a stream succeeds after the SDK's retry of an error", async () => {
  const errorReply: Reply = () => {
    const response = errorBody(429, "Slow down");
    response.headers.set("retry-after", "0.01");
    return response;
  };
  await using harness = startHarness([errorReply, twoCallsReply], { client: { maxRetries: 2 } });
  const message = await harness.client.messages.stream({ ...HELLO, tools: [WEATHER] })
    .finalMessage();
  assertEquals<unknown>(message.content, TWO_CALLS_CONTENT);
  assertEquals(harness.upstream.requests.length, 2);
});

Deno.test("an error event in a stream is thrown with its type and not retried", async () => {
  const text = sse(textChunk("Half"), errorChunk({ code: 529, message: "Too many requests" }));
  await using harness = startHarness(() => eventStream(text), { client: { maxRetries: 2 } });
  const { messages, beta } = harness.client;
  for (const open of [() => messages.stream(HELLO), () => beta.messages.stream(HELLO)]) {
    const stream = open();
    const error = await catchError(stream.finalMessage());
    assertEquals([error.status, error.type], [undefined, "overloaded_error"]);
    assertStringIncludes(error.message, "Too many requests");
    assertEquals<unknown>(stream.currentMessage?.content, [{ type: "text", text: "Half" }]);
  }
  assertEquals(harness.upstream.requests.length, 2);
});
