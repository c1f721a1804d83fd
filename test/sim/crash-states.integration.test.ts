/**
 * Every state that a power cut may leave of one real run, traced with strace, and a start over each. `npm run sim -- --strace`
 * tears writes at more places.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Recording, record } from '../../scripts/sim/crash-states/recording.ts';
import { brokenWithout, crashText, runCrashStates, syncPoints } from '../../scripts/sim/crash-states/run.ts';

let recording: Recording;

beforeAll(() => {
  recording = record();
});

test('every state that a power cut may leave of a rollover, a snapshot and a prune starts and has what was promised', async () => {
  const report = await runCrashStates({ recording, thorough: false });
  console.log(crashText(report));
  expect(report.broken).toEqual([]);
  expect(report.bounded).toBe(0);
  // How many calls lie between two syncs depends on how busy the machine was when they were recorded.
  for (const [phase, least] of [
    ['start', 10],
    ['append', 20],
    ['rollover', 40],
    ['snapshot', 60],
    ['archive', 60],
    ['prune', 20],
    ['close', 60],
  ] as const) {
    expect(report.states[phase], phase).toBeGreaterThan(least);
  }
  // Cuts were seen on both sides of what they were made for.
  for (const count of Object.values(report.found)) expect(count).toBeGreaterThan(20);
}, 600_000);

/** Syncs that something promised stands on. */
const NEEDED: readonly [phase: string, sync: RegExp][] = [
  ['start', /^fsync .*\/\.epoch\.json\.tmp$/],
  ['append', /^fdatasync .*\.open$/],
  ['rollover', /^fdatasync .*\.open$/],
  ['rollover', /^fdatasync .*\/spare-\d+\.tmp$/],
  ['rollover', /^fsync \/data\/wal\/$/],
  ['snapshot', /^fsync .*\.snapshot\.tmp$/],
  ['snapshot', /^fsync \/data\/snapshots\/$/],
  ['prune', /^fsync .*\/\.floor\.json\.tmp$/],
  ['prune', /^fsync \/data\/metadata\/$/],
  ['close', /^fsync .*\/\.durable\.json\.tmp$/],
];

describe('the same run with one sync taken out', () => {
  test.each(NEEDED)('breaks a promise: %s, %s', async (phase, pattern) => {
    const point = syncPoints(recording).find((each) => each.phase === phase && pattern.test(each.name));
    expect(point && (await brokenWithout(recording, point))).toEqual(expect.any(String));
  });
});
