/**
 * Runs opencode without a terminal, with its own home. Knows only the proxy's address.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import { type ProcessResult, runProcess, toClientEnv } from "./client_process.ts";

/** The model in its configuration, without a slash: the proxy does not map ids with a slash. */
const MODEL = "claude-sonnet-4-5";

/** Options of one run. */
export interface OpencodeOptions {
  path: string;
  /** The proxy's address. */
  baseUrl: string;
  home: string;
  work: string;
  folder: string;
  prompt: string;
  args: readonly string[];
  /** Options of the model in opencode's configuration. */
  modelOptions: JsonObject;
  timeoutMs: number;
  /** The user interrupts the run when this resolves. */
  interrupt: Promise<void> | null;
}

/** The result of one run. */
export interface OpencodeRun extends Omit<ProcessResult, "stdout"> {
  /** The final text: the texts of the last step. */
  text: string;
  /** The errors that it reported, as JSON. */
  errors: string[];
  /** Its tool calls in order of completion. */
  tools: OpencodeTool[];
  sessionId: string;
}

/** One tool call. */
export interface OpencodeTool {
  tool: string;
  status: string;
  input: unknown;
  output: string;
}

/** Runs opencode until it exits or the timeout expires. */
export async function runOpencode(options: OpencodeOptions): Promise<OpencodeRun> {
  const { home, folder } = options;
  const { stdout, ...process } = await runProcess({
    path: options.path,
    // Without a title it requests one from the model.
    args: ["run", "--format", "json", "--title", "Case", ...options.args, "--", options.prompt],
    cwd: options.work,
    env: toClientEnv({ home, folder }, toVariables(options)),
    timeoutMs: options.timeoutMs,
    interrupt: options.interrupt,
  });
  return { ...process, ...readEvents(stdout.split("\n").map(parseJson).filter(isJsonObject)) };
}

function readEvents(
  events: JsonObject[],
): Pick<OpencodeRun, "text" | "errors" | "tools" | "sessionId"> {
  const lastStep = events.findLastIndex(({ type }) => type === "step_start");
  const parts = events.map(({ part }) => isJsonObject(part) ? part : {});
  const texts = parts.slice(lastStep + 1).filter(({ type }) => type === "text");
  return {
    text: texts.map(({ text }) => String(text)).join(""),
    errors: events.filter(({ type }) => type === "error").map(({ error }) => JSON.stringify(error)),
    tools: parts.filter(({ type }) => type === "tool").map(readTool),
    sessionId: String(events[0]?.["sessionID"] ?? ""),
  };
}

function readTool({ tool, state }: JsonObject): OpencodeTool {
  const { status, input, output, error } = isJsonObject(state) ? state : {};
  return {
    tool: String(tool),
    status: String(status),
    input,
    output: String(output ?? error ?? ""),
  };
}

/**
 * Downloads of models, plugins and updates are switched off; all other outside traffic is sent to a port where nothing
 * listens.
 */
function toVariables(options: OpencodeOptions): Record<string, string> {
  const { home } = options;
  return {
    XDG_DATA_HOME: `${home}/data`,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_STATE_HOME: `${home}/state`,
    XDG_CACHE_HOME: `${home}/cache`,
    OPENCODE_CONFIG_CONTENT: JSON.stringify(toConfig(options)),
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_DISABLE_SHARE: "1",
    HTTP_PROXY: "http://127.0.0.1:9",
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "127.0.0.1,localhost",
  };
}

function toConfig({ baseUrl, modelOptions }: OpencodeOptions): JsonObject {
  const model = {
    reasoning: true,
    tool_call: true,
    limit: { context: 200_000, output: 8192 },
    options: modelOptions,
  };
  return {
    autoupdate: false,
    share: "disabled",
    model: `anthropic/${MODEL}`,
    small_model: `anthropic/${MODEL}`,
    permission: { bash: "allow", edit: "allow" },
    provider: {
      anthropic: {
        options: { baseURL: `${baseUrl}/v1`, apiKey: "dummy" },
        models: { [MODEL]: model },
      },
    },
  };
}
