/**
 * The command line of the proxy: serve (default), check, demo, claude, --help, --version.
 *
 * ```sh
 * OPENROUTER_API_KEY=sk-or-… deno run -A jsr:@claudeproxy/openrouter
 * ```
 * @module
 */

import about from "./deno.json" with { type: "json" };
import { announce } from "./lib/cli/announce.ts";
import { type AskedFile, parseArguments } from "./lib/cli/arguments.ts";
import { loadEnvironment, readSources, requireNetAccess } from "./lib/cli/environment.ts";
import { createServices, type RunningServer, startServer } from "./lib/cli/serve.ts";
import { printError, printLine, StartError } from "./lib/cli/terminal.ts";
import { VARIABLES } from "./lib/variables.ts";

const USER_FILE = Deno.build.os === "windows"
  ? "%APPDATA%\\claudeproxy\\.env"
  : "~/.config/claudeproxy/.env (or in XDG_CONFIG_HOME)";
const ABOUT = { name: about.name, version: about.version };

if (import.meta.main) {
  try {
    await run(Deno.args);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
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
      return printLine(`${ABOUT.name} ${ABOUT.version}`);
    default:
      throw new StartError(`Unknown command ${command}: see --help`);
  }
}

function serve(asked: AskedFile | null): Promise<void> {
  const { config, notes } = loadEnvironment({ asked, readsFolder: true });
  requireNetAccess(config);
  const services = createServices(config, ABOUT);
  const server = startServer(services);
  const stopped = stopOnSignal(server);
  // Who reads this may send a signal at once.
  announce(server.url, { config, notes, log: services.log });
  return stopped;
}

// The other commands are loaded when they are asked for: a server that starts should not wait for them.

async function demo(): Promise<void> {
  const { runDemo } = await import("./lib/cli/demo.ts");
  return stopOnSignal(await runDemo(ABOUT));
}

async function claude(args: readonly string[], envFile: AskedFile | null): Promise<void> {
  const { runClaude } = await import("./lib/cli/claude.ts");
  Deno.exit(await runClaude(args, ABOUT, envFile));
}

async function check(args: readonly string[], asked: AskedFile | null): Promise<void> {
  const unknown = args.find((arg) => arg !== "--json");
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}: see --help`);
  const { runCheck } = await import("./lib/cli/check.ts");
  const read = () => readSources({ asked, readsFolder: true });
  const isFine = await runCheck(ABOUT, { isJson: args.length > 0, read });
  // What upstream was asked with may keep timers for a while; nobody waits for them.
  Deno.exit(isFine ? 0 : 1);
}

/** The first signal lets running answers finish, the second ends at once. */
async function stopOnSignal(server: RunningServer): Promise<void> {
  let isStopping = false;
  const onSignal = () => {
    if (isStopping) Deno.exit(1);
    isStopping = true;
    server.stop().then(() => Deno.exit(0));
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
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
