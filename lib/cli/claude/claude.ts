/**
 * `claude`: starts a proxy and Claude Code, which takes over the terminal, and exits with it. The settings for
 * Claude Code are in settings.ts.
 * @module
 */

import { requiresClientKeys } from "../../auth.ts";
import type { Config } from "../../config.ts";
import type { EnvFileOption } from "../arguments.ts";
import type { Services } from "../../request_context.ts";
import type { JsonObject } from "../../json.ts";
import type { Log } from "../../log.ts";
import {
  buildConnection,
  buildDirect,
  isQuiet,
  mergeSettings,
  parseSettings,
  QUIET_VARIABLE,
  readEnv,
  takeSettings,
} from "./settings.ts";
import { buildModels } from "./model_settings.ts";
import { resolvePath } from "../env_file.ts";
import { readGranted } from "../read_granted.ts";
import { type Environment, loadEnvironment, requireNetAccess } from "../environment.ts";
import { DashboardLink } from "../../dashboard_link.ts";
import { checkBeforeStart } from "./preflight.ts";
import { describeCreation, findKeyFile } from "./key_file.ts";
import { startHistory } from "../history.ts";
import { createSettingsFile } from "./settings_file.ts";
import { type About, createCliServices, type RunningServer, startServer } from "../serve.ts";
import { describeSavedModel } from "./saved_model.ts";
import { describeSession } from "./session_summary.ts";
import { buildStatusLine } from "./status_line.ts";
import { readProjectSettings, readUserSettings } from "./stored_settings.ts";
import { printError, StartError } from "../terminal.ts";
import type { Variables } from "./variables.ts";

const HOST = "127.0.0.1";
/** Fixed, because Claude Code caches the model list by address. Further launchers take the next ports. */
const PORT = 17_891;
const PORTS = 20;
/** A slow upstream does not delay the start longer. */
const CHECK_TIMEOUT_MS = 2000;
/** Short, because the only client has exited. */
const DRAIN_MS = 500;
const IS_WINDOWS = Deno.build.os === "windows";
/** Forwarded to Claude Code. Their default action would end the launcher before it removes the settings file. */
const SIGNALS: readonly Deno.Signal[] = IS_WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** Sent by the terminal to both processes when their keys are typed. */
const TYPED: ReadonlySet<Deno.Signal> = new Set<Deno.Signal>(["SIGINT", "SIGQUIT", "SIGBREAK"]);
/** Variables of the launcher. `deno task` changes the current folder; CLAUDE_CWD is where it was called. */
const OWN_VARIABLES = ["CLAUDE_BIN", "CLAUDE_CWD"] as const;

/** How Claude Code is started. */
interface Launch {
  program: string;
  args: string[];
  folder: string;
  env: Variables;
}

/**
 * Runs Claude Code through its own proxy until it exits.
 * @returns its exit code
 * @throws {StartError} if a permission, the API key, the program or its settings are missing, or if upstream cannot be
 * reached or rejects the key
 */
export async function runClaude(
  args: readonly string[],
  about: About,
  option: EnvFileOption | null = null,
): Promise<number> {
  const program = readGranted("CLAUDE_BIN") ?? "claude";
  requirePermissions(program, about);
  const folder = readGranted("CLAUDE_CWD") ?? Deno.cwd();
  const { config, notes } = loadOwnSettings(option, folder);
  const { settings: given, rest } = takeSettings(args);
  const user = given === null ? {} : parseSettings(given, (path) => readText(path, folder));
  const key = createKey();
  // Claude Code owns the terminal.
  const log: Log = { request: () => {}, write: () => {} };
  const dashboardLink = new DashboardLink({ token: createSecret(), session: createSecret() });
  const services = { ...createCliServices(toOwnConfig(config, key), about), log, dashboardLink };
  notes.push(...(await startHistory(services)).notes);
  const server = startOnFreePort(services);
  try {
    const stored = readUserSettings();
    const prepared = await prepare(services, { url: server.url, key, folder, user, stored });
    [...notes, ...prepared.notes].forEach(print);
    printLink(dashboardLink, server.url);
    const { env, settings } = prepared;
    const code = await runClient({ program, args: rest, folder, env }, settings);
    await server.stop();
    describeSession(services.metrics.read(0)).forEach(print);
    const savedModel = describeSavedModel(stored, readUserSettings());
    if (savedModel !== null) print(savedModel);
    return code;
  } finally {
    await server.stop();
  }
}

/** What the settings of Claude Code are made of. */
interface Sources {
  /** The address of the proxy, and its key for this run. */
  url: string;
  key: string;
  folder: string;
  /** The user's `--settings`, and stored settings. */
  user: JsonObject;
  stored: JsonObject;
}

/**
 * Checks upstream and builds the settings and variables for Claude Code. The notes are for the user.
 * @throws {StartError} if upstream cannot be reached or rejects the key
 */
