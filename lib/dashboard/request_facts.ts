/**
 * The facts of one request, its dropped fields, and how long each step took. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCost, formatCount, formatDuration } from "../format.ts";
import type { CompletedRequest, TimelineEvent } from "../metrics/types.ts";
import { findNote } from "./compare.ts";
import { h } from "./dom.ts";
import { countPrompt, formatCacheShare, formatTime, toName, toPlainText } from "./format.ts";
import { translationRows } from "./translation_rows.ts";

/** Facts of a request as a list of names and values. */
export function createFacts(request: CompletedRequest): HTMLElement {
  const { inputTokens, outputTokens, costUsd, writtenTokens, savedUsd, sessionId } = request;
  const facts: [name: string, value: string | undefined][] = [
    ["Status", `${request.status}`],
    ["Received", formatTime(request.time)],
    ["Took", formatDuration(request.totalMs)],
    ["Provider", request.provider],
    ["In", inputTokens === undefined ? undefined : formatCount(countPrompt(request))],
    ["Out", outputTokens === undefined ? undefined : formatCount(outputTokens)],
    ["Cached", inputTokens === undefined ? undefined : formatCacheShare(request)],
    ["Written to cache", writtenTokens === undefined ? undefined : formatCount(writtenTokens)],
    ["Cost", costUsd === undefined ? undefined : formatCost(costUsd)],
    ["Saved by caching", savedUsd === undefined ? undefined : formatCost(savedUsd)],
    ["Instead of", request.replaced],
    ["Fallbacks", request.sentModels?.slice(1).join(", ")],
    ["Kind", request.kind],
    ["Session", sessionId],
    ["Request", request.requestId],
  ];
  const known = facts.filter(([, value]) => value !== undefined && value !== "");
  return h("dl", {
    class: "facts",
    children: known.map(([name, value = ""]) =>
      h("div", {
        children: [h("dt", { text: name }), h("dd", { class: "name", text: toName(value) })],
      })
    ),
  });
}

/** The error that the client got; null for none. */
export function createError({ error, outcome }: CompletedRequest): HTMLElement | null {
  if (error === undefined) return null;
  return h("p", {
    class: "error",
    children: [
      h("b", { text: outcome.replaceAll("_", " ") }),
      h("span", { class: "text", text: ` ${toPlainText(error)}` }),
    ],
  });
}

/** The dropped fields, each with its row of docs/translation.md; null if there are none. */
export function createDropped({ dropped = [] }: CompletedRequest): HTMLElement | null {
  if (dropped.length === 0) return null;
  const items = dropped.map((name) =>
    h("li", {
      children: [
        h("span", { class: "name", text: toName(name) }),
        h("span", { class: "quiet", text: findNote(name, translationRows()) || "not forwarded" }),
      ],
    })
  );
  return h("div", {
    children: [
      h("h3", { text: "Not sent upstream" }),
      h("ul", { class: "drops", children: items }),
    ],
  });
}

/** A bar of the timeline, in milliseconds since the request was received. */
interface Step {
  name: string;
  from: number;
  to: number;
  isContent: boolean;
}

/** Each step lasts until the next event. */
function listSteps({ events, totalMs }: CompletedRequest): Step[] {
  const starts = [
    { name: "Receive and translate", at: 0, isContent: false },
    ...events.map((event) => ({
      name: describeStep(event),
      at: event.at,
      isContent: event.kind === "block",
    })),
  ];
  return starts.map(({ name, at, isContent }, index) => ({
    name,
    from: at,
    to: Math.max(at, starts[index + 1]?.at ?? totalMs),
    isContent,
  }));
}

function describeStep({ kind, note }: TimelineEvent): string {
  switch (kind) {
    case "sent":
      return `Wait for ${toName(note)}`;
    case "headers":
      return "Until the first block";
    case "block":
      return toName(note);
    default:
      return kind satisfies never;
  }
}

/** How long each step took, as bars on one scale. */
export function createTimeline(request: CompletedRequest): HTMLElement {
  const total = Math.max(1, request.totalMs);
  const items = listSteps(request).map(({ name, from, to, isContent }) => {
    const bar = h("i", { class: isContent ? "content" : "" });
    bar.style.left = `${Math.min(99.8, 100 * from / total)}%`;
    bar.style.width = `${Math.min(100, 100 * (to - from) / total)}%`;
    return h("li", {
      children: [
        h("span", { class: "name", text: name }),
        h("span", { class: "track", children: [bar] }),
        h("span", { class: "number", text: formatDuration(to - from) }),
      ],
    });
  });
  return h("ul", { class: "steps", children: items, attributes: { "aria-label": "Timeline" } });
}
