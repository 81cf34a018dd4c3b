// The proxy's errors in Anthropic's format: lib/errors.ts.

import { assertEquals } from "@std/assert";
import {
  ApiError,
  clientDisconnectedError,
  type ErrorType,
  isOutOfFiles,
  toApiError,
  toErrorBody,
  toErrorResponse,
} from "../lib/errors.ts";

const STATUSES: Record<ErrorType, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};
const TYPES = Object.keys(STATUSES) as ErrorType[];
const options = { requestId: "req_1", redact: (text: string) => text.replace("secret", "***") };

for (const type of TYPES) {
  Deno.test(`an ${type} has the status of its type, unless it has its own`, async () => {
    const response = toErrorResponse(new ApiError(type, "No secret"), options);
    assertEquals(response.status, STATUSES[type]);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(await response.json(), {
      type: "error",
      error: { type, message: "No ***" },
      request_id: "req_1",
    });
    assertEquals(new ApiError(type, "", { status: 418 }).status, 418);
  });
}

Deno.test("clients do not retry an error that would be the same again", () => {
  const statuses = [400, 401, 402, 403, 404, 405, 408, 413, 429, 499, 500, 502, 504, 529];
  const never = statuses.filter((status) => {
    const { headers } = toErrorResponse(new ApiError("api_error", "No", { status }), options);
    return headers.get("x-should-retry") === "false";
  });
  assertEquals(never, [400, 401, 402, 403, 404]);
});

Deno.test("an error's own headers override the default", () => {
  const headers = { "x-should-retry": "true", "retry-after": "3" };
  const response = toErrorResponse(new ApiError("not_found_error", "No", { headers }), options);
  assertEquals([response.headers.get("x-should-retry"), response.headers.get("retry-after")], [
    "true",
    "3",
  ]);
  assertEquals(new ApiError("not_found_error", "No").headers, {});
});

Deno.test("an error body has details only where the error has them", () => {
  const details = { error_code: "x" };
  assertEquals(toErrorBody(new ApiError("api_error", "No", { details }), options.redact), {
    type: "api_error",
    message: "No",
    details,
  });
  const plain = toErrorBody(new ApiError("api_error", "No"), options.redact);
  assertEquals(Object.keys(plain), ["type", "message"]);
});

Deno.test("a message is cut to 2,000 characters after its secrets are redacted", () => {
  const messages = [`secret${"x".repeat(1997)}`, `secret${"x".repeat(1998)}`, "x".repeat(2001)];
  const bodies = messages.map((message) =>
    toErrorBody(new ApiError("api_error", message), options.redact).message
  );
  assertEquals(bodies, [`***${"x".repeat(1997)}`, `***${"x".repeat(1997)}`, "x".repeat(2000)]);
});

Deno.test("toApiError keeps the proxy's errors, and hides all others behind a 500", () => {
  const own = new ApiError("rate_limit_error", "slow down");
  assertEquals(toApiError(own) === own, true);
  for (const other of [new RangeError("a secret"), "a secret", undefined]) {
    const { name, type, status, message, cause } = toApiError(other);
    assertEquals([name, type, status, message, cause], [
      "ApiError",
      "api_error",
      500,
      "Internal error of the proxy",
      other,
    ]);
  }
});

Deno.test("a client that disconnects is logged as 499, with the cause", () => {
  const cause = new Error("reset");
  const error = clientDisconnectedError(cause);
  assertEquals([error.type, error.status, error.cause], ["api_error", 499, cause]);
});

Deno.test("isOutOfFiles recognizes EMFILE in the message or its cause, and no other error", () => {
  const text = "Too many open files (os error 24)";
  const yes = [new Error(text), new TypeError("fetch failed", { cause: new Error(text) })];
  const no = [new Error("(os error 2)"), new Error("(os error 240)"), new Error(""), text, null];
  assertEquals([yes.map(isOutOfFiles), no.map(isOutOfFiles)], [
    [true, true],
    [false, false, false, false, false],
  ]);
});
