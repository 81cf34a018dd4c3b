/**
 * A test case with Claude Code and its own proxy, upstream and folders.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Binary, CLAUDE_CODE, findBinary, testWithClient } from "./binary.ts";
import { type Run, runClaude } from "./claude_cli.ts";
import { runTurns, type Turn, type TurnResults } from "./claude_turns.ts";
import { type ChatReplies, type Harness, type HarnessOptions, startHarness } from "./harness.ts";

const BINARY: Binary = await findBinary(CLAUDE_CODE);
const TIMEOUT_MS = 30_000;

/** The version of the client that the cases run with. */
export const VERSION = BINARY.version;

/** Options of a case. */
export interface SessionOptions extends HarnessOptions {
  /** The environment of Claude Code. */
  env?: Record<string, string | undefined>;
  args?: readonly string[];
}

/** Options of one run, in addition to those of the case. */
export interface PromptOptions {
  args?: readonly string[];
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
}

/** A harness with Claude Code. Dispose it with `await using`. */
export interface Session extends Harness {
  /** Runs Claude Code with a prompt and these replies of the model, and checks that each was requested. */
  prompt(prompt: string, replies: ChatReplies, options?: PromptOptions): Promise<Run>;
  /** The same for several turns of one process, with model switches between them. */
  promptTurns(turns: readonly Turn[], replies: ChatReplies): Promise<TurnResults>;
}

/** A case with the real client; ignored and reported as not run if the client is not available. */
export function test(name: string, body: () => Promise<void>): void {
  testWithClient(CLAUDE_CODE, BINARY, { name, body });
}

/** Starts the harness of a case. */
export async function startSession(options: SessionOptions = {}): Promise<Session> {
  const harness = await startHarness(options);
  const { baseUrl, folder, model } = harness;
  return {
    ...harness,
    async prompt(prompt, replies, more = {}) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.setReplies(replies);
      const run = await runClaude({
        path: BINARY.path,
        baseUrl,
        folder,
        args: [...(options.args ?? []), ...(more.args ?? []), "--", prompt],
        env: { ...options.env, ...more.env },
        timeoutMs: more.timeoutMs ?? TIMEOUT_MS,
      });
      await dump(harness, run, prompt);
      assert(!run.isTimedOut, `Claude Code was still running after ${Math.round(run.ms)} ms`);
      assertEquals(model.listViolations(), []);
      return run;
    },
    async promptTurns(turns, replies) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.setReplies(replies);
      const { args = [], env = {} } = options;
      const run = { path: BINARY.path, baseUrl, folder, args, env, timeoutMs: TIMEOUT_MS };
      const results = await runTurns(run, turns);
      assertEquals(model.listViolations(), []);
      return results;
    },
  };
}

/** Writes each run with its requests to the folder in CLIENTS_DUMP, if set, to debug a failure. */
async function dump(
  { clientRequests, upstreamRequests }: Harness,
  run: Run,
  prompt: string,
): Promise<void> {
  const folder = Deno.env.get("CLIENTS_DUMP");
  if (!folder) return;
  const name = `${prompt.replaceAll(/\W+/g, "-").slice(0, 40)}-${run.sessionId.slice(0, 8)}`;
  const requests = clientRequests.map((request) => ({
    ...request,
    headers: Object.fromEntries(request.headers),
  }));
  const text = JSON.stringify({ run, clientRequests: requests, upstreamRequests }, null, 1);
  await Deno.writeTextFile(`${folder}/${name}.json`, text);
}
