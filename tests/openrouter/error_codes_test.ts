/** Upstream's error codes, locations of messages, and hints. @module */

import { assertEquals } from "@std/assert";
import { parseErrorObject, parseErrorResponse } from "../../lib/openrouter/errors.ts";

const summarize = (code: unknown) => {
  const { type, status } = parseErrorObject({ code, message: "No luck today" });
  return [type, status];
};

/** Error code → equivalent status. */
const CODES: Record<string, number> = {
  authentication: 401,
  permission_denied: 403,
  payment_required: 402,
  not_found: 404,
  timeout: 408,
  payload_too_large: 413,
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  provider_overloaded: 503,
  overloaded_error: 529,
  provider_unavailable: 502,
  invalid_request: 400,
  invalid_request_error: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  server: 500,
  server_error: 502,
};

for (const [code, status] of Object.entries(CODES)) {
  Deno.test(`parseErrorObject treats the code ${code} like ${status}`, () => {
    assertEquals(summarize(code), summarize(status));
    assertEquals(summarize(code), summarize(`${status}`));
  });
}

Deno.test("parseErrorObject finds a provider's message under each usual key, also nested", () => {
  for (const key of ["message", "error", "detail", "details", "msg"]) {
    for (const raw of [{ [key]: "Too hot" }, { error: JSON.stringify({ [key]: "Too hot" }) }]) {
      const error = { code: 400, message: "Provider returned error", metadata: { raw } };
      assertEquals(parseErrorObject(error).message, "Too hot", key);
    }
  }
});

Deno.test("parseErrorResponse trims a plain text body", () => {
  const { message } = parseErrorResponse(500, "\n  upstream is ill \n", {});
  assertEquals(message, "upstream is ill");
});

Deno.test("parseErrorObject adds a hint to routing errors, as a 400: clients hide the message of a 404", () => {
  const findHint = (message: string) => {
    const { type, message: text } = parseErrorObject({ code: 404, message });
    return [type, text.replace(`${message}. `, "")];
  };
  const type = "invalid_request_error";
  assertEquals(findHint("No endpoints match your data policy"), [
    type,
    "Change it at https://openrouter.ai/settings/privacy",
  ]);
  assertEquals(findHint("No endpoints found that support tool use"), [
    type,
    "Choose a model that can call tools",
  ]);
  for (const words of ["allowed providers", "requested provider", "requested parameters"]) {
    const loosen = "Loosen OPENROUTER_PROVIDER or the account's provider settings";
    assertEquals(findHint(`Nothing left of the ${words}`), [type, loosen]);
  }
});

Deno.test("parseErrorResponse names the status and the host of a response without a message", () => {
  const read = (status: number, body: string, host?: string) =>
    parseErrorResponse(status, body, { host }).message;
  assertEquals([300, 399, 400].map((status) => read(status, "")), [
    "Upstream responded with a redirect (300)",
    "Upstream responded with a redirect (399)",
    "Upstream responded 400 with an empty body",
  ]);
  const host = "localhost:11434";
  assertEquals([read(302, "", host), read(404, "", host)], [
    "localhost:11434 responded with a redirect (302)",
    "localhost:11434 responded 404 with an empty body",
  ]);
  assertEquals([read(404, "<html>", host), read(418, '{"a":1}', host)], [
    "localhost:11434 responded 404 with an HTML page",
    'localhost:11434 responded 418: {"a":1}',
  ]);
});

Deno.test("parseErrorResponse does not treat a 500 that mentions a context window as an overflow", () => {
  const body = JSON.stringify({ error: { message: "Cannot load the context window table" } });
  const { type, message } = parseErrorResponse(500, body, {});
  assertEquals([type, message], ["api_error", "Cannot load the context window table"]);
});

Deno.test("parseErrorObject adds counts to an overflow only with a limit, and keeps Anthropic's message", () => {
  const read = (message: string) => parseErrorObject({ code: 400, message }).message;
  const bare = "Too many tokens: 210000";
  assertEquals(read(bare), `prompt is too long: ${bare}`);
  const within = "maximum context length is 200000 tokens, 1000 were sent";
  assertEquals(read(within), `prompt is too long: ${within}`);
  const anthropic = "context window: Prompt is too long: 5 tokens > 4 maximum";
  assertEquals(read(anthropic), anthropic);
});

Deno.test("an ApiError has its own name", () => {
  assertEquals(parseErrorObject({}).name, "ApiError");
});
