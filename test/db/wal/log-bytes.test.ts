import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TruthError } from '../../../db/errors.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { COMMIT_BYTES, ENTRY_HEADER, SEGMENT_HEADER_BYTES } from '../../../db/wal/format.ts';
import {
  LogBytes,
  type LogBytesRequest,
  type LogCommit,
  type LogPiece,
  openReader,
} from '../../../db/wal/index.ts';
import { isolate } from '../../../db/wal/isolate.ts';
import { grownLog } from '../follow/support.ts';
import type { MemoryDisk } from './memory-disk.ts';
import {
  collect,
  DIRECTORY,
  draft,
  ManualScheduler,
  newDisk,
  open,
  randomFrom,
  StepClock,
  segmentPaths,
} from './support.ts';

let disk: MemoryDisk;
let stable: Sequence;

beforeAll(async () => {
  disk = await grownLog(11, 3, 800_000);
  const reader = openReader({ directory: DIRECTORY, disk });
  stable = reader.stable;
  reader.close();
});

/** Everything up to the end, the last piece being that. */
async function pieces(from: LogBytesRequest['from'], on = disk): Promise<LogPiece[]> {
  const log = { stable, onStable: () => () => undefined };
  const read: LogPiece[] = [];
  for await (const piece of new LogBytes({ disk: on, directory: DIRECTORY, log }).read({
    from,
    name: 'copy',
  })) {
    read.push(piece);
    if (piece.kind === 'end' && piece.caughtUp) break;
  }
  return read;
}

/** Sequence and chain of each commit. */
async function commits(): Promise<LogCommit[]> {
  const reader = openReader({ directory: DIRECTORY, disk });
  const found = await collect(reader.read({ from: 1 as Sequence, follow: false }));
  reader.close();
  return found;
}

