/**
 * What refusals have taught about single targets. Kept for the process and bounded, because names may come from
 * clients.
 * @module
 */

const MAX_TARGETS = 1000;

/** Targets that share a limit. */
export class TargetSet {
  readonly #targets = new Set<string>();

  /** Returns whether this is news. */
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

/** The limits of targets that upstream's list does not tell. */
export class LearnedLimits {
  /** Targets that refused a tool's schema: they get plain ones. */
  readonly plainSchemas = new TargetSet();
  /** Targets that refused an image: they get a placeholder. */
  readonly textOnly = new TargetSet();
}
