/**
 * Decides when an fdatasync begins and publishes what it made durable. At most one is under way. The natural group is what
 * was written while the one before ran: the first bytes after a pause are synced at once, whatever comes meanwhile shares
 * the next. Where there is a sync thread, the writer hashes and writes on while it waits; without one, and for so little
 * that the detour costs more than it hides, the call simply blocks.
 */
import type { Clock, Disk, FileHandle } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import type { Durability } from './log.ts';
import type { QueueConsumer, QueueStatistics } from './queue.ts';

/** Runs one fdatasync beside the writer. */
export interface SyncRunner {
  begin(handle: FileHandle): void;
  /** Whether what was begun last has ended, well or not. */
  readonly finished: boolean;
  /** Waits for its end. Throws what the disk threw. */
  collect(): void;
}

/** Caps, not aims: what arrives during one fdatasync shares the next, and an idle log never waits. */
export interface SyncCaps {
  /** Most groups one fdatasync covers. */
  readonly groups: number;
  /** Longest that an `async` group stays without an fdatasync, in milliseconds. */
  readonly millis: number;
}

export const SYNC_CAPS_DEFAULT: SyncCaps = { groups: 32, millis: 5 };

/** Hashing fewer bytes than this takes less time than waking another thread twice. */
export const PARALLEL_BYTES_MIN = 64 * 1024;

/** What a batch of groups brought into the file. */
export interface WrittenBatch {
  readonly last: Sequence;
  readonly groups: number;
  readonly bytes: number;
  /** The strictest of its groups, and whether somebody waits for the write alone. */
  readonly durability: Durability;
  readonly someAsync: boolean;
}

export class Flusher {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #queue: QueueConsumer;
  readonly #statistics: QueueStatistics;
  readonly #runner: SyncRunner | null;
  readonly #groupsMax: number;
  readonly #asyncNanos: bigint;
  #written: Sequence;
  #durable: Sequence;
  /** What the fdatasync under way covers; null when none is. */
  #underWay: Sequence | null = null;
  /** Written since the last fdatasync began. */
  #groups = 0;
  #bytes = 0;
  #since = 0n;
  #wanted = false;

  constructor(
    io: { readonly disk: Disk; readonly clock: Clock },
    queue: QueueConsumer,
    statistics: QueueStatistics,
    runner: SyncRunner | null,
    durable: Sequence,
    caps: SyncCaps = SYNC_CAPS_DEFAULT,
  ) {
    this.#disk = io.disk;
    this.#clock = io.clock;
    this.#queue = queue;
    this.#statistics = statistics;
    this.#runner = runner;
    this.#groupsMax = caps.groups;
    this.#asyncNanos = BigInt(caps.millis) * 1_000_000n;
    this.#written = durable;
    this.#durable = durable;
    queue.publishStable(durable);
  }

  get durable(): Sequence {
    return this.#durable;
  }

  get unsynced(): boolean {
    return this.#written > this.#durable;
  }

  /** Groups that may still be written before the next fdatasync has to begin. */
  get groupsLeft(): number {
    return this.#groupsMax - this.#groups;
  }

  get underWay(): boolean {
    return this.#underWay !== null;
  }

  /** Whether there is something to collect. */
  get ready(): boolean {
    return this.#underWay !== null && this.#runner?.finished === true;
  }

  /** Everything up to the batch's last sequence is in the file. */
  noteWritten({ last, groups, bytes, durability, someAsync }: WrittenBatch): void {
    if (this.#groups === 0) this.#since = this.#clock.monotonicNanos();
    this.#written = last;
    this.#groups += groups;
    this.#bytes += bytes;
    this.#wanted ||= durability !== 'async';
    this.#queue.publishWritten(last, someAsync);
  }

  /**
   * Collects an fdatasync that has ended and begins the next if one is due; `waitingBytes` are queued behind what it covers.
   * False when there was nothing to do.
   */
  advance(handle: FileHandle, waitingBytes: number): boolean {
    const collected = this.ready;
    if (collected) this.finish();
    if (this.#underWay !== null || !this.#due()) return collected;
    if (this.#runner !== null && (waitingBytes >= PARALLEL_BYTES_MIN || this.#bytes >= PARALLEL_BYTES_MIN))
      this.#begin(handle, this.#runner);
    else this.#syncHere(handle);
    return true;
  }

  /** Waits for the fdatasync under way, if there is one. */
  finish(): void {
    if (this.#underWay === null) return;
    this.#runner?.collect();
    this.#durable = this.#underWay;
    this.#underWay = null;
    this.#queue.publishStable(this.#durable);
  }

  /** Makes everything written durable before it returns. */
  flush(handle: FileHandle): void {
    this.finish();
    if (this.unsynced) this.#syncHere(handle);
  }

  /** A seal, which its writer synced itself. */
  noteDurable(last: Sequence): void {
    this.#written = last;
    this.#durable = last;
    this.#queue.publishStable(last);
  }

  #due(): boolean {
    if (this.#groups === 0) return false;
    if (this.#wanted || this.groupsLeft === 0) return true;
    return this.#clock.monotonicNanos() - this.#since >= this.#asyncNanos;
  }

  #begin(handle: FileHandle, runner: SyncRunner): void {
    this.#underWay = this.#written;
    this.#reset();
    runner.begin(handle);
  }

  #syncHere(handle: FileHandle): void {
    const began = this.#clock.monotonicNanos();
    this.#disk.fdatasync(handle);
    this.#statistics.syncMicros.observe(Number(this.#clock.monotonicNanos() - began) / 1000);
    this.#reset();
    this.#durable = this.#written;
    this.#queue.publishStable(this.#durable);
  }

  #reset(): void {
    this.#groups = 0;
    this.#bytes = 0;
    this.#wanted = false;
  }
}
