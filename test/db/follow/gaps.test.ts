/** Copies of logs of which parts were declared lost: byte for byte what is left, and the same gaps. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TruthError } from '../../../db/errors.ts';
import { FollowedLog } from '../../../db/follow/followed-log.ts';
import { gapEntriesIn } from '../../../db/follow/gap-entries.ts';
import { Receiver } from '../../../db/follow/receiver.ts';
import type { LogFrame } from '../../../db/protocol/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { SEAL_BYTES, SEGMENT_HEADER_BYTES } from '../../../db/wal/format.ts';
import { addGap, readGaps } from '../../../db/wal/gaps.ts';
import { type Gap, type LogPlace, openReader, verifyLog } from '../../../db/wal/index.ts';
import { isolate } from '../../../db/wal/isolate.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import {
  collect,
  DIRECTORY,
  ManualScheduler,
  pickFrom,
  randomFrom,
  SEGMENT_BYTES,
  StepClock,
  segmentPaths,
} from '../wal/support.ts';
import { COPY, filesOf, framesOf, grow, grownLog, openCopy, take } from './support.ts';

/** What happens to a log of four segments: bytes [from, to) of some are overwritten, or the file is gone. */
type Damage = Readonly<
  Record<number, readonly [from: number, to: number] | 'gone' | 'last group' | 'first group'>
>;

const DAMAGES: readonly [string, Damage][] = [
  ['in the middle of a segment', { 2: [400_000, 400_100] }],
  ['at the beginning of a segment', { 2: 'first group' }],
  ['at the beginning of the log', { 1: 'first group' }],
  ['the last group before a seal', { 1: 'last group' }],
  ['the rest of a segment, its seal with it', { 2: [500_000, SEGMENT_BYTES] }],
  ['everything in a segment but its header', { 2: [SEGMENT_HEADER_BYTES, SEGMENT_BYTES] }],
  ['a whole file', { 2: 'gone' }],
  ['two files in a row', { 2: 'gone', 3: 'gone' }],
  ['the rest of one and the file behind it', { 1: [300_000, SEGMENT_BYTES], 2: 'gone' }],
  ['the last group before a seal and the file behind it', { 1: 'last group', 2: 'gone' }],
  ['two stretches in different segments', { 1: [200_000, 200_008], 3: [300_000, 300_008] }],
  ['in the segment that is written', { 4: [SEGMENT_HEADER_BYTES + 20_000, SEGMENT_HEADER_BYTES + 20_100] }],
];

let whole: MemoryDisk;

beforeAll(async () => {
  whole = await grownLog(3, 4, 900_000);
});

function bytesOfSegment(disk: MemoryDisk, index: number): Uint8Array {
  return disk.bytesOf(
    segmentPaths(disk).find((path) => path.includes(`/${`${index}`.padStart(10, '0')}-`)) as string,
  );
}

function destroy(disk: MemoryDisk, index: number, damage: Damage[number]): void {
  const path = segmentPaths(disk).find((each) =>
    each.includes(`/${`${index}`.padStart(10, '0')}-`),
  ) as string;
  const bytes = bytesOfSegment(disk, index);
  if (damage === 'gone') {
    disk.unlink(path);
    return;
  }
  if (damage === 'first group') bytes.fill(0xa5, SEGMENT_HEADER_BYTES + 8, SEGMENT_HEADER_BYTES + 24);
  else if (damage === 'last group') {
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    const at = ((end + 7) & ~7) - SEAL_BYTES;
    bytes.fill(0xa5, at - 40, at - 8);
  } else bytes.fill(0xa5, ...damage);
}

/** Declares lost whatever cannot be read, as an operator does. */
async function isolateAll(disk: MemoryDisk, damage: Damage): Promise<void> {
  for (const segment of Object.keys(damage).map(Number)) {
    const declare = (sequence: number) =>
      isolate({
        ...{ disk, directory: DIRECTORY, clock: new StepClock(), scheduler: new ManualScheduler() },
        ...{ random: randomFrom(segment), segment, sequence: sequence as Sequence, marks: [] },
        progress: () => undefined,
      });
    const from = await declare(Number.MAX_SAFE_INTEGER).catch((error: TruthError) => error.details['from']);
    // The log opens, and says what it lost, when nothing of it is left undeclared.
    await declare(from as number).catch((error: TruthError) => {
      if (!/restore from a backup or an archive/.test(error.message)) throw error;
    });
  }
}

