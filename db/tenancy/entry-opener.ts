/**
 * Opens the sealed entries of commits. What was sealed under a key that has been destroyed is left out, as if it had never been
 * written; so is, in a copy without keys, what cannot be opened there. Only where it was about a person its place is told beside
 * the commit.
 */
import { TruthError } from '../errors.ts';
import type { Epoch, Sequence, TenantId } from '../types.ts';
import {
  beginningOf,
  type EpochBeginning,
  type ErasedEntry,
  type LogCommit,
  type LogEntry,
} from '../wal/index.ts';
import type { Epochs } from './epochs.ts';
import { open, TAG_BYTES } from './keys/entry-cipher.ts';
import type { KeyId, KeyState } from './keys/index.ts';
import {
  associatedData,
  NO_HANDLE,
  notSealed,
  readSealedHeader,
  SEALED_HEADER_BYTES,
  type SealedHeader,
} from './sealed-payload.ts';

export const FLAG_ENCRYPTED = 1;
/** The log's own: an epoch's entry. */
const EPOCH_ENTRY = 3;

/** What opening needs of keys. */
export interface OpeningKeys {
  state(id: KeyId, tenant: TenantId): KeyState;
  /** Errors: KEY_UNAVAILABLE. */
  entryKey(id: KeyId, epoch: Epoch, epochRandom: Uint8Array): Uint8Array;
  /** What stands for a partition key in the log; null where that cannot be told. */
  keyedPartition(tenant: TenantId, partitionKey: bigint): bigint | null;
}

export interface EntryOpenerOptions {
  /** 16 bytes. */
  readonly logId: Uint8Array;
  readonly keys: OpeningKeys;
  readonly epochs: Pick<Epochs, 'of' | 'note'>;
  /** What to do with entries whose key was never here: a copy skips them, the original must have every key. */
  readonly unknownKeys: 'skip' | 'refuse';
}

export class EntryOpener {
  readonly #options: EntryOpenerOptions;

  constructor(options: EntryOpenerOptions) {
    this.#options = options;
  }

  /** A commit as it was read, opened. Errors: CORRUPT, KEY_UNAVAILABLE. */
  opened(commit: LogCommit): LogCommit {
    const { entries } = commit;
    if (entries.every(({ type, flags }) => (flags & FLAG_ENCRYPTED) === 0 && type !== EPOCH_ENTRY))
      return commit;
    const { epochs } = this.#options;
    const opened: LogEntry[] = [];
    const erased: ErasedEntry[] = [];
    for (let at = 0; at < entries.length; ) {
      const entry = entries[at]!;
      if (entry.type === EPOCH_ENTRY) epochs.note(beginningOf(entry));
      if ((entry.flags & FLAG_ENCRYPTED) === 0) {
        opened.push(entry);
        at += 1;
        continue;
      }
      const header = readSealedHeader(entry.payload, entry.sequence);
      if (header.index !== 0) throw notSealed(entry.sequence);
      const message = entries.slice(at, at + header.count);
      const payloads = this.open(message, header, epochs.of(commit.epoch));
      for (const [index, payload] of (payloads ?? []).entries()) opened.push(plain(message[index]!, payload));
      if (payloads === null && header.handle !== NO_HANDLE)
        for (const gone of message) erased.push(this.#erased(gone, header.key));
      at += header.count;
    }
    return { ...commit, entries: opened, erased };
  }

  /** Payloads of a message, or null where its key is gone, or never was in this copy. `epoch`: the one it was written in. */
  open(
    message: readonly LogEntry[],
    header: SealedHeader,
    epoch: EpochBeginning | null,
  ): readonly Uint8Array[] | null {
    const { sequence, tenant } = message[0]!;
    if (!this.isThere(header.key, tenant)) return null;
    if (epoch === null) throw epochUnknown(sequence);
    checkMessage(message, header, tenant);
    const pieces = message.map(({ payload }, index) =>
      payload.subarray(SEALED_HEADER_BYTES, payload.length - (index === header.count - 1 ? TAG_BYTES : 0)),
    );
    const bound = message.map(({ type }, index) => ({ type, bytes: pieces[index]!.length }));
    const associated = associatedData(this.#options.logId, tenant, header, bound);
    const key = this.#options.keys.entryKey(header.key, epoch.epoch, epoch.random);
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

  #erased({ sequence, type, tenant, partitionKey }: LogEntry, key: KeyId): ErasedEntry {
    const isIn = (candidate: bigint): boolean =>
      this.#options.keys.keyedPartition(tenant, candidate) === partitionKey;
    return { sequence, type, tenant, key, isIn };
  }

  /** False where what it sealed is left out. Errors: KEY_UNAVAILABLE. */
  isThere(key: KeyId, tenant: TenantId): boolean {
    const { keys, unknownKeys } = this.#options;
    const state = keys.state(key, tenant);
    if (state === 'there') return true;
    if (state === 'erased' || unknownKeys === 'skip') return false;
    throw new TruthError(
      'KEY_UNAVAILABLE',
      `the log has entries sealed under the key ${key}, which is neither here nor known to be destroyed: restore metadata/keys`,
      { key },
    );
  }
}

export function plain<E extends LogEntry>(entry: E, payload: Uint8Array): E {
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
