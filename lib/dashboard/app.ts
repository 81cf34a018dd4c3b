/**
 * The page's life: asks `GET /stats` twice a second while somebody looks, and shows what has changed.
 * Asking again and again holds no connection open, and a hidden page asks nothing. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { CompletedRequest, Stats } from "../metrics/types.ts";
import { Chart, type Measure } from "./chart.ts";
import { find, setText } from "./dom.ts";
import { formatAge } from "./format.ts";
import { showErrors, showModels, showTiles } from "./summary.ts";
import { RequestList } from "./request_list.ts";

const PERIOD_MS = 500;
/** After a failure: nobody is helped by asking faster. */
const PATIENCE_MS = 2000;
const MAX_REQUESTS = 200;

type Span = "hour" | "day";

class Page {
  readonly #list = new RequestList();
  readonly #chart = new Chart();
  #requests: CompletedRequest[] = [];
  #stats: Stats | null = null;
  #measure: Measure = "cost";
  #span: Span = "hour";
  #shown = "";

  constructor() {
    setText("address", `ANTHROPIC_BASE_URL=${location.origin}`);
    listenToChoice("measure", (value) => {
      this.#measure = value === "tokens" ? "tokens" : "cost";
      this.#showChart();
    });
    listenToChoice("span", (value) => {
      this.#span = value === "day" ? "day" : "hour";
      this.#showChart();
    });
  }

  async run(): Promise<void> {
    for (;;) {
      if (document.hidden) await waitUntilVisible();
      const isFine = await this.#ask();
      await new Promise((resolve) => setTimeout(resolve, isFine ? PERIOD_MS : PATIENCE_MS));
    }
  }

  async #ask(): Promise<boolean> {
    try {
      const after = this.#requests.at(-1)?.number ?? 0;
      const answer = await fetch(`stats?after=${after}`, { cache: "no-store" });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error?.message ?? `HTTP ${answer.status}`);
      this.#show(body);
      return true;
    } catch (error) {
      // A failed fetch says only "Failed to fetch".
      const words = error instanceof TypeError ? "The proxy does not answer" : String(error);
      showStatus("lost", words.replace(/^Error: /, ""));
      return false;
    }
  }

  #show(stats: Stats): void {
    if (this.#stats !== null && this.#stats.startedAt !== stats.startedAt) return this.#restart();
    this.#stats = stats;
    showStatus("live", `Live · up ${formatAge(stats.now - stats.startedAt)}`);
    setText("version", stats.about.version);
    this.#list.showActive(stats.inFlight, stats.now);
    this.#showChart();
    const { totals, today, inFlight } = stats;
    const state = JSON.stringify([totals, today, inFlight.length]);
    if (state !== this.#shown) this.#showSums(stats);
    this.#shown = state;
  }

  /** What changes only when a request begins or ends. */
  #showSums(stats: Stats): void {
    this.#requests = [...this.#requests, ...stats.requests].slice(-MAX_REQUESTS);
    this.#list.add(stats.requests, stats.capturesBodies);
    showTiles(stats, this.#requests);
    showModels(stats);
    showErrors(stats, this.#requests);
    find("empty").hidden = this.#requests.length + stats.inFlight.length > 0;
    setText("footnote", describeLimits(stats));
  }

  #showChart(): void {
    if (this.#stats === null) return;
    const { series, now } = this.#stats;
    this.#chart.show(series[this.#span], { measure: this.#measure, now });
  }

  /** Another process answers: its numbers begin anew. */
  #restart(): void {
    this.#stats = null;
    this.#requests = [];
    this.#shown = "";
    this.#list.clear();
  }
}

function describeLimits({ capturesBodies }: Stats): string {
  const bodies = capturesBodies
    ? "Bodies of the last 50 requests are kept (INSPECT=1)."
    : "Bodies are not kept; INSPECT=1 shows what the translation did.";
  return `The last 200 requests since the start, in memory only. ${bodies}`;
}

function listenToChoice(name: string, onChoice: (value: string | null) => void): void {
  const buttons = Array.from(document.querySelectorAll(`button[data-${name}]`));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", `${one === button}`);
      onChoice(button.getAttribute(`data-${name}`));
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

new Page().run();
