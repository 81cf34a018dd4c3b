/**
 * Opens the history (HISTORY): a file with one row for each request, without bodies and keys. Rows older than
 * HISTORY_DAYS are deleted. Imported only if HISTORY is set.
 * @module
 */

import type { Spent } from "../metrics/budget_types.ts";
import { HistoryDatabase, isBusy } from "./database.ts";
import { toEntry } from "./entry.ts";
import { readReport } from "./report.ts";
import { parseQuery } from "./query.ts";
import type { History, HistoryReport, QueryText } from "./types.ts";
import { HistoryWriter } from "./writer.ts";

const DAY_MS = 86_400_000;
/** Rows that are deleted at once, and the pause before the next ones. */
const PRUNE_ROWS = 500;
const PRUNE_PAUSE_MS = 50;
const PRUNE_RETRY_MS = 60_000;
/** Another process may be creating the same file. */
const OPEN_ATTEMPTS = 10;
const OPEN_PAUSE_MS = 50;

/** The settings and dependencies of a history. */
export interface HistoryOptions {
  path: string;
  /** Days after which requests are deleted. */
  days: number;
  date: () => Date;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  onWarning: (message: string) => void;
}

/** An open history, and the costs of today in it. */
export interface OpenedHistory {
  history: History;
  /** Today (UTC), as `2026-11-29`. */
  day: string;
  /** What the server's key paid for today. */
  spent: Spent[];
}

/**
 * Opens the file and creates it if necessary, readable by its owner only.
 * @throws an error whose message says why the file cannot be used
 */
export async function openHistory(options: HistoryOptions): Promise<OpenedHistory> {
  createFile(options.path);
  const database = await retryWhileBusy(() => new HistoryDatabase(options.path));
  try {
    const day = options.date().toISOString().slice(0, 10);
    const midnight = Date.parse(day);
    const spent = database.readSpent(midnight, midnight + DAY_MS);
    return { history: new FileHistory(database, options), day, spent };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Checks and creates the file. A link could lead out of the permitted path, and a pipe would block the process.
 * SQLite gives its two companion files the mode of the file.
 */
function createFile(path: string): void {
  try {
    const { isFile, isSymlink } = Deno.lstatSync(path);
    if (isSymlink) throw new Error("it is a symbolic link; name the file itself");
    if (!isFile) throw new Error("it is not a file");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  }
}

async function retryWhileBusy<T>(open: () => T): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return open();
    } catch (error) {
      if (!isBusy(error) || attempt >= OPEN_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS));
    }
  }
}

class FileHistory implements History {
  readonly days: number;
  readonly #options: HistoryOptions;
  readonly #database: HistoryDatabase;
  readonly #writer: HistoryWriter;
  #pruneTimer: ReturnType<typeof setTimeout> | undefined;
  /** Reports are read one after the other. */
  #lastReport: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(database: HistoryDatabase, options: HistoryOptions) {
    this.#options = options;
    this.#database = database;
    this.days = options.days;
    const { now, onWarning } = options;
    const write = database.insert.bind(database);
    this.#writer = new HistoryWriter({ write, onWarning, now, isBusy });
    this.#schedulePrune(PRUNE_PAUSE_MS);
  }

  add(...request: Parameters<History["add"]>): void {
    if (!this.#isClosed) this.#writer.add(toEntry(...request));
  }

  async read(text: QueryText): Promise<HistoryReport> {
    const query = parseQuery(text, this.#options.date().getTime());
    const report = this.#lastReport.then(() => {
      this.#writer.flush();
      return readReport(this.#database, query);
    });
    this.#lastReport = report.catch(() => {});
    return await report;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#pruneTimer);
    this.#writer.close();
    this.#database.close();
  }

  #schedulePrune(delayMs: number): void {
    this.#pruneTimer = setTimeout(() => this.#prune(), delayMs);
    Deno.unrefTimer(this.#pruneTimer);
  }

  /** Deletes some old rows; the next ones after a pause, or a day later. */
  #prune(): void {
    const oldest = this.#options.date().getTime() - this.days * DAY_MS;
    try {
      const deleted = this.#database.deleteBefore(oldest, PRUNE_ROWS);
      this.#schedulePrune(deleted === PRUNE_ROWS ? PRUNE_PAUSE_MS : DAY_MS);
    } catch {
      // Locked or broken: the writer reports what lasts.
      this.#schedulePrune(PRUNE_RETRY_MS);
    }
  }
}
