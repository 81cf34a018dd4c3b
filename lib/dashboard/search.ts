/**
 * The search of the request list: words, and conditions such as `is:error` or `model:opus`. The chips below the field
 * switch conditions on and off in its text. Pure.
 * @module
 */

import type { CompletedRequest } from "../metrics/types.ts";

/** Share of the requests that count as slow or costly. */
const TOP_SHARE = 0.05;

/** The searchable text of each request, which never changes. */
export type SearchTexts = WeakMap<CompletedRequest, string>;

/** Whether a request matches. */
export type Matcher = (request: CompletedRequest) => boolean;

/** Limits from which requests count as slow or costly. */
export interface Limits {
  /** Milliseconds. */
  slowMs: number;
  costlyUsd: number;
}

/** Finds the limits of the slowest and the most expensive twentieth. */
export function findLimits(requests: readonly CompletedRequest[]): Limits {
  return {
    slowMs: findTop(requests.map(({ totalMs }) => totalMs)),
    costlyUsd: findTop(requests.map(({ costUsd }) => costUsd ?? 0)),
  };
}

function findTop(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.floor(sorted.length * (1 - TOP_SHARE))] ?? 0;
  return value > 0 ? value : Infinity;
}

/** Splits a query into its terms. A term in double quotes may contain spaces. */
export function listTerms(query: string): string[] {
  return [...query.matchAll(/(?:[a-z]+:)?"[^"]*"|\S+/gi)].map(([term]) => term);
}

/** Removes a term from a query, or adds it. */
export function toggleTerm(query: string, term: string): string {
  const terms = listTerms(query);
  const others = terms.filter((one) => one !== term);
  return (others.length < terms.length ? others : [...terms, term]).join(" ");
}

/** Removes all terms of a kind, such as `model:`, and adds one. An empty value adds none. */
export function replaceTerm(query: string, kind: string, value: string): string {
  const others = listTerms(query).filter((term) => !term.startsWith(`${kind}:`));
  const term = /\s/.test(value) ? `${kind}:"${value.replaceAll('"', "")}"` : `${kind}:${value}`;
  return (value === "" ? others : [...others, term]).join(" ");
}

/** Compiles a query: all of its terms must match. Null for an empty one, which matches everything. */
export function compileQuery(
  query: string,
  requests: readonly CompletedRequest[],
  texts: SearchTexts,
): Matcher | null {
  const terms = listTerms(query.toLowerCase());
  if (terms.length === 0) return null;
  let limits: Limits | undefined;
  const sources = { getLimits: () => limits ??= findLimits(requests), texts };
  const matchers = terms.map((term) => compileTerm(term, sources));
  return (request) => matchers.every((matches) => matches(request));
}

interface Sources {
  getLimits: () => Limits;
  texts: SearchTexts;
}

function compileTerm(term: string, { getLimits, texts }: Sources): Matcher {
  const [, kind = "", quoted = ""] = /^([a-z]+):(.*)$/.exec(term) ?? [];
  const value = quoted.replaceAll('"', "");
  switch (kind) {
    case "is":
      return compileState(value, getLimits) ?? matchText(term, texts);
    case "model":
      return ({ model, upstreamModel }) => contains(model, value) || contains(upstreamModel, value);
    case "session":
      return ({ sessionId }) => contains(sessionId, value);
    case "kind":
      return (request) => request.kind === value;
    default:
      return matchText(term.replaceAll('"', ""), texts);
  }
}

function compileState(state: string, getLimits: () => Limits): Matcher | undefined {
  switch (state) {
    case "error":
      return hasFailed;
    case "dropped":
      return ({ dropped = [] }) => dropped.length > 0;
    case "slow":
      return ({ totalMs }) => totalMs >= getLimits().slowMs;
    case "costly":
      return ({ costUsd = 0 }) => costUsd >= getLimits().costlyUsd;
    default:
      return undefined;
  }
}

/** Whether the client got an error, or left before the end. */
export function hasFailed({ outcome }: CompletedRequest): boolean {
  return outcome !== "complete";
}

function contains(text: string | undefined, part: string): boolean {
  return text !== undefined && text.toLowerCase().includes(part);
}

/** Creates the texts of requests ahead of the first search, which otherwise would create all of them in one task. */
export function prepareTexts(requests: readonly CompletedRequest[], texts: SearchTexts): void {
  for (const request of requests) findText(request, texts);
}

function matchText(part: string, texts: SearchTexts): Matcher {
  return (request) => findText(request, texts).includes(part);
}

function findText(request: CompletedRequest, texts: SearchTexts): string {
  let text = texts.get(request);
  if (text === undefined) texts.set(request, text = createText(request));
  return text;
}

function createText(request: CompletedRequest): string {
  const { requestId, model, upstreamModel, provider, outcome, error, preview, sessionId } = request;
  const { dropped = [], replaced, kind } = request;
  return [requestId, model, upstreamModel, provider, outcome, error, preview, sessionId, kind]
    .concat(dropped, replaced).filter((one) => one !== undefined).join("\n").toLowerCase();
}
