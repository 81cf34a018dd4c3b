/**
 * `claude`: the proxy and the user's Claude Code in one command. Starts both, hands the terminal over, and
 * ends with the client. What the client is told stands in claude_settings.ts.
 * @module
 */

import type { Config } from "../../config.ts";
import type { EnvFileOption } from "../arguments.ts";
import type { Services } from "../../request_context.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { Log } from "../../log.ts";
import {
  buildConnection,
  buildDirect,
  buildModels,
  isQuiet,
  mergeSettings,
  parseSettings,
  QUIET_VARIABLE,
  readEnv,
  takeSettings,
  type Variables,
} from "./settings.ts";
import { findUserFile, readGranted, resolvePath } from "../env_file.ts";
import { type Environment, loadEnvironment, requireNetAccess } from "../environment.ts";
import { createSettingsFile } from "./settings_file.ts";
import { type About, createCliServices, type RunningServer, startServer } from "../serve.ts";
import { summarizeSession } from "./session_summary.ts";
import { printError, StartError } from "../terminal.ts";

const HOST = "127.0.0.1";
/** Fixed, because the client keeps the model list by address; further ones for a second launcher. */
const PORT = 17_891;
const PORTS = 20;
const CATALOG_WAIT_MS = 2000;
/** The client has gone: whoever still waits for an answer is nobody. */
const DRAIN_MS = 500;
const IS_WINDOWS = Deno.build.os === "windows";
/** What others may send to this process. All go to the client; their default would leave the settings behind. */
const SIGNALS: readonly Deno.Signal[] = IS_WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** Typed on a terminal, they reach the client by themselves. */
const TYPED: ReadonlySet<Deno.Signal> = new Set<Deno.Signal>(["SIGINT", "SIGQUIT", "SIGBREAK"]);
/** Ours, and of no use to the client. `deno task` runs here; CLAUDE_CWD is where it was called. */
const OWN_VARIABLES = ["CLAUDE_BIN", "CLAUDE_CWD"] as const;

/** What the client is started with. */
interface Launch {
  program: string;
  args: string[];
  folder: string;
  env: Variables;
}

/**
 * Runs Claude Code through a proxy of its own, to its end.
 * @returns its exit code
 * @throws {StartError} where a permission, the key, the program or its settings are missing
 */
export async function runClaude(
  args: readonly string[],
  about: About,
  envFile: EnvFileOption | null = null,
): Promise<number> {
  const program = readGranted("CLAUDE_BIN") ?? "claude";
  requirePermissions(program, about);
  const folder = readGranted("CLAUDE_CWD") ?? Deno.cwd();
  const { config, notes } = loadOwnSettings(envFile, folder);
  const { settings, rest } = takeSettings(args);
  const user = settings === null ? {} : parseSettings(settings, (path) => readText(path, folder));
  const key = createKey();
  // The terminal is another program's.
  const log: Log = { request: () => {}, write: () => {} };
  const services = { ...createCliServices(toOwnConfig(config, key), about), log };
  const server = startOnFreePort(services);
  try {
    // The list is a help, not a need: where it does not come in time, the client guesses.
    await services.catalog.list(CATALOG_WAIT_MS);
    const models = buildModels(config.targets, services.catalog);
    const environments = [Deno.env.toObject(), readStoredEnv(), readEnv(user)];
    const direct = buildDirect(HOST, environments);
    const connection = { ...buildConnection(server.url, key), ...direct };
    [...notes, ...models.notes, ...noteQuiet(environments)].forEach(say);
    const merged = mergeSettings(user, { connection, models: models.env });
    const env = { ...toClientEnv(Deno.env.toObject(), connection), ...direct };
    const code = await runClient({ program, args: rest, folder, env }, merged);
    await server.stop();
    say(summarizeSession(services.metrics.totals));
    return code;
  } finally {
    await server.stop();
  }
}

/**
 * Without `.env` of the working folder: that is the file of whichever repository the user works on.
 * @throws {StartError} where they cannot be used, or hold no key
 */
function loadOwnSettings(envFile: EnvFileOption | null, folder: string): Environment {
  const asked = envFile && { ...envFile, path: resolvePath(envFile.path, folder) };
  const loaded = loadEnvironment({ option: asked, readsFolder: false });
  if (loaded.config.openrouterApiKey !== null) return loaded;
  const file = asked?.path ?? findUserFile() ?? "the file that --env-file names";
  throw new StartError(
    `OPENROUTER_API_KEY is not set: put it into the environment or ${file} (claude reads no other .env)`,
  );
}

