/**
 * Entries between the kernel and the views: what was appended and is not stable yet. The log tells which commit a group
 * became and when it is stable; the entries themselves are still here, so the live path never reads the log back.
 */
import { type DecidedEntry, invariant } from '../kernel/index.ts';
import type { ViewCommit } from '../materializer/index.ts';
import { Fifo } from '../streams/fifo.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { ClosedCommit, LogEntry } from '../wal/log.ts';

export class LiveFeed {
  /** The entries of each command, in log order. */
  readonly #appended = new Fifo<readonly DecidedEntry[]>();
  readonly #closed = new Fifo<ClosedCommit>();

  /** Takes the entries of a command that the log has given places from `first` on: they are known from now on. */
  appended(first: Sequence, entries: readonly DecidedEntry[]): void {
    invariant(entries[0]?.sequence === SEQUENCE_NONE, 'an entry gets its place once');
    for (let index = 0; index < entries.length; index++)
      entries[index]!.sequence = (first + index) as Sequence;
    this.#appended.push(entries);
  }

  /** A group became this commit. */
  closed(commit: ClosedCommit): void {
    this.#closed.push(commit);
  }

  /** Next commit that is stable, or null. */
  takeStable(stable: Sequence): ViewCommit | null {
    const commit = this.#closed.peek();
    if (commit === undefined || commit.sequence > stable) return null;
    this.#closed.shift();
    const { ordinal, epoch, recordedAt, sequence } = commit;
    const entries: LogEntry[] = [];
    for (let next = this.#appended.peek(); next !== undefined; next = this.#appended.peek()) {
      if (next[0]!.sequence > sequence) break;
      invariant(
        next[0]!.sequence >= commit.first && next.at(-1)!.sequence < sequence,
        'a command lies in one commit',
      );
      for (const entry of next) {
        entry.ordinal = ordinal;
        entries.push(entry);
      }
      this.#appended.shift();
    }
    return { ordinal, epoch, recordedAt, sequence, entries };
  }

  /** Payload of an entry that is not stable yet, or null. */
  payloadAt(position: Sequence): Uint8Array | null {
    let low = 0;
    let high = this.#appended.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entries = this.#appended.at(middle)!;
      const first = entries[0]!.sequence;
      if (position < first) high = middle - 1;
      else if (position >= first + entries.length) low = middle + 1;
      else return entries[position - first]!.payload;
    }
    return null;
  }
}
