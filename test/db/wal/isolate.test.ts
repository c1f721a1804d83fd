/** Damage that an operator declares lost: every kind, what stays readable, and what is told of it. */
import { describe, expect, test } from 'vitest';
import type { Sequence } from '../../../db/types.ts';
import {
  inspectCommit,
  inspectEntry,
  inspectSegment,
  isolate,
  type LogReader,
  openReader,
  verifyLog,
} from '../../../db/wal/index.ts';
import { type MemoryDisk, SimulatedCrash } from './memory-disk.ts';
import {
  appendGroup,
  collect,
  DIRECTORY,
  ManualScheduler,
  newDisk,
  open,
  pickFrom,
  randomFrom,
  StepClock,
  segmentPaths,
  textsOf,
} from './support.ts';

interface Damaged {
  readonly disk: MemoryDisk;
  /** Where an operator would be told that the damage is. */
  readonly segment: number;
  readonly from: number;
  readonly to: number;
}

/** A closed log of three segments, every group of which has one entry. */
async function threeSegments() {
  const disk = newDisk();
  const { log } = await open(disk);
  for (let group = 0; log.status().segments < 3; group++) appendGroup(log, `${group} `.padEnd(50_000, 'x'));
  for (let group = 0; group < 5; group++) appendGroup(log, `last ${group}`);
  await log.close();
  const groups = [1, 2, 3].map((index) => inspectSegment({ disk, directory: DIRECTORY }, index).groups);
  return { disk, paths: segmentPaths(disk), groups, stable: log.stable };
}

const DAMAGES: Readonly<Record<string, () => Promise<Damaged>>> = {
  'a group in a sealed segment': async () => {
    const { disk, paths, groups } = await threeSegments();
    const group = groups[1]![4]!;
    disk.bytesOf(paths[1]!)[group.offset + 500]! ^= 1;
    return { disk, segment: 2, from: group.firstSequence, to: group.lastSequence };
  },
  'two neighbouring groups in the open segment': async () => {
    const { disk, paths, groups } = await threeSegments();
    const [first, second] = groups[2]!.slice(-5);
    for (const { offset } of [first!, second!]) disk.bytesOf(paths[2]!)[offset + 60]! ^= 1;
    return { disk, segment: 3, from: first!.firstSequence, to: second!.lastSequence };
  },
  'the last groups of the log': async () => {
    const { disk, paths, groups, stable } = await threeSegments();
    const first = groups[2]!.at(-3)!;
    disk.bytesOf(paths[2]!).fill(7, first.offset, first.offset + 5000);
    return { disk, segment: 3, from: first.firstSequence, to: stable };
  },
  'groups that are gone without a trace': async () => {
    const { disk, paths, groups, stable } = await threeSegments();
    const first = groups[2]!.at(-2)!;
    disk.bytesOf(paths[2]!).fill(0, first.offset);
    return { disk, segment: 3, from: first.firstSequence, to: stable };
  },
  'a seal': async () => {
    const { disk, paths, groups } = await threeSegments();
    const seal = groups[0]!.at(-1)!;
    disk.bytesOf(paths[0]!)[seal.offset + 20]! ^= 1;
    return { disk, segment: 1, from: seal.firstSequence, to: seal.lastSequence };
  },
  'the header of a sealed segment': async () => {
    const { disk, paths, groups } = await threeSegments();
    disk.bytesOf(paths[1]!)[100]! ^= 1;
    return { disk, segment: 2, from: groups[1]![0]!.firstSequence, to: groups[1]!.at(-1)!.lastSequence };
  },
  'the header of the open segment': async () => {
    const { disk, paths, groups, stable } = await threeSegments();
    disk.bytesOf(paths[2]!)[100]! ^= 1;
    return { disk, segment: 3, from: groups[2]![0]!.firstSequence, to: stable };
  },
  'the first segment’s file': async () => {
    const { disk, paths, groups } = await threeSegments();
    disk.unlink(paths[0]!);
    return { disk, segment: 1, from: 1, to: groups[0]!.at(-1)!.lastSequence };
  },
  'the last segment’s file': async () => {
    const { disk, paths, groups, stable } = await threeSegments();
    disk.unlink(paths[2]!);
    return { disk, segment: 3, from: groups[2]![0]!.firstSequence, to: stable };
  },
};

