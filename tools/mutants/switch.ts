/**
 * Switches mutants in the copy of lib/ on and off. At most one is on.
 * @module
 */

/** Ids of mutants and files that were evaluated; cleared before each test that is measured. */
export const reached: Set<number> = new Set();

interface Constant {
  recompute(): void;
  restore(): void;
}

/** In load order, so that a constant is computed after those it depends on. */
const constants: Constant[] = [];
let active = 0;
let isRecomputed = false;

/** Whether a mutant is on. */
export function $m(id: number): boolean {
  reached.add(id);
  return active === id;
}

/** Computes a module's constant, and computes it again while a mutant is on. */
export function $c<T>(compute: () => T, set: (value: T) => void): T {
  const original = compute();
  constants.push({ recompute: () => set(compute()), restore: () => set(original) });
  return original;
}

/** Turns a mutant on. @param recomputes whether it changes constants */
export function turnOn(id: number, recomputes: boolean): void {
  active = id;
  isRecomputed = recomputes;
  if (recomputes) { for (const constant of constants) constant.recompute(); }
}

/** Turns the mutant off. */
export function turnOff(): void {
  active = 0;
  if (isRecomputed) { for (const constant of constants) constant.restore(); }
  isRecomputed = false;
}
