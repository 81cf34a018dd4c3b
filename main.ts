/**
 * The command line of the proxy: serve (default), check, demo, claude, --help, --version.
 *
 * ```sh
 * OPENROUTER_API_KEY=sk-or-… deno run -A jsr:@claudeproxy/openrouter
 * ```
 * @module
 */

import about from "./deno.json" with { type: "json" };
import { printStartupMessage } from "./lib/cli/startup_message.ts";
import { type EnvFileOption, parseArguments } from "./lib/cli/arguments.ts";
import { loadEnvironment, readSources, requireNetAccess } from "./lib/cli/environment.ts";
import { createCliServices, type RunningServer, startServer } from "./lib/cli/serve.ts";
import {
  flushLines,
  LAST_LINES_MS,
  printError,
  printLine,
  StartError,
} from "./lib/cli/terminal.ts";
import { VARIABLES } from "./lib/config.ts";

const USER_FILE = Deno.build.os === "windows"
  ? "%APPDATA%\\claudeproxy\\.env"
  : "~/.config/claudeproxy/.env (or in XDG_CONFIG_HOME)";
/** A terminal that is closed sends SIGHUP: by default that would end the process, and cut all answers. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
const ABOUT = { name: about.name, version: about.version };

if (import.meta.main) {
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
  const { command, args, envFile } = parseArguments(words);
  if (command === "check") return await check(args, envFile);
  if (command === "claude") return await claude(args, envFile);
  if (args.length > 0) throw new StartError(`Unknown argument ${args[0]}: see --help`);
  switch (command) {
    case "serve":
      return await serve(envFile);
    case "demo":
      return await demo();
    case "-h":
    case "--help":
      return printHelp();
    case "-V":
    case "--version":
      printLine(`${ABOUT.name} ${ABOUT.version}`);
      return;
    default:
      throw new StartError(`Unknown command ${command}: see --help`);
  }
}

function serve(asked: EnvFileOption | null): Promise<void> {
  const { config, notes } = loadEnvironment({ option: asked, readsFolder: true });
  requireNetAccess(config);
  const services = createCliServices(config, ABOUT);
  const server = startServer(services);
  const stopped = stopOnSignal(server);
  // Who reads this may send a signal at once.
  printStartupMessage(server.url, { config, notes, log: services.log });
  return stopped;
}

// The other commands are loaded when they are asked for: a server that starts should not wait for them.

async function demo(): Promise<void> {
  const { runDemo } = await import("./lib/cli/demo/demo.ts");
  return stopOnSignal(await runDemo(ABOUT));
}

async function claude(args: readonly string[], envFile: EnvFileOption | null): Promise<void> {
  const { runClaude } = await import("./lib/cli/claude/claude.ts");
  Deno.exit(await runClaude(args, ABOUT, envFile));
}

async function check(args: readonly string[], asked: EnvFileOption | null): Promise<void> {
  const unknown = args.find((arg) => arg !== "--json");
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}: see --help`);
  const { runCheck } = await import("./lib/cli/check/check.ts");
  const read = () => readSources({ option: asked, readsFolder: true });
  const isFine = await runCheck(ABOUT, { isJson: args.length > 0, read });
  // All of the report, however slowly it is read.
  await flushLines();
  // What upstream was asked with may keep timers for a while; nothing waits for them.
  Deno.exit(isFine ? 0 : 1);
}

/**
 * The first signal lets running answers finish, the second ends at once. But not a second SIGHUP: of a terminal that
 * is closed, both the shell and the kernel send one.
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

function printHelp(): void {
  printLine(`${ABOUT.name} ${ABOUT.version}
Answers Anthropic Messages API requests through OpenRouter.

Usage: claudeproxy [--env-file PATH] [serve | check [--json] | claude [args…]]
       claudeproxy demo | --help | --version

  serve      Run the proxy (default)
  check      Tell whether it will work: settings, port, key and models; --json for machines
  demo       Run it in front of a simulated OpenRouter: no key, no network
  claude     Run Claude Code through a proxy of its own; all arguments are Claude Code's

Settings are variables of the environment, and behind them of one file: --env-file PATH, else .env of
the working folder (claude does not read that one), else ${USER_FILE}:
`);
  for (const { name, default: value, about } of VARIABLES) {
    printLine(`  ${name.padEnd(22)} ${about}${value === "" ? "" : ` [${value}]`}`);
  }
}