function isolateIn(disk: MemoryDisk, segment: number, sequence: number) {
  return isolate({
    disk,
    directory: DIRECTORY,
    clock: new StepClock(),
    scheduler: new ManualScheduler(),
    random: randomFrom(5),
    segment,
    sequence: sequence as Sequence,
    marks: [],
    progress: () => {},
  });
}

/** All texts, going on behind gaps, which come as text too. */
async function textsAcross(reader: LogReader): Promise<string[]> {
  const found: string[] = [];
  for (let from = 1; from <= reader.stable; ) {
    try {
      for await (const commit of reader.read({ from: from as Sequence, follow: false })) {
        found.push(...textsOf(commit).map((text) => text.slice(0, 10)));
        from = commit.sequence + 1;
      }
      return found;
    } catch (error) {
      const { code, details } = error as {
        code: string;
        details: { from: number; to: number; next: number };
      };
      expect(code).toBe('GAP');
      found.push(`gap ${details.from}–${details.to}`);
      from = details.next;
    }
  }
  return found;
}

describe.each(Object.entries(DAMAGES))('%s', (_, damage) => {
  test('can be isolated: the rest is read, the gap is told, the log goes on and verifies', async () => {
    const { disk, segment, from, to } = await damage();
    const whole = await threeSegments();
    const all = (await textsAcross(openReader({ disk: whole.disk, directory: DIRECTORY }))) as string[];
    const isolated = await isolateIn(disk, segment, from);
    expect(isolated).toMatchObject({ segment, from, to });

    const watching = openReader({ disk, directory: DIRECTORY });
    const { log } = await open(disk);
    expect(watching.stable).toBeGreaterThanOrEqual(log.stable - 3);
    watching.close();
    const found = await textsAcross(log);
    expect(found.filter((text) => text.startsWith('gap'))).toEqual([`gap ${from}–${to}`]);
    const kept = found.filter((text) => !text.startsWith('gap'));
    const at = found.findIndex((text) => text.startsWith('gap'));
    expect(kept.slice(0, at)).toEqual(all.slice(0, at));
    expect(all.slice(all.length - (kept.length - at))).toEqual(kept.slice(at));

    for (const lost of [from, to] as Sequence[]) {
      const gap = { code: 'GAP', details: { from, to, next: to + 1, previous: from - 1 } };
      expect(() => log.entryAt(lost)).toThrowError(expect.objectContaining(gap));
      await expect(collect(log.readBackwards(lost))).rejects.toMatchObject(gap);
    }
    await expect(collect(log.readBackwards(log.stable))).rejects.toMatchObject({ code: 'GAP' });

    appendGroup(log, 'on it goes');
    const again = await closedAndOpened(disk, log);
    expect((await textsAcross(again)).at(-1)).toBe('on it goes');
    while (again.status().segments < 6) appendGroup(again, 'x'.repeat(60_000));
    await again.close();
    const report = verifyLog({ disk, directory: DIRECTORY });
    expect(report.problems).toEqual([]);
    expect(report.gaps).toEqual([expect.objectContaining({ segment, from, to })]);
    expect(await textsAcross(openReader({ disk, directory: DIRECTORY }))).toContain(`gap ${from}–${to}`);
  });

  test('is not isolated where it is not', async () => {
    const { disk, segment, from, to } = await damage();
    const before = disk.paths().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString('base64')]);
    for (const sequence of [from - 1, to + 1])
      await expect(isolateIn(disk, segment, sequence)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(disk.paths().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString('base64')])).toEqual(
      before,
    );
  });

  test('is isolated by any sequence in it', async () => {
    const { disk, segment, from, to } = await damage();
    expect(await isolateIn(disk, segment, Math.ceil((from + to) / 2))).toMatchObject({
      from,
      to,
      more: null,
    });
  });

  test('is isolated, or as it was, after a crash at any moment', async () => {
    const { disk, segment, from, to } = await damage();
    for (let step = 0; ; step += 3) {
      const crashing = disk.copy();
      crashing.crashBefore = crashing.operations + step;
      let done = false;
      try {
        await isolateIn(crashing, segment, from);
        done = true;
      } catch (error) {
        // The writer reports a crash of the disk as its own failure.
        const crashed = error instanceof SimulatedCrash || (error as Error).message.includes('power failed');
        if (!crashed) throw error;
      }
      const found = crashing.crash(pickFrom(step));
      const isolated = verifyLogSafely(found)?.gaps.length === 1;
      if (!isolated) expect(await isolateIn(found, segment, from)).toMatchObject({ from, to });
      const { log } = await open(found);
      expect(await textsAcross(log)).toContain(`gap ${from}–${to}`);
      appendGroup(log, 'on it goes');
      await log.close();
      expect(verifyLog({ disk: found, directory: DIRECTORY }).problems).toEqual([]);
      if (done) return;
    }
  }, 60_000);
});

