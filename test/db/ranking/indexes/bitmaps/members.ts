/** Sets that put every form of a container to the test: few members, many, runs, and several containers. */
import fc from 'fast-check';

const few = fc.array(fc.nat(200_000), { maxLength: 60 });

const many = fc
  .record({ first: fc.nat(150_000), step: fc.integer({ min: 1, max: 15 }), count: fc.nat(9_000) })
  .map(({ first, step, count }) => Array.from({ length: count }, (_, at) => first + at * step));

const large = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 5 });

/** In no order, with doubles. */
export const members: fc.Arbitrary<number[]> = fc.oneof(
  few,
  fc.tuple(many, few).map(([a, b]) => [...a, ...b]),
  fc.tuple(many, many, large).map(([a, b, c]) => [...a, ...b, ...c]),
);

export function sorted(numbers: Iterable<number>): Uint32Array {
  return Uint32Array.from(new Set(numbers)).sort();
}
