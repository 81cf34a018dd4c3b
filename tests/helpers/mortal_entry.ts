/**
 * The program with workers that can be killed: one that sends a request with the text “die” to upstream throws an error
 * that nothing catches, and one with the text “hang” does nothing for three seconds. Settings as in main.ts; without
 * signals.
 * @module
 */

import { loadEnvironment } from "../../lib/cli/environment.ts";
import { startHistory } from "../../lib/cli/history.ts";
import { printStartupMessage } from "../../lib/cli/startup_message.ts";
import { flushLines, printError, StartError } from "../../lib/cli/terminal.ts";
import { prepareCoordinator } from "../../lib/cli/workers/coordinator.ts";
import { runWorker } from "../../lib/cli/workers/worker.ts";
import { WORKER_NAME } from "../../lib/cli/workers/worker_name.ts";

const ABOUT = { name: "claudeproxy", version: "0.0.0" };

if (String(Reflect.get(globalThis, "name")).startsWith(WORKER_NAME)) {
  const send = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    if (String(init?.body).includes("die")) {
      setTimeout(() => {
        throw new Error("killed by the test");
      });
    }
    if (String(init?.body).includes("hang")) setTimeout(hang);
    return send(input, init);
  };
  globalThis.addEventListener("message", (event) => {
    if (isBroken()) throw new Error("broken by the test");
    if (event instanceof MessageEvent) runWorker(event.data);
  }, { once: true });
} else {
  try {
    await serve();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    await flushLines();
    printError(error.message);
    Deno.exit(1);
  }
}

function hang(): void {
  const end = performance.now() + 3000;
  while (performance.now() < end);
}

/** Whether the file exists that lets every worker die at its start. */
function isBroken(): boolean {
  try {
    return Deno.statSync(Deno.env.get("TEST_BROKEN_FILE") ?? "").isFile;
  } catch {
    return false;
  }
}

async function serve(): Promise<void> {
  const { config, notes } = loadEnvironment({ option: null, readsFolder: true });
  const { services, start } = prepareCoordinator(config, { about: ABOUT, entry: import.meta.url });
  await startHistory(services);
  const running = await start();
  printStartupMessage(running.url, { config, notes, log: services.log });
  await running.finished;
}