async function withGaps(damage: Damage): Promise<MemoryDisk> {
  const disk = whole.copy();
  for (const [index, what] of Object.entries(damage)) destroy(disk, Number(index), what);
  await isolateAll(disk, damage);
  await grow(disk, 77, 300_000);
  return disk;
}

/** All that matters to an operator who verifies both. */
function expectSame(disk: MemoryDisk): void {
  expect([...filesOf(disk, COPY).keys()]).toEqual([...filesOf(disk, DIRECTORY).keys()]);
  for (const [name, bytes] of filesOf(disk, DIRECTORY)) {
    expect(Buffer.compare(bytes, filesOf(disk, COPY).get(name) as Uint8Array), name).toBe(0);
  }
  expect(readGaps(disk, COPY)).toEqual(readGaps(disk, DIRECTORY));
  expect(readGaps(disk, COPY).every(({ recorded }) => recorded)).toBe(true);
  const source = verifyLog({ disk, directory: DIRECTORY });
  expect(source).toMatchObject({ ok: true });
  expect(verifyLog({ disk, directory: COPY })).toEqual(source);
}

describe.each(DAMAGES)('a log that lost %s', (_, damage) => {
  let source: MemoryDisk;

  beforeAll(async () => {
    source = await withGaps(damage);
  });

  test('is copied byte for byte around it, and the copy has the same gaps', async () => {
    const disk = source.copy();
    const { copy, receiver } = openCopy(disk);
    take(copy, receiver, await framesOf(disk));
    copy.close();
    expectSame(disk);
  });

  test('is copied whatever pieces it comes in and wherever the copy is stopped and opened again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const disk = source.copy();
        const pick = pickFrom(seed);
        for (let attempt = 0; ; attempt++) {
          const { copy, receiver } = openCopy(disk);
          const place = copy.end as LogPlace;
          const from = place.segment === 0 ? (1 as Sequence) : place;
          const frames = await framesOf(disk, from, () => 1 + pick(200_000));
          const some = attempt < 6 ? pick(frames.length + 1) : frames.length;
          take(copy, receiver, frames.slice(0, some));
          // Now and then without the mark of a clean stop.
          if (pick(2) === 0) copy.close();
          else copy.abandon();
          if (some === frames.length) break;
        }
        expectSame(disk);
      }),
      { numRuns: 8 },
    );
  });

  test('is shown by its copy up to the gap and from behind it, with GAP between', async () => {
    const disk = source.copy();
    const { copy, receiver } = openCopy(disk);
    take(copy, receiver, await framesOf(disk));
    copy.close();
    const first = readGaps(disk, COPY)[0] as Gap;
    const stable = copy.end.sequence;
    // A copy that has been served since before the gap came.
    const before = first.from - 1;
    if (before < 1) return;
    const log = new FollowedLog({
      ...{ disk, directory: COPY, identity: copy.identity as never, source: 'source' },
      ...{ stable: before as Sequence, onClose: async () => undefined },
    });
    const told: Pick<Gap, 'from' | 'to'>[] = [];
    let commits = 0;
    log.onGap(({ from, to }) => told.push({ from, to }));
    log.onReplicated(() => commits++);
    log.advance(stable);
    while (log.stable < stable) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(readGaps(disk, COPY).map(({ from, to }) => ({ from, to })));
    expect(commits).toBeGreaterThan(0);
    const gap = { code: 'GAP', details: { from: first.from, to: first.to } };
    await expect(collect(log.read({ from: first.from, follow: false }))).rejects.toMatchObject(gap);
    const last = readGaps(disk, COPY).at(-1) as Gap;
    const behind = { from: (last.to + 1) as Sequence, follow: false };
    const reader = openReader({ directory: DIRECTORY, disk });
    const theirs = await collect(reader.read(behind)).catch(() => null);
    const ours = await collect(log.read(behind));
    expect(ours.at(-1)?.sequence).toBeGreaterThan(stable - 2);
    if (theirs !== null && theirs.length > 0)
      expect(ours.map(({ sequence }) => sequence)).toEqual(theirs.map(({ sequence }) => sequence));
    reader.close();
    await log.close();
  });
});

