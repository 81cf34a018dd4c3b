/**
 * One request opened: its facts, its timeline, and the four bodies where they are kept. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { Bodies, CompletedRequest, TimelineEvent } from "../metrics/types.ts";
import { h } from "./dom.ts";
import { formatCost, formatCount, formatMoment, toPlain } from "./format.ts";

const MAX_SHOWN_CHARS = 200_000;
const PANES: readonly [place: keyof Bodies, title: string][] = [
  ["request", "1  Client asked"],
  ["sent", "2  OpenRouter was asked"],
  ["received", "3  OpenRouter answered"],
  ["answer", "4  Client was answered"],
];

/** @param inspects whether bodies can be asked for */
export function createDetail(request: CompletedRequest, inspects: boolean): HTMLElement {
  const panes = h("div", { class: "panes" });
  if (inspects) loadPanes(panes, request.requestId);
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
        children: [h("b", { class: name === "Error" ? "bad" : "", text: toPlain(value ?? "") })],
      })
    ),
  });
}

/** A stretch of a request's life. */
interface Step {
  name: string;
  from: number;
  to: number;
  isAnswer: boolean;
}

/** Each moment reaches to the next one. */
function listSteps({ events, totalMs, outcome }: CompletedRequest): Step[] {
  const moments = [
    { name: "Received", at: 0, isAnswer: false },
    ...events.map((mark) => ({
      name: describeMark(mark),
      at: mark.at,
      isAnswer: mark.kind === "block",
    })),
  ];
  const steps = moments.map(({ name, at, isAnswer }, number) => {
    const to = moments[number + 1]?.at ?? totalMs;
    return { name, from: at, to, isAnswer };
  });
  return [...steps, { name: `End: ${outcome}`, from: totalMs, to: totalMs, isAnswer: false }];
}

function describeMark({ kind, note }: TimelineEvent): string {
  switch (kind) {
    case "sent":
      return `Sent to ${toPlain(note)}`;
    case "headers":
      return "Upstream headers";
    case "block":
      return `Block: ${toPlain(note)}`;
    default:
      return kind satisfies never;
  }
}

function createSteps(request: CompletedRequest): HTMLElement {
  const total = Math.max(1, request.totalMs);
  const items = listSteps(request).map(({ name, from, to, isAnswer }) => {
    const bar = h("i", { class: isAnswer ? "answer" : "" });
    bar.style.left = `${Math.min(99.8, 100 * from / total)}%`;
    bar.style.width = `${100 * (to - from) / total}%`;
    return h("li", {
      children: [
        h("span", { class: "name", text: name }),
        h("span", { class: "track", children: [bar] }),
        h("span", { class: "number", text: formatMoment(from) }),
      ],
    });
  });
  return h("ul", { class: "steps", children: items, attributes: { "aria-label": "Timeline" } });
}

async function loadPanes(panes: HTMLElement, requestId: string): Promise<void> {
  try {
    const answer = await fetch(`stats?request=${encodeURIComponent(requestId)}`);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error?.message ?? `HTTP ${answer.status}`);
    panes.replaceChildren(...PANES.map(([place, title]) => createPane(title, body[place])));
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
      h("pre", { text: prettify(text) || "nothing", attributes: { tabindex: "0" } }),
    ],
  });
}

/** JSON is indented; what is none, an event stream say, stays as it is. */
function prettify(text: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // An event stream, or a body that was cut.
  }
  if (shown.length <= MAX_SHOWN_CHARS) return shown;
  return `${shown.slice(0, MAX_SHOWN_CHARS)}\n… ${formatCount(shown.length)} characters in all`;
}
