/**
 * The switch that the mutated copy of lib/ reads: at most one mutant is on.
 * @module
 */

/** Ids of mutants and files that the code has asked for: they tell which test reaches what. */
export const asked: Set<number> = new Set();

interface Constant {
  remake(): void;
  restore(): void;
}

/** In the order in which modules load, so that a constant finds those that it is made from. */
const constants: Constant[] = [];
let active = 0;
let isRemade = false;

/** Whether a mutant is on. */
export function $m(id: number): boolean {
  asked.add(id);
  return active === id;
}

/** Makes the value of a module's constant, and can make it again while a mutant is on. */
export function $c<T>(make: () => T, set: (value: T) => void): T {
  const original = make();
  constants.push({ remake: () => set(make()), restore: () => set(original) });
  return original;
}

/** Turns a mutant on; `remakes` says that it changes what modules compute when they load. */
export function turnOn(id: number, remakes: boolean): void {
  active = id;
  isRemade = remakes;
  if (remakes) { for (const constant of constants) constant.remake(); }
}

/** Turns the mutant off. */
export function turnOff(): void {
  active = 0;
  if (isRemade) { for (const constant of constants) constant.restore(); }
  isRemade = false;
}
