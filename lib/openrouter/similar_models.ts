/**
 * Finds the ids that look most like one that is not known, by the trigrams they share. Pure.
 * @module
 */

/** What shares less looks like something else. */
const LEAST_LIKENESS = 0.25;
const MOST = 3;
/** No id is longer; what a client asks for may be. */
const MAX_CHARS = 256;

/** Ids by their trigrams, so that a question looks only at those that share some with it. */
export class SimilarModels {
  readonly #ids: readonly string[];
  /** How many trigrams each id has. */
  readonly #sizes: number[] = [];
  /** Places in the list of ids. */
  readonly #places = new Map<string, number[]>();

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    for (const [place, id] of ids.entries()) {
      const trigrams = listTrigrams(id);
      this.#sizes.push(trigrams.size);
      for (const trigram of trigrams) {
        const places = this.#places.get(trigram);
        if (places === undefined) this.#places.set(trigram, [place]);
        else places.push(place);
      }
    }
  }

  /** The ids most like this one, the likest first. */
  find(id: string): string[] {
    const trigrams = listTrigrams(id);
    const shared = new Map<number, number>();
    for (const trigram of trigrams) {
      for (const place of this.#places.get(trigram) ?? []) {
        shared.set(place, (shared.get(place) ?? 0) + 1);
      }
    }
    return [...shared]
      .map(([place, count]) => ({
        id: this.#ids[place] ?? "",
        place,
        // Shared trigrams over all trigrams, 0 to 1.
        likeness: count / (trigrams.size + (this.#sizes[place] ?? 0) - count),
      }))
      .filter(({ likeness }) => likeness > LEAST_LIKENESS)
      .sort((a, b) => b.likeness - a.likeness || a.place - b.place)
      .slice(0, MOST)
      .map((one) => one.id);
  }
}

function listTrigrams(id: string): Set<string> {
  const text = `  ${id.slice(0, MAX_CHARS).toLowerCase()} `;
  return new Set(Array.from({ length: text.length - 2 }, (_, i) => text.slice(i, i + 3)));
}
