// Status and type of errors: upstream's, and the proxy's own.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ApiError, toErrorBody } from "../../lib/errors.ts";
import { createHandler } from "../../lib/server.ts";
import {
  call,
  createProxy,
  createTestServices,
  get,
  MODES,
  post,
  requestBody,
  send,
} from "../helpers/proxy.ts";
import { readError } from "../helpers/responses.ts";
import {
  createHandlerWithFetch,
  type Fetch,
  requestError,
} from "../helpers/translated_response.ts";
import { errorBody, startUpstream } from "../helpers/upstream.ts";

const STATUSES: [upstream: number, status: number, type: string, retry: string | null][] = [
  [400, 400, "invalid_request_error", "false"],
  [401, 401, "authentication_error", "false"],
  [402, 402, "billing_error", "false"],
  [403, 403, "permission_error", "false"],
  [404, 404, "not_found_error", "false"],
  [408, 504, "timeout_error", null],
  [413, 413, "request_too_large", null],
  [422, 400, "invalid_request_error", "false"],
  [429, 429, "rate_limit_error", null],
  [500, 500, "api_error", null],
  [502, 502, "api_error", null],
  [503, 529, "overloaded_error", null],
  [504, 504, "timeout_error", null],
  [529, 529, "overloaded_error", null],
];

for (const [upstreamStatus, status, type, retry] of STATUSES) {
  const retryText = retry === null ? "without" : "with";
  Deno.test(`upstream's status ${upstreamStatus} becomes ${status} ${type}, ${retryText} x-should-retry`, async () => {
    await using upstream = startUpstream(() => errorBody(upstreamStatus, "The upstream message"));
    const { handler } = createProxy({ upstream });
    for (const { request } of MODES) {
      const response = await send(handler, request);
      assertEquals(response.headers.get("x-should-retry"), retry);
      assertEquals(response.headers.get("content-type"), "application/json");
      assertEquals(await readError(response), { status, type, message: "The upstream message" });
    }
    assertEquals(upstream.requests.length, 2);
  });
}

const TRACE = "TypeError: x is not a function\n    at chat (file:///srv/gateway/chat.ts:1:2)";

const FAILURES: [about: string, reply: Fetch, status: number, type: string, message: string][] = [
  [
    "a fetch error with a stack trace",
    () => {
      throw new Error(TRACE);
    },
    502,
    "api_error",
    "Cannot reach ",
  ],
  [
    "an error body that is a JSON string",
    () => Response.json("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "an error body with detail",
    () => Response.json({ detail: "Out of order" }, { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  [
    "an error body of plain text",
    () => new Response("Out of order", { status: 500 }),
    500,
    "api_error",
    "Out of order",
  ],
  ["status 401", () => errorBody(401, "No auth"), 401, "authentication_error", "No auth"],
];

for (const [about, reply, ...expected] of FAILURES) {
  Deno.test(`${about} becomes a ${expected[0]} in Anthropic's error format`, async () => {
    const [status, type, message] = await requestError(reply);
    assertEquals([status, type], expected.slice(0, 2));
    assertStringIncludes(message, expected[2]);
    assertEquals(/file:|TypeError|\bat chat/.test(message), false);
  });
}

Deno.test("a 429 with retry-after is forwarded after one attempt", async () => {
  let attempts = 0;
  const handler = createHandlerWithFetch(() => {
    attempts++;
    const errorResponse = errorBody(429, "Slow down");
    errorResponse.headers.set("retry-after", "7");
    return errorResponse;
  });
  const response = await call(handler, post(requestBody()));
  assertEquals((await response.json()).error.type, "rate_limit_error");
  assertEquals([response.status, response.headers.get("retry-after"), attempts], [429, "7", 1]);
});

Deno.test("an unexpected exception is a 500 whose details are only in the log", async () => {
  const services = createTestServices();
  services.catalog.list = () => Promise.reject(new TypeError("boom in /secret/place"));
  const response = await call(createHandler(services), get("/v1/models"));
  const text = await response.clone().text();
  assertEquals((await readError(response)).status, 500);
  assertEquals(/boom|secret|\.ts/.test(text), false);
  const logged = services.lines.find((line) => JSON.parse(line).level === "error");
  assertStringIncludes(logged ?? "", "boom in /secret/place");
});

Deno.test("toErrorBody truncates long messages and keeps details", () => {
  const details = { error_code: "thread_unsupported_request" };
  const error = new ApiError("invalid_request_error", "x".repeat(10_000), { details });
  const body = toErrorBody(error, (text) => text);
  assertEquals([body.message.length, body.details], [2000, details]);
});
