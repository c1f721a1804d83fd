/**
 * Entries between the kernel and the views: what was appended and is not stable yet. The log tells which commit a group
 * became and when it is stable; the entries themselves are still here, so the live path never reads the log back.
 */
import { invariant } from '../kernel/index.ts';
import type { ViewCommit } from '../materializer/index.ts';
import { Fifo } from '../streams/fifo.ts';
import type { Sequence } from '../types.ts';
import type { AppendedRange, ClosedCommit, EntryDraft, LogEntry } from '../wal/log.ts';

interface AppendedEntries extends AppendedRange {
  readonly entries: readonly EntryDraft[];
}

export class LiveFeed {
  readonly #appended = new Fifo<AppendedEntries>();
  readonly #closed = new Fifo<ClosedCommit>();

  /** Entries that were given to the log, with the places it gave them. */
  appended(range: AppendedRange, entries: readonly EntryDraft[]): void {
    invariant(range.last - range.first + 1 === entries.length, 'the entries of a command follow each other');
    this.#appended.push({ first: range.first, last: range.last, entries });
  }

  /** A group became this commit. */
  closed(commit: ClosedCommit): void {
    this.#closed.push(commit);
  }

  /** Nothing appended is waiting to become stable. */
  get empty(): boolean {
    return this.#appended.length === 0;
  }

  /** Next commit that is stable, or null. */
  takeStable(stable: Sequence): ViewCommit | null {
    const commit = this.#closed.peek();
    if (commit === undefined || commit.sequence > stable) return null;
    this.#closed.shift();
    const entries: LogEntry[] = [];
    for (let next = this.#appended.peek(); next !== undefined; next = this.#appended.peek()) {
      if (next.first > commit.sequence) break;
      invariant(next.first >= commit.first && next.last < commit.sequence, 'a command lies in one commit');
      for (let index = 0; index < next.entries.length; index++) {
        entries.push(logEntry(next.entries[index]!, next.first + index, commit));
      }
      this.#appended.shift();
    }
    const { ordinal, epoch, recordedAt, sequence } = commit;
    return { ordinal, epoch, recordedAt, sequence, entries };
  }

  /** Payload of an entry that is not stable yet, or null. */
  payloadAt(position: Sequence): Uint8Array | null {
    let low = 0;
    let high = this.#appended.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = this.#appended.at(middle)!;
      if (position < range.first) high = middle - 1;
      else if (position > range.last) low = middle + 1;
      else return range.entries[position - range.first]!.payload;
    }
    return null;
  }
}

function logEntry(draft: EntryDraft, sequence: number, commit: ClosedCommit): LogEntry {
  return {
    sequence: sequence as Sequence,
    ordinal: commit.ordinal,
    type: draft.type,
    tenant: draft.tenant,
    partitionKey: draft.partitionKey,
    flags: draft.flags,
    payload: draft.payload,
  };
}
