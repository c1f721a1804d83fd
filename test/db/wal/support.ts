/** One way to make, fill and reopen a log in memory, with time and randomness that repeat. */
import type { Clock, Scheduler } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import {
  type EntryDraft,
  initLog,
  type LogCommit,
  type LogReader,
  type OpenedLog,
  type OpenLogOptions,
  openLog,
} from '../../../db/wal/index.ts';
import { MemoryDisk, type Pick } from './memory-disk.ts';

export const DIRECTORY = '/data';
export const SEGMENT_BYTES = 1024 * 1024;

/** A clock that moves one microsecond per look. */
export class StepClock implements Clock {
  #nanos = 1_700_000_000_000_000_000n;

  nowNanos(): bigint {
    this.#nanos += 1000n;
    return this.#nanos;
  }

  monotonicNanos(): bigint {
    return this.nowNanos();
  }

  advance(nanos: bigint): void {
    this.#nanos += nanos;
  }
}

/** A scheduler that runs nothing by itself. */
export class ManualScheduler implements Scheduler {
  readonly #turn: (() => void)[] = [];
  readonly #timers = new Set<{ readonly millis: number; readonly task: () => void }>();

  endOfTurn(task: () => void): void {
    this.#turn.push(task);
  }

  after(millis: number, task: () => void): () => void {
    const timer = { millis, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  runTurn(): void {
    for (const task of this.#turn.splice(0)) task();
  }

  runTimers(): void {
    const timers = [...this.#timers];
    this.#timers.clear();
    for (const { task } of timers) task();
  }
}

/** Numbers that look random and repeat for a seed (mulberry32). */
export function pickFrom(seed: number): Pick {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

export function randomFrom(seed: number): (bytes: number) => Uint8Array {
  const pick = pickFrom(seed);
  return (bytes) => Uint8Array.from({ length: bytes }, () => pick(256));
}

export interface TestLog {
  readonly disk: MemoryDisk;
  readonly log: OpenedLog;
  readonly scheduler: ManualScheduler;
  readonly clock: StepClock;
}

export function newDisk(options: { entryBytesMax?: number } = {}): MemoryDisk {
  const disk = new MemoryDisk();
  initLog({ directory: DIRECTORY, disk, random: randomFrom(1), segmentBytes: SEGMENT_BYTES, ...options });
  return disk;
}

export async function open(disk: MemoryDisk, options: Partial<OpenLogOptions> = {}): Promise<TestLog> {
  const scheduler = new ManualScheduler();
  const clock = new StepClock();
  const log = await openLog({
    directory: DIRECTORY,
    disk,
    clock,
    random: randomFrom(2),
    scheduler,
    inline: true,
    ringBytes: 4 * SEGMENT_BYTES,
    ...options,
  });
  return { disk, log, scheduler, clock };
}

export function draft(payload: Uint8Array | string, type = 16): EntryDraft {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return { type, tenant: 0 as TenantId, partitionKey: 7n, flags: 0, payload: bytes };
}

/** Appends each text as a command of its own and ends the group. */
export function appendGroup(log: OpenedLog, ...texts: readonly string[]): void {
  for (const text of texts) log.append([draft(text)], 0n as RecordedAt);
  log.flush();
}

export async function collect(commits: AsyncIterable<LogCommit>): Promise<LogCommit[]> {
  const collected: LogCommit[] = [];
  for await (const commit of commits) collected.push(commit);
  return collected;
}

/** Payloads of the entries of the layers above, as text, in order. */
export async function texts(reader: LogReader, from = 1): Promise<string[]> {
  const commits = await collect(reader.read({ from: from as Sequence, follow: false }));
  return commits.flatMap(textsOf);
}

export function textsOf(commit: LogCommit): string[] {
  const foreign = commit.entries.filter((entry) => entry.type >= 16);
  return foreign.map((entry) => new TextDecoder().decode(entry.payload));
}

export function segmentPaths(disk: MemoryDisk): string[] {
  const wal = `${DIRECTORY}/wal/`;
  return disk
    .paths()
    .filter((path) => path.startsWith(wal) && !path.includes('spare'))
    .sort();
}
