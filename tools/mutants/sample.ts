/** A random sample, the same for the same seed. */
export function takeSample<T>(items: readonly T[], count: number, seed: number): T[] {
  const next = createRandom(seed);
  const pool = [...items];
  // The first `count` steps of a Fisher–Yates shuffle.
  for (let index = 0; index < Math.min(count, pool.length); index++) {
    const other = index + Math.floor(next() * (pool.length - index));
    const chosen = pool.splice(other, 1, ...pool.slice(index, index + 1));
    pool.splice(index, 1, ...chosen);
  }
  return pool.slice(0, count);
}

/** Mulberry32: numbers from 0 to 1, evenly spread. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
