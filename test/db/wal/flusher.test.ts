import { beforeEach, expect, test } from 'vitest';
import type { FileHandle } from '../../../db/io/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { Flusher, type SyncRunner } from '../../../db/wal/flusher.ts';
import type { Durability } from '../../../db/wal/log.ts';
import { createQueueMemory, QueueConsumer, QueueProducer, QueueStatistics } from '../../../db/wal/queue.ts';
import { MemoryDisk } from './memory-disk.ts';
import { StepClock } from './support.ts';

/** A sync thread whose syncs end when the test says so. */
class HeldSyncs implements SyncRunner {
  begun = 0;
  finished = true;
  error: Error | null = null;

  begin(): void {
    this.begun += 1;
    this.finished = false;
  }

  collect(): void {
    this.finished = true;
    if (this.error !== null) throw this.error;
  }
}

const LARGE = 100_000;
let disk: MemoryDisk;
let clock: StepClock;
let syncs: HeldSyncs;
let producer: QueueProducer;
let flusher: Flusher;
let handle: FileHandle;

beforeEach(() => {
  disk = new MemoryDisk();
  handle = disk.open('/segment', 'create');
  clock = new StepClock();
  syncs = new HeldSyncs();
  const queue = createQueueMemory(65_536, false);
  producer = new QueueProducer(queue);
  flusher = new Flusher(
    { disk, clock },
    new QueueConsumer(queue),
    new QueueStatistics(queue),
    syncs,
    0 as Sequence,
  );
});

function written(last: number, bytes = LARGE, durability: Durability = 'group_sync'): void {
  const someAsync = durability === 'async';
  flusher.noteWritten({ last: last as Sequence, groups: 1, bytes, durability, someAsync });
}

test('the first group is synced at once, what comes meanwhile shares the next sync', () => {
  written(2);
  flusher.advance(handle, 0);
  expect(syncs.begun).toBe(1);
  for (const last of [4, 6, 8]) {
    written(last);
    flusher.advance(handle, LARGE);
  }
  expect(syncs.begun).toBe(1);
  expect(producer.stable).toBe(0);
  syncs.finished = true;
  flusher.advance(handle, 0);
  expect(producer.stable).toBe(2);
  expect(syncs.begun).toBe(2);
  syncs.finished = true;
  flusher.advance(handle, 0);
  expect(producer.stable).toBe(8);
  expect(flusher.unsynced).toBe(false);
});

test('a sync covers only what was written before it began', () => {
  written(2);
  flusher.advance(handle, LARGE);
  written(4);
  flusher.finish();
  expect(producer.stable).toBe(2);
  expect(flusher.durable).toBe(2);
});

test('a little with nothing behind it is synced on the spot', () => {
  written(2, 500);
  flusher.advance(handle, 0);
  expect(syncs.begun).toBe(0);
  expect(disk.trace.at(-1)).toBe('fdatasync segment');
  expect(producer.stable).toBe(2);
});

test('no sync covers more than 32 groups', () => {
  written(1);
  flusher.advance(handle, LARGE);
  for (let last = 2; last <= 33; last++) written(last);
  expect(flusher.groupsLeft).toBe(0);
  flusher.finish();
  flusher.advance(handle, LARGE);
  expect(syncs.begun).toBe(2);
  expect(flusher.groupsLeft).toBe(32);
});

test('an async group waits five milliseconds, or until 32 have gathered', () => {
  written(2, LARGE, 'async');
  expect(flusher.advance(handle, 0)).toBe(false);
  expect(producer.written).toBe(2);
  clock.advance(6_000_000n);
  expect(flusher.advance(handle, 0)).toBe(true);
  expect(syncs.begun).toBe(1);
  for (let last = 3; last <= 34; last++) written(last, LARGE, 'async');
  flusher.finish();
  flusher.advance(handle, 0);
  expect(syncs.begun).toBe(2);
});

test('both caps can be set', () => {
  const queue = createQueueMemory(65_536, false);
  producer = new QueueProducer(queue);
  const caps = { groups: 3, millis: 20 };
  const io = { disk, clock };
  flusher = new Flusher(io, new QueueConsumer(queue), new QueueStatistics(queue), syncs, 0 as Sequence, caps);
  written(2, LARGE, 'async');
  clock.advance(19_000_000n);
  expect(flusher.advance(handle, 0)).toBe(false);
  clock.advance(2_000_000n);
  expect(flusher.advance(handle, 0)).toBe(true);
  for (const last of [4, 6, 8]) written(last, LARGE, 'async');
  expect(flusher.groupsLeft).toBe(0);
  flusher.finish();
  expect(flusher.advance(handle, 0)).toBe(true);
});

test('an async group wakes the ordering thread when it is written, others when they are durable', () => {
  const { tick } = producer;
  written(2);
  expect([producer.written, producer.tick - tick]).toEqual([2, 0]);
  written(4, LARGE, 'async');
  expect([producer.written, producer.tick - tick]).toEqual([4, 1]);
});

test('a flush waits for the sync under way and syncs the rest', () => {
  written(2);
  flusher.advance(handle, LARGE);
  written(4);
  flusher.flush(handle);
  expect(producer.stable).toBe(4);
  expect(disk.trace.at(-1)).toBe('fdatasync segment');
});

test('the error of a sync comes out where it is collected, and nothing is called durable', () => {
  written(2);
  flusher.advance(handle, LARGE);
  syncs.error = new Error('EIO');
  syncs.finished = true;
  expect(() => flusher.advance(handle, 0)).toThrowError('EIO');
  expect(producer.stable).toBe(0);
});
