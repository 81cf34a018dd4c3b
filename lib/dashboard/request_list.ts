/**
 * List of active and completed requests, newest first. Arrow keys select, Enter opens.
 * Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { stripControlChars } from "../colors.ts";
import { formatCost, formatCount, formatSeconds } from "../format.ts";
import type { ActiveRequest, CompletedRequest } from "../metrics/types.ts";
import { createDetail } from "./request_detail.ts";
import { find, h } from "./dom.ts";
import {
  countPrompt,
  findFirstToken,
  formatCacheShare,
  formatTime,
  orDash,
  UNKNOWN,
} from "./format.ts";

const MAX_ROWS = 200;
const LABELS = ["In", "Out", "Cache", "Cost", "First", "Total"] as const;
const COLUMNS = 9;

/** The list; at most one request is open. */
export class RequestList {
  readonly #body = find("completed");
  #open: HTMLElement | null = null;
  #capturesBodies = false;

  constructor() {
    this.#body.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Replaces the active requests. */
  showActive(requests: readonly ActiveRequest[], now: number): void {
    find("active").replaceChildren(
      ...requests.toReversed().map((request) => createActiveRow(request, now)),
    );
  }

  /** Adds completed requests on top. @param requests oldest first */
  add(requests: readonly CompletedRequest[], capturesBodies: boolean): void {
    this.#capturesBodies = capturesBodies;
    for (const request of requests) this.#body.prepend(this.#createCompletedRow(request));
    const rows = this.#body.querySelectorAll("tr:not(.detail)");
    for (const row of Array.from(rows).slice(MAX_ROWS)) {
      if (row.nextElementSibling?.className === "detail") row.nextElementSibling.remove();
      row.remove();
    }
    this.#keepOneTabStop();
  }

  clear(): void {
    this.#open = null;
    this.#body.replaceChildren();
  }

  #createCompletedRow(request: CompletedRequest): HTMLElement {
    const button = createNames(request);
    const cells = [
      request.inputTokens === undefined ? UNKNOWN : formatCount(countPrompt(request)),
      orDash(request.outputTokens, formatCount),
      formatCacheShare(request),
      orDash(request.costUsd, formatCost),
      orDash(findFirstToken(request), formatSeconds),
      formatSeconds(request.totalMs),
    ];
    const row = createRow(formatTime(request.time), button, cells);
    const hasFailed = request.error !== undefined;
    const style = hasFailed ? "end bad" : request.outcome === "client_gone" ? "end warn" : "end";
    row.append(h("td", { class: style, text: request.outcome.replaceAll("_", " ") }));
    row.addEventListener("click", () => {
      // A click that ends a text selection does not open the row.
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
      children: [createDetail(request, this.#capturesBodies)],
    });
    row.after(h("tr", { class: "detail", children: [cell] }));
    this.#setOpen(row, true);
    this.#open = row;
  }

  #close(): void {
    if (this.#open === null) return;
    const detail = this.#open.nextElementSibling;
    if (detail?.className === "detail") detail.remove();
    this.#setOpen(this.#open, false);
    this.#open = null;
  }

  #setOpen(row: HTMLElement, isOpen: boolean): void {
    row.classList.toggle("open", isOpen);
    row.querySelector("button")?.setAttribute("aria-expanded", `${isOpen}`);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === "Escape") this.#close();
    const buttons = Array.from(this.#body.querySelectorAll<HTMLButtonElement>("button.row"));
    const current = buttons.findIndex((button) => button === document.activeElement);
    if (current < 0) return;
    const targets: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const next = buttons[target];
    if (next === undefined) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  /** The Tab key stops at the list once, however long it is. */
  #keepOneTabStop(): void {
    const buttons = Array.from(this.#body.querySelectorAll<HTMLButtonElement>("button.row"));
    const stop = buttons.find((button) => button.tabIndex === 0) ?? buttons[0];
    for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
  }
}

function createActiveRow(request: ActiveRequest, now: number): HTMLElement {
  const { model, upstreamModel, elapsedMs, outputTokens, events } = request;
  const first = events.find(({ kind }) => kind === "block")?.at;
  const names = h("div", { children: createNameLines({ model, target: upstreamModel, note: "" }) });
  const output = orDash(outputTokens, (count) => `≈ ${formatCount(count)}`);
  const firstToken = orDash(first, formatSeconds);
  const cells = [UNKNOWN, output, UNKNOWN, UNKNOWN, firstToken, formatSeconds(elapsedMs)];
  const row = createRow(formatTime(now - elapsedMs), names, cells);
  row.append(h("td", { class: "end running", text: describeState(request) }));
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
      return "responding";
  }
}

function createRow(time: string, names: HTMLElement, cells: readonly string[]): HTMLElement {
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

/** The requested model; below it the model that responded. */
function createNameLines(
  { model, target, note }: { model: string | undefined; target: string | undefined; note: string },
): HTMLElement[] {
  const second = [target ?? "", note].filter((one) => one !== "").join(" · ");
  return [
    h("span", { class: "name", text: stripControlChars(model ?? "unknown model") }),
    h("span", { class: "to name", text: stripControlChars(second) }),
  ];
}
