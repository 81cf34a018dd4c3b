/**
 * Errors before the response: which are retried, after how long, and the message shown.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLAUDE_CODE_MESSAGES } from "../../helpers/claude_code_messages.ts";
import { errorReply, htmlErrorReply, interruptedReply, textReply } from "../replies.ts";
import { type Session, startSession, test } from "../claude_session.ts";

const ONE_RETRY = { CLAUDE_CODE_MAX_RETRIES: "1" };
const NO_RETRY = { CLAUDE_CODE_MAX_RETRIES: "0" };
const OVERFLOW =
  "This endpoint's maximum context length is 200000 tokens. However, you requested " +
  "about 251234 tokens (219234 of text input, 32000 in the output). Please reduce the length of " +
  "either one, or use the context-compression plugin to compress your prompt automatically.";

test("waits for the retry-after of a 429 and succeeds", async () => {
  await using session = await startSession({ env: ONE_RETRY });
  const run = await session.prompt("Hello", [
    errorReply(429, "Rate limit exceeded", { headers: { "retry-after": "2" } }),
    textReply("Hello"),
  ]);
  assertEquals([run.text, run.isError, run.code], ["Hello", false, 0]);
  assertEquals(listStatuses(session), [429, 200]);
  const [first, second] = session.clientRequests;
  const waited = (second?.receivedAt ?? 0) - (first?.respondedAt ?? 0);
  assert(waited >= 1950 && waited < 4000, `waited ${Math.round(waited)} ms`);
});

test("retries a 500 and succeeds", async () => {
  await using session = await startSession({ env: ONE_RETRY });
  const run = await session.prompt("Hello", [
    errorReply(500, "Internal Server Error"),
    textReply("Hello"),
  ]);
  assertEquals([run.text, run.isError, run.code], ["Hello", false, 0]);
  assertEquals(listStatuses(session), [500, 200]);
});

test("shows an HTML page with 502 as an error without markup", async () => {
  await using session = await startSession({ env: NO_RETRY });
  const page = "<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>";
  const run = await session.prompt("Hello", htmlErrorReply(502, page));
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "502");
  assert(!run.text.includes("<h1>"), run.text);
});

test("shows a 402 with a hint at once", async () => {
  await using session = await startSession();
  const message =
    "This request requires more credits, or fewer max_tokens. You requested up to 32000 " +
    "tokens, but can only afford 1234.";
  const run = await session.prompt("Hello", errorReply(402, message));
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "can only afford 1234");
  assertStringIncludes(run.text, "CLAUDE_CODE_MAX_OUTPUT_TOKENS=1234");
  assertEquals(listStatuses(session), [402]);
});

test("names OPENROUTER_API_KEY within 3 s if the proxy has no key", async () => {
  await using session = await startSession({ proxyEnv: { OPENROUTER_API_KEY: undefined } });
  const run = await session.prompt("Hello", []);
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "OPENROUTER_API_KEY");
  assert(run.ms < 3000, `took ${Math.round(run.ms)} ms`);
});

test("reports that it is not logged in without a token", async () => {
  await using session = await startSession({ env: { ANTHROPIC_AUTH_TOKEN: undefined } });
  const run = await session.prompt("Hello", []);
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.noToken);
});

test("reports a refused connection if the proxy is not running", async () => {
  const unreachable = { ANTHROPIC_BASE_URL: "http://127.0.0.1:9", ...ONE_RETRY };
  await using session = await startSession({ env: unreachable });
  const run = await session.prompt("Hello", []);
  const { noProxy, noProxyBefore } = CLAUDE_CODE_MESSAGES;
  assert(run.text.includes(noProxy) || run.text.includes(noProxyBefore), run.text);
});

test("shows its own message for a model without endpoints", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", errorReply(404, "No endpoints found for x/y."));
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.noModel);
});

test("shows its own message for a request that is too large", async () => {
  await using session = await startSession({ proxyEnv: { MAX_BODY_MB: "0.001" } });
  const run = await session.prompt("Hello", []);
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.tooLarge);
});

test("reports a server-side issue if a response is cut off, streamed and as JSON", async () => {
  await using session = await startSession({ env: NO_RETRY });
  const run = await session.prompt("Hello", interruptedReply("Upstream broke off"));
  assertStringIncludes(run.text, "502 Upstream broke off");
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.serverSide);
});

test("names PROXY_API_KEYS for an invalid token", async () => {
  await using session = await startSession({ proxyEnv: { PROXY_API_KEYS: "another-key" } });
  const run = await session.prompt("Hello", []);
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.refused);
  assertStringIncludes(run.text, "PROXY_API_KEYS");
});

test("shows the upstream message of a 400", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", errorReply(400, "tools.0: invalid schema"));
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "tools.0: invalid schema");
  // After a 400 it retries without one beta after the other: six requests within 0.1 s.
  assert(session.clientRequests.length <= 6, `${session.clientRequests.length} requests`);
});

test("shows the upstream message about a data policy, which it hides for a 404", async () => {
  await using session = await startSession();
  const message = "No endpoints found matching your data policy. Configure: " +
    "https://openrouter.ai/settings/privacy";
  const run = await session.prompt("Hello", errorReply(404, message));
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, "matching your data policy");
});

test("recognizes a context overflow", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", errorReply(400, OVERFLOW));
  assertEquals([run.isError, run.code], [true, 1]);
  assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.tooLong);
  // 2.1.332 recognizes OpenRouter's message too, but quotes it and reads token counts only from Anthropic's.
  assert(!run.text.includes("the provider said"), run.text);
  assertEquals(run.result["terminal_reason"], "prompt_too_long");
  assertEquals(session.clientRequests.length, 1);
});

test("lowers max_tokens if the input fits and the output does not", async () => {
  await using session = await startSession();
  const message =
    "This endpoint's maximum context length is 32768 tokens. However, you requested about " +
    "45000 tokens (12000 of text input, 1000 of tool input, 32000 in the output).";
  const run = await session.prompt("Hello", [errorReply(400, message), textReply("Hello")]);
  assertEquals([run.text, run.isError, run.code], ["Hello", false, 0]);
  assertEquals(listStatuses(session), [400, 200]);
  // It keeps a margin of a thousand tokens.
  assertEquals(session.upstreamRequests.at(-1)?.max_tokens, 32_768 - 13_000 - 1000);
});

test("recognizes a context overflow of a local server with status 500", async () => {
  for (
    const message of [
      "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)",
      "Context size has been exceeded.",
    ]
  ) {
    await using session = await startSession();
    const run = await session.prompt("Hello", errorReply(500, message));
    assertStringIncludes(run.text, CLAUDE_CODE_MESSAGES.tooLong);
    assertEquals([run.result["terminal_reason"], session.clientRequests.length], [
      "prompt_too_long",
      1,
    ]);
  }
});

function listStatuses({ clientRequests }: Session): number[] {
  return clientRequests.map(({ status }) => status);
}