describe('the bytes of a log', () => {
  test('put together are its segment files', async () => {
    const files = new Map<number, Buffer[]>();
    let current: Buffer[] = [];
    for (const piece of await pieces('start')) {
      if (piece.kind === 'segment') {
        current = [Buffer.from(piece.header)];
        files.set(piece.index, current);
      } else if (piece.kind === 'bytes') {
        expect(piece.offset).toBe(current.reduce((sum, { length }) => sum + length, 0));
        current.push(Buffer.from(piece.bytes));
      }
    }
    for (const [at, path] of segmentPaths(disk).entries()) {
      const bytes = Buffer.concat(files.get(at + 1) ?? []);
      const file = disk.bytesOf(path);
      expect(Buffer.compare(bytes, file.subarray(0, bytes.length))).toBe(0);
      expect(file.subarray(bytes.length).every((byte) => byte === 0)).toBe(true);
    }
  });

  test('begin with the group that holds the sequence asked for', async () => {
    const all = await commits();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: stable }), async (wanted) => {
        const [segment, bytes] = await pieces(wanted as Sequence);
        if (segment?.kind !== 'segment' || bytes?.kind !== 'bytes') throw new Error('the log is not there');
        expect(bytes.offset).toBe(segment.offset);
        const view = new DataView(bytes.bytes.buffer, bytes.bytes.byteOffset);
        const first = Number(view.getBigUint64(8, true));
        const before = all.findLast(({ sequence }) => sequence < wanted)?.sequence ?? 0;
        // Between two commits there can be a seal.
        expect([before + 1, before + 2]).toContain(first);
      }),
      { numRuns: 40 },
    );
  });

  test('behind the last sequence are none yet, and past it there is nothing to wait for', async () => {
    expect((await pieces((stable + 1) as Sequence)).filter(({ kind }) => kind === 'bytes')).toEqual([]);
    await expect(pieces((stable + 2) as Sequence)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('are only sent to a receiver whose chain they continue', async () => {
    const end = (await pieces('start')).at(-1);
    const last = (await commits()).at(-1) as LogCommit;
    if (end?.kind !== 'end') throw new Error('there is no end');
    const place = { segment: end.segment, offset: end.offset, sequence: end.sequence, chain: last.chain };
    expect(await pieces(place)).toMatchObject([
      { kind: 'segment', offset: end.offset },
      { kind: 'end', caughtUp: true },
    ]);
    const forked = { code: 'FORKED', details: { sequence: place.sequence, stable } };
    await expect(pieces({ ...place, chain: new Uint8Array(32) })).rejects.toMatchObject(forked);
    await expect(pieces({ ...place, offset: place.offset - 8 })).rejects.toMatchObject(forked);
    await expect(pieces({ ...place, sequence: (place.sequence - 1) as Sequence })).rejects.toMatchObject({
      code: 'FORKED',
    });
    const ahead = { ...place, sequence: (stable + 5) as Sequence };
    await expect(pieces(ahead)).rejects.toThrow(/holds commits this log has lost/);
    await expect(pieces({ ...place, segment: 99 })).rejects.toMatchObject({ code: 'FORKED' });
  });

  test('that are gone are said to be gone, with what there is', async () => {
    const pruned = disk.copy();
    const [first = '', second = ''] = segmentPaths(pruned);
    pruned.unlink(first);
    const floor = Number(second.match(/-(\d+)\./)?.[1]);
    const gone = { code: 'PRUNED', details: { first: floor } };
    await expect(pieces(1 as Sequence, pruned)).rejects.toMatchObject(gone);
    const place = {
      segment: 1,
      offset: SEGMENT_HEADER_BYTES,
      sequence: 0 as Sequence,
      chain: new Uint8Array(32),
    };
    await expect(pieces(place, pruned)).rejects.toMatchObject(gone);
    expect((await pieces('start', pruned))[0]).toMatchObject({
      kind: 'segment',
      index: 2,
      firstSequence: floor,
    });
  });

  test('that are damaged stay here; what is whole before them is sent', async () => {
    const broken = disk.copy();
    const bytes = broken.bytesOf(segmentPaths(broken)[0] as string);
    bytes[600_000] = (bytes[600_000] as number) ^ 4;
    const log = { stable, onStable: () => () => undefined };
    let sent = SEGMENT_HEADER_BYTES;
    const read = async () => {
      for await (const piece of new LogBytes({ disk: broken, directory: DIRECTORY, log }).read({
        from: 'start',
        name: 'copy',
      })) {
        if (piece.kind === 'bytes') sent = piece.offset + piece.bytes.length;
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(sent).toBeGreaterThan(SEGMENT_HEADER_BYTES);
    expect(sent).toBeLessThanOrEqual(600_000);
  });
});

test('what was declared lost is said to be lost; what lies before and behind it is sent', async () => {
  const gone = disk.copy();
  const path = segmentPaths(gone)[0] as string;
  gone.bytesOf(path).fill(7, 500_000, 500_100);
  const declare = (sequence: number) =>
    isolate({
      disk: gone,
      directory: DIRECTORY,
      clock: new StepClock(),
      scheduler: new ManualScheduler(),
      random: randomFrom(5),
      segment: 1,
      sequence: sequence as Sequence,
      marks: [],
      progress: () => undefined,
    });
  const from = await declare(1).catch((error: TruthError) => error.details['from'] as number);
  const gap = await declare(from as number);
  const lost = { code: 'GAP', details: { from: gap.from, to: gap.to, next: gap.to + 1 } };
  await expect(pieces('start', gone)).rejects.toMatchObject(lost);
  await expect(pieces(gap.from, gone)).rejects.toMatchObject(lost);
  const [segment, bytes] = await pieces((gap.to + 1) as Sequence, gone);
  expect(segment).toMatchObject({ kind: 'segment', index: 1, offset: gap.end });
  expect(bytes).toMatchObject({ kind: 'bytes', offset: gap.end });
  const [, , third = ''] = segmentPaths(gone);
  const behind = Number(third.match(/-(\d+)\./)?.[1]);
  expect((await pieces(behind as Sequence, gone))[0]).toMatchObject({ kind: 'segment', index: 3 });
});

test('a stream goes on as the log grows, and never sends what is not stable', async () => {
  const { disk: growing, log, scheduler, clock } = await open(newDisk());
  const abort = new AbortController();
  const bytes = new LogBytes({ disk: growing, directory: DIRECTORY, log });
  const sent: number[] = [];
  let endings = 0;
  const reading = (async () => {
    for await (const piece of bytes.read({ from: 'start', name: 'copy', signal: abort.signal })) {
      if (piece.kind === 'end' && piece.caughtUp) endings += 1;
      if (piece.kind !== 'bytes') continue;
      const commit = Buffer.from(piece.bytes.subarray(piece.bytes.length - COMMIT_BYTES));
      const last = Number(commit.readBigUInt64LE(ENTRY_HEADER.at.sequence));
      expect(last).toBeLessThanOrEqual(log.stable);
      sent.push(last);
    }
  })();
  for (let turn = 0; turn < 40; turn++) {
    // Over a megabyte in all: a rollover lies between.
    log.append([draft(new Uint8Array(40_000).fill(turn + 1))], clock.nowNanos() as RecordedAt);
    if (turn % 3 === 0) log.flush();
    scheduler.runTurn();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(bytes.holds()).toEqual([{ kind: 'follower', name: 'copy', from: log.stable + 1 }]);
  abort.abort();
  await reading;
  expect(bytes.holds()).toEqual([]);
  expect(sent.at(-1)).toBe(log.stable);
  expect(sent.length).toBeGreaterThan(10);
  expect(endings).toBeGreaterThan(10);
});
