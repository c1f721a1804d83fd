/**
 * Disks as a power cut may leave them, made from a recording of writes: everything up to a flush is there, of what was
 * written after it and before the next flush any subset may be, in whole writes or sector by sector.
 *
 * Deciding which bytes survive is pure and follows from a seed; `writeCrashDisk` applies the decision to a file.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { RecordedWrite } from './log-writes.ts';
import { flushPoints } from './log-writes.ts';

const SECTOR_BYTES = 512;
/** Of the writes since the last flush. */
const SURVIVING_SHARES = [1 / 16, 1 / 2, 15 / 16] as const;

export interface CrashPoint {
  /** Index of the entry that is the last flush before the cut; -1 when the cut came before the first. */
  readonly flush: number;
  /** Index of the last entry that was issued before the cut; at least `flush`. */
  readonly last: number;
}

export interface CrashPlan {
  readonly point: CrashPoint;
  readonly seed: number;
  /** `write`: each unflushed write is there or not. `sector`: each of its sectors is. */
  readonly grain: 'write' | 'sector';
}

/** A range of the recording that reached the disk; `source` undefined means the range reads as zeros. */
export interface SurvivingRange {
  readonly offset: number;
  readonly length: number;
  readonly source: number | undefined;
}

/** Every flush with each cut up to just before the next one that has unflushed writes: where crashes are interesting. */
export function crashPoints(entries: readonly RecordedWrite[]): CrashPoint[] {
  const flushes = [-1, ...flushPoints(entries)];
  return flushes.map((flush, index) => ({ flush, last: (flushes[index + 1] ?? entries.length) - 1 }));
}

/** The ranges that are on the disk after the cut, in the order to apply them. The same plan always gives the same ranges. */
export function survivingRanges(entries: readonly RecordedWrite[], plan: CrashPlan): SurvivingRange[] {
  return [...flushedRanges(entries, -1, plan.point.flush), ...unflushedRanges(entries, plan)];
}

/** What a flush made certain: everything of the entries after `from` up to and including `to`. */
export function flushedRanges(entries: readonly RecordedWrite[], from: number, to: number): SurvivingRange[] {
  return entries.slice(from + 1, to + 1).flatMap(wholeRange);
}

/** What of the writes after the flush chance has let through. */
export function unflushedRanges(entries: readonly RecordedWrite[], plan: CrashPlan): SurvivingRange[] {
  const { flush, last } = plan.point;
  if (last >= entries.length || last < flush) {
    throw new Error(
      `crash point (flush ${flush}, last ${last}) does not lie within ${entries.length} recorded entries`,
    );
  }
  const survives = survivalCoins(plan.seed);
  return entries.slice(flush + 1, last + 1).flatMap((entry) => {
    if (entry.fua) return wholeRange(entry);
    if (plan.grain === 'write') return survives() ? wholeRange(entry) : [];
    return sectorsOf(entry).filter(() => survives());
  });
}

/** Applies a plan to `disk`, which must hold what the disk held when the recording `log` began. */
export function writeCrashDisk(disk: string, log: string, ranges: readonly SurvivingRange[]): void {
  const [from, to] = [openSync(log, 'r'), openSync(disk, 'r+')];
  try {
    for (const range of ranges) {
      const bytes = Buffer.alloc(range.length);
      if (
        range.source !== undefined &&
        readSync(from, bytes, 0, range.length, range.source) !== range.length
      ) {
        throw new Error(`the recording ${log} ends before byte ${range.source + range.length}`);
      }
      writeSync(to, bytes, 0, range.length, range.offset);
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function wholeRange(entry: RecordedWrite): SurvivingRange[] {
  if (entry.length === 0) return [];
  return [
    { offset: entry.offset, length: entry.length, source: entry.discard ? undefined : entry.dataOffset },
  ];
}

function sectorsOf(entry: RecordedWrite): SurvivingRange[] {
  return Array.from({ length: entry.length / SECTOR_BYTES }, (_, index) => ({
    offset: entry.offset + index * SECTOR_BYTES,
    length: SECTOR_BYTES,
    source: entry.discard ? undefined : entry.dataOffset + index * SECTOR_BYTES,
  }));
}

/**
 * Coins for the survival of writes, thrown the same way for the same seed. A fair coin alone would lose about half of many
 * writes each time and never just a few, or all but a few; so chance decides first how the coin is loaded.
 */
function survivalCoins(seed: number): () => boolean {
  const random = randomNumbers(seed);
  const share = SURVIVING_SHARES[Math.floor(random() * SURVIVING_SHARES.length)]!;
  return () => random() < share;
}

/** Numbers from 0 up to, not including, 1: Mulberry32 (Tommy Ettinger, public domain algorithm). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
