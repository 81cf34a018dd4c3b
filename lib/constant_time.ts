/**
 * Compares secrets in a time that does not depend on where they differ.
 * @module
 */

import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

const encoder = new TextEncoder();

/** Whether two texts are equal. Only their length affects the time. */
export function isEqual(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
