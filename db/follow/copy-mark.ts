/**
 * What a copy knows of itself, in `metadata/follower.json`, replaced atomically: up to where it is on this disk for certain, with
 * the chain there, and whose copy it is. A lower bound: written at most once a second, and at a clean stop. Its
 * presence makes the directory a copy; `truthdb serve` refuses to write such a log.
 *
 *     { "format": 1, "source": "192.0.2.10:9650", "segment": 3, "offset": 8192, "sequence": 812, "epoch": 3, "chain": "hex" }
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Epoch, Sequence } from '../types.ts';
import type { LogPlace } from '../wal/index.ts';

const FORMAT = 1;

export interface CopyMark extends LogPlace {
  /** Address of the source, without the token. */
  readonly source: string;
  readonly epoch: Epoch;
}

const count = z.int().min(0);
const schema = z.object({
  format: z.literal(FORMAT),
  source: z.string(),
  segment: count,
  offset: count,
  sequence: count,
  epoch: count,
  chain: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Null where there is no copy. Errors: CORRUPT. */
export function readCopyMark(disk: Disk, directory: string): CopyMark | null {
  const bytes = readSmallFile(disk, pathIn(directory));
  if (bytes === null) return null;
  const parsed = schema.safeParse(jsonOf(bytes));
  if (!parsed.success) {
    throw new TruthError(
      'CORRUPT',
      `${pathIn(directory)} is not what a follower writes there; restore it, or start a new copy in an empty directory`,
      { file: pathIn(directory) },
    );
  }
  const { source, segment, offset, sequence, epoch, chain } = parsed.data;
  return {
    source,
    segment,
    offset,
    sequence: sequence as Sequence,
    epoch: epoch as Epoch,
    chain: Uint8Array.from(Buffer.from(chain, 'hex')),
  };
}

export function writeCopyMark(disk: Disk, directory: string, mark: CopyMark): void {
  const { source, segment, offset, sequence, epoch } = mark;
  const chain = Buffer.from(mark.chain).toString('hex');
  const text = JSON.stringify({ format: FORMAT, source, segment, offset, sequence, epoch, chain });
  writeSmallFile(disk, pathIn(directory), Buffer.from(`${text}\n`));
}

function pathIn(directory: string): string {
  return join(directory, 'metadata', 'follower.json');
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
}
