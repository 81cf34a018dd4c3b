/** Upstream's error codes in words, and where its message may be: lib/openrouter/errors.ts. @module */

import { assertEquals } from "@std/assert";
import { parseErrorObject, parseErrorResponse } from "../../lib/openrouter/errors.ts";

const summarize = (code: unknown) => {
  const { type, status } = parseErrorObject({ code, message: "No luck today" });
  return [type, status];
};

/** Words in place of a status. */
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
  Deno.test(`the code ${code} means the same as ${status}`, () => {
    assertEquals(summarize(code), summarize(status));
    assertEquals(summarize(code), summarize(`${status}`));
  });
}

Deno.test("a provider's message is found under each of its usual keys, however deep", () => {
  for (const key of ["message", "error", "detail", "details", "msg"]) {
    for (const raw of [{ [key]: "Too hot" }, { error: JSON.stringify({ [key]: "Too hot" }) }]) {
      const error = { code: 400, message: "Provider returned error", metadata: { raw } };
      assertEquals(parseErrorObject(error).message, "Too hot", key);
    }
  }
});

Deno.test("a body that is only text is quoted without the space around it", () => {
  const { message } = parseErrorResponse(500, "\n  upstream is ill \n", {});
  assertEquals(message, "upstream is ill");
});

Deno.test("a refusal of routing says what to do about it, as a 400: clients hide the words of a 404", () => {
  const cure = (message: string) => {
    const { type, message: words } = parseErrorObject({ code: 404, message });
    return [type, words.replace(`${message}. `, "")];
  };
  const type = "invalid_request_error";
  assertEquals(cure("No endpoints match your data policy"), [
    type,
    "Change it at https://openrouter.ai/settings/privacy",
  ]);
  assertEquals(cure("No endpoints found that support tool use"), [
    type,
    "Choose a model that can call tools",
  ]);
  for (const words of ["allowed providers", "requested provider", "requested parameters"]) {
    const loosen = "Loosen OPENROUTER_PROVIDER or the account's provider settings";
    assertEquals(cure(`Nothing left of the ${words}`), [type, loosen]);
  }
});

Deno.test("a status is named as it is, up to where errors begin", () => {
  const say = (status: number) => parseErrorResponse(status, "", {}).message;
  assertEquals([300, 399, 400].map(say), [
    "OpenRouter answered with a redirect (300)",
    "OpenRouter answered with a redirect (399)",
    "OpenRouter answered 400 with an empty body",
  ]);
});

Deno.test("a failure of upstream's that speaks of a context window is no overflow of the client's", () => {
  const body = JSON.stringify({ error: { message: "Cannot load the context window table" } });
  const { type, message } = parseErrorResponse(500, body, {});
  assertEquals([type, message], ["api_error", "Cannot load the context window table"]);
});

Deno.test("an overflow is told with metrics only where there is a limit, and Anthropic's words stay", () => {
  const say = (message: string) => parseErrorObject({ code: 400, message }).message;
  const bare = "Too many tokens: 210000";
  assertEquals(say(bare), `prompt is too long: ${bare}`);
  const within = "maximum context length is 200000 tokens, 1000 were sent";
  assertEquals(say(within), `prompt is too long: ${within}`);
  for (const words of ["Prompt is too long: 5 tokens > 4 maximum"]) {
    assertEquals(say(`context window: ${words}`), `context window: ${words}`);
  }
});

Deno.test("an ApiError is told from other errors by its name", () => {
  assertEquals(parseErrorObject({}).name, "ApiError");
});
