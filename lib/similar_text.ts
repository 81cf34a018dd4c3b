/**
 * Finds the candidate most similar to a mistyped name, by shared pairs of letters.
 * @module
 */

/** Names that a user types are shorter. */
const MAX_CHARS = 256;

/** The most similar candidate, and how similar it is: from 0 to 1, the Jaccard index of their pairs of letters. */
export function findClosest(
  name: string,
  candidates: readonly string[],
): { closest: string; similarity: number } {
  const own = listPairs(name);
  let best = { closest: "", similarity: -1 };
  for (const closest of candidates) {
    const pairs = listPairs(closest);
    const similarity = own.intersection(pairs).size / own.union(pairs).size;
    if (similarity > best.similarity) best = { closest, similarity };
  }
  return best;
}

/** Without regard to case, and with the start and the end of the name. */
function listPairs(name: string): Set<string> {
  const text = ` ${name.slice(0, MAX_CHARS).toLowerCase()} `;
  return new Set(Array.from({ length: text.length - 1 }, (_, at) => text.slice(at, at + 2)));
}
