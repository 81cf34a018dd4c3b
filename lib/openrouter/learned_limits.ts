/**
 * Remembers limits of models that upstream's errors revealed, for the lifetime of the process. Bounded, because clients
 * may send any model name.
 * @module
 */

const MAX_TARGETS = 1000;

/** A bounded set of targets; drops the oldest. */
export class TargetSet {
  readonly #targets = new Set<string>();

  /** Returns whether the target is new. */
  add(target: string): boolean {
    if (this.#targets.has(target)) return false;
    const [oldest] = this.#targets;
    if (this.#targets.size >= MAX_TARGETS && oldest !== undefined) this.#targets.delete(oldest);
    this.#targets.add(target);
    return true;
  }

  has(target: string): boolean {
    return this.#targets.has(target);
  }
}

/** Limits of targets that the model list does not contain. */
export class LearnedLimits {
  /** Targets that rejected a tool's schema: they get simplified schemas. */
  readonly plainSchemas = new TargetSet();
  /** Targets that rejected an image: they get a placeholder text. */
  readonly textOnly = new TargetSet();
}
