/**
 * Polls `GET /stats` twice a second while the page is visible, and updates what has changed. Polling keeps no
 * connection open. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatAge } from "../format.ts";
import type { Setup, Stats } from "../metrics/types.ts";
import { describeError, fetchOlder, fetchSetup, fetchStats } from "./api.ts";
import { Chart, type Measure } from "./chart.ts";
import { find, findAll, setText } from "./dom.ts";
import { HistoryView } from "./history_view.ts";
import { showKeys } from "./key_costs.ts";
import { ListView } from "./list_view.ts";
import { RequestDialog } from "./request_dialog.ts";
import { RequestStore } from "./request_store.ts";
import { showEmpty, showSetup, showSetupLine } from "./setup_view.ts";
import { showSparkline } from "./sparkline.ts";
import { showErrors, showModels, showTiles } from "./summary.ts";

const POLL_MS = 500;
/** Poll interval after a failure. */
const RETRY_MS = 2000;
/** Between two pages of older requests, so that the page stays responsive. */
const OLDER_MS = 30;
const SETUP_MS = 60_000;
/** The first response has no credit yet. */
const FIRST_SETUP_MS = 3000;

type Span = "hour" | "day";

class Dashboard {
  readonly #store = new RequestStore();
  readonly #list = new ListView(this.#store, (request) => this.#dialog.show(request));
  readonly #dialog: RequestDialog;
  readonly #chart = new Chart();
  readonly #history = new HistoryView();
  #stats: Stats | null = null;
  #setup: Setup | null = null;
  #measure: Measure = "cost";
  #span: Span = "hour";
  #shownTotals = "";
  #isPaused = false;
  #isLoadingOlder = false;

