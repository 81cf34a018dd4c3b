/** Upstream's errors in every location, through the whole handler. @module */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { type Outcome, sendThrough, sendTo, STREAM } from "../helpers/end_to_end.ts";
import { completion, sse, sseAnswer, sseEnd, textChunk } from "../helpers/chunks.ts";
import { MODES, requestBody, startProxy } from "../helpers/proxy.ts";
import { rawResponse, type RawScript, startRawUpstream } from "../helpers/raw_upstream.ts";

const EVENTS = { "content-type": "text/event-stream" };
const TEXT = { "content-type": "text/plain" };
const LLAMA =
  "request (2009 tokens) exceeds the available context size (512 tokens), try increasing it";
const STUDIO = "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)";
const TOO_LONG = `invalid_request_error: prompt is too long: 2009 tokens > 512 maximum (${LLAMA})`;
const IMAGE =
  "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj";

function reply(...response: Parameters<typeof rawResponse>): RawScript {
  return ({ send }) => send(rawResponse(...response));
}

function json(status: number, body: unknown): RawScript {
  return reply(status, JSON.stringify(body));
}

/** Responses to both plain and stream requests. */
const RESPONSES: readonly (readonly [string, RawScript, number, string])[] = [
  [
    "llama.cpp's overflow",
    json(400, {
      error: {
        code: 400,
        message: LLAMA,
        n_ctx: 512,
        n_prompt_tokens: 2009,
        type: "exceed_context_size_error",
      },
    }),
    400,
    TOO_LONG,
  ],
  [
    "an overflow as a string under 500",
    json(500, { error: STUDIO }),
    400,
    `invalid_request_error: prompt is too long: 15028 tokens > 7424 maximum (${STUDIO})`,
  ],
  [
    "an overflow in a 200",
    json(200, { error: { message: LLAMA } }),
    400,
    TOO_LONG,
  ],
  [
    "a provider's overflow inside OpenRouter's error",
    json(400, {
      error: {
        code: 400,
        message: "Provider returned error",
        metadata: {
          provider_name: "Groq",
          raw: JSON.stringify({
            error: { message: "Please reduce it.", code: "context_length_exceeded" },
          }),
        },
      },
      user_id: "user_x",
    }),
    400,
    "invalid_request_error: prompt is too long: [Groq] Please reduce it.",
  ],
  [
    "an image for a text-only model of llama.cpp",
    json(500, { error: { code: 500, message: IMAGE, type: "server_error" } }),
    400,
    `invalid_request_error: ${IMAGE}`,
  ],
  [
    "`detail`",
    json(401, { detail: "Invalid API Key" }),
    401,
    "authentication_error: Invalid API Key",
  ],
  [
    "FastAPI's array",
    json(422, {
      detail: [
        {
          type: "string_type",
          loc: ["body", "messages", 0, "content"],
          msg: "Input should be text",
        },
        { type: "extra_forbidden", loc: ["body", "top_k"], msg: "Extra inputs are not permitted" },
      ],
    }),
    400,
    "invalid_request_error: messages.0.content: Input should be text; top_k: Extra inputs are not " +
    "permitted",
  ],
  [
    "an array in Mistral's message",
    json(422, {
      object: "error",
      message: { detail: [{ loc: ["body", "foo"], msg: "Extra inputs are not permitted" }] },
    }),
    400,
    "invalid_request_error: foo: Extra inputs are not permitted",
  ],
  ["a string", json(404, { error: "model is gone" }), 404, "not_found_error: model is gone"],
  [
    "the name of a status next to a message",
    json(403, { statusCode: 403, error: "Forbidden", message: "Your plan has ended" }),
    403,
    "permission_error: Your plan has ended",
  ],
  [
    "Cloudflare's array",
    json(400, { errors: [{ message: "No such route" }] }),
    400,
    "No such route",
  ],
  [
    "Google's array",
    json(400, [{ error: { code: 400, message: "Bad" } }]),
    400,
    "request_error: Bad",
  ],
  [
    "plain text",
    reply(404, "404 page not found\n", TEXT),
    404,
    "not_found_error: 404 page not found",
  ],
  [
    "Azure's filter in a 200",
    json(200, { error: { message: "Filtered", code: "content_filter", status: 400 } }),
    400,
    "invalid_request_error: Filtered",
  ],
  ["JSON without a message", json(418, { a: 1 }), 400, 'responded 418: {"a":1}'],
];

