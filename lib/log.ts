/**
 * One line a request: which model was that, what did it cost, how did it end. Text for a terminal, JSON for a
 * machine. Knows no prompts; every line goes through the redaction of secrets.
 * @module
 */

import type { LogLevel } from "./config.ts";

/** What is known of a request when it has ended. Times in milliseconds, cost in USD, as upstream charges it. */
export interface RequestRecord {
  requestId: string;
  method: string;
  path: string;
  status: number;
  /** The model the client asked for. */
  model?: string;
  /** The model that was sent upstream, or that upstream says it used. */
  target?: string;
  provider?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** Read from a cache; not among the input tokens. */
  cachedTokens?: number;
  /** Written into a cache; not among the input tokens either. */
  writtenTokens?: number;
  costUsd?: number;
  firstEventMs?: number;
  totalMs: number;
  /** `complete`, `client_gone`, or the type of the error. */
  end: string;
  /** What went wrong, in the words the client read. */
  error?: string;
  /** Fields that did not travel. */
  dropped?: string[];
}

/** The log. */
export interface Log {
  request(record: RequestRecord): void;
  write(level: LogLevel, message: string): void;
}

/** What a log needs from outside. */
export interface LogOptions {
  level: LogLevel;
  format: "text" | "json";
  /** Takes one line without its end. */
  writeLine: (line: string) => void;
  redact: (text: string) => string;
  /** The time of day, for the line. */
  date: () => Date;
}

const SEVERITY: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Creates the log. */
export function createLog(options: LogOptions): Log {
  const emit = (level: LogLevel, text: string, fields: Record<string, unknown>) => {
    if (SEVERITY[level] < SEVERITY[options.level]) return;
    const time = options.date().toISOString();
    const line = options.format === "json"
      ? JSON.stringify({ time, level, ...fields })
      : `${time.slice(11, 19)} ${level === "info" ? "" : `${level}: `}${toPrintable(text)}`;
    options.writeLine(options.redact(line));
  };
  return {
    request(record) {
      const level = hasFailed(record) ? "warn" : isProbe(record) ? "debug" : "info";
      emit(level, formatRecord(record, options.level === "debug"), { ...record });
    },
    write(level, message) {
      emit(level, message, { message });
    },
  };
}

/** Upstream or this program failed, perhaps after the head had left as a 200. */
function hasFailed({ status, error }: RequestRecord): boolean {
  return status >= 500 || (status < 400 && error !== undefined);
}

/** Health checks and start-up probes come every few seconds and say nothing. */
function isProbe(record: RequestRecord): boolean {
  return record.model === undefined && record.status < 400 && record.path !== "/v1/models";
}

/** `req_… claude-x → vendor/model (Provider) in 10 out 20 cached 5 $0.0012 first 0.31s total 2.04s complete`. */
function formatRecord(record: RequestRecord, withDropped: boolean): string {
  const words = [record.requestId];
  if (record.model === undefined) words.push(`${record.method} ${record.path}`);
  else {
    words.push(`${record.model} → ${record.target ?? "?"}`);
    if (record.provider !== undefined) words.push(`(${record.provider})`);
  }
  if (record.inputTokens !== undefined) {
    words.push(`in ${record.inputTokens} out ${record.outputTokens ?? 0}`);
    if (record.cachedTokens) words.push(`cached ${record.cachedTokens}`);
  }
  if (record.costUsd !== undefined) words.push(`$${Number(record.costUsd.toPrecision(4))}`);
  if (record.firstEventMs !== undefined) words.push(`first ${seconds(record.firstEventMs)}`);
  words.push(`total ${seconds(record.totalMs)}`, `${record.status}`, record.end);
  if (record.error !== undefined) words.push(`“${record.error}”`);
  if (withDropped && record.dropped?.length) words.push(`dropped ${record.dropped.join(", ")}`);
  return words.join(" ");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)}s`;
}

/** One request, one line: nothing a client or upstream sends can start another, or steer a terminal. */
function toPrintable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}
