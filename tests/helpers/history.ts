/**
 * Histories in a temporary folder, and completed requests for them.
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import {
  type HistoryOptions,
  type OpenedHistory,
  openHistory as open,
} from "../../lib/history/history.ts";
import type { CompletedRequest } from "../../lib/metrics/types.ts";
import { createRecord, NOON } from "./metrics.ts";

/** A temporary folder. */
export interface Folder extends Disposable {
  /** The path of a history that does not exist yet. */
  path: string;
  folder: string;
}

/** Creates a folder that is removed with `using`. */
export function createFolder(): Folder {
  const folder = Deno.makeTempDirSync();
  return {
    folder,
    path: `${folder}/history.db`,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

/** A request that ended at noon, unless its time is given. */
export function createCompleted(more: Partial<CompletedRequest> = {}): CompletedRequest {
  return { ...createRecord(), number: 1, time: NOON - 1000, events: [], ...more };
}

/** An open history that is closed with `using`, and its warnings. */
export interface TestHistory extends OpenedHistory, Disposable {
  warnings: string[];
}

/** Opens a history at noon. */
export async function openHistory(
  path: string,
  more: Partial<HistoryOptions> = {},
): Promise<TestHistory> {
  const warnings: string[] = [];
  const opened = await open({
    path,
    days: 90,
    date: () => new Date(NOON),
    now: () => performance.now(),
    onWarning: (message) => warnings.push(message),
    ...more,
  });
  return { ...opened, warnings, [Symbol.dispose]: () => opened.history.close() };
}

/** Runs SQL in a file, and returns the rows of the last statement. */
export function query(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path);
  try {
    return database.prepare(sql).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

/** Holds the write lock of a file until it is disposed of. */
export function lock(path: string): Disposable {
  const database = new DatabaseSync(path);
  database.exec("BEGIN EXCLUSIVE");
  return { [Symbol.dispose]: () => database.close() };
}
