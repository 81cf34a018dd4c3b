/**
 * A test case with opencode and its own proxy, upstream and folders.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { type Binary, findBinary, OPENCODE } from "./binary.ts";
import { type OpencodeRun, runOpencode } from "./opencode_cli.ts";
import { type Script, type Stage, type StageOptions, startStage } from "./stage.ts";

const BINARY: Binary = await findBinary(OPENCODE);
/** It starts in seconds, but fills a database first. */
const TIMEOUT_MS = 90_000;

/** What one run may choose. */
export interface AskOptions {
  args?: readonly string[];
  /** Options of the model in opencode's configuration. */
  modelOptions?: JsonObject;
  /** The user interrupts it when this resolves. */
  interrupt?: Promise<void>;
}

/** The stage with opencode on it. Leave it with `await using`. */
export interface Session extends Stage {
  /** Runs opencode with a prompt, the model playing the script, and checks that it was kept to. */
  ask(prompt: string, script: Script, options?: AskOptions): Promise<OpencodeRun>;
}

/** A case with the real client. Where it cannot be had, the case is reported as not run. */
export function test(name: string, body: () => Promise<void>): void {
  const client = `${OPENCODE.name} ${BINARY.version}`;
  if ("missing" in BINARY) {
    Deno.test({
      name: `not run: ${name} (no ${client}: ${BINARY.missing})`,
      ignore: true,
      fn() {},
    });
  } else Deno.test(`${client} ${name}`, body);
}

/** Sets the stage. */
export async function startSession(options: StageOptions = {}): Promise<Session> {
  const stage = await startStage(options);
  const { baseUrl, folder, home, work, model } = stage;
  return {
    ...stage,
    async ask(prompt, script, { args = [], modelOptions = {}, interrupt } = {}) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.play(script);
      const run = await runOpencode({
        path: BINARY.path,
        ...{ baseUrl, folder, home, work, prompt, args, modelOptions },
        timeoutMs: TIMEOUT_MS,
        interrupt: interrupt ?? null,
      });
      assert(!run.isTimedOut, `opencode was still running after ${Math.round(run.ms)} ms`);
      assertEquals(model.listMistakes(), []);
      return run;
    },
  };
}
