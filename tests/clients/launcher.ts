/**
 * Runs the launcher with the real Claude Code and a model of one scripted step.
 * @module
 */

import type { JsonObject } from "../../lib/json.ts";
import type { ChatRequest } from "../../lib/openrouter/types.ts";
import { createStage, type Ended, type Launch, type Stage } from "../helpers/launcher.ts";
import type { SeenRequest } from "../helpers/upstream.ts";
import { CLAUDE_CODE, findBinary } from "./binary.ts";
import type { Step } from "./model.ts";

/** What the stage has instead of an Opus. */
export const GLM = "z-ai/glm-5";
/** What it has instead of a Sonnet. */
export const SONNET = "anthropic/claude-sonnet-4.5";
/** Tokens that the first takes. */
export const WINDOW = 131_072;
const MODELS = [
  { id: GLM, context_length: WINDOW, supported_parameters: ["tools"] },
  { id: SONNET, name: "Sonnet 4.5", context_length: 1_000_000 },
];
const TARGETS = { TARGET_MODEL_OPUS: GLM, TARGET_MODEL_BIG: SONNET, TARGET_MODEL_SMALL: GLM };

/** A stage whose model plays one step for all requests. */
export function startStage(step: Step, settings: JsonObject = {}): Stage {
  const stage = createStage((seen) => step(toChatRequest(seen)), { models: MODELS });
  writeSettings(`${stage.home}/.claude/settings.json`, settings);
  return stage;
}

/** Settings of the client, its folder made. */
export function writeSettings(path: string, settings: JsonObject): void {
  Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, JSON.stringify(settings));
}

/** What upstream saw. */
export function toChatRequest({ text }: SeenRequest): ChatRequest {
  return JSON.parse(text);
}

/** Runs it with these arguments of the client's. */
export function runLauncher(stage: Stage, ...args: string[]): Promise<Ended> {
  return launch(stage, { args });
}

/** The same, with variables beside or instead of those that every run has. */
export async function launch(stage: Stage, { args = [], env = {} }: Launch): Promise<Ended> {
  const binary = await findBinary(CLAUDE_CODE);
  if ("missing" in binary) throw new Error(binary.missing);
  const all = {
    CLAUDE_BIN: binary.path,
    ANTHROPIC_API_KEY: "sk-ant-of-the-user",
    DISABLE_AUTOUPDATER: "1",
    HTTPS_PROXY: "http://127.0.0.1:9",
    ...TARGETS,
    ...env,
  };
  return await stage.run({ args, env: all });
}

/** Without what the client itself says there about models that it does not know. */
export function readOwnLines({ stderr }: Ended): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("claudeproxy: "));
}
