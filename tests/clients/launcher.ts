/**
 * Runs the launcher with the real Claude Code and a scripted model.
 * @module
 */

import type { JsonObject } from "../../lib/json.ts";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import { createHarness, type Ended, type Harness, type Launch } from "../helpers/launcher.ts";
import type { SeenRequest, UpstreamOptions } from "../helpers/upstream.ts";
import { CLAUDE_CODE, findBinary } from "./binary.ts";
import type { ChatReply } from "./replies.ts";

/** The target model for opus and haiku. */
export const GLM = "z-ai/glm-5";
/** The target model for sonnet. */
export const SONNET = "anthropic/claude-sonnet-4.5";
/** The context length of the opus target. */
export const WINDOW = 131_072;
const MODELS = [
  { id: GLM, context_length: WINDOW, supported_parameters: ["tools"] },
  { id: SONNET, name: "Sonnet 4.5", context_length: 1_000_000 },
];
const TARGETS = { TARGET_MODEL_OPUS: GLM, TARGET_MODEL_BIG: SONNET, TARGET_MODEL_SMALL: GLM };

/** A harness whose model sends one reply to all requests. */
export function startHarness(
  reply: ChatReply,
  settings: JsonObject = {},
  upstream: Omit<UpstreamOptions, "models"> = {},
): Harness {
  const harness = createHarness((request) => reply(toChatRequest(request)), {
    models: MODELS,
    ...upstream,
  });
  writeSettings(`${harness.home}/.claude/settings.json`, settings);
  return harness;
}

/** Writes settings of the client and creates their folder. */
export function writeSettings(path: string, settings: JsonObject): void {
  Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, JSON.stringify(settings));
}

/** Parses a request received by upstream. */
export function toChatRequest({ text }: SeenRequest): ChatRequest {
  return JSON.parse(text);
}

/** Runs the launcher with arguments for the client. */
export function runLauncher(harness: Harness, ...args: string[]): Promise<Ended> {
  return launch(harness, { args });
}

/** The same, with variables added to the default ones. */
export async function launch(harness: Harness, options: Launch): Promise<Ended> {
  return await harness.run(await withClient(options));
}

/** The options with Claude Code's path and the variables of all runs. */
export async function withClient({ args = [], env = {} }: Launch): Promise<Launch> {
  const binary = await findBinary(CLAUDE_CODE);
  if ("missing" in binary) throw new Error(binary.missing);
  const variables = {
    CLAUDE_BIN: binary.path,
    ANTHROPIC_API_KEY: "sk-ant-of-the-user",
    DISABLE_AUTOUPDATER: "1",
    HTTPS_PROXY: "http://127.0.0.1:9",
    ...TARGETS,
    ...env,
  };
  return { args, env: variables };
}

/** The launcher's lines, without the client's warnings about unknown models. */
export function readOwnLines({ stderr }: Ended): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("claudeproxy: "));
}
