/**
 * How sure a mean of differences is, by drawing again from what was seen (Efron 1979). Users are drawn, not moments: what one user
 * goes for is of one taste, and counting each of her moments as news would make the interval too narrow.
 */
const DRAWS = 1000;
const TAIL = 0.025;

export interface Interval {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** `differences` and `users` by moment. The same seed gives the same interval. */
export function bootstrapInterval(differences: Float64Array, users: Uint32Array, seed: number): Interval {
  const { sums, counts } = byUser(differences, users);
  const random = mulberry(seed);
  const drawn = Float64Array.from({ length: DRAWS }, () => {
    let [sum, count] = [0, 0];
    for (let draw = 0; draw < sums.length; draw++) {
      const at = Math.floor(random() * sums.length);
      sum += sums[at]!;
      count += counts[at]!;
    }
    return count === 0 ? 0 : sum / count;
  }).sort();
  const difference = differences.reduce((sum, each) => sum + each, 0) / Math.max(1, differences.length);
  return {
    difference,
    low: drawn[Math.floor(DRAWS * TAIL)]!,
    high: drawn[Math.ceil(DRAWS * (1 - TAIL)) - 1]!,
  };
}

function byUser(
  differences: Float64Array,
  users: Uint32Array,
): { readonly sums: Float64Array; readonly counts: Float64Array } {
  const places = new Map<number, number>();
  for (const user of users) if (!places.has(user)) places.set(user, places.size);
  const sums = new Float64Array(places.size);
  const counts = new Float64Array(places.size);
  for (const [at, user] of users.entries()) {
    const place = places.get(user)!;
    sums[place]! += differences[at]!;
    counts[place]! += 1;
  }
  return { sums, counts };
}

/** Numbers in [0, 1), 2^32 of them before they come again (T. Ettinger's mulberry32). */
function mulberry(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
