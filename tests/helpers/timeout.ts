/**
 * Waiting with an end: a test that waits for what never comes fails with a sentence instead of hanging.
 * @module
 */

/** The longest that a test's servers wait for what is open. */
export const PATIENCE_MS = 3000;

/** Fails with a sentence where something does not happen within five seconds. */
export async function withTimeout<T>(promise: Promise<T>, what: string, ms = 5000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether all of these end within so many milliseconds. */
export async function isSettled(
  promises: Iterable<Promise<void>>,
  patienceMs: number = PATIENCE_MS,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  const settled = Promise.all(promises).then(() => true);
  return await Promise.race([settled, late]).finally(() => clearTimeout(timer));
}
