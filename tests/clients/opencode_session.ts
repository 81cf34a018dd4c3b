/**
 * A test case with opencode and its own proxy, upstream and folders.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { type Binary, findBinary, OPENCODE, testWithClient } from "./binary.ts";
import { type OpencodeRun, runOpencode } from "./opencode_cli.ts";
import { type ChatReplies, type Harness, type HarnessOptions, startHarness } from "./harness.ts";

const BINARY: Binary = await findBinary(OPENCODE);
/** It starts in seconds, but first creates a database. */
const TIMEOUT_MS = 90_000;

/** Options of one run. */
export interface PromptOptions {
  args?: readonly string[];
  /** Options of the model in opencode's configuration. */
  modelOptions?: JsonObject;
  /** The user interrupts the run when this resolves. */
  interrupt?: Promise<void>;
}

/** A harness with opencode. Dispose it with `await using`. */
export interface Session extends Harness {
  /** Runs opencode with a prompt and these replies of the model, and checks that each was requested. */
  prompt(prompt: string, replies: ChatReplies, options?: PromptOptions): Promise<OpencodeRun>;
}

/** A case with the real client; ignored and reported as not run if the client is not available. */
export function test(name: string, body: () => Promise<void>): void {
  testWithClient(OPENCODE, BINARY, { name, body });
}

/** Starts the harness of a case. */
export async function startSession(options: HarnessOptions = {}): Promise<Session> {
  const harness = await startHarness(options);
  const { baseUrl, folder, home, work, model } = harness;
  return {
    ...harness,
    async prompt(prompt, replies, { args = [], modelOptions = {}, interrupt } = {}) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.setReplies(replies);
      const run = await runOpencode({
        path: BINARY.path,
        ...{ baseUrl, folder, home, work, prompt, args, modelOptions },
        timeoutMs: TIMEOUT_MS,
        interrupt: interrupt ?? null,
      });
      assert(!run.isTimedOut, `opencode was still running after ${Math.round(run.ms)} ms`);
      assertEquals(model.listViolations(), []);
      return run;
    },
  };
}
