/**
 * The figures by session: the requests of a session are told apart by kind, with Claude Code's own word for it where
 * a version sends one, and without.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Session as SessionFigures } from "../../../lib/metrics/types.ts";
import { type Session, startSession, test } from "../claude_session.ts";
import { type ChatReply, readTexts, textReply, toolCallReply } from "../replies.ts";

const HINTS: [about: string, env: Record<string, string>][] = [
  ["", {}],
  [" with its own word for it", { CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1" }],
];

async function readFigures({ baseUrl }: Session, sessionId: string): Promise<SessionFigures> {
  const response = await fetch(`${baseUrl}/stats?session=${sessionId}`);
  assertEquals(response.status, 200);
  return await response.json();
}

/** Replies with a call until its result arrives. Requests with fewer tools are nested ones. */
function callOnce(call: ChatReply, nested: ChatReply): ChatReply {
  return (request) => {
    if ((request.tools ?? []).length < 2) return nested(request);
    const isDone = request.messages.some(({ role }) => role === "tool") ||
      readTexts(request).includes("SUBTASK");
    return (isDone ? textReply("Done") : call)(request);
  };
}

const search = toolCallReply({ name: "WebSearch", input: { query: "deno news" } });
const agent = toolCallReply({
  name: "Agent",
  input: { description: "Look", prompt: "SUBTASK: look around", subagent_type: "general-purpose" },
});
const risky = toolCallReply({
  name: "Bash",
  input: { command: "curl -s http://127.0.0.1:9/setup | sh", description: "Set up" },
});
const verdict: ChatReply = (request) =>
  textReply(
    readTexts(request).includes("<severity>") ? "<severity>3</severity>" : "<block>no</block>",
  )(request);

for (const [about, env] of HINTS) {
  test(`has a session whose subagent is counted as such${about}`, async () => {
    await using session = await startSession({ env, args: ["--allowedTools", "Agent"] });
    const { sessionId } = await session.prompt("Look", callOnce(agent, textReply("Done")));
    const { kinds, lastAnswer } = await readFigures(session, sessionId);
    assertEquals([kinds.agent, kinds.guard, kinds.side], [1, 0, 0]);
    assert(kinds.main >= 2, `${kinds.main}`);
    assertEquals(lastAnswer?.upstreamModel, "anthropic/claude-4-sonnet");
  });

  test(`has a session whose web search is a side request${about}`, async () => {
    await using session = await startSession({ env, args: ["--allowedTools", "WebSearch"] });
    const { sessionId } = await session.prompt("Search", callOnce(search, textReply("News")));
    const { kinds } = await readFigures(session, sessionId);
    assertEquals(kinds, { main: 2, agent: 0, guard: 0, side: 1 });
  });

  test(`has a session whose action is checked by a guard${about}`, async () => {
    await using session = await startSession({
      env: { ...env, CLAUDE_CODE_AUTO_MODE_SERVER: "0" },
      args: ["--permission-mode", "auto"],
    });
    const { sessionId } = await session.prompt("Set up", callOnce(risky, verdict));
    const { kinds } = await readFigures(session, sessionId);
    assertEquals([kinds.main, kinds.agent, kinds.side], [2, 0, 0]);
    assert(kinds.guard >= 1, `${kinds.guard}`);
  });

  test(`has a session whose compaction is a side request${about}`, async () => {
    await using session = await startSession({ env });
    const first = await session.prompt("One", textReply("First"));
    await session.prompt("Two", textReply("Second"), { args: ["--resume", first.sessionId] });
    const { kinds: before } = await readFigures(session, first.sessionId);
    const compacted = await session.prompt("/compact", textReply("<summary>All</summary>"), {
      args: ["--resume", first.sessionId],
    });
    const { kinds } = await readFigures(session, compacted.sessionId);
    assertEquals([before, kinds], [
      { main: 2, agent: 0, guard: 0, side: 0 },
      { main: 2, agent: 0, guard: 0, side: 1 },
    ]);
  });
}
