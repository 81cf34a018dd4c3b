/**
 * Daily limits: the warnings in a gateway session, and the errors at a limit.
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { withTimeout } from "../../helpers/timeout.ts";
import { CLAUDE_CODE, findBinary } from "../binary.ts";
import { toEnvironment } from "../claude_cli.ts";
import { type Session, startSession, test, VERSION } from "../claude_session.ts";
import { type ChatReply, messageReply, textReply } from "../replies.ts";
import { HAS_TMUX, openTerminal, skipQuestions, type Terminal } from "../terminal.ts";

/** Claude Code reads rate-limit headers for claude.ai logins, and newer versions in gateway sessions too. */
const GATEWAY = { CLAUDE_CODE_USE_GATEWAY: "1" };
const READS_LIMITS = VERSION !== "2.1.197";
const KEY = "a-key-of-the-team-0123456789";

/** One cent per output token: `max_tokens` of 32,000 costs $320. */
const PRICED = { id: "priced/model", pricing: { prompt: "0", completion: "0.01" } };

function costlyReply(cost: number): ChatReply {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, cost };
  return messageReply({ text: "Hello", usage });
}

function listEvents(messages: readonly JsonObject[]): unknown[] {
  return messages.filter(({ type }) => type === "rate_limit_event")
    .map(({ rate_limit_info: info }) => info);
}

const LIMITS: [about: string, limit: Record<string, string>][] = [
  ["MAX_COST_USD", { MAX_COST_USD: "1" }],
  ["MAX_COST_USD_PER_KEY", { MAX_COST_USD_PER_KEY: "1", PROXY_API_KEYS: `another-key,${KEY}` }],
];

for (const [name, proxyEnv] of LIMITS) {
  const sees = READS_LIMITS ? "sees" : "does not read";

  test(`${sees} in a gateway session how much of ${name} is spent`, async () => {
    const env = { ...GATEWAY, ANTHROPIC_AUTH_TOKEN: KEY };
    await using session = await startSession({ proxyEnv, env });
    await session.prompt("Hello", [costlyReply(0.8)]);
    const run = await session.prompt("Hello", [costlyReply(0.16)]);
    const resetsAt = Number(
      session.clientRequests.at(-1)?.responseHeaders.get("anthropic-ratelimit-unified-reset"),
    );
    assert(resetsAt * 1000 > Date.now());
    const expected = {
      status: "allowed_warning",
      resetsAt,
      rateLimitType: "overage",
      utilization: 0.8,
      overageStatus: "allowed_warning",
      overageResetsAt: resetsAt,
      isUsingOverage: false,
      surpassedThreshold: 0.75,
    };
    assertEquals(listEvents(run.messages), READS_LIMITS ? [expected] : []);
  });

  for (const [about, env] of [["", {}], [" in a gateway session", GATEWAY]] as const) {
    test(`shows at once that ${name} is reached, and does not retry${about}`, async () => {
      await using session = await startSession({
        proxyEnv,
        env: { ...env, ANTHROPIC_AUTH_TOKEN: KEY },
      });
      await session.prompt("Hello", [costlyReply(1.5)]);
      const run = await session.prompt("Hello", []);
      assertEquals([run.isError, run.code, listStatuses(session)], [true, 1, [200, 429]]);
      assertStringIncludes(run.text, "Today's limit is reached: $1.5 of $1");
      assertMatch(
        run.text,
        new RegExp(`\\(${name}\\)\\. Raise it, or wait until [\\d-]+ 00:00 UTC`),
      );
      assertFalse(run.text.includes("not your usage limit"), run.text);
      assertFalse(run.text.includes(KEY), run.text);
    });
  }
}

test("ignores the share of the limit in a session with a token", async () => {
  await using session = await startSession({ proxyEnv: { MAX_COST_USD: "1" } });
  await session.prompt("Hello", [costlyReply(0.96)]);
  const run = await session.prompt("Hello", [costlyReply(0)]);
  const { responseHeaders } = session.clientRequests.at(-1) ?? {};
  assertEquals(responseHeaders?.get("anthropic-ratelimit-unified-overage-utilization"), "0.96");
  assertEquals([run.text, listEvents(run.messages)], ["Hello", []]);
});

test("waits until the requests in flight leave a part of the limit", async () => {
  const proxyEnv = {
    MAX_COST_USD: "1",
    TARGET_MODEL_OPUS: PRICED.id,
    TARGET_MODEL_BIG: PRICED.id,
    TARGET_MODEL_DEFAULT: PRICED.id,
  };
  await using session = await startSession({ proxyEnv, models: [PRICED] });
  const gate = Promise.withResolvers<void>();
  session.model.setReplies([(request) => gate.promise.then(() => costlyReply(0.1)(request))]);
  const other = fetch(`${session.baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "dummy" },
    body: JSON.stringify({
      model: "claude-opus-4",
      max_tokens: 1000,
      messages: [{ role: "user", content: "Hi" }],
    }),
  });
  await waitFor(() => session.upstreamRequests.length === 1);
  const pending = session.prompt("Hello", [textReply("Hello")]);
  await waitFor(() => session.clientRequests.some(({ status }) => status === 429));
  gate.resolve();
  await (await other).text();
  const run = await pending;
  assertEquals([run.text, run.isError], ["Hello", false]);
  const [rejected, accepted] = session.clientRequests.slice(1);
  assertEquals([rejected?.status, accepted?.status], [429, 200]);
  const waited = (accepted?.receivedAt ?? 0) - (rejected?.respondedAt ?? 0);
  assert(waited >= 9950 && waited < 14_000, `waited ${Math.round(waited)} ms`);
});

const WARNING = /You've used 80% of your usage credits · resets 12am \(UTC\)/;

if (READS_LIMITS && HAS_TMUX) {
  test("shows the warning in the terminal, in a gateway session", async () => {
    const proxyEnv = { MAX_COST_USD: "1" };
    await using session = await startSession({ proxyEnv, env: GATEWAY });
    await session.prompt("Hello", [costlyReply(0.8)]);
    session.model.setReplies([costlyReply(0)]);
    await using terminal = await startTerminal(session);
    await terminal.enter("Hello", WARNING);
  });
} else {
  const reason = READS_LIMITS ? "no tmux" : `${VERSION} does not read the headers`;
  const name = `not run: shows the warning in the terminal (${reason})`;
  Deno.test({ name, ignore: true, fn() {} });
}

/** Starts Claude Code in a terminal. */
async function startTerminal({ folder, home, work, baseUrl }: Session): Promise<Terminal> {
  const binary = await findBinary(CLAUDE_CODE);
  if ("missing" in binary) throw new Error(binary.missing);
  skipQuestions({ home, work });
  const options = { path: binary.path, baseUrl, folder, args: [], timeoutMs: 0 };
  const { cwd, env } = toEnvironment({ ...options, env: { ...GATEWAY, TZ: "UTC" } });
  return await openTerminal({ words: [binary.path], env, cwd }, folder);
}

async function waitFor(isDone: () => boolean | Promise<boolean>): Promise<void> {
  let isOver = false;
  const poll = async () => {
    while (!isOver && !await isDone()) await delay(100);
  };
  try {
    await withTimeout(poll(), "a condition", 30_000);
  } finally {
    isOver = true;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function listStatuses({ clientRequests }: Session): number[] {
  return clientRequests.map(({ status }) => status);
}
