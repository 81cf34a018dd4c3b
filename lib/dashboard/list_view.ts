/**
 * The first view: search, chips, and the list of sessions with their requests. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCost, formatSeconds } from "../format.ts";
import type { CompletedRequest, Stats } from "../metrics/types.ts";
import { find, findAll, h, setText } from "./dom.ts";
import { formatNumber, toName } from "./format.ts";
import { createRow, describeRow } from "./list_rows.ts";
import type { RequestStore } from "./request_store.ts";
import { groupRequests, listRows, type ListState, type Row } from "./rows.ts";
import {
  compileQuery,
  findLimits,
  listTerms,
  prepareTexts,
  replaceTerm,
  type SearchTexts,
  toggleTerm,
} from "./search.ts";
import { VirtualList } from "./virtual_list.ts";

/** Typing is searched after this pause. */
const TYPING_MS = 120;
const MAX_OPTIONS = 50;

/** The view. */
export class ListView {
  readonly #store: RequestStore;
  readonly #list: VirtualList<Row>;
  readonly #field: HTMLInputElement;
  /** Sessions that the user opened or closed, without a search and during one. */
  readonly #isOpen = { all: new Map<string, boolean>(), found: new Map<string, boolean>() };
  readonly #texts: SearchTexts = new WeakMap();
  #stats: Stats | null = null;
  #rows: Row[] = [];

  constructor(store: RequestStore, openRequest: (request: CompletedRequest) => void) {
    this.#store = store;
    const field = find("search");
    if (!(field instanceof HTMLInputElement)) throw new Error("#search is not a field");
    this.#field = field;
    const actions = { openRequest, toggleSession: (id: string) => this.#toggle(id) };
    this.#list = new VirtualList<Row>({
      container: find("list"),
      render: (row) => createRow(row, actions),
      describe: describeRow,
    });
    this.#listenToSearch();
  }

  /** Prepares the search of requests that have been loaded. */
  prepare(requests: readonly CompletedRequest[]): void {
    prepareTexts(requests, this.#texts);
  }

  /** Shows the current state. */
  update(stats: Stats): void {
    this.#stats = stats;
    this.refresh();
  }

  /** Shows the state again, after the search or the loaded requests have changed. */
  refresh(): void {
    const stats = this.#stats;
    if (stats === null) return;
    const { requests } = this.#store;
    const query = this.#field.value;
    const matcher = compileQuery(query, requests, this.#texts);
    const state: ListState = {
      requests,
      active: stats.inFlight,
      sessions: stats.sessions,
      matcher,
      isOpen: matcher === null ? this.#isOpen.all : this.#isOpen.found,
    };
    const groups = groupRequests(state);
    this.#rows = listRows(groups, state);
    this.#list.show(this.#rows);
    this.#showChips(query);
    this.#showOptions(stats, query);
    const found = groups.reduce((sum, group) => sum + group.requests.length, 0);
    setText("found", matcher === null ? "" : `${formatNumber(found, "request")} found`);
    find("empty").hidden = requests.length + stats.inFlight.length + stats.sessions.length > 0;
  }

  /** Forgets all rows: those of a proxy that was restarted may have the same keys. */
  clear(): void {
    this.#list.show([]);
  }

  focus(requestId: string): void {
    this.#list.focus(requestId);
  }

  /** The request listed above or below another. */
  neighbor(requestId: string, step: -1 | 1): CompletedRequest | undefined {
    let index = this.#rows.findIndex(({ key }) => key === requestId);
    if (index < 0) return undefined;
    while (this.#rows[index += step] !== undefined) {
      const row = this.#rows[index];
      if (row?.type === "request") return row.request;
    }
    return undefined;
  }

  focusSearch(): void {
    this.#field.focus();
    this.#field.select();
  }

  #toggle(id: string): void {
    const isSearch = this.#field.value.trim() !== "";
    const row = this.#rows.find((one) => one.type === "session" && one.group.id === id);
    if (row?.type !== "session") return;
    (isSearch ? this.#isOpen.found : this.#isOpen.all).set(id, !row.isOpen);
    this.refresh();
    this.#list.focus(row.key);
  }

  #listenToSearch(): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#search(this.#field.value), TYPING_MS);
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#search("");
      const [first] = this.#rows;
      if ((event.key !== "ArrowDown" && event.key !== "Enter") || first === undefined) return;
      event.preventDefault();
      clearTimeout(timer);
      this.refresh();
      this.#list.focus((this.#rows.find(({ type }) => type === "request") ?? first).key);
    });
    for (const chip of findAll("[data-term]")) {
      const term = chip.dataset["term"] ?? "";
      chip.addEventListener("click", () => this.#search(toggleTerm(this.#field.value, term)));
    }
    for (const kind of ["model", "session"]) {
      const select = find(`${kind}-filter`);
      if (!(select instanceof HTMLSelectElement)) continue;
      select.addEventListener("change", () => {
        this.#search(replaceTerm(this.#field.value, kind, select.value));
      });
    }
  }

  #search(query: string): void {
    this.#field.value = query;
    this.#isOpen.found.clear();
    this.refresh();
  }

  #showChips(query: string): void {
    const terms = listTerms(query.toLowerCase());
    for (const chip of findAll("[data-term]")) {
      const isOn = terms.includes(chip.dataset["term"] ?? "");
      chip.setAttribute("aria-pressed", `${isOn}`);
    }
    if (!terms.some((term) => term === "is:slow" || term === "is:costly")) return;
    const { slowMs, costlyUsd } = findLimits(this.#store.requests);
    find("slow").title = `The slowest 5 %: ${formatSeconds(slowMs)} or longer`;
    find("costly").title = `The most expensive 5 %: ${formatCost(costlyUsd)} or more`;
  }

  /** Fills the two choices when there is another model or session, and selects what the search names. */
  #showOptions({ models, sessions }: Stats, query: string): void {
    const choices = {
      model: models.slice(0, MAX_OPTIONS).map(({ model }) => [model, toName(model)] as const),
      session: sessions.slice(0, MAX_OPTIONS)
        .map(({ id }) => [id, `Session ${toName(id).slice(0, 8)}`] as const),
    };
    for (const kind of ["model", "session"] as const) {
      const select = find(`${kind}-filter`);
      if (!(select instanceof HTMLSelectElement) || select === document.activeElement) continue;
      const options = [["", kind === "model" ? "All models" : "All sessions"], ...choices[kind]];
      const state = options.join("\n");
      if (select.dataset["state"] !== state) {
        select.dataset["state"] = state;
        select.replaceChildren(
          ...options.map(([value = "", text = ""]) => h("option", { text, attributes: { value } })),
        );
      }
      const terms = listTerms(query);
      const chosen = choices[kind].find(([value]) => terms.includes(replaceTerm("", kind, value)));
      select.value = chosen?.[0] ?? "";
    }
  }
}
