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
import { loadEnvironment, requireNetAccess } from "./lib/cli/environment.ts";
import { createServices, type RunningServer, startServer } from "./lib/cli/serve.ts";
import { printError, printLine, StartError } from "./lib/cli/terminal.ts";
import { VARIABLES } from "./lib/variables.ts";

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

async function run(args: readonly string[]): Promise<void> {
  const [command = "serve", ...rest] = args;
  if (command === "check") return await check(rest);
  if (command === "claude") return await claude(rest);
  if (rest.length > 0) throw new StartError(`Unknown argument ${rest[0]}: see --help`);
  switch (command) {
    case "serve":
      return await serve();
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

function serve(): Promise<void> {
  const { config, notes } = loadEnvironment();
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

async function claude(args: readonly string[]): Promise<void> {
  const { runClaude } = await import("./lib/cli/claude.ts");
  Deno.exit(await runClaude(args, ABOUT));
}

async function check(args: readonly string[]): Promise<void> {
  const unknown = args.find((arg) => arg !== "--json");
  if (unknown !== undefined) throw new StartError(`Unknown argument ${unknown}: see --help`);
  const { runCheck } = await import("./lib/cli/check.ts");
  const isFine = await runCheck(ABOUT, { isJson: args.length > 0 });
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

Usage: claudeproxy [serve | check [--json] | demo | claude [args…] | --help | --version]

  serve      Run the proxy (default)
  check      Tell whether it will work: settings, port, key and models; --json for machines
  demo       Run it in front of a simulated OpenRouter: no key, no network
  claude     Run Claude Code through a proxy of its own; all arguments are Claude Code's

Environment, also read from ./.env:`);
  for (const { name, default: value, about } of VARIABLES) {
    printLine(`  ${name.padEnd(22)} ${about}${value === "" ? "" : ` [${value}]`}`);
  }
}