/** @throws {StartError} naming the command that has them all */
function requirePermissions(program: string, { name }: About): void {
  const needed: Deno.PermissionDescriptor[] = [
    { name: "run", command: program },
    { name: "env" },
    { name: "read" },
    { name: "write" },
  ];
  const missing = needed.find((one) => Deno.permissions.querySync(one).state !== "granted");
  if (missing === undefined) return;
  const what = missing.name === "run" ? `run ${program}` : `use all of “${missing.name}”`;
  const self = Deno.build.standalone ? `jsr:${name}` : Deno.mainModule;
  throw new StartError(`No permission to ${what}: start it with deno run -A ${self} claude`);
}

function toOwnConfig(config: Config, key: string): Config {
  const proxyApiKeys = [...config.proxyApiKeys, key];
  return { ...config, host: HOST, port: PORT, proxyApiKeys, drainMs: DRAIN_MS };
}

/** @throws {StartError} where none of the ports is free */
function startOnFreePort(services: Services): RunningServer {
  for (let port = PORT; port < PORT + PORTS; port++) {
    const config = { ...services.config, port };
    requireNetAccess(config);
    try {
      return startServer({ ...services, config });
    } catch (error) {
      const isTaken = error instanceof StartError && error.cause instanceof Deno.errors.AddrInUse;
      if (!isTaken) throw error;
    }
  }
  const last = PORT + PORTS - 1;
  throw new StartError(`${HOST}:${PORT} to ${last} are in use: end what listens there`);
}

/** Runs the client with a settings file that is gone when it is. */
async function runClient(launch: Launch, settings: JsonObject): Promise<number> {
  let child: Deno.ChildProcess | null = null;
  const hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((one) => one.isTerminal());
  const listeners = SIGNALS.map((signal) => {
    const pass = () => hasTerminal && TYPED.has(signal) ? undefined : sendSignal(child, signal);
    Deno.addSignalListener(signal, pass);
    return () => Deno.removeSignalListener(signal, pass);
  });
  try {
    using file = createSettingsFile(settings);
    child = spawn(launch, file.path);
    return (await child.status).code;
  } finally {
    for (const remove of listeners) remove();
  }
}

/** @throws {StartError} where there is no such program */
function spawn({ program, args, folder, env }: Launch, settings: string): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      // In front: what the user wrote may end in an option that takes all that follows.
      args: ["--settings", settings, ...args],
      cwd: folder,
      clearEnv: true,
      env,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    const cure = "npm install -g @anthropic-ai/claude-code, or set CLAUDE_BIN to where it is";
    const problem = cause instanceof Deno.errors.NotFound ? "is not installed" : "cannot be run";
    throw new StartError(`Claude Code (${program}) ${problem}: ${cure}`, { cause });
  }
}

function sendSignal(child: Deno.ChildProcess | null, signal: Deno.Signal): void {
  try {
    child?.kill(signal);
  } catch {
    // It has just ended; so will this process.
  }
}

/** The user's environment without what would lead the client elsewhere. */
function toClientEnv(env: Variables, connection: Variables): Variables {
  const dropped = new Set<string>([...Object.keys(connection), ...OWN_VARIABLES]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.has(name)));
}

/** Discovery goes by the client's own switch, wherever the user has set that. */
function noteQuiet(environments: readonly JsonObject[]): string[] {
  if (!isQuiet(environments)) return [];
  return [`${QUIET_VARIABLE} is set: the /model picker shows the mapped models only`];
}

/** The variables of the user's stored settings, which the client puts over the process's. */
function readStoredEnv(): JsonObject {
  const home = readGranted("HOME") ?? readGranted("USERPROFILE") ?? "";
  const folder = readGranted("CLAUDE_CONFIG_DIR") ?? `${home}/.claude`;
  return readEnv(readStored(`${folder}/settings.json`));
}

/** Another program's file: where it cannot be read, there is nothing to say about it. */
function readStored(path: string): JsonObject {
  try {
    const value = parseJson(Deno.readTextFileSync(path));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function readText(path: string, folder: string): string {
  return Deno.readTextFileSync(resolvePath(path, folder));
}

/** Good for one run. */
function createKey(): string {
  return `claudeproxy-${crypto.randomUUID()}-${crypto.randomUUID()}`;
}

/** On standard error: standard output is the client's. */
function say(line: string): void {
  printError(`claudeproxy: ${line}`);
}
