/**
 * Details of one request: facts, timeline, and the four bodies if they are captured. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { stripControlChars } from "../colors.ts";
import { formatCost, formatCount, formatDuration } from "../format.ts";
import type { Bodies, CompletedRequest, TimelineEvent } from "../metrics/types.ts";
import { h } from "./dom.ts";

const MAX_SHOWN_CHARS = 200_000;
const PANES: readonly [body: keyof Bodies, title: string][] = [
  ["request", "1  Client request"],
  ["sent", "2  Upstream request"],
  ["received", "3  Upstream response"],
  ["answer", "4  Client response"],
];

/** @param capturesBodies whether the proxy captures bodies (INSPECT) */
export function createDetail(request: CompletedRequest, capturesBodies: boolean): HTMLElement {
  const panes = h("div", { class: "panes" });
  if (capturesBodies) loadPanes(panes, request.requestId);
  return h("div", { children: [createFacts(request), createSteps(request), panes] });
}

function createFacts(request: CompletedRequest): HTMLElement {
  const { requestId, status, error, replaced, dropped = [], writtenTokens, savedUsd } = request;
  const facts: [name: string, value: string | undefined][] = [
    ["Status", `${status}`],
    ["Request", requestId],
    ["Error", error],
    ["Instead of", replaced],
    ["Dropped", dropped.join(", ") || undefined],
    ["Written to cache", writtenTokens === undefined ? undefined : formatCount(writtenTokens)],
    ["Saved by caching", savedUsd === undefined ? undefined : formatCost(savedUsd)],
    ["Fallbacks", request.sentModels?.slice(1).join(", ")],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  return h("div", {
    class: "facts",
    children: known.map(([name, value]) =>
      h("span", {
        class: "name",
        text: `${name} `,
        children: [
          h("b", { class: name === "Error" ? "bad" : "", text: stripControlChars(value ?? "") }),
        ],
      })
    ),
  });
}

/** A bar of the timeline. */
interface Step {
  name: string;
  from: number;
  to: number;
  isContent: boolean;
}

/** Each event lasts until the next one. */
function listSteps({ events, totalMs, outcome }: CompletedRequest): Step[] {
  const starts = [
    { name: "Received", at: 0, isContent: false },
    ...events.map((event) => ({
      name: describeEvent(event),
      at: event.at,
      isContent: event.kind === "block",
    })),
  ];
  const steps = starts.map(({ name, at, isContent }, index) => {
    const to = starts[index + 1]?.at ?? totalMs;
    return { name, from: at, to, isContent };
  });
  return [...steps, { name: `End: ${outcome}`, from: totalMs, to: totalMs, isContent: false }];
}

function describeEvent({ kind, note }: TimelineEvent): string {
  switch (kind) {
    case "sent":
      return `Sent to ${stripControlChars(note)}`;
    case "headers":
      return "Upstream headers";
    case "block":
      return `Block: ${stripControlChars(note)}`;
    default:
      return kind satisfies never;
  }
}

function createSteps(request: CompletedRequest): HTMLElement {
  const total = Math.max(1, request.totalMs);
  const items = listSteps(request).map(({ name, from, to, isContent }) => {
    const bar = h("i", { class: isContent ? "content" : "" });
    bar.style.left = `${Math.min(99.8, 100 * from / total)}%`;
    bar.style.width = `${100 * (to - from) / total}%`;
    return h("li", {
      children: [
        h("span", { class: "name", text: name }),
        h("span", { class: "track", children: [bar] }),
        h("span", { class: "number", text: formatDuration(from) }),
      ],
    });
  });
  return h("ul", { class: "steps", children: items, attributes: { "aria-label": "Timeline" } });
}

async function loadPanes(panes: HTMLElement, requestId: string): Promise<void> {
  try {
    const response = await fetch(`stats?request=${encodeURIComponent(requestId)}`);
    const bodies = await response.json();
    if (!response.ok) throw new Error(bodies.error?.message ?? `HTTP ${response.status}`);
    panes.replaceChildren(...PANES.map(([body, title]) => createPane(title, bodies[body])));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    panes.replaceChildren(h("p", { class: "quiet", text }));
  }
}

function createPane(title: string, body: unknown): HTMLElement {
  const text = typeof body === "string" ? body : "";
  const size = h("span", { text: text === "" ? "" : `${formatCount(text.length)} characters` });
  return h("div", {
    class: "pane",
    attributes: { "role": "group", "aria-label": title },
    children: [
      h("h3", { children: [h("span", { text: title }), size] }),
      h("pre", { text: prettify(text) || "empty", attributes: { tabindex: "0" } }),
    ],
  });
}

/** Indents JSON and leaves other text as it is. */
function prettify(text: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // An event stream, or a truncated body.
  }
  if (shown.length <= MAX_SHOWN_CHARS) return shown;
  return `${shown.slice(0, MAX_SHOWN_CHARS)}\n… ${formatCount(shown.length)} characters in total`;
}
