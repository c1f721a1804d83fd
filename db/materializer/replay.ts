import { TruthError } from '../errors.ts';
import type { Sequence } from '../types.ts';
import type { Log, LogCommit } from '../wal/log.ts';
import type { ViewCommit } from './materializer.ts';

/** Types below are the log's own: epochs and the like mean nothing to a view. */
const ENTRY_TYPE_FIRST = 16;
/** Entries between two pauses: about a millisecond of applying. */
const PAUSE_ENTRIES = 4096;
const PROGRESS_ENTRIES = 1_000_000;

/** Hands the stable commits after a position to `apply`, until it returns false or the log's stable end is reached. */
export async function replay(options: {
  readonly log: Log;
  readonly after: Sequence;
  readonly names: readonly string[];
  readonly apply: (commit: ViewCommit) => boolean;
  readonly pause: () => Promise<void>;
  readonly report: (line: string) => void;
}): Promise<void> {
  const { log, after, apply, pause, report } = options;
  let entries = 0;
  let unpaused = 0;
  let reported = 0;
  for await (const commit of log.read({ from: (after + 1) as Sequence, follow: false })) {
    if (!apply(viewCommit(commit))) return;
    entries += commit.entries.length;
    unpaused += commit.entries.length + 1;
    if (unpaused >= PAUSE_ENTRIES) {
      unpaused = 0;
      await pause();
    }
    if (entries - reported >= PROGRESS_ENTRIES) {
      reported = entries;
      const percent = Math.floor((commit.sequence / Math.max(log.stable, 1)) * 100);
      report(
        `replaying into ${options.names.join(', ')}: ${commit.sequence} of ${log.stable} (${percent} %)`,
      );
    }
  }
}

/** The commit whose entry lies at a position, or null, also where it has been lost or pruned. */
export async function commitAt(log: Log, position: Sequence): Promise<LogCommit | null> {
  try {
    for await (const commit of log.readBackwards(position))
      return commit.sequence === position ? commit : null;
  } catch (error) {
    if (!(error instanceof TruthError && ['GAP', 'PRUNED'].includes(error.code))) throw error;
  }
  return null;
}

/** A commit as views see it: without the log's own entries. */
export function viewCommit(commit: LogCommit): ViewCommit {
  const { ordinal, epoch, recordedAt, sequence } = commit;
  const entries = commit.entries.every(({ type }) => type >= ENTRY_TYPE_FIRST)
    ? commit.entries
    : commit.entries.filter(({ type }) => type >= ENTRY_TYPE_FIRST);
  return { ordinal, epoch, recordedAt, sequence, entries };
}
