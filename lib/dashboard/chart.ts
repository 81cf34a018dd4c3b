/**
 * Cost or tokens over time, as bars. The pointer or the arrow keys choose a bar, which is then told in words.
 * Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

import type { Series, TimeBucket } from "../metrics/types.ts";
import { find, h, setText, svg } from "./dom.ts";
import { countPrompt, formatCost, formatMinute, formatShort } from "./format.ts";

export type Measure = "cost" | "tokens";

const WIDTH = 960;
const HEIGHT = 132;
const TOP = 14;
const PARTS = [
  { name: "out", of: (one: TimeBucket) => one.outputTokens },
  { name: "in", of: (one: TimeBucket) => one.inputTokens + one.writtenTokens },
  { name: "from cache", of: (one: TimeBucket) => one.cachedTokens },
] as const;

/** The chart, as it was drawn last. */
export class Chart {
  #series: Series = { widthMs: 1, length: 1, buckets: [] };
  #measure: Measure = "cost";
  #now = 0;
  #drawn = "";
  #chosen: number | null = null;

  constructor() {
    const plot = find("plot");
    plot.addEventListener("pointermove", (event) => {
      const { left, width } = plot.getBoundingClientRect();
      this.#choose(Math.floor((event.clientX - left) / width * this.#series.length));
    });
    plot.addEventListener("pointerleave", () => this.#choose(null));
    plot.addEventListener("blur", () => this.#choose(null));
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.#choose((this.#chosen ?? this.#series.length) + step);
    });
  }

  /** Draws, where anything has changed. */
  show(series: Series, { measure, now }: { measure: Measure; now: number }): void {
    this.#series = series;
    this.#measure = measure;
    this.#now = now;
    const state = JSON.stringify([series, measure, this.#firstTime(), this.#chosen]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#draw();
  }

  #firstTime(): number {
    const { widthMs, length } = this.#series;
    return (Math.floor(this.#now / widthMs) - length + 1) * widthMs;
  }

  #choose(slot: number | null): void {
    const last = this.#series.length - 1;
    this.#chosen = slot === null ? null : Math.max(0, Math.min(last, slot));
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
    box.append(...bars, ...this.#drawChosen());
    const label = h("span", { class: "most", text: most === 0 ? "" : this.#format(most) });
    const plot = find("plot");
    plot.replaceChildren(box, label);
    plot.setAttribute("aria-label", this.#describe(most));
    setText("chart-title", this.#measure === "cost" ? "Cost" : "Tokens");
    setText("readout", this.#describeChosen());
    this.#drawAxis();
  }

  #drawBar(bucket: TimeBucket, most: number): SVGElement[] {
    const slot = WIDTH / this.#series.length;
    const place = (bucket.time - this.#firstTime()) / this.#series.widthMs;
    const values = this.#measure === "cost"
      ? [bucket.costUsd ?? 0]
      : PARTS.map(({ of }) => of(bucket));
    let bottom = HEIGHT - 1;
    return values.map((value, number) => {
      const height = most === 0 || value === 0
        ? 0
        : Math.max(1.5, value / most * (HEIGHT - TOP - 1));
      bottom -= height;
      const x = place * slot + slot * 0.15;
      return drawRect({ x, y: bottom, width: slot * 0.7, height }, `fill-${number + 1}`);
    });
  }

  #drawChosen(): SVGElement[] {
    if (this.#chosen === null) return [];
    const width = WIDTH / this.#series.length;
    return [drawRect({ x: this.#chosen * width, y: TOP, width, height: HEIGHT - TOP }, "chosen")];
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
    const what = this.#measure === "cost" ? "Cost" : "Tokens";
    const span = length * widthMs <= 3_600_000 ? "hour" : "day";
    return most === 0
      ? `${what} over the last ${span}: nothing yet`
      : `${what} over the last ${span}, up to ${this.#format(most)} in one bar`;
  }

  #describeChosen(): string {
    if (this.#chosen === null) return "";
    const time = this.#firstTime() + this.#chosen * this.#series.widthMs;
    const bucket = this.#series.buckets.find((one) => one.time === time);
    if (bucket === undefined) return `${formatMinute(time)}  nothing`;
    const { requests, costUsd, outputTokens } = bucket;
    const tokens = `${formatShort(countPrompt(bucket))} in, ${formatShort(outputTokens)} out`;
    const number = `${requests} ${requests === 1 ? "request" : "requests"}`;
    return `${formatMinute(time)}  ${number}  ${tokens}  ${formatCost(costUsd)}`;
  }

  #measureOf(bucket: TimeBucket): number {
    if (this.#measure === "cost") return bucket.costUsd ?? 0;
    return PARTS.reduce((sum, { of }) => sum + of(bucket), 0);
  }

  #format(value: number): string {
    return this.#measure === "cost" ? formatCost(value) : formatShort(value);
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
