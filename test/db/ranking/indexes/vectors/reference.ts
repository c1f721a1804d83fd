/** Distances and shifts by the letter of the kernels' description, one float at a time. */
import type { EmbeddingSlot } from '../../../../../db/ranking/schema/model.ts';

const round = Math.fround;

/** Sum over pairs in the order of the lanes: two times four side by side, then lane by lane. */
function lanes(count: number, term: (at: number) => number): number {
  const even = [0, 0, 0, 0];
  const odd = [0, 0, 0, 0];
  for (let at = 0; at < Math.ceil(count / 8) * 8; at++) {
    const sums = at % 8 < 4 ? even : odd;
    sums[at % 4] = round(sums[at % 4]! + (at < count ? round(term(at)) : 0));
  }
  const both = even.map((sum, lane) => round(sum + odd[lane]!));
  return round(round(both[0]! + both[1]!) + round(both[2]! + both[3]!));
}

export function dotDistance(a: Float32Array, b: Float32Array): number {
  return -lanes(a.length, (at) => a[at]! * b[at]!);
}

export function squareDistance(a: Float32Array, b: Float32Array): number {
  return lanes(a.length, (at) => {
    const difference = round(a[at]! - b[at]!);
    return difference * difference;
  });
}

export function shifted(v: Float32Array, x: Float32Array, by: number): Float32Array {
  const scale = round(by);
  const moved = v.map((value, at) => round(value + round(scale * x[at]!)));
  const squares = lanes(moved.length, (at) => moved[at]! * moved[at]!);
  if (!(squares > round(1e-37) && squares < round(1e38))) return v;
  const inverse = round(1 / round(Math.sqrt(squares)));
  return moved.map((value) => round(value * inverse));
}

/** As a vector is kept. */
export function kept(slot: Pick<EmbeddingSlot, 'metric'>, given: Float32Array): Float32Array {
  if (slot.metric !== 'cosine') return given;
  const length = Math.sqrt(given.reduce((sum, value) => sum + value * value, 0));
  return given.map((value) => value / length);
}

/** Larger is nearer. Both as they are kept. */
export function similarityOf(slot: Pick<EmbeddingSlot, 'metric'>, a: Float32Array, b: Float32Array): number {
  return 0 - (slot.metric === 'l2' ? squareDistance(a, b) : dotDistance(a, b));
}
