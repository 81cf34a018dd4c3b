/**
 * Opens the history of the command line (HISTORY). A file that cannot be used is a warning: figures stay in memory.
 * @module
 */

import type { Services } from "../request_context.ts";

const IN_MEMORY = "figures stay in memory";

/** What the startup message shows. */
export interface HistoryStart {
  /** The file and how long it keeps requests; null for none. */
  description: string | null;
  /** Warnings, one line each. */
  notes: string[];
}

/** Opens the file of HISTORY for the services, and restores today's costs from it. Never throws. */
export async function startHistory(services: Services): Promise<HistoryStart> {
  const { historyPath: path, historyDays: days, onDenoDeploy } = services.config;
  if (path === null) return { description: null, notes: [] };
  if (onDenoDeploy) return fail("HISTORY has no effect on Deno Deploy, which keeps no files");
  const missing = (["read", "write"] as const).filter((name) =>
    Deno.permissions.querySync({ name, path }).state !== "granted"
  );
  if (missing.length > 0) {
    const flags = missing.map((name) => `--allow-${name}=${path}`).join(" ");
    return fail(`No permission for the history ${path}, add ${flags}`);
  }
  try {
    await open(services, { path, days });
  } catch (cause) {
    return fail(
      `The history ${path} cannot be used: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  return { description: `${path} (${days === 1 ? "1 day" : `${days} days`})`, notes: [] };
}

async function open(
  services: Services,
  { path, days }: { path: string; days: number },
): Promise<void> {
  // On demand: it would delay a start without a history, and some runtimes lack node:sqlite.
  const { openHistory } = await import("../history/history.ts");
  const { history, day, spent } = await openHistory({
    path,
    days,
    date: () => new Date(),
    now: services.now,
    onWarning: (message) => services.log.write("warn", message),
  });
  services.history = history;
  services.metrics.budget.restore(day, spent);
}

function fail(problem: string): HistoryStart {
  return { description: null, notes: [`${problem}: ${IN_MEMORY}`] };
}
