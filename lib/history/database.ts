/**
 * The SQLite file of the history, through the runtime's own `node:sqlite`: one table of requests. All calls are
 * synchronous and short; none waits for a lock of another process. Imported only if HISTORY is set.
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Spent } from "../metrics/budget_types.ts";
import { COLUMNS, type Entry, toValues } from "./entry.ts";
import type { Grouping } from "./types.ts";

/** The version of the table, in `user_version`. */
const VERSION = 1;
/** Marks the file as ours, in `application_id`: "cpxy". */
const APPLICATION_ID = 0x63707879;

/** A program that only reads may wait for a lock. */
const READ_WAIT_MS = 1000;

/** A cell that a query returns. */
type Cell = string | number | bigint | null | Uint8Array;

/** The totals of one group in a part of the table. */
export interface Group {
  /** The number of the day since the epoch, or a text. */
  name: string | number | null;
  requests: number;
  failed: number;
  input: number;
  cached: number;
  written: number;
  output: number;
  /** Null if no request has a reported cost. */
  cost: number | null;
  estimated: number;
  unpriced: number;
  saved: number | null;
  first: number;
  last: number;
}

const DAY_MS = 86_400_000;
/** Months are summed up from days. */
const GROUP_BY: Readonly<Record<Grouping, string>> = {
  day: `time / ${DAY_MS}`,
  month: `time / ${DAY_MS}`,
  model: "upstream_model",
  key: "key",
  session: "session",
};

/** The open file. Every method throws the error of SQLite if the file cannot be used. */
export class HistoryDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws an error whose message says why the file cannot be used */
  constructor(path: string, { readOnly = false }: { readOnly?: boolean } = {}) {
    this.#database = new DatabaseSync(path, { readOnly });
    try {
      // A writer that waited for another process would block all requests.
      this.#database.exec(`PRAGMA busy_timeout = ${readOnly ? READ_WAIT_MS : 0}`);
      // Reads the schema first: for a statement that cannot be prepared Deno 2.5 gives no reason.
      this.#database.exec("SELECT 1 FROM sqlite_schema");
      if (!readOnly && this.#isEmpty()) this.#createTable();
      this.#checkVersion();
      // Readers and the writer do not block each other, and a killed process loses no committed row.
      if (!readOnly) this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Writes rows in one transaction: all or none. */
  insert(entries: readonly Entry[]): void {
    const names = Object.keys(COLUMNS);
    const insert = this.#prepare(
      `INSERT INTO requests (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    );
    this.#transact(() => {
      for (const entry of entries) insert.run(...toValues(entry));
    });
  }

  /** Deletes up to `limit` rows from before a time. @returns their number */
  deleteBefore(time: number, limit: number): number {
    const oldest = "SELECT id FROM requests WHERE time < ? ORDER BY time LIMIT ?";
    const { changes } = this.#prepare(`DELETE FROM requests WHERE id IN (${oldest})`)
      .run(time, limit);
    return Number(changes);
  }

  /** What the server's key paid for from one time up to another. */
  readSpent(from: number, to: number): Spent[] {
    return this.#prepare(
      "SELECT key, TOTAL(cost_usd) AS costUsd, TOTAL(estimated_usd) AS estimatedUsd FROM requests " +
        "WHERE time >= ? AND time < ? AND client_paid = 0 GROUP BY key",
    ).all(from, to).map((row) => ({
      key: toName(row["key"]),
      costUsd: toNumber(row["costUsd"]),
      estimatedUsd: toNumber(row["estimatedUsd"]),
    }));
  }

  /** The time of the first row from `from` on after `count` others; null if there are not that many. */
  findTime(from: number, count: number): number | null {
    const row = this.#prepare(
      "SELECT time FROM requests WHERE time >= ? ORDER BY time LIMIT 1 OFFSET ?",
    ).get(from, count);
    return row === undefined ? null : toNumber(row["time"]);
  }

  /** The totals of the rows from one time up to another, by group. */
  readGroups(by: Grouping, from: number, to: number): Group[] {
    return this.#prepare(
      `SELECT ${GROUP_BY[by]} AS name, COUNT(*) AS requests, TOTAL(failed) AS failed,
        TOTAL(input_tokens) AS input, TOTAL(cached_tokens) AS cached,
        TOTAL(written_tokens) AS written, TOTAL(output_tokens) AS output,
        SUM(cost_usd) AS cost, TOTAL(estimated_usd) AS estimated,
        TOTAL(cost_usd IS NULL AND status < 400) AS unpriced, SUM(saved_usd) AS saved,
        MIN(time) AS first, MAX(time) AS last
      FROM requests WHERE time >= ? AND time < ? GROUP BY 1`,
    ).all(from, to).map(toGroup);
  }

  close(): void {
    this.#database.close();
  }

  #createTable(): void {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`);
    this.#transact(() => {
      // Another process may have created it since.
      if (!this.#isEmpty()) return;
      this.#database.exec(`
        CREATE TABLE requests (id INTEGER PRIMARY KEY, ${columns.join(", ")}) STRICT;
        CREATE INDEX requests_by_time ON requests (time);
        PRAGMA application_id = ${APPLICATION_ID};
        PRAGMA user_version = ${VERSION};
      `);
    });
  }

  #checkVersion(): void {
    if (this.#readPragma("application_id") !== APPLICATION_ID) {
      throw new Error("it belongs to another program");
    }
    const version = this.#readPragma("user_version");
    if (version !== VERSION) throw new Error(`its format ${version} is from another version`);
  }

  #readPragma(name: "application_id" | "user_version"): number {
    return toNumber(this.#database.prepare(`PRAGMA ${name}`).get()?.[name]);
  }

  #isEmpty(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  }

  /** IMMEDIATE fails at once if another process writes, and not in the middle. */
  #transact(write: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled it back, for example because the disk is full.
    }
  }

  #prepare(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Whether another process holds a lock, so that the same call may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /\b(locked|busy)\b/.test(error.message);
}

function toGroup(row: Record<string, Cell>): Group {
  const number = (name: string) => toNumber(row[name]);
  const { name = null, cost = null, saved = null } = row;
  return {
    name: typeof name === "number" ? name : toName(name),
    requests: number("requests"),
    failed: number("failed"),
    input: number("input"),
    cached: number("cached"),
    written: number("written"),
    output: number("output"),
    cost: cost === null ? null : toNumber(cost),
    estimated: number("estimated"),
    unpriced: number("unpriced"),
    saved: saved === null ? null : toNumber(saved),
    first: number("first"),
    last: number("last"),
  };
}

function toNumber(cell: Cell | undefined): number {
  return typeof cell === "number" ? cell : 0;
}

function toName(cell: Cell | undefined): string | null {
  return typeof cell === "string" ? cell : null;
}
