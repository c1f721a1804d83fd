import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentChanges } from '../../../../db/sql/store/recent-changes.ts';
import type { Sequence } from '../../../../db/types.ts';

const CHANGES_MAX = 8192;

test('what is known of the newest changes is true, and of what is too old nothing is said', () => {
  const step = fc.record({
    repeat: fc.constantFrom(1, 3, 700, 5000, 9000),
    key: fc.nat({ max: 9 }),
    undone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const recent = new RecentChanges();
      let changes: { readonly key: number; readonly at: number }[] = [];
      let at = 10;
      for (const { repeat, key, undone } of steps) {
        const mark = recent.mark();
        const before = changes;
        const begun = at;
        for (let i = 0; i < repeat; i += 1) {
          at += i % 3;
          recent.add(Buffer.from([key]), at as Sequence);
        }
        changes = [
          ...changes,
          ...Array.from({ length: repeat }, (_, i) => ({ key, at: i === repeat - 1 ? at : begun })),
        ];
        if (undone) {
          recent.undo(mark);
          changes = before;
          at = begun;
        }
        for (const after of [0, begun - 1, begun, at - 1, at, at + 1]) {
          for (const asked of [key, (key + 1) % 10]) {
            const range = { from: Buffer.from([asked]), to: Buffer.from([asked + 1]) };
            const known = recent.since(range, after as Sequence);
            const last = Math.max(
              0,
              ...changes.filter((change) => change.key === asked).map((change) => change.at),
            );
            if (known !== null) expect(known).toBe(last > after);
          }
        }
      }
    }),
    { numRuns: 20 },
  );
});

test('the newest changes are known, as many as are kept', () => {
  const recent = new RecentChanges();
  for (let at = 1; at <= 2 * CHANGES_MAX; at += 1) recent.add(Buffer.from([at % 2]), at as Sequence);
  const even = { from: Buffer.from([0]), to: Buffer.from([1]) };
  const none = { from: Buffer.from([5]), to: Buffer.from([6]) };
  expect(recent.since(even, (2 * CHANGES_MAX - 2) as Sequence)).toBe(true);
  expect(recent.since(none, (CHANGES_MAX + 1) as Sequence)).toBe(false);
  expect(recent.since(none, (CHANGES_MAX - 1) as Sequence)).toBeNull();
  expect(recent.since(even, 0 as Sequence)).toBe(true);
});
