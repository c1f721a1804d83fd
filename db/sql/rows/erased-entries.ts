/**
 * What erasures have taken out of tables, as far as the log still shows it: the places of entries of rows that nobody can open,
 * and by erasure how many there were. It lies in a space of its own; integers are big-endian:
 *
 *     0 · key (8 bytes) · table u32 · sequence u64      an entry that is gone; no value
 *     1 · table u32 · erasure u64 · key                 entries u64 · first u64 · last u64: what an erasure took from a table
 *     2 · key                                           no value: an erasure has been summed up
 *
 * Entries come before the erasure that names their key, because a replay meets them in that order.
 */

import type { Sequence } from '../../types.ts';
import type { ErasedEntry } from '../../wal/log.ts';
import type { KeyRange, Space, StoreReader, StoreWriter } from '../store/contract.ts';

const ERASED_SPACE = 3 as Space;
const KIND = { entry: 0, erasure: 1, done: 2 } as const;
const KEY_BYTES = 8;
const NO_VALUE = new Uint8Array(0);
const ENTRY_BYTES = 1 + KEY_BYTES + 4 + 8;
const ERASURE_BYTES = 1 + 4 + 8 + KEY_BYTES;
const SEQUENCE_LAST = Number.MAX_SAFE_INTEGER as Sequence;

/** What one erasure took from one table under one key. */
export interface TakenRows {
  readonly table: number;
  /** Hex. */
  readonly key: string;
  /** Entry of the log that says so. */
  readonly erasedAt: Sequence;
  readonly entries: number;
  readonly first: Sequence;
  readonly last: Sequence;
}

/** Notes an entry of a table's rows that cannot be opened; `at`: the commit's own sequence. */
export function noteErased(
  store: StoreWriter,
  table: number,
  { key, sequence }: Pick<ErasedEntry, 'key' | 'sequence'>,
  at: Sequence,
): void {
  store.put(ERASED_SPACE, entryKey(key, table, sequence), NO_VALUE, at);
}

/** Tables that have lost entries under a key, summed up; none where that was done before, or there is nothing. */
export function takenUnder(reader: StoreReader, key: string, erasedAt: Sequence): TakenRows[] {
  if (reader.get(ERASED_SPACE, doneKey(key)) !== null) return [];
  const taken: TakenRows[] = [];
  const range = { from: entryKey(key, 0, 0), to: entryKey(key, 0xffff_ffff, SEQUENCE_LAST) };
  for (const { key: stored } of reader.scan(ERASED_SPACE, { range, reverse: false, limit: null })) {
    const { table, sequence } = placeOf(stored);
    const before = taken.at(-1);
    if (before?.table === table)
      taken[taken.length - 1] = { ...before, entries: before.entries + 1, last: sequence };
    else taken.push({ table, key, erasedAt, entries: 1, first: sequence, last: sequence });
  }
  return taken;
}

export function noteErasure(store: StoreWriter, taken: readonly TakenRows[], at: Sequence): void {
  for (const { table, key, erasedAt, entries, first, last } of taken) {
    const value = Buffer.alloc(24);
    for (const [index, number] of [entries, first, last].entries()) writeNumber(value, number, index * 8);
    store.put(ERASED_SPACE, erasureKey(table, erasedAt, key), value, at);
    store.put(ERASED_SPACE, doneKey(key), NO_VALUE, at);
  }
}

/** What was taken from a table by erasures after a position, in their order. */
export function* takenFrom(reader: StoreReader, table: number, after: Sequence): Generator<TakenRows> {
  const range = { from: erasureKey(table, after + 1, ''), to: erasureKey(table, SEQUENCE_LAST, '') };
  for (const { key: stored, value } of reader.scan(ERASED_SPACE, { range, reverse: false, limit: null })) {
    const [bytes, numbers] = [bufferOver(stored), bufferOver(value)];
    yield {
      table,
      key: bytes.toString('hex', 13, ERASURE_BYTES),
      erasedAt: readNumber(bytes, 5),
      entries: readNumber(numbers, 0),
      first: readNumber(numbers, 8),
      last: readNumber(numbers, 16),
    };
  }
}

/** Entries behind `after` up to `to`, in order, each with its commit. */
export function* takenEntries(
  reader: StoreReader,
  { key, table }: TakenRows,
  after: Sequence,
  to: Sequence,
): Generator<{ readonly sequence: Sequence; readonly commit: Sequence }> {
  const range: KeyRange = { from: entryKey(key, table, after + 1), to: entryKey(key, table, to + 1) };
  for (const { key: stored, since } of reader.scan(ERASED_SPACE, { range, reverse: false, limit: null }))
    yield { sequence: placeOf(stored).sequence, commit: since };
}

function entryKey(key: string, table: number, sequence: number): Uint8Array {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  bytes[0] = KIND.entry;
  bytes.write(key, 1, 'hex');
  bytes.writeUInt32BE(table, 1 + KEY_BYTES);
  writeNumber(bytes, sequence, 5 + KEY_BYTES);
  return bytes;
}

function placeOf(stored: Uint8Array): { readonly table: number; readonly sequence: Sequence } {
  const bytes = bufferOver(stored);
  return { table: bytes.readUInt32BE(1 + KEY_BYTES), sequence: readNumber(bytes, 5 + KEY_BYTES) };
}

/** Without a key it is where those of the erasure begin. */
function erasureKey(table: number, erasedAt: number, key: string): Uint8Array {
  const bytes = Buffer.alloc(key === '' ? ERASURE_BYTES - KEY_BYTES : ERASURE_BYTES);
  bytes[0] = KIND.erasure;
  bytes.writeUInt32BE(table, 1);
  writeNumber(bytes, erasedAt, 5);
  bytes.write(key, 13, 'hex');
  return bytes;
}

function doneKey(key: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(KIND.done), Buffer.from(key, 'hex')]);
}

function writeNumber(bytes: Buffer, value: number, at: number): void {
  bytes.writeBigUInt64BE(BigInt(value), at);
}

function readNumber(bytes: Buffer, at: number): Sequence {
  return Number(bytes.readBigUInt64BE(at)) as Sequence;
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
