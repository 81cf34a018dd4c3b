/**
 * Runs opencode without a terminal, with a clean environment, its own home and a timeout. Knows only the proxy's
 * address.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";

/** The model that it is told it talks to; an id with a slash would go through as it is. */
export const MODEL = "claude-sonnet-4-5";

/** How long its output may stay open after its end. */
const GRACE_MS = 1000;

/** How one run is started. */
export interface OpencodeOptions {
  path: string;
  /** The proxy's address. */
  baseUrl: string;
  /** The folders of the stage. */
  home: string;
  work: string;
  folder: string;
  prompt: string;
  args: readonly string[];
  /** Options of the model in opencode's configuration. */
  modelOptions: JsonObject;
  timeoutMs: number;
  /** The user interrupts it when this resolves. */
  interrupt: Promise<void> | null;
}

/** What one run left behind. */
export interface OpencodeRun {
  code: number;
  /** The answer that people read: the texts of the last step. */
  text: string;
  /** Words of the errors that it reported. */
  errors: string[];
  /** Its tool calls, in the order in which they ended. */
  tools: OpencodeTool[];
  sessionId: string;
  stderr: string;
  isTimedOut: boolean;
  ms: number;
}

/** One call of a tool. */
export interface OpencodeTool {
  tool: string;
  status: string;
  input: unknown;
  output: string;
}

/** Runs it to the end. */
export async function runOpencode(options: OpencodeOptions): Promise<OpencodeRun> {
  const started = performance.now();
  const child = new Deno.Command(options.path, {
    // A title of ours: it would ask the model for one.
    args: ["run", "--format", "json", "--title", "Case", ...options.args, "--", options.prompt],
    cwd: options.work,
    clearEnv: true,
    env: toEnv(options),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { promise: expired, resolve: expire } = Promise.withResolvers<null>();
  const timers = [
    setTimeout(() => end(child, "SIGKILL"), options.timeoutMs),
    setTimeout(() => expire(null), options.timeoutMs + GRACE_MS),
  ];
  options.interrupt?.then(() => end(child, "SIGINT"));
  const output = await Promise.race([child.output(), expired]);
  for (const timer of timers) clearTimeout(timer);
  const ms = performance.now() - started;
  const decoder = new TextDecoder();
  const events = decoder.decode(output?.stdout).split("\n").map(parseJson).filter(isJsonObject);
  return {
    code: output?.code ?? -1,
    ...readEvents(events),
    stderr: decoder.decode(output?.stderr),
    isTimedOut: ms >= options.timeoutMs,
    ms,
  };
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

function end(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
}

/**
 * Nothing of the machine's but what it cannot start without. It would fetch the list of models, plugins and
 * updates: each has its switch, and all else goes to a port where nothing listens.
 */
function toEnv(options: OpencodeOptions): Record<string, string> {
  const { home, folder } = options;
  const all: Record<string, string | undefined> = {
    PATH: Deno.env.get("PATH"),
    SYSTEMROOT: Deno.env.get("SYSTEMROOT"),
    HOME: home,
    USERPROFILE: home,
    XDG_DATA_HOME: `${home}/data`,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_STATE_HOME: `${home}/state`,
    XDG_CACHE_HOME: `${home}/cache`,
    TMPDIR: folder,
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
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) set[name] = value;
  return set;
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
