/**
 * The list of requests: those under way, and those that ended, newest first. Arrow keys choose, Enter opens.
 * Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { ActiveRequest, CompletedRequest } from "../metrics/types.ts";
import { createDetail } from "./request_detail.ts";
import { find, h } from "./dom.ts";
import {
  countPrompt,
  findFirstToken,
  formatCacheShare,
  formatCost,
  formatCount,
  formatSeconds,
  formatTime,
  NONE,
  toPlain,
} from "./format.ts";

const MAX_ROWS = 200;
const LABELS = ["In", "Out", "Cache", "Cost", "First", "Total"] as const;
const COLUMNS = 9;

/** The list, and which request is open. */
export class RequestList {
  readonly #body = find("finished");
  #open: HTMLElement | null = null;
  #inspects = false;

  constructor() {
    this.#body.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Shows what is under way; what is to be told of it changes all the time. */
  showActive(flights: readonly ActiveRequest[], now: number): void {
    find("flights").replaceChildren(
      ...flights.toReversed().map((flight) => createActiveRow(flight, now)),
    );
  }

  /** Adds requests on top. @param requests oldest first */
  add(requests: readonly CompletedRequest[], inspects: boolean): void {
    this.#inspects = inspects;
    for (const request of requests) this.#body.prepend(this.#createRow(request));
    const rows = this.#body.querySelectorAll("tr:not(.detail)");
    for (const row of Array.from(rows).slice(MAX_ROWS)) {
      if (row.nextElementSibling?.className === "detail") row.nextElementSibling.remove();
      row.remove();
    }
    this.#keepOneStop();
  }

  clear(): void {
    this.#open = null;
    this.#body.replaceChildren();
  }

  #createRow(request: CompletedRequest): HTMLElement {
    const button = createNames(request);
    const cells = [
      formatCount(request.inputTokens === undefined ? undefined : countPrompt(request)),
      formatCount(request.outputTokens),
      formatCacheShare(request),
      formatCost(request.costUsd),
      formatSeconds(findFirstToken(request)),
      formatSeconds(request.totalMs),
    ];
    const row = createCells(formatTime(request.time), button, cells);
    const isBad = request.error !== undefined;
    const kind = isBad ? "end bad" : request.outcome === "client_gone" ? "end warn" : "end";
    row.append(h("td", { class: kind, text: request.outcome.replaceAll("_", " ") }));
    row.addEventListener("click", () => {
      // Who marks a text does not want the row to open.
      if (document.getSelection()?.toString()) return;
      this.#toggle(row, request);
      button.focus();
    });
    return row;
  }

  #toggle(row: HTMLElement, request: CompletedRequest): void {
    const wasOpen = this.#open === row;
    this.#close();
    if (wasOpen) return;
    const cell = h("td", {
      attributes: { colspan: `${COLUMNS}` },
      children: [createDetail(request, this.#inspects)],
    });
    row.after(h("tr", { class: "detail", children: [cell] }));
    this.#mark(row, true);
    this.#open = row;
  }

  #close(): void {
    if (this.#open === null) return;
    const detail = this.#open.nextElementSibling;
    if (detail?.className === "detail") detail.remove();
    this.#mark(this.#open, false);
    this.#open = null;
  }

  #mark(row: HTMLElement, isOpen: boolean): void {
    row.classList.toggle("open", isOpen);
    row.querySelector("button")?.setAttribute("aria-expanded", `${isOpen}`);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === "Escape") this.#close();
    const buttons = Array.from(this.#body.querySelectorAll<HTMLButtonElement>("button.row"));
    const at = buttons.findIndex((button) => button === document.activeElement);
    if (at < 0) return;
    const places: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    const next = buttons[place];
    if (next === undefined) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  /** The list is one stop of the Tab key, however long it is. */
  #keepOneStop(): void {
    const buttons = Array.from(this.#body.querySelectorAll<HTMLButtonElement>("button.row"));
    const stop = buttons.find((button) => button.tabIndex === 0) ?? buttons[0];
    for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  }
}

function createActiveRow(flight: ActiveRequest, now: number): HTMLElement {
  const { model, upstreamModel, elapsedMs, outputTokens, events } = flight;
  const first = events.find(({ kind }) => kind === "block")?.at;
  const names = h("div", { children: createNameLines({ model, target: upstreamModel, note: "" }) });
  const out = outputTokens === null ? NONE : `≈ ${formatCount(outputTokens)}`;
  const cells = [NONE, out, NONE, NONE, formatSeconds(first), formatSeconds(elapsedMs)];
  const row = createCells(formatTime(now - elapsedMs), names, cells);
  row.append(h("td", { class: "end running", text: describeState(flight) }));
  return row;
}

function describeState({ events }: ActiveRequest): string {
  switch (events.at(-1)?.kind) {
    case undefined:
      return "receiving";
    case "sent":
      return "waiting";
    case "headers":
      return "thinking";
    default:
      return "answering";
  }
}

function createCells(time: string, names: HTMLElement, cells: readonly string[]): HTMLElement {
  return h("tr", {
    children: [
      h("td", { text: time }),
      h("td", { children: [names] }),
      ...cells.map((text, number) =>
        h("td", { class: "number", text, attributes: { "data-label": LABELS[number] ?? "" } })
      ),
    ],
  });
}

function createNames(request: CompletedRequest): HTMLElement {
  const { model, upstreamModel, provider, replaced, error, dropped = [] } = request;
  const notes = [
    error ?? "",
    provider ?? "",
    replaced === undefined ? "" : `instead of ${replaced}`,
    dropped.length === 0 ? "" : `${dropped.length} dropped`,
  ];
  const note = notes.filter((one) => one !== "").join(" · ");
  return h("button", {
    class: "row",
    attributes: { type: "button", "aria-expanded": "false", tabindex: "-1" },
    children: createNameLines({ model, target: upstreamModel, note }),
  });
}

/** What was asked for, and below it who answered. */
function createNameLines(
  { model, target, note }: { model: string | undefined; target: string | undefined; note: string },
): HTMLElement[] {
  const second = [target ?? "", note].filter((one) => one !== "").join(" · ");
  return [
    h("span", { class: "name", text: toPlain(model ?? "unknown model") }),
    h("span", { class: "to name", text: toPlain(second) }),
  ];
}