test('a copy that has what its source has lost keeps it, and goes on', async () => {
  const disk = whole.copy();
  const { copy, receiver } = openCopy(disk);
  take(copy, receiver, await framesOf(disk));
  copy.close();
  destroy(disk, 2, [400_000, 400_100]);
  await isolateAll(disk, { 2: [400_000, 400_100] });
  await grow(disk, 78, 300_000);
  const again = openCopy(disk);
  take(again.copy, again.receiver, await framesOf(disk, again.copy.end));
  again.copy.close();
  expect(verifyLog({ disk, directory: COPY })).toMatchObject({ ok: true, gaps: [] });
  expect(verifyLog({ disk, directory: DIRECTORY }).gaps).toHaveLength(1);
});

test('a copy that ends inside what its source has lost is told GAP, not that it is another log', async () => {
  const disk = whole.copy();
  const frames = await framesOf(disk, 1 as Sequence, () => 20_000);
  const { copy, receiver } = openCopy(disk);
  const at = frames.findIndex((frame) => frame.kind === 'bytes' && frame.offset > 700_000);
  take(copy, receiver, frames.slice(0, at));
  destroy(disk, 1, [600_000, SEGMENT_BYTES]);
  await isolateAll(disk, { 1: [600_000, SEGMENT_BYTES] });
  await expect(framesOf(disk, copy.end)).rejects.toMatchObject({ code: 'GAP' });
});

describe('a gap that a source tells of', () => {
  const changes: readonly [string, (gap: Gap) => Partial<Gap>][] = [
    ['in another place', ({ offset }) => ({ offset: offset + 8 })],
    ['in another segment', ({ segment }) => ({ segment: segment + 1 })],
    ['of later sequences', ({ from }) => ({ from: (from + 1) as Sequence })],
    ['that ends before it begins', ({ from }) => ({ to: (from - 1) as Sequence })],
    ['that is longer than what follows says', ({ to }) => ({ to: (to + 1) as Sequence })],
    ['of fewer sequences than what follows says', ({ to }) => ({ to: (to - 1) as Sequence })],
    ['past the segment’s end', () => ({ end: SEGMENT_BYTES + 8 })],
    ['that ends elsewhere', ({ end }) => ({ end: end + 8 })],
  ];

  test.each(changes)('%s is not believed, and nothing behind it is kept', async (_, change) => {
    const disk = await withGaps({ 2: [400_000, 400_100] });
    const frames = (await framesOf(disk)).map(
      (frame): LogFrame => (frame.kind === 'gap' ? { ...frame, ...change(frame) } : frame),
    );
    const { copy, receiver } = openCopy(disk);
    expect(() => take(copy, receiver, frames)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/CORRUPT|PROTOCOL/) }),
    );
    expect(readGaps(disk, COPY)).toEqual([]);
    expect(receiver.end.segment).toBeLessThanOrEqual(2);
  });

  test('where nothing is lost does not take the place of what is there', async () => {
    const disk = await withGaps({ 2: [400_000, 400_100] });
    const frames = await framesOf(disk);
    const gap = frames.find(({ kind }) => kind === 'gap') as LogFrame;
    const { copy, receiver } = openCopy(disk);
    expect(() => take(copy, receiver, [frames[0] as LogFrame, gap])).toThrow(/cannot have been lost there/);
  });
});

test('the entries that record gaps are found among others', async () => {
  const disk = await withGaps({ 1: [200_000, 200_008], 3: [300_000, 300_008] });
  const found: Gap[] = [];
  const receiver = new Receiver({
    ...{ end: openCopy(disk).start.end, open: null, identity: null, proofs: [], gaps: [] },
  });
  for (const frame of await framesOf(disk)) {
    for (const received of receiver.receive(frame)) {
      if (received.kind === 'bytes') found.push(...gapEntriesIn(received.bytes));
    }
  }
  expect(found).toEqual(readGaps(disk, DIRECTORY).map(({ recorded: _, ...gap }) => gap));
});

test('a gap is added to a copy once', async () => {
  const disk = await withGaps({ 2: 'gone' });
  const gap = readGaps(disk, DIRECTORY)[0] as Gap;
  openCopy(disk);
  addGap(disk, COPY, gap);
  const { copy, receiver } = openCopy(disk);
  take(copy, receiver, await framesOf(disk));
  copy.close();
  expectSame(disk);
});
