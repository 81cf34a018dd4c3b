/**
 * The command line of the proxy: serve (default), check, demo, claude, stats, statusline, --help, --version. Each
 * command imports its modules itself, because Claude Code runs `statusline` after every response.
 *
 * ```sh
 * OPENROUTER_API_KEY=sk-or-… deno run -A jsr:@claudeproxy/openrouter
 * ```
 * @module
 */

import about from "./deno.json" with { type: "json" };
import type { Config } from "./lib/config.ts";
import { type EnvFileOption, parseArguments } from "./lib/cli/arguments.ts";
import type { PreparedServer, RunningServer } from "./lib/cli/serve.ts";
import {
  flushLines,
  LAST_LINES_MS,
  printError,
  printLine,
  StartError,
} from "./lib/cli/terminal.ts";
import { WORKER_NAME } from "./lib/cli/workers/worker_name.ts";

const USER_FILE = Deno.build.os === "windows"
  ? "%APPDATA%\\claudeproxy\\.env"
  : "~/.config/claudeproxy/.env (or in XDG_CONFIG_HOME)";
/** Closing a terminal sends SIGHUP, which by default ends the process and cuts all responses. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
const HELP: ReadonlySet<string> = new Set(["-h", "--help"]);
const ABOUT = { name: about.name, version: about.version };

if (isWorker()) {
  globalThis.addEventListener("message", serveAsWorker, { once: true });
} else if (import.meta.main) {
  try {
    await run(Deno.args);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    await flushLines(LAST_LINES_MS);
    printError(`claudeproxy: ${error.message}`);
    Deno.exit(1);
  }
}

async function run(words: readonly string[]): Promise<void> {
  const { command, args, envFileOption } = parseArguments(words);
  // All arguments of claude are Claude Code's.
  if (command !== "claude" && args.some((arg) => HELP.has(arg))) return await printHelp();
  if (command === "check") return await check(args, envFileOption);
  if (command === "claude") return await claude(args, envFileOption);
  if (command === "stats") return await stats(args, envFileOption);
  if (args.length > 0) throw new StartError(`Unknown argument ${args[0]}: see --help`);
  switch (command) {
    case "serve":
      return await serve(envFileOption);
    case "demo":
      return await demo();
    case "statusline":
      await import("./lib/cli/statusline/entry.ts");
      return;
    case "-h":
    case "--help":
    case "help":
      return await printHelp();
    case "-v":
    case "-V":
    case "--version":
    case "version":
      printLine(`${ABOUT.name} ${ABOUT.version}`);
      return;
    default:
      throw new StartError(`Unknown command ${command}: see --help`);
  }
}

async function serve(option: EnvFileOption | null): Promise<void> {
  const [environment, { prepareServer }, message, { startHistory }, { checkWorkers }] =
    await Promise.all([
      import("./lib/cli/environment.ts"),
      import("./lib/cli/serve.ts"),
      import("./lib/cli/startup_message.ts"),
      import("./lib/cli/history.ts"),
      import("./lib/cli/workers/support.ts"),
    ]);
  const loaded = environment.loadEnvironment({ option, readsFolder: true });
  const { config, notes } = checkWorkers(loaded.config, import.meta.url);
  environment.requireNetAccess(config);
  const { services, start } = config.workers === 1
    ? prepareServer(config, ABOUT)
    : await prepareWorkers(config);
  const history = await startHistory(services);
  const running = await start();
  // Before the message, because a script that waits for it may send a signal at once.
  const stopped = stopOnSignal(running);
  message.printStartupMessage(running.url, {
    config,
    notes: [...loaded.notes, ...notes, ...history.notes],
    log: services.log,
    history: history.description,
  });
  await stopped;
}

async function prepareWorkers(config: Config): Promise<PreparedServer> {
  const { prepareCoordinator } = await import("./lib/cli/workers/coordinator.ts");
  return prepareCoordinator(config, { about: ABOUT, entry: import.meta.url });
}

/** Whether this is a thread of WORKERS, whose module is the entry too: one file is enough to run the program. */
function isWorker(): boolean {
  return import.meta.main && String(Reflect.get(globalThis, "name")).startsWith(WORKER_NAME);
}

/** Listens for the first message without any delay: it may already be there. */
async function serveAsWorker(event: Event): Promise<void> {
  const { runWorker } = await import("./lib/cli/workers/worker.ts");
  if (event instanceof MessageEvent) runWorker(event.data);
}

async function demo(): Promise<void> {
  const { runDemo } = await import("./lib/cli/demo/demo.ts");
  return stopOnSignal(await runDemo(ABOUT));
}

async function claude(args: readonly string[], option: EnvFileOption | null): Promise<void> {
  const { runClaude } = await import("./lib/cli/claude/claude.ts");
  Deno.exit(await runClaude(args, ABOUT, option));
}

async function stats(args: readonly string[], option: EnvFileOption | null): Promise<void> {
  const { runStats } = await import("./lib/cli/stats/stats.ts");
  await runStats(args, { option, readsFolder: true });
  // Without a time limit: the whole table is written, however slow its reader is.
  await flushLines();
}

async function check(args: readonly string[], option: EnvFileOption | null): Promise<void> {
  const unknown = args.find((arg) => arg !== "--json");
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}: see --help`);
  const [{ runCheck }, { readSources }] = await Promise.all([
    import("./lib/cli/check/check.ts"),
    import("./lib/cli/environment.ts"),
  ]);
  const read = () => readSources({ option, readsFolder: true });
  const hasPassed = await runCheck(ABOUT, {
    isJson: args.length > 0,
    read,
    entry: import.meta.url,
  });
  // Without a time limit: the whole report is written, however slow its reader is.
  await flushLines();
  // Not by itself, because timers of upstream requests may still be running.
  Deno.exit(hasPassed ? 0 : 1);
}

/**
 * The first signal lets in-flight responses finish, the second ends the process at once. A second SIGHUP is ignored:
 * when a terminal is closed, both the shell and the kernel send one.
 */
async function stopOnSignal(server: RunningServer): Promise<void> {
  let isStopping = false;
  const onSignal = async (signal: Deno.Signal) => {
    if (isStopping && signal === "SIGHUP") return;
    if (isStopping) Deno.exit(1);
    isStopping = true;
    await server.stop();
    Deno.exit(0);
  };
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, () => onSignal(signal));
  await server.finished;
}

async function printHelp(): Promise<void> {
  const { VARIABLES } = await import("./lib/config.ts");
  printLine(`${ABOUT.name} ${ABOUT.version}
Serves the Anthropic Messages API through OpenRouter.

Usage: claudeproxy [--env-file PATH] [serve | check [--json] | claude [args…] | stats [options]]
       claudeproxy demo | statusline | --help | --version

  serve      Run the proxy (default)
  check      Check settings, port, API key and models; --json prints the report as JSON
  demo       Run the proxy in front of a simulated OpenRouter: no key, no network
  claude     Run Claude Code through its own proxy; all arguments go to Claude Code
  stats      Show past requests from the file of HISTORY: [--since 7d | 12h | 2026-11-01]
             [--by day | month | model | key | session] [--json | --csv]
  statusline Print Claude Code's status line: model, context and cost of its session

Settings are environment variables. Those that are not set are read from one file: --env-file PATH,
else .env in the current folder (not for claude), else ${USER_FILE}:
`);
  for (const { name, default: value, about } of VARIABLES) {
    printLine(`  ${name.padEnd(22)} ${about}${value === "" ? "" : ` [${value}]`}`);
  }
}
