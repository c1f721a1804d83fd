/**
 * A log whose tenants' entries are sealed: above it everything is plaintext, below it nothing is. Entries of tenants with a
 * data key are sealed on their way in, and opened on their way out. What was sealed under a key that has been destroyed is
 * left out, as if it had never been written; so is, in a copy without keys, what cannot be opened there. Only where it was about
 * a person its place is told beside the commit. Entries that say which tenants and erasures there are stay open.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { Epoch, RecordedAt, Sequence, TenantId } from '../types.ts';
import {
  type AppendedRange,
  beginningOf,
  type ClosedCommit,
  type Durability,
  type EntryDraft,
  type ErasedEntry,
  type Log,
  type LogCommit,
  type LogEntry,
  type LogIdentity,
  type LogStatus,
  type Preparation,
  type ReadOptions,
} from '../wal/index.ts';
import type { Epochs } from './epochs.ts';
import { open, TAG_BYTES } from './keys/entry-cipher.ts';
import type { KeyId, KeyRing } from './keys/index.ts';
import { SealedCommand } from './sealed-command.ts';
import {
  associatedData,
  NO_HANDLE,
  notSealed,
  readSealedHeader,
  SEALED_HEADER_BYTES,
  SEALED_OVERHEAD_BYTES,
  type SealedHeader,
} from './sealed-payload.ts';

export const FLAG_ENCRYPTED = 1;
/** The log's own: an epoch's entry. */
const EPOCH_ENTRY = 3;
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
  readonly #unknownKeys: 'skip' | 'refuse';
  /** The message that a single entry was last read from: the next one is often its neighbour. */
  #message: { readonly first: Sequence; readonly payloads: readonly Uint8Array[] } | null = null;

  constructor({ log, ring, epochs, unknownKeys }: SealedLogOptions) {
    this.#log = log;
    this.#ring = ring;
    this.#epochs = epochs;
    this.#unknownKeys = unknownKeys;
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
    const { entries } = commit;
    if (entries.every(({ type, flags }) => (flags & FLAG_ENCRYPTED) === 0 && type !== EPOCH_ENTRY))
      return commit;
    const opened: LogEntry[] = [];
    const erased: ErasedEntry[] = [];
    for (let at = 0; at < entries.length; ) {
      const entry = entries[at]!;
      if (entry.type === EPOCH_ENTRY) this.#epochs.note(beginningOf(entry));
      if ((entry.flags & FLAG_ENCRYPTED) === 0) {
        opened.push(entry);
        at += 1;
        continue;
      }
      const header = readSealedHeader(entry.payload, entry.sequence);
      if (header.index !== 0) throw notSealed(entry.sequence);
      const message = entries.slice(at, at + header.count);
      const payloads = this.#open(message, header, this.#epochs.of(commit.epoch)?.random ?? null);
      for (const [index, payload] of (payloads ?? []).entries()) opened.push(plain(message[index]!, payload));
      if (payloads === null && header.handle !== NO_HANDLE)
        for (const gone of message) erased.push(this.#erased(gone, header.key));
      at += header.count;
    }
    return { ...commit, entries: opened, erased };
  }

  #erased({ sequence, type, tenant, partitionKey }: LogEntry, key: KeyId): ErasedEntry {
    const isIn = (candidate: bigint): boolean =>
      this.#ring.keyedPartition(tenant, candidate) === partitionKey;
    return { sequence, type, tenant, key, isIn };
  }

  entryAt(at: Sequence): ReadEntry | null {
    const entry = this.#log.entryAt(at);
    if (entry === null || (entry.flags & FLAG_ENCRYPTED) === 0) return entry;
    const header = readSealedHeader(entry.payload, at);
    if (this.#stateOf(header) !== 'there') return null;
    const first = (at - header.index) as Sequence;
    if (this.#message?.first !== first) {
      const payloads = this.#open(
        this.#messageAt(first, header.count),
        header,
        this.#epochs.at(at)?.random ?? null,
      );
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

  /** Payloads of a message, or null where its key is gone, or never was in this copy. */
  #open(
    message: readonly LogEntry[],
    header: SealedHeader,
    random: Uint8Array | null,
  ): readonly Uint8Array[] | null {
    if (this.#stateOf(header) !== 'there') return null;
    const { sequence, tenant } = message[0]!;
    if (random === null) throw epochUnknown(sequence);
    checkMessage(message, header, tenant);
    const pieces = message.map(({ payload }, index) =>
      payload.subarray(SEALED_HEADER_BYTES, payload.length - (index === header.count - 1 ? TAG_BYTES : 0)),
    );
    const bound = message.map(({ type }, index) => ({ type, bytes: pieces[index]!.length }));
    const associated = associatedData(this.#log.identity.logId, tenant, header, bound);
    const key = this.#ring.entryKey(header.key, this.#epochOf(sequence), random);
    const tag = message.at(-1)!.payload.subarray(-TAG_BYTES);
    const opened = open(key, sequence, associated, Buffer.concat(pieces), tag);
    if (opened === null) throw notSealed(sequence);
    let end = 0;
    return pieces.map(({ length }) => {
      const begin = end;
      end += length;
      return new Uint8Array(opened.buffer, opened.byteOffset + begin, length);
    });
  }

  #epochOf(at: Sequence): Epoch {
    return this.#epochs.at(at)?.epoch ?? this.#log.epoch;
  }

  #stateOf({ key }: SealedHeader): 'there' | 'gone' {
    const state = this.#ring.state(key);
    if (state === 'there') return 'there';
    if (state === 'erased' || this.#unknownKeys === 'skip') return 'gone';
    throw new TruthError(
      'KEY_UNAVAILABLE',
      `the log has entries sealed under the key ${key}, which is neither here nor known to be destroyed: restore metadata/keys`,
      { key },
    );
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

function plain<E extends LogEntry>(entry: E, payload: Uint8Array): E {
  return { ...entry, flags: entry.flags & ~FLAG_ENCRYPTED, payload };
}

/** The entries of a message follow each other and say the same of it. */
function checkMessage(message: readonly LogEntry[], header: SealedHeader, tenant: TenantId): void {
  if (message.length !== header.count) throw notSealed(message[0]!.sequence);
  for (const [index, entry] of message.entries()) {
    const { key, handle, index: place, count } = readSealedHeader(entry.payload, entry.sequence);
    const same = key === header.key && handle === header.handle && count === header.count && place === index;
    const sealed = (entry.flags & FLAG_ENCRYPTED) !== 0 && entry.tenant === tenant;
    if (!same || !sealed) throw notSealed(entry.sequence);
  }
}

function epochUnknown(at: Sequence): TruthError {
  return new TruthError(
    'KEY_UNAVAILABLE',
    `the random bytes of the epoch of the entry at ${at} are lost: its own entry was pruned and metadata/epochs.json is gone; restore that file`,
    { sequence: at },
  );
}
