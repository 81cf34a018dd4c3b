/**
 * The tiles, the table of models, errors and dropped fields. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCompact, formatCost, formatCount, formatSeconds, formatUsd } from "../format.ts";
import type { CompletedRequest, Stats, Totals } from "../metrics/types.ts";
import { find, h, setText } from "./dom.ts";
import { countPrompt, findFirstToken, formatCacheShare, orDash, toName } from "./format.ts";

/** The times of the last requests, not those of yesterday. */
const MAX_TIMED = 200;
const MAX_MODELS = 8;
const MAX_COUNTS = 8;
/** Labels of a model's cells on screens that are too narrow for a table header. */
const MODEL_LABELS = ["req", "in", "out", ""] as const;

/** Shows the five tiles. @param requests oldest first */
export function showTiles(stats: Stats, requests: readonly CompletedRequest[]): void {
  const { totals, today, inFlight } = stats;
  showSpent(stats);
  setText("count", formatCount(totals.requests));
  setText("count-note", [`${inFlight.length} running`, `${totals.failed} failed`].join(" · "));
  setText("tokens", formatCompact(countPrompt(totals)));
  setText("tokens-note", `${formatCompact(totals.outputTokens)} out`);
  setText("cache", formatCacheShare(totals));
  setText("cache-note", describeSaved(totals));
  const firsts = requests.slice(-MAX_TIMED).map(findFirstToken).filter((ms) => ms !== undefined)
    .toSorted((a, b) => a - b);
  setText("first", orDash(firsts[Math.floor(firsts.length / 2)], formatSeconds));
  const slow = firsts[Math.floor(firsts.length * 0.95)];
  setText(
    "first-note",
    slow === undefined ? "median" : `median · 95% under ${formatSeconds(slow)}`,
  );
  document.title = today.costUsd > 0 ? `${formatCost(today.costUsd)} · claudeproxy` : "claudeproxy";
}

function showSpent({ today, totals }: Stats): void {
  const { costUsd, estimatedUsd, maxCostUsd } = today;
  setText("spent", formatCost(costUsd));
  const notes = [
    estimatedUsd === 0 ? "" : `+ ≈${formatCost(estimatedUsd)} estimated`,
    maxCostUsd === null ? "" : `of ${formatUsd(maxCostUsd)} a day`,
    // The proxy was started on an earlier day.
    (totals.costUsd ?? 0) > costUsd ? `${formatCost(totals.costUsd ?? 0)} since start` : "",
    totals.unpriced === 0 ? "" : `${formatCount(totals.unpriced)} of unknown cost`,
  ];
  setText("spent-note", notes.filter((note) => note !== "").join(" · ") || "since midnight UTC");
  const meter = find("spent-meter");
  meter.hidden = maxCostUsd === null;
  if (maxCostUsd === null) return;
  const share = Math.min(1, (costUsd + estimatedUsd) / maxCostUsd);
  meter.classList.toggle("full", share === 1);
  const bar = meter.firstElementChild;
  if (bar instanceof HTMLElement) bar.style.width = `${100 * share}%`;
}

/** Computed from the catalog's prices. */
function describeSaved({ savedUsd, cachedTokens, writtenTokens }: Totals): string {
  if (cachedTokens + writtenTokens === 0) return "nothing cached yet";
  if (savedUsd === null) return "prices unknown";
  return savedUsd < 0
    ? `cost ${formatCost(-savedUsd)} more so far`
    : `saved ${formatCost(savedUsd)} at list prices`;
}

/** Shows the totals of each model, the most expensive first. */
export function showModels({ models }: Stats): void {
  const sorted = models.toSorted((a, b) =>
    (b.costUsd ?? 0) - (a.costUsd ?? 0) || b.requests - a.requests
  );
  const rest = sorted.length - MAX_MODELS;
  const highest = sorted[0]?.costUsd || 1;
  const head = ["Model", "Requests", "Tokens in", "Out", "Cost"].map((text, number) =>
    h("th", { text, attributes: { scope: "col" }, class: number === 0 ? "" : "number" })
  );
  const rows = sorted.slice(0, MAX_MODELS).map((totals) => createModelRow(totals, highest));
  find("models").replaceChildren(
    models.length === 0 ? h("p", { class: "quiet", text: "No responses yet." }) : h(
      "table",
      {
        class: "models",
        children: [
          h("thead", { children: [h("tr", { children: head })] }),
          h("tbody", { children: rows }),
        ],
      },
    ),
    ...(rest > 0 ? [h("p", { class: "quiet", text: `and ${rest} more` })] : []),
  );
}

function createModelRow(totals: Stats["models"][number], highest: number): HTMLElement {
  const share = h("div", { class: "share" });
  share.style.width = `${100 * (totals.costUsd ?? 0) / highest}%`;
  const cells = [
    formatCount(totals.requests),
    formatCompact(countPrompt(totals)),
    formatCompact(totals.outputTokens),
    orDash(totals.costUsd, formatCost),
  ];
  return h("tr", {
    children: [
      h("td", {
        children: [h("div", { class: "name", text: toName(totals.model) }), share],
      }),
      ...cells.map((text, number) =>
        h("td", { class: "number", text, attributes: { "data-label": MODEL_LABELS[number] ?? "" } })
      ),
    ],
  });
}

/** Shows outcomes other than `complete`, the last error, and dropped fields. */
export function showErrors(
  { outcomes, dropped }: Stats,
  requests: readonly CompletedRequest[],
): void {
  const incomplete = outcomes.filter(({ end }) => end !== "complete")
    .map(({ end, count }) => ({ name: end.replaceAll("_", " "), count }));
  const fields = dropped.map(({ field, count }) => ({ name: field, count }));
  const last = requests.findLast(({ error }) => error !== undefined)?.error;
  find("errors").replaceChildren(
    createCounts("Incomplete requests", incomplete),
    h("p", { class: "quiet name", text: last === undefined ? "" : `“${toName(last)}”` }),
    createCounts("Dropped fields", fields),
  );
}

function createCounts(title: string, entries: { name: string; count: number }[]): HTMLElement {
  const sorted = entries.toSorted((a, b) => b.count - a.count).slice(0, MAX_COUNTS);
  const items = sorted.map(({ name, count }) =>
    h("li", {
      children: [
        h("span", { class: "name", text: toName(name) }),
        h("span", { class: "number", text: formatCount(count) }),
      ],
    })
  );
  const none = h("li", { children: [h("span", { class: "quiet", text: "none" })] });
  return h("div", {
    class: "group",
    children: [
      h("h3", { text: title }),
      h("ul", { class: "counts", children: items.length > 0 ? items : [none] }),
    ],
  });
}
