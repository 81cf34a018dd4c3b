/**
 * The row of a session: what it cost, which model answers, how full the window is, whether caching works, whether it
 * is stuck. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCompact, formatContext, formatCost } from "../format.ts";
import type { Session, Totals } from "../metrics/types.ts";
import { h } from "./dom.ts";
import { formatCacheShare, formatMinute, formatNumber, orDash, toName } from "./format.ts";
import type { Row, SessionGroup } from "./rows.ts";

type SessionRow = Extract<Row, { type: "session" }>;

/** Characters of a session id that are shown; it is a UUID. */
const ID_CHARS = 8;
/** From here on Claude Code may soon compact. */
const NEARLY_FULL = 0.8;

/** A text that changes when the row looks different. */
export function describeSessionRow({ group, isOpen }: SessionRow): string {
  const { session, active, requests } = group;
  return JSON.stringify([isOpen, active.length, requests.length, requests[0]?.number, session]);
}

/** Creates the row; its button opens and closes the session. */
export function createSessionRow({ group, isOpen }: SessionRow, onToggle: () => void): HTMLElement {
  const { session, active } = group;
  const title = findTitle(group);
  const button = h("button", {
    class: "row name",
    text: title,
    attributes: { type: "button", "aria-expanded": `${isOpen}` },
  });
  const row = h("div", {
    class: isOpen ? "session open" : "session",
    attributes: { role: "listitem" },
    children: [
      h("span", {
        class: "names",
        children: [
          h("span", { class: "first", children: [button, createRunning(active.length)] }),
          h("span", { class: "to name", text: describeSession(group) }),
        ],
      }),
      createWindow(session),
      ...listFigures(group),
      h("span", {
        class: "figure cost",
        children: [h("b", { text: orDash(sumCost(group), formatCost) }), h("i", { text: "cost" })],
      }),
    ],
  });
  row.addEventListener("click", () => {
    if (!document.getSelection()?.toString()) onToggle();
  });
  return row;
}

/** The question that the session works on where bodies are captured, else the start of its id. */
function findTitle({ id, requests }: SessionGroup): string {
  if (id === "") return "Requests without a session";
  const question = requests.find(({ kind, preview }) => kind === "main" && preview)?.preview;
  return toName(question ?? `Session ${id.slice(0, ID_CHARS)}`);
}

function createRunning(count: number): HTMLElement | null {
  return count === 0 ? null : h("span", { class: "running", text: `${count} running` });
}

function describeSession({ session, requests }: SessionGroup): string {
  if (session === undefined) return formatNumber(requests.length, "request");
  const { lastAnswer, startedAt, kinds } = session;
  const parts = [
    lastAnswer?.upstreamModel,
    lastAnswer?.provider,
    formatNumber(kinds.main, "turn"),
    kinds.agent > 0 ? `${kinds.agent} agent` : "",
    kinds.guard > 0 ? `${kinds.guard} guard` : "",
    kinds.side > 0 ? `${kinds.side} side` : "",
    `since ${formatMinute(startedAt)}`,
  ];
  return parts.filter((part) => part).map((part) => toName(`${part}`)).join(" · ");
}

/** How much of the model's context the last turn used. */
function createWindow(session: Session | undefined): HTMLElement {
  const { contextTokens: used, contextLength: length } = session?.lastAnswer ?? {};
  if (used === undefined || used === null) return h("span", { class: "window" });
  const share = length ? Math.min(1, used / length) : null;
  const bar = h("i");
  bar.style.width = `${100 * (share ?? 0)}%`;
  const text = length
    ? `${formatCompact(used)} of ${formatContext(length)}`
    : `${formatCompact(used)} tokens`;
  const percent = share === null ? "" : ` · ${Math.round(100 * share)}%`;
  return h("span", {
    class: "window",
    children: [
      h("span", { class: "caption", text: `${text}${percent}` }),
      share === null ? null : h("span", {
        class: share >= NEARLY_FULL ? "meter full" : "meter",
        attributes: {
          role: "img",
          "aria-label": `Context ${Math.round(100 * share)}% full`,
        },
        children: [bar],
      }),
    ],
  });
}

function listFigures(group: SessionGroup): HTMLElement[] {
  const totals = sumTotals(group);
  const speed = group.session?.lastAnswer?.tokensPerSecond;
  const figures: [value: string, label: string, style: string][] = [
    [formatCacheShare(totals), "cached", ""],
    [orDash(speed, (value) => `${Math.round(value)}/s`), "tokens", ""],
    [`${totals.failed ?? 0}`, totals.failed === 1 ? "error" : "errors", totals.failed ? "bad" : ""],
  ];
  return figures.map(([value, label, style]) =>
    h("span", {
      class: "figure",
      children: [h("b", { class: style, text: value }), h("i", { text: label })],
    })
  );
}

/** The proxy's figures, or the sum of what is listed. */
function sumTotals({ session, requests }: SessionGroup): Partial<Totals> {
  if (session !== undefined) return session.totals;
  const sum = (key: "inputTokens" | "cachedTokens" | "writtenTokens") =>
    requests.reduce((total, request) => total + (request[key] ?? 0), 0);
  return {
    inputTokens: sum("inputTokens"),
    cachedTokens: sum("cachedTokens"),
    writtenTokens: sum("writtenTokens"),
    failed: requests.filter(({ error }) => error !== undefined).length,
  };
}

function sumCost({ session, requests }: SessionGroup): number | null {
  if (session !== undefined) return session.totals.costUsd;
  const costs = requests.map(({ costUsd }) => costUsd).filter((cost) => cost !== undefined);
  return costs.length === 0 ? null : costs.reduce((total, cost) => total + cost, 0);
}
