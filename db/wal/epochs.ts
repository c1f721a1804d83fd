/**
 * The random bytes of each epoch, beside the log: keys of sealed entries are derived from them (tenancy/), and an epoch's
 * own entry may have been pruned while entries of the epoch are still there. Kept only once somebody asks for it.
 *
 *     metadata/epochs.json   { "epochs": [ { "epoch": 3, "after": 812, "random": "64 hex digits" } ] }
 *
 * Written before an epoch's first entry. Lost, it is found again from the log (`findEpochs`), pruned epochs excepted.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { type Epoch, type Sequence, sequence } from '../types.ts';
import { ENTRY_TYPE, EPOCH } from './format.ts';
import { readCount } from './layout.ts';
import type { LogEntry, LogReader } from './log.ts';
import { metadataDirectory } from './metadata.ts';

export interface EpochBeginning {
  readonly epoch: Epoch;
  /** Entries behind this sequence are the epoch's, up to where the next one begins. */
  readonly after: Sequence;
  /** 32 bytes. */
  readonly random: Uint8Array;
}

const FILE = 'epochs.json';

const fileSchema = z.strictObject({
  epochs: z.array(
    z.strictObject({
      epoch: z.int().min(1).max(0xffff_ffff),
      after: z.int().min(0),
      random: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/** In the log's order; null where they are not kept, or the file cannot be read: then `findEpochs` finds them. */
export function readEpochs(disk: Disk, directory: string): readonly EpochBeginning[] | null {
  const bytes = readSmallFile(disk, join(metadataDirectory(directory), FILE));
  if (bytes === null) return null;
  try {
    return fileSchema
      .parse(JSON.parse(Buffer.from(bytes).toString()))
      .epochs.map(({ epoch, after, random }) => ({
        epoch: epoch as Epoch,
        after: sequence(after),
        random: Buffer.from(random, 'hex'),
      }));
  } catch {
    return null;
  }
}

export function writeEpochs(disk: Disk, directory: string, epochs: readonly EpochBeginning[]): void {
  const rows = epochs.map(({ epoch, after, random }) => ({
    epoch,
    after,
    random: Buffer.from(random).toString('hex'),
  }));
  const text = `${JSON.stringify({ epochs: rows })}\n`;
  writeSmallFile(disk, join(metadataDirectory(directory), FILE), Buffer.from(text));
}

/** Adds an epoch that is about to begin, where they are kept. */
export function noteEpoch(disk: Disk, directory: string, beginning: EpochBeginning): void {
  const known = readEpochs(disk, directory);
  if (known === null) return;
  // What lies behind where this one begins never became part of the log.
  const counting = known.filter(({ after, epoch }) => after <= beginning.after && epoch < beginning.epoch);
  writeEpochs(disk, directory, [...counting, beginning]);
}

/** Every epoch whose entry is in the log from a sequence on. Reads the log to its stable end. Errors: those of reading. */
export async function findEpochs(log: LogReader, from: Sequence): Promise<EpochBeginning[]> {
  const found: EpochBeginning[] = [];
  for (let next = from; ; ) {
    try {
      for await (const { entries } of log.read({ from: next, follow: false })) {
        for (const entry of entries) if (entry.type === ENTRY_TYPE.epoch) found.push(beginningOf(entry));
      }
      return found;
    } catch (error) {
      next = behindGap(error);
    }
  }
}

/** What an epoch's entry says. `entry.payload` is copied. */
export function beginningOf({ payload }: LogEntry): EpochBeginning {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return {
    epoch: view.getUint32(EPOCH.at.epoch, true) as Epoch,
    after: sequence(readCount(view, EPOCH.at.parentSequence)),
    random: Uint8Array.from(payload.subarray(EPOCH.at.random, EPOCH.at.random + 32)),
  };
}

function behindGap(error: unknown): Sequence {
  if (error instanceof TruthError && error.code === 'GAP') return sequence(Number(error.details['to']) + 1);
  throw error;
}