async function prepare(
  services: Services,
  { url, key, folder, user, stored }: Sources,
): Promise<{ settings: JsonObject; env: Variables; notes: string[] }> {
  // Without the model list in time, Claude Code assumes default context lengths.
  const warnings = await checkBeforeStart(services, CHECK_TIMEOUT_MS);
  const models = buildModels(services.config.targets, services.catalog);
  for (const id of models.listed) services.unlistedModels.add(id);
  const environments = [Deno.env.toObject(), readEnv(stored), readEnv(user)];
  const direct = buildDirect(HOST, environments);
  const connection = { ...buildConnection(url, key), ...direct };
  const self = { deno: Deno.execPath(), main: Deno.mainModule, url };
  const statusLine = buildStatusLine([user, stored, ...readProjectSettings(folder)], self);
  return {
    settings: mergeSettings({ ...statusLine, ...user }, { connection, models }),
    env: { ...toClientEnv(Deno.env.toObject(), connection), ...direct },
    notes: [...warnings, ...models.notes, ...describeDiscovery(environments)],
  };
}

/**
 * Loads the settings without `.env` in the current folder, which belongs to the repository that the user works on.
 * @throws {StartError} if the settings are invalid or have no API key
 */
function loadOwnSettings(envFileOption: EnvFileOption | null, folder: string): Environment {
  const option = envFileOption &&
    { ...envFileOption, path: resolvePath(envFileOption.path, folder) };
  const loaded = loadEnvironment({ option, readsFolder: false });
  if (!requiresClientKeys(loaded.config)) return loaded;
  const file = findKeyFile(option);
  const [place, creation] = file === null
    ? ["the file of --env-file", ""]
    : [file, `. ${describeCreation(file)}`];
  throw new StartError(
    `OPENROUTER_API_KEY is not set: put it into the environment or ${place} (claude does not read the .env of a project)${creation}`,
  );
}

/** @throws {StartError} naming the command to use if a permission is missing */
function requirePermissions(program: string, { name }: About): void {
  const needed: Deno.PermissionDescriptor[] = [
    { name: "run", command: program },
    { name: "env" },
    { name: "read" },
    { name: "write" },
  ];
  const missing = needed.find((one) => Deno.permissions.querySync(one).state !== "granted");
  if (missing === undefined) return;
  const action = missing.name === "run" ? `run ${program}` : `use all of “${missing.name}”`;
  const self = Deno.build.standalone ? `jsr:${name}` : Deno.mainModule;
  throw new StartError(`No permission to ${action}: start it with deno run -A ${self} claude`);
}

function toOwnConfig(config: Config, key: string): Config {
  const proxyApiKeys = [...config.proxyApiKeys, key];
  return { ...config, host: HOST, port: PORT, proxyApiKeys, drainMs: DRAIN_MS };
}

/** @throws {StartError} if all ports are in use */
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
  throw new StartError(`${HOST}:${PORT} to ${last} are in use: stop a program that uses one`);
}

/** Runs Claude Code with a temporary settings file. */
async function runClient(launch: Launch, settings: JsonObject): Promise<number> {
  let child: Deno.ChildProcess | null = null;
  const hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((one) => one.isTerminal());
  const listeners = SIGNALS.map((signal) => {
    const forward = () => hasTerminal && TYPED.has(signal) ? undefined : sendSignal(child, signal);
    Deno.addSignalListener(signal, forward);
    return () => Deno.removeSignalListener(signal, forward);
  });
  try {
    using file = createSettingsFile(settings);
    child = spawn(launch, file.path);
    return (await child.status).code;
  } finally {
    for (const remove of listeners) remove();
  }
}

/** @throws {StartError} if the program cannot be run */
function spawn({ program, args, folder, env }: Launch, settings: string): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      // First, because the user's last option may take all following arguments.
      args: ["--settings", settings, ...args],
      cwd: folder,
      clearEnv: true,
      env,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    const hint = "npm install -g @anthropic-ai/claude-code, or set CLAUDE_BIN to its path";
    const problem = cause instanceof Deno.errors.NotFound ? "is not installed" : "cannot be run";
    throw new StartError(`Claude Code (${program}) ${problem}: ${hint}`, { cause });
  }
}

function sendSignal(child: Deno.ChildProcess | null, signal: Deno.Signal): void {
  try {
    child?.kill(signal);
  } catch {
    // It has already exited; the launcher exits next.
  }
}

/** The user's environment without variables that the settings file sets, and without our own. */
function toClientEnv(env: Variables, connection: Variables): Variables {
  const dropped = new Set<string>([...Object.keys(connection), ...OWN_VARIABLES]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.has(name)));
}

/** Warns that the user has disabled Claude Code's model discovery. */
function describeDiscovery(environments: readonly JsonObject[]): string[] {
  if (!isQuiet(environments)) return [];
  return [
    `${QUIET_VARIABLE} is set: /model of older versions of Claude Code lists the mapped models only`,
  ];
}

function readText(path: string, folder: string): string {
  return Deno.readTextFileSync(resolvePath(path, folder));
}

/**
 * Only to a terminal: elsewhere standard error may be a log that others read. Before the start, because Claude Code
 * owns the terminal afterwards.
 */
function printLink(link: DashboardLink, url: string): void {
  if (Deno.stderr.isTerminal()) print(`dashboard (this link works once): ${link.toUrl(url)}`);
}

/** A proxy key for this run only. */
function createKey(): string {
  return `claudeproxy-${crypto.randomUUID()}-${crypto.randomUUID()}`;
}

/** 122 random bits as 32 characters. */
function createSecret(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Prints to standard error, because standard output belongs to Claude Code. */
function print(line: string): void {
  printError(`claudeproxy: ${line}`);
}
