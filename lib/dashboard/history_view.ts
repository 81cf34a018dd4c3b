/**
 * Figures of past days by day, month, model, key or session, if the proxy keeps a history. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCompact, formatCost, formatCount } from "../format.ts";
import type { Grouping, HistoryReport } from "../history/types.ts";
import type { Totals } from "../metrics/types.ts";
import { describeError, fetchJson } from "./api.ts";
import { find, h } from "./dom.ts";
import { countPrompt, formatCacheShare, formatNumber, orDash, toName } from "./format.ts";

const GROUPINGS: readonly Grouping[] = ["day", "month", "model", "key", "session"];
const SPANS: readonly [since: string, text: string][] = [
  ["7d", "7 days"],
  ["30d", "30 days"],
  ["90d", "90 days"],
];
const COLUMNS = ["Requests", "Errors", "Tokens in", "Out", "Cached", "Cost"] as const;

/** The view. */
export class HistoryView {
  #by = "day";
  #since = "30d";
  readonly #content = h("div");

  constructor() {
    const choices = h("div", {
      class: "bar",
      children: [
        createChoice("Group by", GROUPINGS.map((name) => [name, `By ${name}`]), {
          chosen: this.#by,
          onChange: (by) => this.#load({ by }),
        }),
        createChoice("Time range", SPANS, {
          chosen: this.#since,
          onChange: (since) => this.#load({ since }),
        }),
      ],
    });
    find("history").replaceChildren(choices, this.#content);
  }

  /** Loads the figures. */
  async show(): Promise<void> {
    const query = new URLSearchParams({ by: this.#by, since: this.#since });
    try {
      const report = await fetchJson<HistoryReport>(`stats/history?${query}`);
      this.#content.replaceChildren(...createReport(report));
    } catch (error) {
      this.#content.replaceChildren(h("p", { class: "quiet", text: describeError(error) }));
    }
  }

  #load({ by = this.#by, since = this.#since }: { by?: string; since?: string }): Promise<void> {
    this.#by = by;
    this.#since = since;
    return this.show();
  }
}

function createChoice(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  { chosen, onChange }: { chosen: string; onChange: (value: string) => void },
): HTMLElement {
  const select = h("select", {
    class: "chip",
    attributes: { "aria-label": label },
    children: options.map(([value, text]) => h("option", { text, attributes: { value } })),
  });
  select.value = chosen;
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

function createReport({ rows, totals, omitted }: HistoryReport): HTMLElement[] {
  if (rows.length === 0) return [h("p", { class: "quiet", text: "No requests in this time." })];
  const highest = Math.max(...rows.map(({ costUsd }) => costUsd ?? 0), 0) || 1;
  const head = ["Name", ...COLUMNS].map((text, index) =>
    h("th", { text, class: index === 0 ? "" : "number", attributes: { scope: "col" } })
  );
  const table = h("table", {
    class: "models history",
    children: [
      h("thead", { children: [h("tr", { children: head })] }),
      h("tbody", {
        children: [
          ...rows.map((row) => createRow(row.name ?? "(none)", row, (row.costUsd ?? 0) / highest)),
          createRow("Total", totals, 0),
        ],
      }),
    ],
  });
  const rest = h("p", { class: "quiet", text: `and ${formatNumber(omitted, "more group")}` });
  return omitted > 0 ? [table, rest] : [table];
}

function createRow(name: string, totals: Totals, share: number): HTMLElement {
  const bar = h("div", { class: "share" });
  bar.style.width = `${100 * share}%`;
  const cells = [
    formatCount(totals.requests),
    formatCount(totals.failed),
    formatCompact(countPrompt(totals)),
    formatCompact(totals.outputTokens),
    formatCacheShare(totals),
    orDash(totals.costUsd, formatCost),
  ];
  return h("tr", {
    children: [
      h("td", { children: [h("div", { class: "name", text: toName(name) }), bar] }),
      ...cells.map((text, index) =>
        h("td", { class: "number", text, attributes: { "data-label": COLUMNS[index] ?? "" } })
      ),
    ],
  });
}
