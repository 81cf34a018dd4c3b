/** Translation of upstream's errors to the client's. @module */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { type ApiError, type ErrorType, toErrorBody } from "../../lib/errors.ts";
import { findRefusal, parseErrorObject, parseErrorResponse } from "../../lib/openrouter/errors.ts";

/** Upstream's status → type and status for the client. */
const STATUSES: readonly (readonly [number, ErrorType, number])[] = [
  [400, "invalid_request_error", 400],
  [401, "authentication_error", 401],
  [402, "billing_error", 402],
  [403, "permission_error", 403],
  [404, "not_found_error", 404],
  [405, "invalid_request_error", 400],
  [408, "timeout_error", 504],
  [409, "invalid_request_error", 400],
  [410, "invalid_request_error", 400],
  [412, "invalid_request_error", 400],
  [413, "request_too_large", 413],
  [415, "invalid_request_error", 400],
  [418, "invalid_request_error", 400],
  [422, "invalid_request_error", 400],
  [429, "rate_limit_error", 429],
  [500, "api_error", 500],
  [501, "api_error", 502],
  [502, "api_error", 502],
  [503, "overloaded_error", 529],
  [504, "timeout_error", 504],
  [520, "api_error", 502],
  [524, "timeout_error", 504],
  [529, "overloaded_error", 529],
];

for (const [status, type, clientStatus] of STATUSES) {
  Deno.test(`parseErrorResponse translates ${status} to ${type} ${clientStatus} with upstream's message`, () => {
    const error = parseErrorResponse(
      status,
      toBody({ code: status, message: "No luck today" }),
      {},
    );
    assertEquals(summarize(error), [type, clientStatus, "No luck today"]);
  });

  Deno.test(`parseErrorResponse translates ${status} with an empty body to ${type} ${clientStatus}`, () => {
    const error = parseErrorResponse(status, "", {});
    assertEquals([error.type, error.status], [type, clientStatus]);
    assertStringIncludes(error.message, String(status));
  });

  Deno.test(`parseErrorObject translates the code ${status} to ${type} ${clientStatus}`, () => {
    const error = parseErrorObject({ code: status, message: "No luck today" });
    assertEquals(summarize(error), [type, clientStatus, "No luck today"]);
  });
}

Deno.test("parseErrorResponse translates a redirect to a 502 without its target", () => {
  for (const status of [301, 302, 303, 304, 307, 308]) {
    const error = parseErrorResponse(status, "<html><body>https://evil.test</body></html>", {});
    assertEquals([error.type, error.status], ["api_error", 502]);
    assertFalse(error.message.includes("evil"));
  }
});

Deno.test("parseErrorResponse does not show an HTML page", () => {
  const pages = [
    "<html><body>origin 10.0.0.7 timed out</body></html>",
    "<!DOCTYPE html>\n<html>10.0.0.7</html>",
    "\n\n  <HTML>10.0.0.7",
  ];
  for (const page of pages) {
    const error = parseErrorResponse(524, page, {});
    assertEquals(error.status, 504);
    assertStringIncludes(error.message, "HTML");
    assertFalse(error.message.includes("10.0.0.7"));
  }
});

Deno.test("parseErrorResponse keeps the status of unusual bodies and has a short message", () => {
  const bodies = [
    "",
    " ",
    "null",
    "[]",
    "42",
    '"down"',
    "{}",
    '{"error":null}',
    '{"error":{}}',
    "x",
  ];
  for (const body of [...bodies, "y".repeat(100_000), '{"error":[]}', '{"error":7}']) {
    const error = parseErrorResponse(503, body, {});
    assertEquals([error.type, error.status], ["overloaded_error", 529]);
    // Cut after redaction: half a key would not be redacted.
    const { message } = toErrorBody(error, (text) => text);
    assert(message.length > 0 && message.length <= 2000, body.slice(0, 20));
  }
});

Deno.test("parseErrorResponse finds the message in the formats of other servers", () => {
  const bodies = [
    { error: { message: "No luck" } },
    { error: "No luck" },
    { message: "No luck" },
    { type: "error", error: { type: "invalid_request_error", message: "No luck" } },
  ];
  for (const body of bodies) {
    assertEquals(parseErrorResponse(400, JSON.stringify(body), {}).message, "No luck");
  }
});

Deno.test("parseErrorResponse does not show the account id next to an error", () => {
  const body = JSON.stringify({ error: { message: "Bad", code: 400 }, user_id: "user_2abc" });
  assertFalse(JSON.stringify(parseErrorResponse(400, body, {}).message).includes("user_2abc"));
});

