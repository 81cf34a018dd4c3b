/** Upstream's error codes, locations of messages, and hints. @module */

import { assertEquals } from "@std/assert";
import { findRefusal, parseErrorObject, parseErrorResponse } from "../../lib/openrouter/errors.ts";

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
    assertEquals(findHint(`NOTHING LEFT OF THE ${words.toUpperCase()}`), [type, loosen]);
  }
});

const HINTS: [wording: string, hint: string][] = [
  ["Privacy settings forbid it", "Change it at https://openrouter.ai/settings/privacy"],
  ["Your DATA POLICY", "Change it at https://openrouter.ai/settings/privacy"],
  // The first that matches: the setting comes before the model.
  ["Your data policy and tool use", "Change it at https://openrouter.ai/settings/privacy"],
  ["None can Support Tools", "Choose a model that can call tools"],
  ["No Support Tool", "Choose a model that can call tools"],
  ["TOOL USE", "Choose a model that can call tools"],
  ["This model is unavailable for free", "Put that id into the TARGET_MODEL_… variable"],
  ["MODEL IS UNAVAILABLE FOR FREE", "Put that id into the TARGET_MODEL_… variable"],
];
for (const [wording, hint] of HINTS) {
  Deno.test(`the hint for a 404 "${wording}" is "${hint}"`, () => {
    assertEquals(parseErrorObject({ code: 404, message: wording }).message, `${wording}. ${hint}`);
  });
}

Deno.test("a 404 about toolsets gets no hint", () => {
  const { type, message } = parseErrorObject({ code: 404, message: "It supports toolsets" });
  assertEquals([type, message], ["not_found_error", "It supports toolsets"]);
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
  assertEquals([299, 599].map((status) => read(status, " \n", host)), [
    "localhost:11434 responded 299 with an empty body",
    "localhost:11434 responded 599 with an empty body",
  ]);
  assertEquals(read(500, ' {"a":1}\n', host), 'localhost:11434 responded 500: {"a":1}');
  assertEquals([read(404, "<html>", host), read(418, '{"a":1}', host)], [
    "localhost:11434 responded 404 with an HTML page",
    'localhost:11434 responded 418: {"a":1}',
  ]);
});

/** Statuses with a meaning of their own, and those next to them. */
const STATUSES = [400, 401, 402, 403, 404, 405, 414, 415, 416, 421, 422, 423, 429, 499]
  .concat([500, 501, 502, 503, 504]);

Deno.test("parseErrorResponse adds hints to a 404 only, and the affordable tokens to a 402 only", () => {
  const read = (status: number, message: string) =>
    parseErrorResponse(status, JSON.stringify({ error: { message } }), {}).message;
  const routing = "No allowed providers are available";
  assertEquals([400, 403, 405].map((status) => read(status, routing)), [routing, routing, routing]);
  const broke = "You CAN ONLY AFFORD 1234 tokens";
  assertEquals([401, 402, 403].map((status) => read(status, broke)), [
    broke,
    `${broke} (in Claude Code: CLAUDE_CODE_MAX_OUTPUT_TOKENS=1234)`,
    broke,
  ]);
  assertEquals(read(402, "Insufficient credits"), "Insufficient credits");
});

Deno.test("parseErrorResponse recognizes a model that reads no images by these statuses only", () => {
  const message = "This Model Does Not Support Image Input";
  const refused = STATUSES.filter((status) => {
    const body = JSON.stringify({ error: { message } });
    return findRefusal(parseErrorResponse(status, body, {})) === "image_input";
  });
  assertEquals(refused, [400, 404, 415, 422, 500, 502]);
  assertEquals(findRefusal(parseErrorObject({ message })), "image_input");
});

Deno.test("parseErrorResponse recognizes an unknown model by these statuses only", () => {
  for (
    const error of [{ message: "x IS NOT a valid model ID" }, {
      message: "No",
      code: "model_not_found",
    }]
  ) {
    const refused = STATUSES.filter((status) =>
      findRefusal(parseErrorResponse(status, JSON.stringify({ error }), {})) === "unknown_model"
    );
    assertEquals(refused, [400, 404]);
  }
});

Deno.test("parseErrorResponse lists one or several known ids near an unknown model", () => {
  const body = JSON.stringify({ error: { message: "x is not a valid model ID" } });
  const read = (ids: string[]) =>
    parseErrorResponse(400, body, { model: "x", suggestModels: () => ids }).message;
  assertEquals([read([]), read(["a"]), read(["a", "b"])], [
    "x is not a valid model ID",
    "x is not a valid model ID. Nearest known ids: a",
    "x is not a valid model ID. Nearest known ids: a, b",
  ]);
});

Deno.test("parseErrorResponse searches only the first 4,096 characters for an unknown model", () => {
  const wording = "is not a valid model ID";
  for (
    const [before, refusal] of [[4096 - wording.length, "unknown_model"], [4097, null]] as const
  ) {
    const message = `${"x".repeat(before)}${wording}`;
    const error = parseErrorResponse(400, JSON.stringify({ error: { message } }), {});
    assertEquals(findRefusal(error), refusal);
  }
});

Deno.test("parseErrorResponse translates every status to one of Anthropic's", () => {
  const translate = (status: number) => {
    const { type, status: own } = parseErrorResponse(status, "", {});
    return `${type} ${own}`;
  };
  assertEquals([200, 299, 300, 399].map(translate), Array(4).fill("api_error 502"));
  assertEquals([406, 499].map(translate), Array(2).fill("invalid_request_error 400"));
  assertEquals([505, 525, 599, 600].map(translate), Array(4).fill("api_error 502"));
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
