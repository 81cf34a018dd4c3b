/**
 * A small picture of the cost of the last hour, which opens the chart. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCost } from "../format.ts";
import type { Series } from "../metrics/types.ts";
import { find, svg } from "./dom.ts";

const WIDTH = 120;
const HEIGHT = 26;

/** Draws the bars if they have changed. */
export function showSparkline({ widthMs, length, buckets }: Series, now: number): void {
  const button = find("sparkline");
  const first = (Math.floor(now / widthMs) - length + 1) * widthMs;
  const state = `${first} ${buckets.map(({ costUsd }) => costUsd).join()}`;
  if (button.dataset["state"] === state) return;
  button.dataset["state"] = state;
  const most = Math.max(...buckets.map(({ costUsd }) => costUsd ?? 0), 0);
  const slot = WIDTH / length;
  const bars = buckets.filter(({ costUsd }) => costUsd).map(({ time, costUsd }) => {
    const height = Math.max(1.5, (costUsd ?? 0) / most * HEIGHT);
    const attributes = {
      x: ((time - first) / widthMs * slot).toFixed(2),
      y: (HEIGHT - height).toFixed(2),
      width: (slot * 0.75).toFixed(2),
      height: height.toFixed(2),
    };
    return svg("rect", { class: "fill-1", attributes });
  });
  const base = svg("line", {
    class: "grid",
    attributes: { x1: "0", x2: `${WIDTH}`, y1: `${HEIGHT}`, y2: `${HEIGHT}` },
  });
  button.replaceChildren(svg("svg", {
    attributes: {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    children: [base, ...bars],
  }));
  const label = most === 0 ? "no cost yet" : `highest minute ${formatCost(most)}`;
  button.setAttribute("aria-label", `Cost over the last hour, ${label}. Opens the chart`);
}