test('two lost files are isolated one after the other, and the first time it is told that there is more', async () => {
  const { disk, paths, groups } = await threeSegments();
  for (const path of paths.slice(0, 2)) disk.unlink(path);
  const first = await isolateIn(disk, 1, 1);
  expect(first.more).toMatch(/segment 2/);
  const second = await isolateIn(disk, 2, first.to + 1);
  expect(second).toMatchObject({ to: groups[1]!.at(-1)!.lastSequence, more: null });
  const { problems, gaps } = verifyLog({ disk, directory: DIRECTORY });
  expect([problems, gaps.map(({ segment }) => segment)]).toEqual([[], [1, 2]]);
});

test('the removed bytes are kept as they were', async () => {
  const { disk, segment, from } = await DAMAGES['a group in a sealed segment']!();
  const path = segmentPaths(disk)[1]!;
  const bytes = disk.bytesOf(path).slice();
  const { copy, offset, end } = await isolateIn(disk, segment, from);
  expect(Buffer.compare(disk.bytesOf(copy!), bytes.subarray(offset, end))).toBe(0);
  expect(
    disk
      .bytesOf(path)
      .subarray(offset, end)
      .every((byte) => byte === 0),
  ).toBe(true);
});

test('the log itself says what was lost, in an epoch that says why', async () => {
  const { disk, segment, from, to } = await DAMAGES['a group in a sealed segment']!();
  const { stable } = await threeSegments();
  await isolateIn(disk, segment, from);
  const epoch = inspectEntry({ disk, directory: DIRECTORY }, (stable + 1) as Sequence);
  const gap = inspectEntry({ disk, directory: DIRECTORY }, (stable + 2) as Sequence);
  expect([epoch.type, gap.type]).toEqual(['epoch', 'gap']);
  expect(epoch.fields.find(({ name }) => name === 'reason')?.value).toBe(4);
  expect(Object.fromEntries(gap.fields.map(({ name, value }) => [name, value]))).toMatchObject({
    segment,
    firstSequence: from,
    lastSequence: to,
  });
});

test('damage and gaps stand between the groups of an inspected segment', async () => {
  const { disk, segment, from, to } = await DAMAGES['a group in a sealed segment']!();
  const range = { firstSequence: from, lastSequence: to };
  const kinds = () => inspectSegment({ disk, directory: DIRECTORY }, segment);
  expect(kinds().groups[4]).toMatchObject({ kind: 'damage', ...range });
  expect(kinds().end.reason).toBe('seal');
  await isolateIn(disk, segment, from);
  expect(kinds().groups[4]).toMatchObject({ kind: 'gap', ...range });
  expect(() => inspectEntry({ disk, directory: DIRECTORY }, from as Sequence)).toThrowError(
    expect.objectContaining({ code: 'GAP' }),
  );
});

test('a commit is inspected by its ordinal, with what it covers', async () => {
  const disk = newDisk();
  const { log } = await open(disk);
  appendGroup(log, 'a', 'bb');
  expect(inspectCommit({ disk, directory: DIRECTORY }, 2)).toMatchObject({
    ordinal: 2,
    entries: [
      { sequence: 3, type: '16', payloadBytes: 1 },
      { sequence: 4, type: '16', payloadBytes: 2 },
    ],
    commit: { type: 'commit', sequence: 5 },
  });
  expect(() => inspectCommit({ disk, directory: DIRECTORY }, 3)).toThrowError(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
});

test('a segment that is whole is not isolated', async () => {
  const { disk } = await threeSegments();
  for (const segment of [1, 2, 3]) {
    await expect(isolateIn(disk, segment, 5)).rejects.toMatchObject({
      message: expect.stringContaining('is whole'),
    });
  }
});

function verifyLogSafely(disk: MemoryDisk) {
  try {
    return verifyLog({ disk, directory: DIRECTORY });
  } catch {
    return null;
  }
}

async function closedAndOpened(disk: MemoryDisk, log: { close(): Promise<void> }) {
  await log.close();
  return (await open(disk)).log;
}
