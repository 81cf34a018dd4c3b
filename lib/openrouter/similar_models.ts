/**
 * Finds model ids similar to an unknown one, by shared trigrams. Pure.
 * @module
 */

/** Less similar ids are not suggested. */
const MIN_SIMILARITY = 0.25;
const MAX_SUGGESTIONS = 3;
/** Ids in the list are not longer; a requested one may be. */
const MAX_CHARS = 256;

/** An index of ids by trigram, so that a lookup visits only ids that share one. */
export class SimilarModels {
  readonly #ids: readonly string[];
  /** The number of trigrams of each id. */
  readonly #sizes: number[] = [];
  /** Trigram → indexes of ids. */
  readonly #indexes = new Map<string, number[]>();

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    for (const [index, id] of ids.entries()) {
      const trigrams = listTrigrams(id);
      this.#sizes.push(trigrams.size);
      for (const trigram of trigrams) {
        const indexes = this.#indexes.get(trigram);
        if (indexes === undefined) this.#indexes.set(trigram, [index]);
        else indexes.push(index);
      }
    }
  }

  /** The most similar ids, best first. */
  find(id: string): string[] {
    const trigrams = listTrigrams(id);
    const shared = new Map<number, number>();
    for (const trigram of trigrams) {
      for (const index of this.#indexes.get(trigram) ?? []) {
        shared.set(index, (shared.get(index) ?? 0) + 1);
      }
    }
    return [...shared]
      .map(([index, count]) => ({
        id: this.#ids[index] ?? "",
        index,
        // Jaccard index: shared trigrams over all trigrams, 0 to 1.
        similarity: count / (trigrams.size + (this.#sizes[index] ?? 0) - count),
      }))
      .filter(({ similarity }) => similarity > MIN_SIMILARITY)
      .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
      .slice(0, MAX_SUGGESTIONS)
      .map(({ id }) => id);
  }
}

function listTrigrams(id: string): Set<string> {
  const text = `  ${id.slice(0, MAX_CHARS).toLowerCase()} `;
  return new Set(Array.from({ length: text.length - 2 }, (_, i) => text.slice(i, i + 3)));
}
