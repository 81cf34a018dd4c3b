/**
 * Bar chart of cost or tokens over time. The pointer or the arrow keys select a bar, which is also shown as text.
 * Plain SVG: a library for one kind of bars would be larger than the rest of the page. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import { formatCompact, formatCost } from "../format.ts";
import type { Series, TimeBucket } from "../metrics/types.ts";
import { find, h, setText, svg } from "./dom.ts";
import { countPrompt, formatMinute, orDash } from "./format.ts";

export type Measure = "cost" | "tokens";

const WIDTH = 960;
const HEIGHT = 132;
const TOP = 14;
const PARTS = [
  { name: "out", of: (bucket: TimeBucket) => bucket.outputTokens },
  { name: "in", of: (bucket: TimeBucket) => bucket.inputTokens + bucket.writtenTokens },
  { name: "from cache", of: (bucket: TimeBucket) => bucket.cachedTokens },
] as const;

/** The chart and its selection. */
export class Chart {
  #series: Series = { widthMs: 1, length: 1, buckets: [] };
  #measure: Measure = "cost";
  #now = 0;
  /** The state that was drawn last. */
  #drawn = "";
  #selected: number | null = null;

  constructor() {
    const plot = find("plot");
    plot.addEventListener("pointermove", (event) => {
      const { left, width } = plot.getBoundingClientRect();
      this.#select(Math.floor((event.clientX - left) / width * this.#series.length));
    });
    plot.addEventListener("pointerleave", () => this.#select(null));
    plot.addEventListener("blur", () => this.#select(null));
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.#select((this.#selected ?? this.#series.length) + step);
    });
  }

  /** Redraws the chart if anything has changed. */
  show(series: Series, { measure, now }: { measure: Measure; now: number }): void {
    this.#series = series;
    this.#measure = measure;
    this.#now = now;
    const state = JSON.stringify([series, measure, this.#firstTime(), this.#selected]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#draw();
  }

  #firstTime(): number {
    const { widthMs, length } = this.#series;
    return (Math.floor(this.#now / widthMs) - length + 1) * widthMs;
  }

  #select(slot: number | null): void {
    const last = this.#series.length - 1;
    this.#selected = slot === null ? null : Math.max(0, Math.min(last, slot));
    this.#drawn = "";
    this.#draw();
  }

  #draw(): void {
    const most = Math.max(...this.#series.buckets.map((one) => this.#measureOf(one)), 0);
    const bars = this.#series.buckets.flatMap((bucket) => this.#drawBar(bucket, most));
    const box = svg("svg", {
      attributes: {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      children: [drawLine(TOP), drawLine((HEIGHT + TOP) / 2), drawLine(HEIGHT - 0.5)],
    });
    box.append(...bars, ...this.#drawSelection());
    const label = h("span", { class: "most", text: most === 0 ? "" : this.#format(most) });
    const plot = find("plot");
    plot.replaceChildren(box, label);
    plot.setAttribute("aria-label", this.#describe(most));
    setText("chart-title", this.#measure === "cost" ? "Cost" : "Tokens");
    setText("readout", this.#describeSelected());
    this.#drawAxis();
  }

  #drawBar(bucket: TimeBucket, most: number): SVGElement[] {
    const slot = WIDTH / this.#series.length;
    const index = (bucket.time - this.#firstTime()) / this.#series.widthMs;
    const values = this.#measure === "cost"
      ? [bucket.costUsd ?? 0]
      : PARTS.map(({ of }) => of(bucket));
    let bottom = HEIGHT - 1;
    return values.map((value, number) => {
      const height = most === 0 || value === 0
        ? 0
        : Math.max(1.5, value / most * (HEIGHT - TOP - 1));
      bottom -= height;
      const x = index * slot + slot * 0.15;
      return drawRect({ x, y: bottom, width: slot * 0.7, height }, `fill-${number + 1}`);
    });
  }

  #drawSelection(): SVGElement[] {
    if (this.#selected === null) return [];
    const width = WIDTH / this.#series.length;
    return [
      drawRect({ x: this.#selected * width, y: TOP, width, height: HEIGHT - TOP }, "selected"),
    ];
  }

  #drawAxis(): void {
    const first = this.#firstTime();
    const middle = first + this.#series.widthMs * Math.floor(this.#series.length / 2);
    const legend = this.#measure === "cost" ? [] : PARTS.flatMap(({ name }, number) => [
      h("i", { class: `fill-${number + 1}` }),
      document.createTextNode(name),
    ]);
    find("axis").replaceChildren(
      h("span", { text: formatMinute(first) }),
      legend.length > 0
        ? h("span", { children: legend })
        : h("span", { text: formatMinute(middle) }),
      h("span", { text: "now" }),
    );
  }

  #describe(most: number): string {
    const { length, widthMs } = this.#series;
    const measure = this.#measure === "cost" ? "Cost" : "Tokens";
    const span = length * widthMs <= 3_600_000 ? "hour" : "day";
    return most === 0
      ? `${measure} over the last ${span}: no data yet`
      : `${measure} over the last ${span}, highest bar ${this.#format(most)}`;
  }

  #describeSelected(): string {
    if (this.#selected === null) return "";
    const time = this.#firstTime() + this.#selected * this.#series.widthMs;
    const bucket = this.#series.buckets.find((one) => one.time === time);
    if (bucket === undefined) return `${formatMinute(time)}  no requests`;
    const { requests, costUsd, outputTokens } = bucket;
    const tokens = `${formatCompact(countPrompt(bucket))} in, ${formatCompact(outputTokens)} out`;
    const count = `${requests} ${requests === 1 ? "request" : "requests"}`;
    return `${formatMinute(time)}  ${count}  ${tokens}  ${orDash(costUsd, formatCost)}`;
  }

  #measureOf(bucket: TimeBucket): number {
    if (this.#measure === "cost") return bucket.costUsd ?? 0;
    return PARTS.reduce((sum, { of }) => sum + of(bucket), 0);
  }

  #format(value: number): string {
    return this.#measure === "cost" ? formatCost(value) : formatCompact(value);
  }
}

function drawLine(y: number): SVGElement {
  const attributes = { x1: "0", x2: `${WIDTH}`, y1: `${y}`, y2: `${y}` };
  return svg("line", { class: "grid", attributes });
}

function drawRect(
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  name: string,
): SVGElement {
  const attributes = {
    x: x.toFixed(2),
    y: y.toFixed(2),
    width: width.toFixed(2),
    height: height.toFixed(2),
  };
  return svg("rect", { class: name, attributes });
}
