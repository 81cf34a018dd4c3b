/**
 * The elements of the list's rows: sessions, requests in flight, completed requests. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCompact, formatCost, formatCount, formatSeconds } from "../format.ts";
import type { ActiveRequest, CompletedRequest } from "../metrics/types.ts";
import { h, type Parts } from "./dom.ts";
import {
  countPrompt,
  findFirstToken,
  formatCacheShare,
  formatTime,
  orDash,
  toName,
  UNKNOWN,
} from "./format.ts";
import type { Row } from "./rows.ts";
import { createSessionRow, describeSessionRow } from "./session_row.ts";

/** Upstream has been silent for so long that the request may be stuck. */
const SILENT_MS = 20_000;
const LABELS = ["In", "Out", "Cache", "Cost", "First", "Total"] as const;

/** Names of kinds other than turns of the conversation itself. */
const KIND_LABELS: Readonly<Record<string, string>> = {
  agent: "agent",
  guard: "guard",
  side: "side",
};

/** What the rows do. */
export interface RowActions {
  openRequest: (request: CompletedRequest) => void;
  toggleSession: (id: string) => void;
}

/** Creates the element of a row. */
export function createRow(row: Row, actions: RowActions): HTMLElement {
  switch (row.type) {
    case "session":
      return createSessionRow(row, () => actions.toggleSession(row.group.id));
    case "active":
      return createActiveRow(row.request);
    case "request":
      return createRequestRow(row.request, () => actions.openRequest(row.request));
    default:
      return row satisfies never;
  }
}

/** A text that changes when the row looks different. */
export function describeRow(row: Row): string {
  switch (row.type) {
    case "session":
      return describeSessionRow(row);
    case "active":
      return JSON.stringify([row.request.elapsedMs, row.request.outputTokens]);
    case "request":
      return row.key;
    default:
      return row satisfies never;
  }
}

function createRequestRow(request: CompletedRequest, onOpen: () => void): HTMLElement {
  const { model, upstreamModel, provider, replaced, error, preview, dropped = [] } = request;
  const notes = [
    error,
    preview,
    upstreamModel,
    provider,
    replaced === undefined ? undefined : `instead of ${replaced}`,
  ];
  const outcome = request.outcome.replaceAll("_", " ");
  const cost = orDash(request.costUsd, formatCost);
  const time = formatTime(request.time);
  const name = toName(model ?? "unknown model");
  const row = createCells({
    time,
    tags: [KIND_LABELS[request.kind ?? ""], dropped.length > 0 && `${dropped.length} dropped`],
    name: h("button", {
      class: "row name",
      text: name,
      attributes: { type: "button", "aria-label": `${name}, ${outcome}, ${cost}, ${time}` },
    }),
    note: notes,
    numbers: [
      request.inputTokens === undefined ? UNKNOWN : formatCompact(countPrompt(request)),
      orDash(request.outputTokens, formatCount),
      formatCacheShare(request),
      cost,
      orDash(findFirstToken(request), formatSeconds),
      formatSeconds(request.totalMs),
    ],
  });
  const style = error !== undefined ? "end bad" : outcome === "complete" ? "end" : "end warn";
  row.append(h("span", { class: style, text: outcome }));
  row.classList.add("completed");
  row.addEventListener("click", () => {
    // A click that ends a text selection does not open the request.
    if (!document.getSelection()?.toString()) onOpen();
  });
  return row;
}

function createActiveRow(request: ActiveRequest): HTMLElement {
  const { model, upstreamModel, elapsedMs, outputTokens, events, preview } = request;
  const first = events.find(({ kind }) => kind === "block")?.at;
  const silentMs = findSilence(request);
  const row = createCells({
    time: "now",
    tags: [KIND_LABELS[request.kind ?? ""]],
    name: h("span", { class: "name", text: toName(model ?? "unknown model") }),
    note: [preview, upstreamModel],
    numbers: [
      UNKNOWN,
      orDash(outputTokens, (count) => `≈ ${formatCount(count)}`),
      UNKNOWN,
      UNKNOWN,
      orDash(first, formatSeconds),
      formatSeconds(elapsedMs),
    ],
  });
  const isSilent = silentMs >= SILENT_MS;
  row.append(h("span", {
    class: isSilent ? "end warn" : "end running",
    text: isSilent ? `silent for ${Math.floor(silentMs / 1000)} s` : describeState(request),
    attributes: { title: `Last event ${formatSeconds(silentMs)} ago` },
  }));
  row.classList.add("running-row");
  return row;
}

/** How long nothing has arrived from upstream, in milliseconds. */
export function findSilence({ idleMs, elapsedMs, events }: ActiveRequest): number {
  return idleMs ?? elapsedMs - (events.at(-1)?.at ?? 0);
}

/** What an active request is doing. */
export function describeState({ events }: ActiveRequest): string {
  const { kind, note = "" } = events.at(-1) ?? {};
  switch (kind) {
    case undefined:
      return "receiving";
    case "sent":
      return "waiting";
    case "headers":
      return "thinking";
    default:
      return note.startsWith("tool_use ") ? `calling ${toName(note.slice(9))}` : "responding";
  }
}

interface Cells {
  time: string;
  tags: readonly (string | undefined | false)[];
  name: HTMLElement;
  note: readonly (string | undefined)[];
  numbers: readonly string[];
}

function createCells({ time, tags, name, note, numbers }: Cells): HTMLElement {
  const text = note.filter((one) => one !== undefined && one !== "").map((one) => toName(`${one}`));
  const names: Parts = {
    class: "names",
    children: [
      h("span", {
        class: "first",
        children: [
          name,
          ...tags.map((text) => text ? h("span", { class: "tag", text }) : null),
        ],
      }),
      h("span", { class: "to name", text: text.join(" · ") }),
    ],
  };
  return h("div", {
    class: "line",
    attributes: { role: "listitem" },
    children: [
      h("span", { class: "time", text: time }),
      h("span", names),
      ...numbers.map((number, index) =>
        h("span", {
          class: "number",
          text: number,
          attributes: { "data-label": LABELS[index] ?? "" },
        })
      ),
    ],
  });
}
