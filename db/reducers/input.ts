/**
 * What `apply` is handed, one event or one change of a row. Little-endian.
 *
 *     event   u8 1 · u8 content (1 JSON, 2 binary) · u64 position · u64 revision · 16 bytes id
 *             u16 stream bytes · u16 type bytes · u32 metadata bytes · stream · type · metadata · data
 *     row     u8 2 · u8 operation (1 insert, 2 update, 3 delete) · u64 position · u32 bytes of the row before
 *             the row before (none: 0 bytes) · the row after (none for a delete), as tuples (tuple.ts)
 */
import { decodeEvent } from '../kernel/event-entry.ts';
import type { Row, SqlType } from '../sql/types/index.ts';
import type { Sequence } from '../types.ts';
import { encodeTuple } from './tuple.ts';

const EVENT = 1;
const ROW = 2;
const EVENT_HEADER_BYTES = 42;
const ROW_HEADER_BYTES = 14;

/** `payload` is that of an event's entry. */
export function eventInput(payload: Uint8Array, at: Sequence): Uint8Array {
  const { stream, type, contentType, revision, id, metadata, data } = decodeEvent(payload, at);
  const [name, kind] = [Buffer.from(stream, 'utf8'), Buffer.from(type, 'utf8')];
  const header = Buffer.alloc(EVENT_HEADER_BYTES);
  header[0] = EVENT;
  header[1] = contentType === 'json' ? 1 : 2;
  header.writeBigUInt64LE(BigInt(at), 2);
  header.writeBigUInt64LE(BigInt(revision), 10);
  header.set(id, 18);
  header.writeUInt16LE(name.length, 34);
  header.writeUInt16LE(kind.length, 36);
  header.writeUInt32LE(metadata.length, 38);
  return Buffer.concat([header, name, kind, metadata, data]);
}

/** Values in the order of the types; at least one of the rows is there. */
export function rowInput(
  types: readonly SqlType[],
  before: Row | null,
  after: Row | null,
  at: Sequence,
): Uint8Array {
  const old = before === null ? new Uint8Array(0) : encodeTuple(types, before);
  const now = after === null ? new Uint8Array(0) : encodeTuple(types, after);
  const header = Buffer.alloc(ROW_HEADER_BYTES);
  header[0] = ROW;
  header[1] = before === null ? 1 : after === null ? 3 : 2;
  header.writeBigUInt64LE(BigInt(at), 2);
  header.writeUInt32LE(old.length, 10);
  return Buffer.concat([header, old, now]);
}
