/**
 * Remembers limits of models that upstream's errors revealed, for the lifetime of the process. Bounded, because clients
 * may send any model name.
 * @module
 */

const MAX_TARGETS = 1000;

/** A bounded set of targets; drops the oldest. */
export class TargetSet {
  readonly #targets = new Set<string>();
  readonly #onAdd: (target: string) => void;

  /** @param onAdd receives each new target that {@linkcode add} adds */
  constructor(onAdd: (target: string) => void = () => {}) {
    this.#onAdd = onAdd;
  }

  /** Returns whether the target is new. */
  add(target: string): boolean {
    if (this.#targets.has(target)) return false;
    this.apply(target);
    this.#onAdd(target);
    return true;
  }

  /** Adds a target that another worker has learned. */
  apply(target: string): void {
    const [oldest] = this.#targets;
    if (this.#targets.size >= MAX_TARGETS && oldest !== undefined) this.#targets.delete(oldest);
    this.#targets.add(target);
  }

  /** All targets, the oldest first. */
  list(): string[] {
    return [...this.#targets];
  }

  has(target: string): boolean {
    return this.#targets.has(target);
  }
}

/** Limits of targets that the model list does not contain. */
export class LearnedLimits {
  /** Targets that rejected a tool's schema: they get simplified schemas. */
  readonly plainSchemas: TargetSet;
  /** Targets that rejected an image: they get a placeholder text. */
  readonly textOnly: TargetSet;

  constructor({ plainSchemas = new TargetSet(), textOnly = new TargetSet() } = {}) {
    this.plainSchemas = plainSchemas;
    this.textOnly = textOnly;
  }
}
