/**
 * Writes the log: one line per request, with model, usage, cost and outcome, as text or JSON. Prompts never reach it;
 * secrets are redacted in every line.
 * @module
 */

import type { LogLevel } from "./config.ts";
import type { ErrorType } from "./errors.ts";
import { formatCost, formatShort } from "./format.ts";
import { fitLine } from "./log_limits.ts";
import {
  type Color,
  type Colorizer,
  createColorizer,
  escapeControls,
  stripControlChars,
} from "./colors.ts";

/** How a request ended: `client_gone` if the client disconnected, else the type of the error. */
export type Outcome = "complete" | "client_gone" | ErrorType;

/** The log fields of a request. Durations in milliseconds, cost in USD as reported by upstream. */
export interface RequestRecord {
  requestId: string;
  method: string;
  path: string;
  status: number;
  /** The model in the client's request. */
  model?: string;
  /** The model that upstream reports; before that, the model that was sent. */
  upstreamModel?: string;
  /** The models that were sent, if several: the first one and OpenRouter's fallbacks. */
  sentModels?: readonly string[];
  provider?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** Read from a cache; not included in the input tokens. */
  cachedTokens?: number;
  /** Written to a cache; not included in the input tokens. */
  writtenTokens?: number;
  costUsd?: number;
  firstEventMs?: number;
  totalMs: number;
  outcome: Outcome;
  /** The error message that the client got. */
  error?: string;
  /** Dropped fields. */
  dropped?: string[];
  /** The model that described images of the request (IMAGE_MODEL). */
  imageModel?: string;
  /** What descriptions cost that this request was the first to need; each has a record of its own, with its cost. */
  imageCostUsd?: number;
  /** The ID of the request whose image this one describes. */
  imageOf?: string;
}

/** The log. */
export interface Log {
  request(record: RequestRecord): void;
  write(level: LogLevel, message: string): void;
}

/** The settings and output of a log. */
export interface LogOptions {
  level: LogLevel;
  format: "text" | "json";
  /** Colors text; JSON is never colored. */
  isColored?: boolean;
  /** Writes a line of at most 4 KB, without a line break. Returns false if the line was lost to a full buffer. */
  writeLine: (line: string) => unknown;
  redact: (text: string) => string;
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
      writer.write(level, record, (fields) => table.format(fields));
    },
    write(level, message) {
      writer.write(level, { message }, (fields) => formatMessage(level, fields.message, paint));
    },
  };
}

/** Formats lines, counts lost ones and reports them with the next line that can be written. */
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
    if (this.#lost > 0) this.#reportLost();
    if (!this.#tryWrite(level, fields, toText)) this.#lost++;
  }

  #reportLost(): void {
    const lines = this.#lost === 1 ? "1 log line was lost" : `${this.#lost} log lines were lost`;
    const message = `${lines}: standard output was not read for a while`;
    const toText = () => formatMessage("warn", message, this.#paint);
    if (this.#tryWrite("warn", { message }, toText)) this.#lost = 0;
  }

  #tryWrite<T extends object>(level: LogLevel, fields: T, toText: (fields: T) => string): boolean {
    const { date, format, redact, writeLine } = this.#options;
    const time = date().toISOString();
    const toLine = (fields: T) =>
      format === "json"
        ? escapeControls(JSON.stringify({ time, level, ...fields }))
        : `${this.#paint("dim", time.slice(11, 19))} ${toText(fields)}`;
    return writeLine(fitLine(fields, { redact, format: toLine })) !== false;
  }
}

function formatMessage(level: LogLevel, message: string, paint: Colorizer): string {
  const text = stripControlChars(message);
  if (level === "info") return text;
  return `${paint(LEVEL_COLORS[level], `${level}:`)} ${text}`;
}

/** Upstream or the proxy failed, perhaps after the headers were sent with status 200. */
function hasFailed({ status, error }: RequestRecord): boolean {
  return status >= 500 || (status < 400 && error !== undefined);
}

/** Health checks and startup probes arrive every few seconds. */
function isProbe(record: RequestRecord): boolean {
  return record.model === undefined && record.status < 400 && record.path !== "/v1/models";
}

/**
 * Width of the route column, which fits most names; it grows with longer names, up to the maximum. With it, a line of a
 * successful request has at most 120 columns.
 */
const MIN_ROUTE_WIDTH = 36;
const MAX_ROUTE_WIDTH = 46;

/**
 * Formats request lines with aligned columns, shortened for a terminal (JSON has the exact values):
 * `200 claude-x → vendor/model (Provider)   in  10 out  20 cached   5  $0.0012 0.31s/2.04s`.
 */
