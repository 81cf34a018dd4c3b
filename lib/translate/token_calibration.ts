/**
 * Corrects token estimates per upstream model by the usage that responses report: every model has its own tokenizer
 * and prompt template. In memory only, and bounded.
 * @module
 */

import { RunningMeans } from "../running_mean.ts";

/** The estimate before calibration: English prose and code average about four characters per token. */
export const CHARS_PER_TOKEN = 4;
/** Shorter requests consist mostly of the model's own template. */
const MIN_TOKENS = 50;
/** Ratios outside this range are wrong reports. */
const MIN_RATIO = 0.1;
const MAX_RATIO = 10;

/** Actual tokens per estimated token, by upstream model. */
export class TokenCalibration {
  readonly #ratios: RunningMeans;

  /** @param ratios actual tokens per estimated token, by upstream model */
  constructor(ratios: RunningMeans = new RunningMeans()) {
    this.#ratios = ratios;
  }

  /** The estimate, corrected by what responses of that model reported; at least 1. */
  adjust(model: string, estimate: number): number {
    return Math.max(1, Math.round(estimate * (this.#ratios.find(model) ?? 1)));
  }

  /** Learns from the tokens that a response reported. Wrong reports and short requests are ignored. */
  learn(model: string, estimate: number, reported: number): void {
    const ratio = reported / estimate;
    if (estimate < MIN_TOKENS || !(ratio >= MIN_RATIO && ratio <= MAX_RATIO)) return;
    this.#ratios.learn(model, ratio);
  }
}
