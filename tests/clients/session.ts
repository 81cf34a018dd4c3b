/**
 * A test case with Claude Code and its own proxy, upstream and folders.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import { type Binary, CLAUDE_CODE, findBinary } from "./binary.ts";
import { type Run, runClaude } from "./cli.ts";
import { type LiveRun, type LiveTurn, runLive } from "./live.ts";
import {
  type ClientRequest,
  type Script,
  type Stage,
  type StageOptions,
  startStage,
} from "./stage.ts";

const BINARY: Binary = await findBinary(CLAUDE_CODE);
const TIMEOUT_MS = 30_000;

/** Of the client that the cases run with. */
export const VERSION = BINARY.version;

/** What a case may choose. */
export interface SessionOptions extends StageOptions {
  /** Of Claude Code. */
  env?: Record<string, string | undefined>;
  args?: readonly string[];
}

/** What one run may choose beside that. */
export interface AskOptions {
  args?: readonly string[];
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
}

/** The stage with Claude Code on it. Leave it with `await using`. */
export interface Session extends Stage {
  /** Runs Claude Code with a prompt, the model playing the script, and checks that it was kept to. */
  ask(prompt: string, script: Script, options?: AskOptions): Promise<Run>;
  /** The same over several turns of one process, the model switched in between. */
  talk(turns: readonly LiveTurn[], script: Script): Promise<LiveRun>;
}

/** A case with the real client. Where it cannot be had, the case is reported as not run. */
export function test(name: string, body: () => Promise<void>): void {
  const client = `Claude Code ${BINARY.version}`;
  if ("missing" in BINARY) {
    Deno.test({
      name: `not run: ${name} (no ${client}: ${BINARY.missing})`,
      ignore: true,
      fn() {},
    });
  } else Deno.test(`${client} ${name}`, body);
}

/** Sets the stage. */
export async function startSession(options: SessionOptions = {}): Promise<Session> {
  const stage = await startStage(options);
  const { baseUrl, folder, model, asked, upstream } = stage;
  return {
    ...stage,
    async ask(prompt, script, more = {}) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.play(script);
      const run = await runClaude({
        path: BINARY.path,
        baseUrl,
        folder,
        args: [...(options.args ?? []), ...(more.args ?? []), "--", prompt],
        env: { ...options.env, ...more.env },
        timeoutMs: more.timeoutMs ?? TIMEOUT_MS,
      });
      await dump({ run, asked, upstream, prompt });
      assert(!run.isTimedOut, `Claude Code was still running after ${Math.round(run.ms)} ms`);
      assertEquals(model.listMistakes(), []);
      return run;
    },
    async talk(turns, script) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.play(script);
      const { args = [], env = {} } = options;
      const run = { path: BINARY.path, baseUrl, folder, args, env, timeoutMs: TIMEOUT_MS };
      const live = await runLive(run, turns);
      assertEquals(model.listMistakes(), []);
      return live;
    },
  };
}

/** Where CLIENTS_DUMP names a folder, each run is written there: what a failure looks like from inside. */
async function dump(
  { run, asked, upstream, prompt }: {
    run: Run;
    asked: ClientRequest[];
    upstream: ChatRequest[];
    prompt: string;
  },
): Promise<void> {
  const folder = Deno.env.get("CLIENTS_DUMP");
  if (!folder) return;
  const name = `${prompt.replaceAll(/\W+/g, "-").slice(0, 40)}-${run.sessionId.slice(0, 8)}`;
  const seen = asked.map((request) => ({
    ...request,
    headers: Object.fromEntries(request.headers),
  }));
  const text = JSON.stringify({ run, asked: seen, upstream }, null, 1);
  await Deno.writeTextFile(`${folder}/${name}.json`, text);
}
