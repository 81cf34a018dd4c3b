/**
 * Polls `GET /stats` twice a second while the page is visible, and updates what has changed. Polling keeps no
 * connection open. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatAge } from "../format.ts";
import type { CompletedRequest, Stats } from "../metrics/types.ts";
import { Chart, type Measure } from "./chart.ts";
import { find, setText } from "./dom.ts";
import { showErrors, showModels, showTiles } from "./summary.ts";
import { RequestList } from "./request_list.ts";

const POLL_MS = 500;
/** Poll interval after a failure. */
const RETRY_MS = 2000;
const MAX_REQUESTS = 200;

type Span = "hour" | "day";

class Dashboard {
  readonly #list = new RequestList();
  readonly #chart = new Chart();
  #requests: CompletedRequest[] = [];
  #stats: Stats | null = null;
  #measure: Measure = "cost";
  #span: Span = "hour";
  #shownTotals = "";

  constructor() {
    setText("address", `ANTHROPIC_BASE_URL=${location.origin}`);
    onToggle("measure", (value) => {
      this.#measure = value === "tokens" ? "tokens" : "cost";
      this.#showChart();
    });
    onToggle("span", (value) => {
      this.#span = value === "day" ? "day" : "hour";
      this.#showChart();
    });
  }

  async run(): Promise<void> {
    for (;;) {
      if (document.hidden) await waitUntilVisible();
      const isFine = await this.#poll();
      await new Promise((resolve) => setTimeout(resolve, isFine ? POLL_MS : RETRY_MS));
    }
  }

  async #poll(): Promise<boolean> {
    try {
      const after = this.#requests.at(-1)?.number ?? 0;
      const response = await fetch(`stats?after=${after}`, { cache: "no-store" });
      const body = await response.json();
      if (!response.ok) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
      this.#show(body);
      return true;
    } catch (error) {
      // The message of a failed fetch is only "Failed to fetch".
      const message = error instanceof TypeError ? "The proxy does not respond" : String(error);
      showStatus("lost", message.replace(/^Error: /, ""));
      return false;
    }
  }

  #show(stats: Stats): void {
    if (this.#stats !== null && this.#stats.startedAt !== stats.startedAt) return this.#reset();
    this.#stats = stats;
    showStatus("live", `Live · up ${formatAge(stats.now - stats.startedAt)}`);
    setText("version", stats.about.version);
    this.#list.showActive(stats.inFlight, stats.now);
    this.#showChart();
    const { totals, today, inFlight } = stats;
    const state = JSON.stringify([totals, today, inFlight.length]);
    if (state !== this.#shownTotals) this.#showTotals(stats);
    this.#shownTotals = state;
  }

  /** Updates what changes only when a request starts or ends. */
  #showTotals(stats: Stats): void {
    this.#requests = [...this.#requests, ...stats.requests].slice(-MAX_REQUESTS);
    this.#list.add(stats.requests, stats.capturesBodies);
    showTiles(stats, this.#requests);
    showModels(stats);
    showErrors(stats, this.#requests);
    find("empty").hidden = this.#requests.length + stats.inFlight.length > 0;
    setText("footnote", describeRetention(stats));
  }

  #showChart(): void {
    if (this.#stats === null) return;
    const { series, now } = this.#stats;
    this.#chart.show(series[this.#span], { measure: this.#measure, now });
  }

  /** The proxy was restarted: its request numbers start again at 1. */
  #reset(): void {
    this.#stats = null;
    this.#requests = [];
    this.#shownTotals = "";
    this.#list.clear();
  }
}

function describeRetention({ capturesBodies }: Stats): string {
  const bodies = capturesBodies
    ? "The bodies of the last 50 are captured (INSPECT=1)."
    : "Bodies are not captured; INSPECT=1 shows them here.";
  return `The last 200 requests since the start, kept in memory only. ${bodies}`;
}

function onToggle(name: string, onChange: (value: string | null) => void): void {
  const buttons = Array.from(document.querySelectorAll(`button[data-${name}]`));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", `${one === button}`);
      onChange(button.getAttribute(`data-${name}`));
    });
  }
}

function showStatus(state: "live" | "lost", text: string): void {
  find("status").dataset["state"] = state;
  setText("status", text);
}

function waitUntilVisible(): Promise<void> {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
}

new Dashboard().run();
