/**
 * What `check` found, as text for people and as JSON for machines. Knows nothing of how it was found.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import { type Color, type Colorizer, stripControlChars } from "../../colors.ts";

/** `warning` and `unchecked` do not keep the proxy from working; `failed` does. */
export type State = "ok" | "warning" | "failed" | "unchecked";

/** One thing that was looked at. */
export interface Finding {
  /** `settings`, `permissions`, `port`, `upstream`, `key`, `models`. */
  topic: string;
  /** The names of models that this is about, among `models`. */
  name?: string;
  state: State;
  message: string;
  /** What to do about it. */
  hint?: string;
  /** The same for machines: limits, prices, sizes. */
  facts?: JsonObject;
}

/** One variable; secrets are masked already. */
export interface Setting {
  name: string;
  value: string;
  /** `environment`, the name of a file, or `default`. */
  source: string;
}

/** Everything that was found. */
export interface Report {
  /** Whether nothing has failed. */
  ok: boolean;
  name: string;
  version: string;
  tookMs: number;
  settings: Setting[];
  findings: Finding[];
}

const MARKS: Record<State, readonly [mark: string, color: Color]> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  failed: ["✗", "red"],
  unchecked: ["–", "dim"],
};
const MAX_VALUE = 70;

/** Lines for a person. */
export function formatReport(report: Report, paint: Colorizer): string[] {
  const { name, version, settings, findings } = report;
  return [
    `${name} ${version}`,
    "",
    ...formatSettings(settings, paint),
    ...formatFindings(findings, paint),
    "",
    formatVerdict(report, paint),
  ];
}

/** Variables that have a value, a line each; the others are only named. */
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

function wrapNames(head: string, names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = head;
  for (const [index, name] of names.entries()) {
    const word = `${name}${index < names.length - 1 ? ", " : ""}`;
    if (line.length + word.length > 96 && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(head.length);
    }
    line += word;
  }
  return names.length === 0 ? [] : [...lines, line.trimEnd()];
}

function formatFindings(findings: readonly Finding[], paint: Colorizer): string[] {
  const toLabel = ({ topic, name }: Finding) => name ?? topic;
  const width = Math.max(0, ...findings.map((finding) => toLabel(finding).length));
  return findings.flatMap((finding) => {
    const [mark, color] = MARKS[finding.state];
    const head = `  ${paint(color, mark)} ${toLabel(finding).padEnd(width)}  ${
      stripControlChars(finding.message)
    }`;
    if (finding.hint === undefined) return [head];
    return [head, `${" ".repeat(width + 6)}→ ${stripControlChars(finding.hint)}`];
  });
}

function formatVerdict({ findings, tookMs }: Report, paint: Colorizer): string {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [failed, warnings] = [count("failed"), count("warning")];
  const took = `(${(tookMs / 1000).toFixed(1)} s)`;
  if (failed > 0) {
    return `${paint("red", "It will not work")}: ${failed} of the checks failed ${took}`;
  }
  const but = warnings === 0 ? "" : `, with ${warnings} warning${warnings === 1 ? "" : "s"}`;
  return `${paint("green", "It will work")}${but} ${took}`;
}
