/**
 * One line a request: which model was that, what did it cost, how did it end. Text for a terminal, JSON for a
 * machine. Knows no prompts; every line goes through the redaction of secrets.
 * @module
 */

import type { LogLevel } from "./config.ts";
import { formatUsd } from "./format.ts";
import { fitLine } from "./log_limits.ts";
import {
  type Color,
  type Colorizer,
  createColorizer,
  escapeControls,
  stripControlChars,
} from "./colors.ts";

/** What is known of a request when it has ended. Times in milliseconds, cost in USD, as upstream charges it. */
export interface RequestRecord {
  requestId: string;
  method: string;
  path: string;
  status: number;
  /** The model the client asked for. */
  model?: string;
  /** The model that was sent upstream, or that upstream says it used. */
  upstreamModel?: string;
  /** What was sent, where it was a list: the first was asked, the rest are OpenRouter's fallbacks. */
  sentModels?: readonly string[];
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
  outcome: string;
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
  /** Whether text is coloured; JSON never is. */
  isColored?: boolean;
  /** Takes one line of at most 4 KB, without its end. False: the line is lost, because too many wait already. */
  writeLine: (line: string) => unknown;
  redact: (text: string) => string;
  /** The time of day, for the line. */
  date: () => Date;
}

const LEVEL_COLORS = { debug: "dim", warn: "yellow", error: "red" } as const;
const SEVERITY: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Creates the log. */
export function createLog(options: LogOptions): Log {
  const paint = createColorizer(options.isColored ?? false);
  const table = new RequestTable(paint, options.level === "debug");
  const writer = new LineWriter(options, paint);
  return {
    request(record) {
      const level = hasFailed(record) ? "warn" : isProbe(record) ? "debug" : "info";
      writer.write(level, record, (shown) => table.format(shown));
    },
    write(level, message) {
      writer.write(level, { message }, (shown) => formatMessage(level, shown.message, paint));
    },
  };
}

/** Makes lines, and keeps count of those that could not be written, to say it in the next one that can. */
class LineWriter {
  readonly #options: LogOptions;
  readonly #paint: Colorizer;
  #lost = 0;

  constructor(options: LogOptions, paint: Colorizer) {
    this.#options = options;
    this.#paint = paint;
  }

  write<T extends object>(level: LogLevel, fields: T, toText: (fields: T) => string): void {
    if (SEVERITY[level] < SEVERITY[this.#options.level]) return;
    if (this.#lost > 0) this.#sayLost();
    if (!this.#tryWrite(level, fields, toText)) this.#lost++;
  }

  #sayLost(): void {
    const lines = this.#lost === 1 ? "1 log line was lost" : `${this.#lost} log lines were lost`;
    const message = `${lines}: standard output was not read for a while`;
    const toText = () => formatMessage("warn", message, this.#paint);
    if (this.#tryWrite("warn", { message }, toText)) this.#lost = 0;
  }

  #tryWrite<T extends object>(level: LogLevel, fields: T, toText: (fields: T) => string): boolean {
    const { date, format, redact, writeLine } = this.#options;
    const time = date().toISOString();
    const toLine = (shown: T) =>
      format === "json"
        ? escapeControls(JSON.stringify({ time, level, ...shown }))
        : `${this.#paint("dim", time.slice(11, 19))} ${toText(shown)}`;
    return writeLine(fitLine(fields, { redact, format: toLine })) !== false;
  }
}

function formatMessage(level: LogLevel, message: string, paint: Colorizer): string {
  const text = stripControlChars(message);
  if (level === "info") return text;
  return `${paint(LEVEL_COLORS[level], `${level}:`)} ${text}`;
}

/** Upstream or this program failed, perhaps after the head had left as a 200. */
function hasFailed({ status, error }: RequestRecord): boolean {
  return status >= 500 || (status < 400 && error !== undefined);
}

/** Health checks and start-up probes come every few seconds and say nothing. */
function isProbe(record: RequestRecord): boolean {
  return record.model === undefined && record.status < 400 && record.path !== "/v1/models";
}

/** Columns that most names fit; the column grows to the longest name seen, up to what a screen can bear. */
const MIN_WHO = 40;
const MAX_WHO = 72;

/**
 * Request lines whose columns stand below each other:
 * `200 claude-x → vendor/model (Provider)   in  10 out  20 cached   5 $0.0012  first 0.31s total 2.04s complete`.
 */
class RequestTable {
  readonly #paint: Colorizer;
  readonly #withId: boolean;
  #width = MIN_WHO;

  /** @param withId whether the lines of requests that went well hold their id too */
  constructor(paint: Colorizer, withId: boolean) {
    this.#paint = paint;
    this.#withId = withId;
  }

  format(record: RequestRecord): string {
    const paint = this.#paint;
    const who = stripControlChars(describeRoute(record));
    this.#width = Math.max(this.#width, who.length <= MAX_WHO ? who.length : 0);
    const { costUsd: cost } = record;
    const columns = [
      paint(findColor(record), `${record.status}`),
      who.padEnd(this.#width),
      formatTokens(record),
      (cost === undefined ? "" : formatUsd(cost)).padEnd(10),
      formatTime("first", record.firstEventMs),
      formatTime("total", record.totalMs),
      stripControlChars(record.outcome),
      ...this.#formatTail(record),
    ];
    return columns.join(" ");
  }

  /** What only some lines have. */
  #formatTail(record: RequestRecord): string[] {
    const { error, dropped = [], requestId } = record;
    const replaced = findReplacedModel(record);
    const tail: [Color, string][] = [];
    if (error !== undefined) tail.push([findColor(record), `“${error}”`]);
    if (replaced !== undefined) tail.push(["yellow", `instead of ${replaced}`]);
    if (dropped.length > 0) tail.push(["dim", `dropped ${dropped.join(", ")}`]);
    if (error !== undefined || this.#withId) tail.push(["dim", requestId]);
    return tail.map(([color, text]) => this.#paint(color, stripControlChars(text)));
  }
}

function findColor(record: RequestRecord): Color {
  if (hasFailed(record)) return "red";
  return record.status >= 400 || record.outcome === "client_gone" ? "yellow" : "green";
}

function describeRoute({ method, path, model, upstreamModel, provider }: RequestRecord): string {
  if (model === undefined) return `${method} ${path}`;
  return `${model} → ${upstreamModel ?? "?"}${provider === undefined ? "" : ` (${provider})`}`;
}

/** The model that was asked, where one of its fallbacks answered. Upstream may add a date to either name. */
export function findReplacedModel(
  { upstreamModel = "", sentModels = [] }: RequestRecord,
): string | undefined {
  const [first, ...fallbacks] = sentModels;
  const isOf = (id: string) => upstreamModel === id || upstreamModel.startsWith(`${id}-`);
  return first !== undefined && !isOf(first) && fallbacks.some(isOf) ? first : undefined;
}

/** In, out, and what came from the cache; as wide where nothing is known. */
function formatTokens(record: RequestRecord): string {
  const { inputTokens, outputTokens = 0, cachedTokens = 0 } = record;
  const pad = (tokens: number) => `${tokens}`.padStart(6);
  const text = inputTokens === undefined
    ? ""
    : `in ${pad(inputTokens)} out ${pad(outputTokens)} cached ${pad(cachedTokens)}`;
  return text.padEnd("in 123456 out 123456 cached 123456".length);
}

function formatTime(name: string, ms: number | undefined): string {
  const text = ms === undefined ? "" : `${name} ${`${(ms / 1000).toFixed(2)}s`.padStart(6)}`;
  return text.padEnd("first 10.00s".length);
}
