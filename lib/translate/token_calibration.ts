/**
 * How far the token estimate is off for each upstream model, learned from the usage that answers report.
 * Every model has its own tokenizer and prompt template; an estimate by characters cannot know them.
 * In memory only, and bounded.
 * @module
 */

/** The model used longest ago is forgotten first. */
const MAX_MODELS = 200;
/** Shorter requests are mostly the model's own template. */
const LEAST_TOKENS = 50;
/** How much one answer moves the ratio; the first sets it. */
const WEIGHT = 0.3;
/** What lies outside is a report that cannot be right. */
const MIN_RATIO = 0.1;
const MAX_RATIO = 10;

/** True tokens per estimated token, by upstream model. */
export class TokenCalibration {
  readonly #ratios = new Map<string, number>();

  /** An estimate, corrected by what answers of that model have reported; at least 1. */
  adjust(model: string, estimate: number): number {
    return Math.max(1, Math.round(estimate * (this.#ratios.get(model) ?? 1)));
  }

  /** Takes in what an answer reported. Reports that cannot be right change nothing. */
  learn(model: string, estimate: number, reported: number): void {
    const observed = reported / estimate;
    if (estimate < LEAST_TOKENS || !(observed >= MIN_RATIO && observed <= MAX_RATIO)) return;
    const known = this.#ratios.get(model);
    // Set anew, so that the order of the map is the order of use.
    this.#ratios.delete(model);
    this.#ratios.set(model, known === undefined ? observed : known + (observed - known) * WEIGHT);
    const [oldest] = this.#ratios.keys();
    if (this.#ratios.size > MAX_MODELS && oldest !== undefined) this.#ratios.delete(oldest);
  }
}
