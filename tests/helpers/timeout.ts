/**
 * Waits with a timeout: a test that waits for something that does not happen fails instead of hanging.
 * @module
 */

/** How long the servers of tests wait for open responses. */
export const SHUTDOWN_TIMEOUT_MS = 3000;

/** Waits for a promise. @throws {Error} that says what did not happen, by default after five seconds */
export async function withTimeout<T>(promise: Promise<T>, what: string, ms = 5000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Timed out waiting for ${what}`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether all promises resolve within a time. */
export async function isSettled(
  promises: Iterable<Promise<void>>,
  timeoutMs: number = SHUTDOWN_TIMEOUT_MS,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const settled = Promise.all(promises).then(() => true);
  return await Promise.race([settled, late]).finally(() => clearTimeout(timer));
}
