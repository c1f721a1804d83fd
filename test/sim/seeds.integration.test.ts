/**
 * What CI runs of the simulator: so many seeds of everything, the planted bugs, the museum, and that a seed is one run
 * wherever it runs. `npm run sim` runs more of the same.
 */
import { describe, expect, test } from 'vitest';
import { runSeed } from '../../db/sim/index.ts';
import { CANARIES, checkPatch } from '../../scripts/sim/canaries.ts';
import { runSeeds } from '../../scripts/sim/pool.ts';
import { tallyText } from '../../scripts/sim/report.ts';

const SEEDS = 10_000;
const CANARY_SEEDS = 300;
/** A disk that damages or leaves garbage may keep a database from starting; more often than that, and little was tried. */
const REFUSED_SHARE_MAX = 0.2;

test(`${SEEDS} seeds keep what was acknowledged, invent nothing, and leave a chain that verifies`, async () => {
  const started = performance.now();
  const tally = await runSeeds({ from: 1, count: SEEDS });
  const text = tallyText(tally, (performance.now() - started) / 1000);
  console.log(text);
  expect(tally.failures, text).toEqual([]);
  expect(tally.seeds).toBe(SEEDS);
  expect(tally.outcomes['refused'] ?? 0).toBeLessThan(SEEDS * REFUSED_SHARE_MAX);
  // Everything that can go wrong did, and often.
  for (const [count, least] of [
    ['powerCuts', 10_000],
    ['kills', 5000],
    ['faults', 5000],
    ['acknowledged', 100_000],
    ['tornTails', 300],
    ['garbageSectors', 100],
    ['damages', 1000],
    ['viewSwaps', 500],
    ['segments', 11_000],
    ['snapshots', 400],
    ['pruned', 40],
    ['ranked', 1500],
  ] as const) {
    expect(tally.counts[count], count).toBeGreaterThan(least);
  }
}, 900_000);

test('a seed is the same run in another thread, in another order and after others', async () => {
  const digests = (await runSeeds({ from: 1, count: 60, threads: 2, digests: true })).digests;
  const here = new Map<number, string>();
  for (let seed = 60; seed >= 1; seed--) here.set(seed, (await runSeed(seed)).digest);
  expect(new Map(Object.entries(digests).map(([seed, digest]) => [Number(seed), digest]))).toEqual(
    new Map([...here].sort(([a], [b]) => a - b)),
  );
  expect(new Set(here.values()).size).toBe(60);
}, 120_000);

describe('a planted bug', () => {
  test.each(CANARIES)(
    'is seen: $bug',
    async (canary) => {
      checkPatch(canary);
      const { failures, seeds } = await runSeeds({ from: 1, count: CANARY_SEEDS, canary });
      console.log(
        `${canary.name}: seen in ${failures.length} of ${seeds} seeds, first in ${failures[0]?.seed}`,
      );
      expect(failures.length, canary.name).toBeGreaterThan(0);
    },
    300_000,
  );
});
