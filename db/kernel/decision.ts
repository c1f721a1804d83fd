import type { TruthError } from '../errors.ts';
import type { Revision, Sequence } from '../types.ts';
import type { LogEntry } from '../wal/log.ts';

/** An entry decided on: place and ordinal are 0 until the log has given them. One object from the decision to the views. */
export type DecidedEntry = { -readonly [Field in keyof LogEntry]: LogEntry[Field] } & {
  /** The person it is about, where there is one. */
  subject?: string | null;
};

/**
 * What the kernel makes of a command. `restsOn` is the newest position the answer was read from: entries up to there may
 * still be in flight, so the answer waits until they are stable. What `accepted` rests on is its own last entry.
 */
export type Decision =
  | {
      readonly outcome: 'accepted';
      readonly entries: readonly DecidedEntry[];
      readonly firstRevision: Revision;
      readonly lastRevision: Revision;
    }
  | {
      readonly outcome: 'duplicate';
      readonly firstRevision: Revision;
      readonly lastRevision: Revision;
      readonly position: Sequence;
      readonly restsOn: Sequence;
    }
  | { readonly outcome: 'refused'; readonly error: TruthError; readonly restsOn: Sequence };
