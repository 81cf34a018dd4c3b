/**
 * The reasons for which a recorded request that Anthropic answered may get a 400: nothing else could be meant.
 * @module
 */

/** One reason, and the words that tell it. */
interface Reason {
  reason: string;
  words: RegExp;
}

/** A reason that no recording gives any more is to be taken off. */
export const REASONS: readonly Reason[] = [
  { reason: "a file that only Anthropic has", words: /file sources .* are not supported/ },
];

/** The reason that a message gives; undefined for one that must not be. */
export function findReason(message: string): string | undefined {
  return REASONS.find(({ words }) => words.test(message))?.reason;
}