/** metadata.raw in several formats → the message. */
const RAWS: readonly (readonly [string, unknown, string])[] = [
  ["plain text", "tools.0: bad schema", "[Groq] tools.0: bad schema"],
  ["JSON in a string", '{"message":"bad schema"}', "[Groq] bad schema"],
  ["nested JSON in a string", '{"error":{"message":"bad schema"}}', "[Groq] bad schema"],
  ["JSON in JSON", JSON.stringify({ error: '{"detail":"bad schema"}' }), "[Groq] bad schema"],
  ["an object", { error: { msg: "bad schema" } }, "[Groq] bad schema"],
  ["HTML", "<html>bad gateway</html>", "[Groq] Provider returned error"],
  ["the message again", "Provider returned error", "[Groq] Provider returned error"],
  ["empty", "", "[Groq] Provider returned error"],
  ["null", null, "[Groq] Provider returned error"],
];

for (const [form, raw, message] of RAWS) {
  Deno.test(`parseErrorResponse finds the provider's message in metadata.raw: ${form}`, () => {
    const metadata = { provider_name: "Groq", raw };
    const body = toBody({ code: 400, message: "Provider returned error", metadata });
    assertEquals(parseErrorResponse(400, body, {}).message, message);
  });
}

Deno.test("parseErrorObject ignores metadata.raw that is nested too deeply", () => {
  let raw: unknown = "deep";
  for (let depth = 0; depth < 1000; depth++) raw = { error: raw };
  const error = parseErrorObject({ code: 400, message: "Outer", metadata: { raw } });
  assertEquals(error.message, "Outer");
});

Deno.test("parseErrorObject derives the status from a non-numeric code or metadata.error_type", () => {
  const named: readonly (readonly [unknown, ErrorType, number])[] = [
    [{ code: "rate_limit_exceeded", message: "m" }, "rate_limit_error", 429],
    [{ code: "server_error", message: "m" }, "api_error", 502],
    [{ code: "429", message: "m" }, "rate_limit_error", 429],
    [{ message: "m", metadata: { error_type: "provider_overloaded" } }, "overloaded_error", 529],
    [{ message: "m", error_type: "payment_required" }, "billing_error", 402],
    [{ http_status: 403, message: "m" }, "permission_error", 403],
    [{ type: "overloaded_error", message: "m" }, "overloaded_error", 529],
    [{ code: "from_outer_space", message: "m" }, "api_error", 502],
    [{ code: 200, message: "m" }, "api_error", 502],
    [{ message: "m" }, "api_error", 502],
  ];
  for (const [error, type, status] of named) {
    assertEquals(summarize(parseErrorObject(error)), [type, status, "m"]);
  }
});

Deno.test("parseErrorResponse gives an error in a 200 the status of its code", () => {
  const error = parseErrorResponse(200, toBody({ code: 402, message: "Broke" }), {});
  assertEquals(summarize(error), ["billing_error", 402, "Broke"]);
});

Deno.test("parseErrorResponse prefers the HTTP status to the code in the body", () => {
  const error = parseErrorResponse(429, toBody({ code: 500, message: "Busy" }), {});
  assertEquals(summarize(error), ["rate_limit_error", 429, "Busy"]);
});

Deno.test("parseErrorObject returns an error with a message for any value", () => {
  for (const odd of [{}, [], 0, 1, true, "", "words", { message: 5 }, { message: null }]) {
    const error = parseErrorObject(odd);
    assertEquals([error.type, error.status], ["api_error", 502]);
    assert(error.message.length > 0);
  }
});

Deno.test("parseErrorResponse forwards retry-after", () => {
  const body = toBody({ code: 429, message: "Slow down" });
  const error = parseErrorResponse(429, body, { retryAfter: "17" });
  assertEquals(error.headers["retry-after"], "17");
  assertEquals(parseErrorResponse(429, body, { retryAfter: null }).headers, {});
  assertEquals(parseErrorResponse(503, body, { retryAfter: "3" }).headers["retry-after"], "3");
});

function toBody(error: object): string {
  return JSON.stringify({ error });
}

function summarize({ type, status, message }: ApiError): [ErrorType, number, string] {
  return [type, status, message];
}

const REFUSALS: readonly (readonly [status: number, message: string])[] = [
  [404, "No endpoints found that support image input"],
  [400, "This model does not support image input."],
  [400, "The model doesn't support images."],
  [422, "m does not support vision"],
  [400, "llama-3 is not a multimodal model"],
  [400, "Invalid content type. image_url is only supported by certain models."],
  [400, "messages[1]: unknown variant `image_url`, expected `text`"],
];

for (const [status, message] of REFUSALS) {
  Deno.test(`parseErrorResponse recognizes a rejected image by “${message}”`, () => {
    const error = parseErrorResponse(status, JSON.stringify({ error: { message } }), {});
    assertEquals([findRefusal(error), error.status], ["image_input", 400]);
  });
}

for (
  const message of [
    "No endpoints found that support tool use",
    "The server does not support image URLs; send base64",
    "This model does not support images larger than 5 MB",
    "Unsupported image format: image/bmp",
  ]
) {
  Deno.test(`parseErrorResponse does not take “${message}” for a rejected image`, () => {
    assertEquals(
      findRefusal(parseErrorResponse(400, JSON.stringify({ error: { message } }), {})),
      null,
    );
  });
}