  constructor() {
    this.#dialog = new RequestDialog({
      setup: () => this.#setup,
      capturesBodies: () => this.#stats?.capturesBodies ?? false,
      neighbor: (requestId, step) => this.#list.neighbor(requestId, step),
      onClose: (requestId) => this.#list.focus(requestId),
    });
    showEmpty(null);
    onToggle("measure", (value) => {
      this.#measure = value === "tokens" ? "tokens" : "cost";
      this.#showChart();
    });
    onToggle("span", (value) => {
      this.#span = value === "day" ? "day" : "hour";
      this.#showChart();
    });
    onToggle("view", (view) => {
      showView(view);
      if (view === "history") this.#history.show();
    });
    find("sparkline").addEventListener("click", () => showView("figures"));
    find("pause").addEventListener("click", () => this.#pause());
    addEventListener("hashchange", () => {
      if (!this.#showLinked()) this.#dialog.close();
    });
    addEventListener("keydown", (event) => this.#onKey(event));
  }

  async run(): Promise<void> {
    this.#pollSetup();
    for (;;) {
      if (document.hidden) await waitUntilVisible();
      const isFine = this.#isPaused || await this.#poll();
      await sleep(isFine ? POLL_MS : RETRY_MS);
    }
  }

  async #poll(): Promise<boolean> {
    try {
      const stats = await fetchStats(this.#store.newest);
      if (!this.#isPaused) this.#show(stats);
      return true;
    } catch (error) {
      showStatus("lost", describeError(error));
      return false;
    }
  }

  async #pollSetup(): Promise<void> {
    for (let wait = FIRST_SETUP_MS;; wait = SETUP_MS) {
      try {
        this.#setup = await fetchSetup();
        showEmpty(this.#setup);
        this.#showSetup();
      } catch {
        // The other poll reports that the proxy does not respond.
      }
      await sleep(wait);
      if (document.hidden) await waitUntilVisible();
    }
  }

  #show(stats: Stats): void {
    if (this.#stats !== null && this.#stats.startedAt !== stats.startedAt) return this.#reset();
    const before = this.#stats;
    this.#stats = stats;
    showStatus("live", `Live · up ${formatAge(stats.now - stats.startedAt)}`);
    setText("version", stats.about.version);
    // Only with HISTORY.
    find("history-button").hidden = stats.history === undefined;
    this.#showChart();
    showSparkline(stats.series.hour, stats.now);
    const { totals, today, inFlight, capturesBodies } = stats;
    this.#store.append(stats.requests);
    const state = JSON.stringify([totals, today, inFlight.length]);
    const hasChanged = state !== this.#shownTotals;
    if (hasChanged) this.#showTotals(stats);
    this.#shownTotals = state;
    if (hasChanged || inFlight.length > 0) this.#list.update(stats);
    if (before?.capturesBodies !== capturesBodies) this.#showSetup();
    if (before === null) this.#showLinked();
    this.#loadOlder();
  }

  /** Updates what changes only when a request starts or ends. */
  #showTotals(stats: Stats): void {
    const { requests } = this.#store;
    showTiles(stats, requests);
    showModels(stats);
    showKeys(stats);
    showErrors(stats, requests);
  }

  /** Loads the requests that the first response did not contain, page by page. */
  async #loadOlder(): Promise<void> {
    if (this.#isLoadingOlder) return;
    this.#isLoadingOlder = true;
    try {
      for (let before = this.#store.missingBefore; before !== null;) {
        const requests = await fetchOlder(before);
        if (requests.length === 0) break;
        this.#store.prepend(requests);
        this.#list.prepare(requests);
        const missing = this.#store.missingBefore;
        if (missing === before) break;
        before = missing;
        await sleep(OLDER_MS);
      }
      this.#list.refresh();
      this.#showLinked();
    } catch {
      // Tried again after the next poll.
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  #showChart(): void {
    if (this.#stats === null) return;
    const { series, now } = this.#stats;
    this.#chart.show(series[this.#span], { measure: this.#measure, now });
  }

  #showSetup(): void {
    if (this.#setup === null || this.#stats === null) return;
    showSetup(this.#setup, this.#stats);
    showSetupLine(this.#setup, this.#stats);
  }

  /** Opens the request that the address names. @returns whether there is one */
  #showLinked(): boolean {
    const requestId = location.hash.slice(1);
    if (requestId === this.#dialog.requestId) return true;
    const request = this.#store.find(requestId);
    if (request !== undefined) this.#dialog.show(request);
    return request !== undefined;
  }

  #pause(): void {
    this.#isPaused = !this.#isPaused;
    find("pause").setAttribute("aria-pressed", `${this.#isPaused}`);
    setText("pause", this.#isPaused ? "Resume" : "Pause");
    if (this.#isPaused) showStatus("paused", "Paused");
  }

  #onKey(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement ||
      event.target instanceof HTMLSelectElement;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && this.#dialog.requestId === null) {
      event.preventDefault();
      showView("sessions");
      this.#list.focusSearch();
    }
  }

  /** The proxy was restarted: its request numbers start again at 1. */
  #reset(): void {
    this.#stats = null;
    this.#store.clear();
    this.#list.clear();
    this.#shownTotals = "";
    this.#dialog.close();
  }
}

function onToggle(name: string, onChange: (value: string) => void): void {
  const buttons = findAll(`button[data-${name}]`);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", `${one === button}`);
      onChange(button.dataset[name] ?? "");
    });
  }
}

function showView(name: string): void {
  for (const view of findAll("main > [data-is]")) {
    view.hidden = view.dataset["is"] !== name;
  }
  for (const button of findAll("button[data-view]")) {
    button.setAttribute("aria-pressed", `${button.dataset["view"] === name}`);
  }
  // The list measures itself only while it is visible.
  dispatchEvent(new Event("resize"));
}

function showStatus(state: "live" | "lost" | "paused", text: string): void {
  find("status").dataset["state"] = state;
  setText("status", text);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function waitUntilVisible(): Promise<void> {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
}

new Dashboard().run();
