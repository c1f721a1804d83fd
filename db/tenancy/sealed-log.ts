/**
 * A log whose tenants' entries are sealed: above it everything is plaintext, below it nothing is. Entries of tenants with a
 * data key are sealed on their way in, and opened on their way out. What was sealed under a key that has been destroyed is
 * left out, as if it had never been written; so is, in a copy without keys, what cannot be opened there. Only where it was about
 * a person its place is told beside the commit. Entries that say which tenants and erasures there are stay open.
 */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { Epoch, RecordedAt, Sequence } from '../types.ts';
import type {
  AppendedRange,
  ClosedCommit,
  Durability,
  EntryDraft,
  Log,
  LogCommit,
  LogEntry,
  LogIdentity,
  LogStatus,
  Preparation,
  ReadOptions,
} from '../wal/index.ts';
import { EntryOpener, FLAG_ENCRYPTED, plain } from './entry-opener.ts';
import type { Epochs } from './epochs.ts';
import type { KeyRing } from './keys/index.ts';
import { SealedCommand } from './sealed-command.ts';
import { notSealed, readSealedHeader, SEALED_OVERHEAD_BYTES } from './sealed-payload.ts';

const NEVER_SEALED: readonly number[] = [KERNEL_ENTRY.tenant, KERNEL_ENTRY.erasure];

export interface SealedLogOptions {
  readonly log: Log;
  readonly ring: KeyRing;
  readonly epochs: Epochs;
  /** What to do with entries whose key was never here: a copy skips them, the original must have every key. */
  readonly unknownKeys: 'skip' | 'refuse';
}

type ReadEntry = LogEntry & { readonly recordedAt: RecordedAt };

export class SealedLog implements Log {
  readonly #log: Log;
  readonly #ring: KeyRing;
  readonly #epochs: Epochs;
  readonly #opener: EntryOpener;
  /** The message that a single entry was last read from: the next one is often its neighbour. */
  #message: { readonly first: Sequence; readonly payloads: readonly Uint8Array[] } | null = null;

  constructor({ log, ring, epochs, unknownKeys }: SealedLogOptions) {
    this.#log = log;
    this.#ring = ring;
    this.#epochs = epochs;
    this.#opener = new EntryOpener({ logId: log.identity.logId, keys: ring, epochs, unknownKeys });
  }

  /** What its author may put into an entry: sealing takes a part of what the log allows. */
  get identity(): LogIdentity {
    const { identity } = this.#log;
    if (this.#ring.empty) return identity;
    return { ...identity, entryBytesMax: identity.entryBytesMax - SEALED_OVERHEAD_BYTES };
  }

  get epoch(): Epoch {
    return this.#log.epoch;
  }

  get next(): Sequence {
    return this.#log.next;
  }

  get stable(): Sequence {
    return this.#log.stable;
  }

  get written(): Sequence {
    return this.#log.written;
  }

  get commandBytesMax(): number {
    return this.#log.commandBytesMax;
  }

  append(
    entries: readonly EntryDraft[],
    recordedAt: RecordedAt,
    durability?: Durability,
    preparation: Preparation | null = null,
  ): AppendedRange {
    if (this.#ring.empty || !entries.some((entry) => this.#isSealed(entry)))
      return this.#log.append(entries, recordedAt, durability, preparation);
    const { logId } = this.#log.identity;
    const epoch = this.#epochs.writing();
    const command = new SealedCommand(entries, { logId, ring: this.#ring, epoch, preparation }, (entry) =>
      this.#isSealed(entry),
    );
    return this.#log.append(command.drafts, recordedAt, durability, command);
  }

  #isSealed({ type, tenant }: EntryDraft): boolean {
    return !NEVER_SEALED.includes(type) && this.#ring.encrypts(tenant);
  }

  async *read(options: ReadOptions): AsyncGenerator<LogCommit, void, undefined> {
    for await (const commit of this.#log.read(options)) yield this.opened(commit);
  }

  async *readBackwards(from: Sequence): AsyncGenerator<LogCommit, void, undefined> {
    for await (const commit of this.#log.readBackwards(from)) yield this.opened(commit);
  }

  /** A commit as it is below, opened. Errors: CORRUPT, KEY_UNAVAILABLE. */
  opened(commit: LogCommit): LogCommit {
    return this.#opener.opened(commit);
  }

  entryAt(at: Sequence): ReadEntry | null {
    const entry = this.#log.entryAt(at);
    if (entry === null || (entry.flags & FLAG_ENCRYPTED) === 0) return entry;
    const header = readSealedHeader(entry.payload, at);
    if (!this.#opener.isThere(header.key, entry.tenant)) return null;
    const first = (at - header.index) as Sequence;
    if (this.#message?.first !== first) {
      const payloads = this.#opener.open(this.#messageAt(first, header.count), header, this.#epochs.at(at));
      if (payloads === null) return null;
      this.#message = { first, payloads };
    }
    return plain(entry, this.#message.payloads[header.index]!);
  }

  /** Forgets what was opened: a key is gone. */
  forget(): void {
    this.#message = null;
  }

  #messageAt(first: Sequence, count: number): ReadEntry[] {
    return Array.from({ length: count }, (_, index) => {
      const member = this.#log.entryAt((first + index) as Sequence);
      if (member === null) throw notSealed((first + index) as Sequence);
      return member;
    });
  }

  onCommit(listener: (commit: ClosedCommit) => void): () => void {
    return this.#log.onCommit(listener);
  }

  onStable(listener: (stable: Sequence) => void): () => void {
    return this.#log.onStable(listener);
  }

  onWritten(listener: (written: Sequence) => void): () => void {
    return this.#log.onWritten(listener);
  }

  onRoom(listener: () => void): () => void {
    return this.#log.onRoom(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#log.onFailure(listener);
  }

  status(): LogStatus {
    return this.#log.status();
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