for (const [what, script, status, message] of RESPONSES) {
  for (const { mode, request } of MODES) {
    Deno.test(`the client gets the message of ${what} (${mode})`, async () => {
      const outcome = await sendThrough(script, { request });
      assertError(outcome, status, message);
    });
  }
}

/** First events of a stream. */
const FIRST_EVENTS: readonly (readonly [string, string, string])[] = [
  ["an overflow without a status", sse({ error: { message: LLAMA } }), TOO_LONG],
  ["an overflow as a string", sse({ error: LLAMA }), TOO_LONG],
  [
    "an overflow in an event named error",
    `event: error\n${sse({ error: { message: LLAMA } })}`,
    TOO_LONG,
  ],
  [
    "an overflow in the data of such an event",
    `event: error\n${sse({ message: LLAMA })}`,
    TOO_LONG,
  ],
  ["an overflow as text of such an event", `event: error\ndata: ${LLAMA}\n\n`, TOO_LONG],
  [
    "an overflow in a field named error",
    `error: ${
      JSON.stringify({ code: 400, message: LLAMA, type: "exceed_context_size_error" })
    }\n\n`,
    TOO_LONG,
  ],
  ["an overflow as text of such a field", `error: ${LLAMA}\n\n`, TOO_LONG],
  ["an overflow without framing", `${JSON.stringify({ error: { message: LLAMA } })}\n\n`, TOO_LONG],
];

for (const [what, body, message] of FIRST_EVENTS) {
  Deno.test(`${what} as the first event of a stream becomes an HTTP error`, async () => {
    assertError(await sendThrough(reply(200, body, EVENTS), { request: STREAM }), 400, message);
  });
}

Deno.test("an error in a field named error ends a stream with its message", async () => {
  const message = "failed to decode, try again, increasing context size or reducing parallel";
  const error = JSON.stringify({ detail: message, error: { message } });
  for (const end of [sseEnd(), ""]) {
    const body = `${sse(textChunk("Hel"))}error: ${error}\n\n\n${end}`;
    const outcome = await sendThrough(reply(200, body, EVENTS), { request: STREAM });
    assertEquals([outcome.status, outcome.error], [200, `api_error: ${message}`]);
    assertEquals(outcome.content, "Hel");
    assertFalse(outcome.events.some(({ type }) => type === "message_stop"));
  }
});

Deno.test("the proxy's own count replaces the input count of a server that stops counting", async () => {
  const message =
    "This model's maximum context length is 32768 tokens. However, you requested 32000 " +
    "output tokens and your prompt contains at least 769 input tokens, for a total of at least 32769 tokens.";
  await using upstream = startRawUpstream(json(400, { error: { message } }));
  await using proxy = startProxy({ upstream });
  const content = "one two three four ".repeat(1000);
  const messages = [{ role: "user", content }];
  const outcome = await sendTo(proxy, requestBody({ messages, max_tokens: 32000 }));
  const [, input, output, limit] =
    /input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)/.exec(
      outcome.error,
    ) ?? [];
  assertEquals([output, limit], ["32000", "32768"], outcome.error);
  assert(Number(input) > 3000 && Number(input) < 9000, input);
});

Deno.test("text that looks like an SSE field stays text", async () => {
  const body = sseAnswer("error: no\n\nevent: error\n\ndata: x");
  const outcome = await sendThrough(reply(200, body, EVENTS), { request: STREAM });
  assertEquals([outcome.error, outcome.content], ["", "error: no\n\nevent: error\n\ndata: x"]);
});

Deno.test("the message of an overflow in a response's text stays text", async () => {
  const outcome = await sendThrough(json(200, completion(LLAMA)), { request: requestBody() });
  assertEquals([outcome.status, outcome.content], [200, LLAMA]);
});

function assertError(outcome: Outcome, status: number, message: string): void {
  assertEquals(outcome.status, status, outcome.text);
  assertStringIncludes(outcome.error, message);
  assert(outcome.error.endsWith(message), outcome.error);
}