class RequestTable {
  readonly #paint: Colorizer;
  readonly #isDetailed: boolean;
  #width = MIN_ROUTE_WIDTH;

  /** @param isDetailed adds the names of dropped fields, and the request ID to successful requests too */
  constructor(paint: Colorizer, isDetailed: boolean) {
    this.#paint = paint;
    this.#isDetailed = isDetailed;
  }

  format(record: RequestRecord): string {
    const paint = this.#paint;
    const route = describeRoute(record);
    this.#width = Math.max(this.#width, route.length);
    const { costUsd: cost, inputTokens, error, outcome } = record;
    // Room for the error.
    const isEmpty = error !== undefined && inputTokens === undefined && cost === undefined;
    const columns = [
      paint(findColor(record), `${record.status}`),
      route.padEnd(this.#width),
      ...(isEmpty ? [formatTimes(record).trim()] : [
        formatTokens(record),
        (cost === undefined ? "" : formatCost(cost)).padStart("<$0.0001".length),
        formatTimes(record),
      ]),
      ...(outcome === "complete" ? [] : [stripControlChars(outcome)]),
      ...this.#formatTail(record),
    ];
    return columns.join(" ").trimEnd();
  }

  /** Fields that only some lines have. */
  #formatTail(record: RequestRecord): string[] {
    const { error, dropped = [], requestId, imageModel, imageOf } = record;
    const replaced = findReplacedModel(record);
    const tail: [Color, string][] = [];
    if (error !== undefined) tail.push([findColor(record), `“${error}”`]);
    if (replaced !== undefined) tail.push(["yellow", `instead of ${replaced}`]);
    const names = this.#isDetailed ? dropped.join(", ") : `${dropped.length}`;
    if (dropped.length > 0) tail.push(["dim", `dropped ${names}`]);
    if (imageModel !== undefined) tail.push(["dim", `images described by ${imageModel}`]);
    if (imageOf !== undefined) tail.push(["dim", `describes an image of ${imageOf}`]);
    if (error !== undefined || this.#isDetailed) tail.push(["dim", requestId]);
    return tail.map(([color, text]) => this.#paint(color, stripControlChars(text)));
  }
}

function findColor(record: RequestRecord): Color {
  if (hasFailed(record)) return "red";
  return record.status >= 400 || record.outcome === "client_gone" ? "yellow" : "green";
}

/** At most MAX_ROUTE_WIDTH characters: too long, it loses the vendors, then its end. */
function describeRoute({ method, path, model, upstreamModel, provider }: RequestRecord): string {
  const suffix = provider === undefined ? "" : ` (${provider})`;
  const describe = (toName: (model: string) => string) =>
    stripControlChars(
      model === undefined
        ? `${method} ${path}`
        : `${toName(model)} → ${toName(upstreamModel ?? "?")}${suffix}`,
    );
  const full = describe((name) => name);
  if (full.length <= MAX_ROUTE_WIDTH) return full;
  const short = describe((name) => name.slice(name.lastIndexOf("/") + 1));
  return short.length <= MAX_ROUTE_WIDTH ? short : `${short.slice(0, MAX_ROUTE_WIDTH - 1)}…`;
}

/** Returns the model that was sent, if one of its fallbacks responded. Upstream may append a date to either name. */
export function findReplacedModel(
  { upstreamModel = "", sentModels = [] }: RequestRecord,
): string | undefined {
  const [first, ...fallbacks] = sentModels;
  const isOf = (id: string) => upstreamModel === id || upstreamModel.startsWith(`${id}-`);
  return first !== undefined && !isOf(first) && fallbacks.some(isOf) ? first : undefined;
}

/** Input, output and cached tokens; blank at the same width if unknown. */
function formatTokens(record: RequestRecord): string {
  const { inputTokens, outputTokens = 0, cachedTokens = 0 } = record;
  const pad = (tokens: number) => formatShort(tokens).padStart(4);
  const text = inputTokens === undefined
    ? ""
    : `in ${pad(inputTokens)} out ${pad(outputTokens)} cached ${pad(cachedTokens)}`;
  return text.padEnd("in 999k out 999k cached 999k".length);
}

/** The time to the first event, if there was one, and the total. */
function formatTimes({ firstEventMs, totalMs }: RequestRecord): string {
  const total = formatTime(totalMs);
  const text = firstEventMs === undefined ? total : `${formatTime(firstEventMs)}/${total}`;
  return text.padStart("0.93s/11.2s".length);
}

/** At most five characters below 10,000 seconds. */
function formatTime(ms: number): string {
  const seconds = ms / 1000;
  return `${seconds.toFixed(seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0)}s`;
}
