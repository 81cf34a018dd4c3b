/**
 * A test case with Cline and its own proxy, upstream and folders. Knows only the proxy's address.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import { type Binary, CLINE, findBinary, testWithClient } from "./binary.ts";
import { runProcess, toClientEnv } from "./client_process.ts";
import { type ChatReplies, type Harness, type HarnessOptions, startHarness } from "./harness.ts";

const BINARY: Binary = await findBinary(CLINE);
const TIMEOUT_MS = 90_000;
const MODEL = "claude-sonnet-4-5";

/** The result of one run. */
export interface ClineRun {
  /** The final text: the response or the error. */
  text: string;
  /** `completed`, `error`, … */
  finishReason: string;
  /** The names of its tools, in order of their calls. */
  tools: string[];
}

/** A harness with Cline. Dispose it with `await using`. */
export interface Session extends Harness {
  /** Runs Cline with a prompt and these replies of the model, and checks that each was requested. */
  prompt(prompt: string, replies: ChatReplies): Promise<ClineRun>;
}

/** A case with the real client; ignored and reported as not run if the client is not available. */
export function test(name: string, body: () => Promise<void>): void {
  testWithClient(CLINE, BINARY, { name, body });
}

/** Starts the harness of a case. */
export async function startSession(options: HarnessOptions = {}): Promise<Session> {
  const harness = await startHarness(options);
  const { baseUrl, folder, home, work, model } = harness;
  await writeSettings(home, `${baseUrl}/v1`);
  return {
    ...harness,
    async prompt(prompt, replies) {
      if ("missing" in BINARY) throw new Error(BINARY.missing);
      model.setReplies(replies);
      const { stdout, isTimedOut, ms } = await runProcess({
        path: BINARY.path,
        args: [
          ...["--json", "--provider", "anthropic", "--model", MODEL, "--key", "dummy"],
          // It takes a single word for a command.
          ...["--retries", "1", `Your task: ${prompt}`],
        ],
        cwd: work,
        // All traffic that does not go to the proxy goes to a port where nothing listens.
        env: toClientEnv({ home, folder }, {
          HTTP_PROXY: "http://127.0.0.1:9",
          HTTPS_PROXY: "http://127.0.0.1:9",
          NO_PROXY: "127.0.0.1,localhost",
        }),
        timeoutMs: TIMEOUT_MS,
      });
      assert(!isTimedOut, `Cline was still running after ${Math.round(ms)} ms`);
      assertEquals(model.listViolations(), []);
      return readEvents(stdout.split("\n").map(parseJson).filter(isJsonObject));
    },
  };
}

/** Only this file sets the address. */
async function writeSettings(home: string, baseUrl: string): Promise<void> {
  const folder = `${home}/.cline/data/settings`;
  await Deno.mkdir(folder, { recursive: true });
  const anthropic = {
    settings: { provider: "anthropic", apiKey: "dummy", model: MODEL, baseUrl },
    updatedAt: new Date(0).toISOString(),
    tokenSource: "manual",
  };
  const settings = { version: 1, lastUsedProvider: "anthropic", providers: { anthropic } };
  await Deno.writeTextFile(`${folder}/providers.json`, JSON.stringify(settings));
}

function readEvents(messages: JsonObject[]): ClineRun {
  const result = messages.findLast(({ type }) => type === "run_result") ?? {};
  const events = messages.map(({ event }) => isJsonObject(event) ? event : {});
  const ended = events.filter((event) =>
    event["type"] === "content_end" && event["contentType"] === "tool"
  );
  return {
    text: String(result["text"] ?? ""),
    finishReason: String(result["finishReason"] ?? ""),
    tools: ended.map(({ toolName }) => String(toolName)),
  };
}
