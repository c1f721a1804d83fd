/**
 * Power cuts on real device-mapper devices under a real XFS: a disk that drops all writes, one that refuses them, one that
 * is recorded by the kernel and made again up to a random place.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CutKind, CutReport, PlannedRun } from './flakey/plan.ts';
import { cutOnDevices } from './harness/flakey-machine.ts';
import { ALL, testFolder } from './harness/machine.ts';

/** Alone on a machine a cut takes about ten seconds; a recording and a boot take as long. */
const SECONDS_MAX = ALL ? 1800 : 600;
/** Exit status of a server whose log cannot be written any more. */
const WRITER_FAILED = 71;

/** How many runs of each kind, and cuts of each run. */
const RUNS: readonly (readonly [CutKind, runs: number, cuts: number])[] = ALL
  ? [
      ['drop-writes', 5, 1],
      ['error-writes', 7, 1],
      ['exposed', 2, 1],
      ['log-writes', 2, 3],
      ['async', 2, 1],
    ]
  : [
      ['drop-writes', 1, 1],
      ['error-writes', 1, 1],
      ['exposed', 1, 1],
      ['log-writes', 1, 2],
    ];
const CUTS = RUNS.reduce((sum, [kind, runs, cuts]) => sum + (kind === 'async' ? 0 : runs * cuts), 0);

let cuts: readonly CutReport[];

beforeAll(async () => {
  const runs: PlannedRun[] = RUNS.flatMap(([kind, count, cuts], row) =>
    Array.from({ length: count }, (_, index) => ({ kind, cuts, seed: 1000 * (row + 1) + index })),
  );
  cuts = await cutOnDevices({ runs }, testFolder('flakey'), SECONDS_MAX);
}, SECONDS_MAX * 1000);

function of(...kinds: readonly CutKind[]): CutReport[] {
  return cuts.filter(({ kind }) => kinds.includes(kind));
}

describe('a power cut on a real device', () => {
  test(`loses nothing that was promised and invents nothing, in ${CUTS} cuts`, () => {
    const counted = cuts.filter(({ kind }) => kind !== 'async');
    expect(counted.length).toBe(CUTS);
    expect(counted.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(counted.filter(({ promised }) => promised === 0)).toEqual([]);
    for (const { verified, recovered } of counted)
      expect({ verified, recovered }).toEqual({ verified: 0, recovered: true });
  });

  test('takes away what the disk only pretended to keep, and would be seen to', () => {
    for (const { found, acknowledged, lost } of of('drop-writes', 'log-writes')) {
      expect(found).toBeLessThan(acknowledged);
      expect(lost).toMatch(/requests were acknowledged, \d+ are there/);
    }
    for (const { found, issued } of of('error-writes')) expect(found).toBeLessThan(issued);
  });

  test('ends the server when the disk refuses to be written', () => {
    for (const { serverExit, refusals } of of('error-writes')) {
      expect(serverExit).toBe(WRITER_FAILED);
      expect(refusals).not.toEqual([]);
    }
  });

  if (ALL)
    test('loses answers that promised nothing', () => {
      const lost = of('async').filter(({ problem }) => problem?.includes('requests were acknowledged'));
      expect(lost.length).toBeGreaterThan(0);
    });
});
