/** Searching and combining ascending lists without doubles. */

type Ascending = Uint16Array | Uint32Array;

/** Steps of one and two of each list cost as much as one search where the other is this much longer. */
const SEARCH_RATIO = 32;

/** Index of the first of [from, to) that is not below `value`; `to` when all are. */
export function firstAtLeast(list: Ascending, from: number, to: number, value: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Writes what both have to `out`; returns how many that are. `out` may be the shorter one. */
export function common(a: Ascending, aSize: number, b: Ascending, bSize: number, out: Ascending): number {
  if (aSize > bSize) return common(b, bSize, a, aSize, out);
  const search = aSize * SEARCH_RATIO < bSize;
  let size = 0;
  let at = 0;
  for (let each = 0; each < aSize && at < bSize; each++) {
    const value = a[each]!;
    if (search) at = firstAtLeast(b, at, bSize, value);
    else while (at < bSize && b[at]! < value) at += 1;
    if (at < bSize && b[at] === value) out[size++] = value;
  }
  return size;
}

/** Writes what either has to `out`; returns how many that are. */
export function merged(a: Ascending, aSize: number, b: Ascending, bSize: number, out: Ascending): number {
  let size = 0;
  let inA = 0;
  let inB = 0;
  while (inA < aSize && inB < bSize) {
    const fromA = a[inA]!;
    const fromB = b[inB]!;
    out[size++] = Math.min(fromA, fromB);
    if (fromA <= fromB) inA += 1;
    if (fromB <= fromA) inB += 1;
  }
  while (inA < aSize) out[size++] = a[inA++]!;
  while (inB < bSize) out[size++] = b[inB++]!;
  return size;
}
