/** Why a copy does not take what a source sends. Each says where, and that nothing was changed. */
import { TruthError } from '../errors.ts';
import type { LogIdentity } from '../wal/log.ts';

/** The source's bytes are wrong in themselves. */
export function lied(segment: number, offset: number, sequence: number, problem: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `the source sent what is not a valid log: segment ${segment}, offset ${offset}, sequence ${sequence}: ${problem}. ` +
      'Nothing of it was kept. Look at the source with `truthdb wal verify`',
    { segment, offset, sequence, problem, side: 'source' },
  );
}

/** The source's log is valid and another history than the copy's. */
export function forkedAt(sequence: number, problem: string): TruthError {
  return new TruthError(
    'FORKED',
    `this copy and its source have different histories behind sequence ${sequence}: ${problem}. Nothing was changed`,
    { sequence },
  );
}

export function differs(a: LogIdentity, b: LogIdentity): boolean {
  return (
    Buffer.compare(a.logId, b.logId) !== 0 ||
    a.segmentBytes !== b.segmentBytes ||
    a.entryBytesMax !== b.entryBytesMax
  );
}
