/**
 * The report of `check`: its type, which is also its JSON, and its text.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import { type Color, type Colorizer, stripControlChars } from "../../colors.ts";
import { formatSeconds } from "../../format.ts";

/** With `failed` the proxy will not work; with `warning` and `unchecked` it may. */
export type State = "ok" | "warning" | "failed" | "unchecked";

/** The result of one check. */
export interface Finding {
  /** `settings`, `permissions`, `port`, `upstream`, `key`, `models`. */
  topic: string;
  /** For `models`: the families that use the model. */
  name?: string;
  state: State;
  message: string;
  /** What to do about it. */
  hint?: string;
  /** Machine-readable details: limits, prices, sizes. */
  facts?: JsonObject;
}

/** One variable; secrets are masked. */
export interface Setting {
  name: string;
  value: string;
  /** `environment`, the name of a file, or `default`. */
  source: string;
}

/** The whole report. */
export interface Report {
  /** Whether no check has failed. */
  ok: boolean;
  name: string;
  version: string;
  tookMs: number;
  settings: Setting[];
  findings: Finding[];
}

const SYMBOLS: Record<State, readonly [symbol: string, color: Color]> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  failed: ["✗", "red"],
  unchecked: ["–", "dim"],
};
const MAX_VALUE = 70;

/** The report as lines of text. */
export function formatReport(report: Report, paint: Colorizer): string[] {
  const { name, version, settings, findings } = report;
  return [
    `${name} ${version}`,
    "",
    ...formatSettings(settings, paint),
    ...formatFindings(findings, paint),
    "",
    formatSummary(report, paint),
  ];
}

/** A line for each variable that has a value, and the names of the others. */
function formatSettings(settings: readonly Setting[], paint: Colorizer): string[] {
  if (settings.length === 0) return [];
  const width = Math.max(...settings.map(({ source }) => source.length), "environment".length);
  const rows = settings.filter(({ value }) => value !== "").map(({ name, value, source }) => {
    const text = stripControlChars(value);
    const shown = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
    const row = `${name.padEnd(20)}  ${stripControlChars(source).padEnd(width)}  ${shown}`;
    return `  ${source === "default" ? paint("dim", row) : row}`;
  });
  const unset = settings.filter(({ value }) => value === "").map(({ name }) => name);
  const rest = wrapNames("  not set: ", unset).map((line) => paint("dim", line));
  return [...rows, ...rest, ""];
}

function wrapNames(label: string, names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = label;
  for (const [index, name] of names.entries()) {
    const word = `${name}${index < names.length - 1 ? ", " : ""}`;
    if (line.length + word.length > 96 && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(label.length);
    }
    line += word;
  }
  return names.length === 0 ? [] : [...lines, line.trimEnd()];
}

function formatFindings(findings: readonly Finding[], paint: Colorizer): string[] {
  const toLabel = ({ topic, name }: Finding) => name ?? topic;
  const width = Math.max(0, ...findings.map((finding) => toLabel(finding).length));
  return findings.flatMap((finding) => {
    const [symbol, color] = SYMBOLS[finding.state];
    const label = toLabel(finding).padEnd(width);
    const line = `  ${paint(color, symbol)} ${label}  ${stripControlChars(finding.message)}`;
    if (finding.hint === undefined) return [line];
    return [line, `${" ".repeat(width + 6)}→ ${stripControlChars(finding.hint)}`];
  });
}

function formatSummary({ findings, tookMs }: Report, paint: Colorizer): string {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [failed, warnings] = [count("failed"), count("warning")];
  const result = failed === 0
    ? paint("green", "All checks passed")
    : paint("red", `${failed} ${failed === 1 ? "check" : "checks"} failed`);
  const suffix = warnings === 0 ? "" : `, ${warnings} warning${warnings === 1 ? "" : "s"}`;
  return `${result}${suffix} (${formatSeconds(tookMs)})`;
}
