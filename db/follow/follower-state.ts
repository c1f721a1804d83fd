/** What a follower knows of itself and its source: plain data, for status and metrics. */
import type { RecordedAt, Sequence } from '../types.ts';
import type { LogIdentity } from '../wal/log.ts';
import type { CopyEnd } from './receiver.ts';

/** Where the source's stable log ends, as it last said. */
export interface SourceEnd {
  readonly sequence: Sequence;
  readonly recordedAt: RecordedAt;
  readonly segment: number;
  readonly offset: number;
}

export interface FollowerState {
  /** Address of the source, without the token. */
  readonly source: string;
  readonly connected: boolean;
  readonly identity: LogIdentity | null;
  /** What is durable here; null while that is not known, before the source has recognised the copy. */
  readonly durable: CopyEnd | null;
  readonly sourceEnd: SourceEnd | null;
  readonly reconnects: number;
  /** Why there is no connection, or null. */
  readonly problem: string | null;
}

/** How far a copy is behind what its source last said. */
export interface Lag {
  readonly entries: number;
  readonly bytes: number;
  /** Between the recorded times of the source's last commit and the copy's. */
  readonly seconds: number;
}

/** Null while nothing is known of the source. */
export function lagOf({ durable, sourceEnd, identity }: FollowerState): Lag | null {
  if (durable === null || sourceEnd === null || identity === null) return null;
  const { segmentBytes } = identity;
  const entries = Math.max(0, sourceEnd.sequence - durable.sequence);
  if (entries === 0) return { entries, bytes: 0, seconds: 0 };
  const bytes = (sourceEnd.segment - durable.segment) * segmentBytes + sourceEnd.offset - durable.offset;
  const nanos = sourceEnd.recordedAt - durable.recordedAt;
  return { entries, bytes: Math.max(0, bytes), seconds: nanos > 0n ? Number(nanos) / 1e9 : 0 };
}
