import { expect, test } from 'vitest';
import { LogPass, type PassOptions } from '../../db/engine/log-pass.ts';
import { KERNEL_ENTRY } from '../../db/kernel/entry-types.ts';
import { FLAG_ENCRYPTED } from '../../db/tenancy/index.ts';
import type { Sequence, TenantId } from '../../db/types.ts';
import type { LogCommit } from '../../db/wal/log.ts';

const OURS = 3 as TenantId;

function commit(sequence: number, type: number, tenant: TenantId, flags = 0): LogCommit {
  const entry = { sequence, ordinal: 1, type, tenant, partitionKey: 0n, flags, payload: new Uint8Array() };
  return {
    ordinal: 1,
    epoch: 1,
    recordedAt: 1n,
    sequence: sequence + 1,
    entries: [entry],
    chain: new Uint8Array(),
  } as never;
}

function passOver(commits: readonly LogCommit[], options: Partial<PassOptions> & { first?: number } = {}) {
  let millis = 0;
  const reader = {
    first: (options.first ?? 1) as Sequence,
    read: async function* () {
      yield* commits;
    },
  };
  return new LogPass(
    {
      ...{
        reader: reader as never,
        tenant: OURS,
        until: 100 as Sequence,
        signal: new AbortController().signal,
      },
      memory: { bytesMax: 100, used: () => 10 },
      millis: () => (millis += 100),
      pause: async () => {},
      ...options,
    },
    () => {},
  );
}

async function sequencesOf(pass: LogPass): Promise<number[]> {
  const found: number[] = [];
  for await (const { entries } of pass.commits()) found.push(...entries.map(({ sequence }) => sequence));
  return found;
}

const signals = KERNEL_ENTRY.rankingSignals;

test('a pass has the ranking entries of one tenant, up to where it was told', async () => {
  const commits = [
    commit(1, signals, OURS),
    commit(3, signals, 4 as TenantId),
    commit(5, KERNEL_ENTRY.event, OURS),
    commit(7, KERNEL_ENTRY.rankingExposure, OURS),
    commit(100, signals, OURS),
  ];
  const pass = passOver(commits);
  expect(await sequencesOf(pass)).toEqual([1, 7]);
  expect(pass.position).toBe(8);
});

test('what is encrypted is refused, but not what others have encrypted', async () => {
  const theirs = commit(1, signals, 4 as TenantId, FLAG_ENCRYPTED);
  expect(await sequencesOf(passOver([theirs]))).toEqual([]);
  const ours = passOver([theirs, commit(3, signals, OURS, FLAG_ENCRYPTED)]);
  await expect(sequencesOf(ours)).rejects.toMatchObject({
    code: 'KEY_UNAVAILABLE',
    details: { sequence: 3 },
  });
});

test('a log whose beginning was pruned is refused', async () => {
  await expect(sequencesOf(passOver([], { first: 500 }))).rejects.toMatchObject({
    code: 'PRUNED',
    details: { first: 500 },
  });
});

test('a pass ends where it is interrupted, and where memory is used up', async () => {
  const stop = new AbortController();
  const commits = [commit(1, signals, OURS), commit(3, signals, OURS), commit(5, signals, OURS)];
  const pass = passOver(commits, { signal: stop.signal, pause: async () => stop.abort() });
  expect(await sequencesOf(pass)).toEqual([1]);
  expect([pass.interrupted, pass.position]).toEqual([true, 2]);
  const large = passOver(commits, { memory: { bytesMax: 100, used: () => 101 } });
  await expect(sequencesOf(large)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});
