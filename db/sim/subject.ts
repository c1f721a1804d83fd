import type { SimDisk } from './disk.ts';
import type { Ledger } from './ledger.ts';
import type { SimPlan } from './plan.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';

export const DIRECTORY = '/data';
export const ARCHIVE = '/archive';
export const SEGMENT_BYTES = 1024 * 1024;

/** What a run counts, for its report. */
export interface Counts {
  lives: number;
  commands: number;
  acknowledged: number;
  powerCuts: number;
  kills: number;
  faults: number;
  segments: number;
  tornTails: number;
  garbageSectors: number;
  damages: number;
  viewSwaps: number;
  /** Most snapshots at once, and segments removed. */
  snapshots: number;
  pruned: number;
  /** Writes of the ranking layer. */
  ranked: number;
}

export interface SubjectContext {
  readonly plan: SimPlan;
  readonly random: Random;
  readonly time: SimTime;
  readonly ledger: Ledger;
  readonly counts: Counts;
}

/** The database under test, as one process after the other runs it on a disk. */
export interface Subject {
  /** Makes it where it is not made yet, starts it and compares what it shows with the ledger. Throws what starting throws, or Violation. */
  open(disk: SimDisk): Promise<void>;
  /** One thing a user or time does. */
  step(): Promise<void>;
  /** True when its writer has ended: only a restart helps. */
  readonly failed: boolean;
  /** True when the log was opened for writing in this life, whatever came later. */
  readonly started: boolean;
  /** Last sequence of the log that the last start accepted. */
  readonly recoveredTo: number;
  close(): Promise<void>;
  /** Compares the payloads' hashes as an independent reader found them after the last close. Throws Violation. */
  checkContent(content: readonly bigint[]): void;
}

/** Lets every promise settle that can. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
