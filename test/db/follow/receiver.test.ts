import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { Receiver } from '../../../db/follow/receiver.ts';
import type { LogFrame } from '../../../db/protocol/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { COMMIT_BYTES, EPOCH_BYTES } from '../../../db/wal/format.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, pickFrom } from '../wal/support.ts';
import { COPY, filesOf, framesOf, grow, grownLog, openCopy, take } from './support.ts';

/** An epoch entry and its commit. */
const EPOCH_GROUP = EPOCH_BYTES + COMMIT_BYTES;

let source: MemoryDisk;
let frames: readonly LogFrame[];

beforeAll(async () => {
  source = await grownLog(1, 3, 700_000);
  frames = await framesOf(source);
});

function sameFiles(copy: MemoryDisk): void {
  const ours = filesOf(copy, COPY);
  const theirs = filesOf(source, DIRECTORY);
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  for (const [name, bytes] of theirs)
    expect(Buffer.compare(ours.get(name) ?? new Uint8Array(), bytes)).toBe(0);
}

/** What the receiver throws, and how far it had come before. */
function refusalOf(sent: readonly LogFrame[], disk = new MemoryDisk()): TruthError {
  const { copy, receiver } = openCopy(disk);
  try {
    take(copy, receiver, sent);
  } catch (error) {
    copy.abandon();
    if (error instanceof TruthError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Whatever was refused, what the copy holds is the source's. */
function holdsOnlySource(copy: MemoryDisk): void {
  const theirs = [...filesOf(source, DIRECTORY)];
  for (const [name, bytes] of filesOf(copy, COPY)) {
    const theirBytes =
      theirs.find(([other]) => other.slice(0, 31) === name.slice(0, 31))?.[1] ?? new Uint8Array();
    const end = Buffer.from(bytes).findLastIndex((byte) => byte !== 0) + 1;
    expect(Buffer.compare(bytes.subarray(0, end), theirBytes.subarray(0, end))).toBe(0);
  }
}

describe('a copy of what a source sends', () => {
  test('spans several segments, or these tests say little', () => {
    expect(filesOf(source, DIRECTORY).size).toBeGreaterThanOrEqual(3);
  });

  test('has the same files with the same bytes, however the frames are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(50, 3000, 70_000), async (seed, largest) => {
        const pick = pickFrom(seed);
        const disk = new MemoryDisk();
        const { copy, receiver } = openCopy(disk);
        take(copy, receiver, await framesOf(source, 1 as Sequence, () => 1 + pick(largest)));
        copy.close();
        sameFiles(disk);
      }),
      { numRuns: 10 },
    );
  });

  test('goes on behind any stop, also one in the middle of a group', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 8 }), async (seed, stops) => {
        const pick = pickFrom(seed);
        const disk = new MemoryDisk();
        for (let stop = 0; stop <= stops; stop++) {
          const { copy, receiver } = openCopy(disk);
          const from = copy.end.segment === 0 ? copy.end.sequence + 1 : copy.end;
          const rest = await framesOf(source, from as never, () => 1 + pick(60_000));
          take(copy, receiver, stop === stops ? rest : rest.slice(0, pick(Math.min(rest.length, 12))));
          if (pick(2) === 0) copy.close();
          else copy.abandon();
        }
        sameFiles(disk);
      }),
      { numRuns: 6 },
    );
  });

  test('goes on after a power cut at any moment, with whatever the page cache made of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const pick = pickFrom(seed);
        let disk = new MemoryDisk();
        for (let cut = 0; cut < 4; cut++) {
          const { copy, receiver } = openCopy(disk);
          const from = copy.end.segment === 0 ? copy.end.sequence + 1 : copy.end;
          const rest = await framesOf(source, from as never, () => 1 + pick(60_000));
          copy.settle();
          for (const frame of rest.slice(0, pick(rest.length))) {
            for (const received of receiver.receive(frame)) copy.apply(received);
            if (pick(4) === 0) copy.sync();
          }
          disk = disk.crash(pick);
        }
        const { copy, receiver } = openCopy(disk);
        const from = copy.end.segment === 0 ? copy.end.sequence + 1 : copy.end;
        take(copy, receiver, await framesOf(source, from as never));
        copy.close();
        sameFiles(disk);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a source that lies', () => {
  test('is found out whichever bit it flips, and nothing of the group is kept', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 7 }), (where, bit) => {
        const targets = frames.filter((frame) => frame.kind !== 'end');
        const target = targets[where % targets.length] as LogFrame & { kind: 'segment' | 'bytes' };
        const bytes = Uint8Array.from(target.kind === 'bytes' ? target.bytes : target.header);
        const at = (where * 7919) % bytes.length;
        bytes[at] = (bytes[at] as number) ^ (1 << bit);
        const flipped = target.kind === 'bytes' ? { ...target, bytes } : { ...target, header: bytes };
        const disk = new MemoryDisk();
        const error = refusalOf(
          frames.map((frame) => (frame === target ? flipped : frame)),
          disk,
        );
        expect(['CORRUPT', 'FORKED']).toContain(error.code);
        holdsOnlySource(disk);
      }),
      { numRuns: 60 },
    );
  });

  test('is found out when it leaves a group out', async () => {
    const single = await framesOf(source);
    const first = single.find((frame) => frame.kind === 'bytes') as LogFrame & { kind: 'bytes' };
    const receiver = openCopy(new MemoryDisk()).receiver;
    receiver.receive(single[0] as LogFrame);
    const ends: number[] = [];
    // One byte more at a time past the commit's own size finds where the first two groups end.
    for (let end = 1; end <= first.bytes.length && ends.length < 2; end++) {
      const done = receiver.receive({
        ...first,
        offset: first.offset + end - 1,
        bytes: first.bytes.subarray(end - 1, end),
      });
      if (done.length > 0) ends.push(end);
    }
    const [one = 0, two = 0] = ends;
    const without = Buffer.concat([first.bytes.subarray(0, one), first.bytes.subarray(two)]);
    const error = refusalOf([single[0] as LogFrame, { ...first, bytes: without }]);
    expect(error.code).toBe('CORRUPT');
    expect(error.details).toMatchObject({ side: 'source', problem: 'sequence', segment: 1 });
  });

  test('is found out when it repeats itself or goes back', () => {
    const second = frames.findIndex((frame) => frame.kind === 'bytes');
    const again = [...frames.slice(0, second + 1), frames[second] as LogFrame];
    expect(refusalOf(again).code).toBe('PROTOCOL');
    const segment = frames[0] as LogFrame;
    expect(refusalOf([segment, frames[second] as LogFrame, segment]).code).toBe('PROTOCOL');
  });

  test('is found out when it leaves a segment out', () => {
    const begins = frames.flatMap((frame, at) => (frame.kind === 'segment' ? [at] : []));
    const [, from = 0, to = 0] = begins;
    const error = refusalOf([...frames.slice(0, from), ...frames.slice(to)]);
    expect(error.code).toBe('CORRUPT');
    expect(error.message).toMatch(/segment 2 .* should follow, segment 3/);
  });

  test('that continues with another history is told apart from one that is damaged', async () => {
    const [ours, theirs] = [source.copy(), source.copy()];
    await grow(ours, 77, 5000);
    await grow(theirs, 78, 5000);
    const disk = new MemoryDisk();
    const { copy, receiver } = openCopy(disk);
    take(copy, receiver, frames);
    const shared = copy.end;
    copy.close();
    const before = filesOf(disk.copy(), COPY);
    const [segment, own] = (await framesOf(ours, shared)) as [LogFrame, LogFrame & { kind: 'bytes' }];
    const [, foreign] = (await framesOf(theirs, shared)) as [LogFrame, LogFrame & { kind: 'bytes' }];
    // Both begin with the group of their epoch, which has the same size: what follows fits in everything but the chain.
    const spliced = Buffer.concat([own.bytes.subarray(0, EPOCH_GROUP), foreign.bytes.subarray(EPOCH_GROUP)]);
    const error = refusalOf([segment, { ...own, bytes: spliced }], disk);
    expect(error.code).toBe('FORKED');
    expect(error.details).toEqual({ sequence: shared.sequence + 2 });
    for (const [name, content] of before) {
      expect(Buffer.compare(filesOf(disk, COPY).get(name) ?? new Uint8Array(), content)).toBe(0);
    }
    const told = openCopy(disk);
    take(told.copy, told.receiver, await framesOf(ours, shared));
    await expect(framesOf(theirs, told.copy.end)).rejects.toMatchObject({ code: 'FORKED' });
  });

  test('with a log of the same shape and another chain is refused as another history', async () => {
    const other = await grownLog(2, 3, 700_000);
    const foreign = await framesOf(other);
    const begins = (all: readonly LogFrame[]) =>
      all.flatMap((frame, at) => (frame.kind === 'segment' ? [at] : []));
    const disk = new MemoryDisk();
    const [, ours = 0] = begins(frames);
    const [, theirs = 0] = begins(foreign);
    const header = foreign[theirs] as LogFrame & { kind: 'segment' };
    const error = refusalOf([...frames.slice(0, ours), header], disk);
    expect(['FORKED', 'CORRUPT']).toContain(error.code);
    holdsOnlySource(disk);
  });
});

test('a proof that the bytes do not come by is another history', () => {
  const { receiver: plain } = openCopy(new MemoryDisk());
  for (const frame of frames) plain.receive(frame);
  const { sequence, chain } = plain.end;
  const start = openCopy(new MemoryDisk()).start;
  const met = new Receiver({ ...start, proofs: [{ sequence, chain }] });
  for (const frame of frames) met.receive(frame);
  expect(met.proven).toBe(true);
  const wrong = new Receiver({ ...start, proofs: [{ sequence, chain: new Uint8Array(32) }] });
  expect(() => frames.map((frame) => wrong.receive(frame))).toThrow(
    expect.objectContaining({ code: 'FORKED' }),
  );
});
