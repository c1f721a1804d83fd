/**
 * The payload of a rows entry (type 33): a header, then operations back to back. Little-endian.
 *
 *     u8 version (1) · u8 actor bytes · u16 zero · u32 table id · u32 catalog version · u32 operations · actor (UTF-8)
 *     each: u8 operation (1 insert, 2 update, 3 delete) · u24 key bytes · u32 row bytes · key · row (empty for a delete)
 *
 * The key is the row's key in the table's space, the row its whole new content: whoever applies it decides nothing.
 */
import { TruthError } from '../../errors.ts';
import { invariant } from '../../kernel/index.ts';
import type { Sequence } from '../../types.ts';

export type RowOperationKind = 'insert' | 'update' | 'delete';

export interface RowOperation {
  readonly kind: RowOperationKind;
  readonly key: Uint8Array;
  /** The whole new row as types/ encodes it; empty for a delete. */
  readonly row: Uint8Array;
}

export interface RowsEntry {
  /** Who did it, 1 to 128 bytes. */
  readonly actor: string;
  readonly table: number;
  /** Version of the catalog the rows were decided under. */
  readonly catalogVersion: number;
  readonly operations: readonly RowOperation[];
}

const ROWS_ENTRY_VERSION = 1;
const HEADER_BYTES = 16;
const OPERATION_BYTES = 8;
const KEY_BYTES_MAX = 0xff_ffff;
export const ACTOR_BYTES_MAX = 128;

const KIND_NUMBER: Readonly<Record<RowOperationKind, number>> = { insert: 1, update: 2, delete: 3 };
const KINDS: readonly (RowOperationKind | undefined)[] = [undefined, 'insert', 'update', 'delete'];

/** What one operation adds to a payload, in bytes. */
export function operationBytes(key: Uint8Array, row: Uint8Array): number {
  return OPERATION_BYTES + key.length + row.length;
}

/** Size of a payload before its first operation, at most. */
export const ROWS_HEADER_BYTES_MAX = HEADER_BYTES + ACTOR_BYTES_MAX;

export function encodeRows(entry: RowsEntry): Uint8Array {
  const actor = Buffer.from(entry.actor, 'utf8');
  invariant(actor.length > 0 && actor.length <= ACTOR_BYTES_MAX, 'an actor was parsed');
  invariant(entry.operations.length > 0, 'an entry of rows has rows');
  let size = HEADER_BYTES + actor.length;
  for (const { key, row } of entry.operations) size += operationBytes(key, row);
  const bytes = Buffer.alloc(size);
  bytes.writeUInt8(ROWS_ENTRY_VERSION, 0);
  bytes.writeUInt8(actor.length, 1);
  bytes.writeUInt32LE(entry.table, 4);
  bytes.writeUInt32LE(entry.catalogVersion, 8);
  bytes.writeUInt32LE(entry.operations.length, 12);
  bytes.set(actor, HEADER_BYTES);
  let at = HEADER_BYTES + actor.length;
  for (const { kind, key, row } of entry.operations) {
    invariant(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key has a length that fits');
    invariant((kind === 'delete') === (row.length === 0), 'only a delete has no row');
    bytes.writeUInt8(KIND_NUMBER[kind], at);
    bytes.writeUIntLE(key.length, at + 1, 3);
    bytes.writeUInt32LE(row.length, at + 4);
    bytes.set(key, at + OPERATION_BYTES);
    bytes.set(row, at + OPERATION_BYTES + key.length);
    at += operationBytes(key, row);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, size);
}

/** Keys and rows are views into the payload. Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeRows(payload: Uint8Array, at: Sequence): RowsEntry {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const version = bytes[0];
  if (version !== ROWS_ENTRY_VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the rows at ${at} have format version ${version ?? 'none'}, this release reads ${ROWS_ENTRY_VERSION}: use the release that wrote them, or a newer one`,
      { sequence: at },
    );
  }
  if (bytes.length < HEADER_BYTES) throw corrupt(at, `${bytes.length} bytes cannot hold a header`);
  const actorBytes = bytes.readUInt8(1);
  const count = bytes.readUInt32LE(12);
  const first = HEADER_BYTES + actorBytes;
  if (actorBytes === 0 || actorBytes > ACTOR_BYTES_MAX || bytes.readUInt16LE(2) !== 0)
    throw corrupt(at, 'its header is not one that was ever written');
  if (count === 0 || first + count * (OPERATION_BYTES + 1) > bytes.length)
    throw corrupt(at, `${bytes.length} bytes cannot hold ${count} operations`);
  const operations: RowOperation[] = new Array(count);
  let place = first;
  for (let index = 0; index < count; index++) {
    const operation = operationAt(bytes, place);
    if (operation === null) throw corrupt(at, `operation ${index} does not add up`);
    operations[index] = operation;
    place += operationBytes(operation.key, operation.row);
  }
  if (place !== bytes.length) throw corrupt(at, `${bytes.length - place} bytes follow its last operation`);
  return {
    actor: bytes.toString('utf8', HEADER_BYTES, first),
    table: bytes.readUInt32LE(4),
    catalogVersion: bytes.readUInt32LE(8),
    operations,
  };
}

function operationAt(bytes: Buffer, at: number): RowOperation | null {
  if (at + OPERATION_BYTES > bytes.length) return null;
  const kind = KINDS[bytes[at]!];
  const keyBytes = bytes.readUIntLE(at + 1, 3);
  const rowBytes = bytes.readUInt32LE(at + 4);
  const keyAt = at + OPERATION_BYTES;
  const end = keyAt + keyBytes + rowBytes;
  if (kind === undefined || keyBytes === 0 || end > bytes.length) return null;
  if ((kind === 'delete') !== (rowBytes === 0)) return null;
  return {
    kind,
    key: new Uint8Array(bytes.buffer, bytes.byteOffset + keyAt, keyBytes),
    row: new Uint8Array(bytes.buffer, bytes.byteOffset + keyAt + keyBytes, rowBytes),
  };
}

function corrupt(at: Sequence, reason: string): TruthError {
  return new TruthError('CORRUPT', `the entry of rows at ${at} cannot be read: ${reason}`, { sequence: at });
}
