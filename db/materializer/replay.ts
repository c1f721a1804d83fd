import { TruthError } from '../errors.ts';
import { type Sequence, sequence } from '../types.ts';
import type { Log, LogCommit, LogReader } from '../wal/log.ts';
import type { ViewCommit, ViewGap } from './materializer.ts';

/** Types below are the log's own: epochs and the like mean nothing to a view. */
const ENTRY_TYPE_FIRST = 16;
/** Entries between two pauses: about a millisecond of applying. */
const PAUSE_ENTRIES = 4096;
const PROGRESS_ENTRIES = 1_000_000;

/**
 * Hands the stable commits after a position to `apply`, until it returns false or the log's stable end is reached, and
 * what was lost between them to `gap`.
 */
export async function replay(options: {
  readonly log: Log;
  readonly after: Sequence;
  readonly names: readonly string[];
  readonly apply: (commit: ViewCommit) => boolean;
  readonly gap: (gap: ViewGap) => void;
  readonly pause: () => Promise<void>;
  readonly report: (line: string) => void;
}): Promise<void> {
  const { log, after, apply, gap, pause, report } = options;
  let entries = 0;
  let unpaused = 0;
  let reported = 0;
  for await (const commit of acrossGaps(log, (after + 1) as Sequence, gap, report)) {
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

async function* acrossGaps(
  log: Log,
  from: Sequence,
  gap: (gap: ViewGap) => void,
  report: (line: string) => void,
): AsyncGenerator<LogCommit> {
  for (let next = from; ; ) {
    try {
      yield* log.read({ from: next, follow: false });
      return;
    } catch (error) {
      const lost = gapOf(error);
      if (lost === null) throw error;
      report(
        `sequences ${lost.from} to ${lost.to} of the log are lost: views go on behind them without what was there`,
      );
      gap(lost);
      next = (lost.to + 1) as Sequence;
    }
  }
}

/** What is lost where reading stopped, or null for any other error. */
export function gapOf(error: unknown): ViewGap | null {
  if (!(error instanceof TruthError) || error.code !== 'GAP') return null;
  const { from, to } = error.details;
  return { from: sequence(Number(from)), to: sequence(Number(to)) };
}

/** The commit whose entry lies at a position, or null, also where it has been lost or pruned. */
export async function commitAt(
  log: Pick<LogReader, 'readBackwards'>,
  position: Sequence,
): Promise<LogCommit | null> {
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
  const { ordinal, epoch, recordedAt, sequence, erased } = commit;
  const entries = commit.entries.every(({ type }) => type >= ENTRY_TYPE_FIRST)
    ? commit.entries
    : commit.entries.filter(({ type }) => type >= ENTRY_TYPE_FIRST);
  return { ordinal, epoch, recordedAt, sequence, entries, erased };
}

export function payloadBytes({ entries }: ViewCommit): number {
  let bytes = 0;
  for (const { payload } of entries) bytes += payload.length;
  return bytes;
}
