/**
 * The logical content of a store as one stream of bytes, the same for the same content whatever file it lies in: what snapshots
 * carry. Integers are little-endian.
 *
 *     "TRUTHSTO", format u32, zeros u32
 *     records: kind u8, then
 *       1 commit    sequence u64, ordinal u64, epoch u32, recorded at u64
 *       2 actor     length u16, name in UTF-8; numbered from 0 in the order they come, which is that of their bytes
 *       3 write     sequence u64, number of the actor u32
 *       4 current   since u64, length of the key u32, of the value u32, both
 *       5 history   since u64, until u64, length of the key u32, of the value u32, both
 *       6 end       number of records before it u64
 *     by kind, then by sequence, name, key and since; keys begin with their space
 */
import { TruthError } from '../../errors.ts';
import type { StoredCommit } from './contract.ts';

const MAGIC = Buffer.from('TRUTHSTO');
const FORMAT = 1;
const FRONT_BYTES = 16;
const CHUNK_BYTES = 32 * 1024;

const KIND = { commit: 1, actor: 2, write: 3, current: 4, history: 5, end: 6 } as const;
/** Bytes after the kind, before what the lengths say. */
const HEAD_BYTES: Readonly<Record<number, number>> = { 1: 28, 2: 2, 3: 12, 4: 16, 5: 24, 6: 8 };

export type DumpRecord =
  | ({ readonly kind: 'commit' } & StoredCommit)
  | { readonly kind: 'actor'; readonly name: string }
  | { readonly kind: 'write'; readonly sequence: number; readonly actor: number }
  | {
      readonly kind: 'current';
      readonly key: Uint8Array;
      readonly since: number;
      readonly value: Uint8Array;
    }
  | {
      readonly kind: 'history';
      readonly key: Uint8Array;
      readonly since: number;
      readonly until: number;
      readonly value: Uint8Array;
    };

/** Chunks of some 32 KiB, each made when it is asked for. */
export function* encodeDump(records: Iterable<DumpRecord>): Generator<Uint8Array> {
  const front = Buffer.alloc(FRONT_BYTES);
  front.set(MAGIC);
  front.writeUInt32LE(FORMAT, MAGIC.length);
  let parts: Uint8Array[] = [front];
  let bytes = FRONT_BYTES;
  let count = 0;
  for (const record of records) {
    const encoded = encodeRecord(record);
    parts.push(...encoded);
    for (const part of encoded) bytes += part.length;
    count += 1;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts, bytes);
    parts = [];
    bytes = 0;
  }
  const end = Buffer.alloc(1 + HEAD_BYTES[KIND.end]!);
  end[0] = KIND.end;
  writeNumber(end, count, 1);
  yield Buffer.concat([...parts, end]);
}

/** Errors: CORRUPT where the bytes are no whole dump, UNSUPPORTED_VERSION. */
export function* decodeDump(chunks: Iterable<Uint8Array>): Generator<DumpRecord> {
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  let count = 0;
  let ended = false;
  for (const chunk of chunks) {
    if (ended && chunk.length > 0) throw damaged('it goes on behind its end');
    rest = rest.length === 0 ? bufferOver(chunk) : Buffer.concat([rest, chunk]);
    let at = 0;
    if (!begun && rest.length >= FRONT_BYTES) {
      checkFront(rest);
      begun = true;
      at = FRONT_BYTES;
    }
    while (begun) {
      const size = sizeOf(rest, at);
      if (size === null || at + size > rest.length) break;
      if (rest[at] === KIND.end) {
        if (readNumber(rest, at + 1) !== count)
          throw damaged(`it has ${count} records, not as many as it says`);
        if (at + size !== rest.length) throw damaged('it goes on behind its end');
        ended = true;
        break;
      }
      yield decodeRecord(rest.subarray(at, at + size));
      count += 1;
      at += size;
    }
    rest = ended ? Buffer.alloc(0) : rest.subarray(at);
  }
  if (!ended) throw damaged('it is cut short');
}

function encodeRecord(record: DumpRecord): Uint8Array[] {
  // Every byte of it is written below.
  const head = Buffer.allocUnsafe(1 + HEAD_BYTES[KIND[record.kind]]!);
  head[0] = KIND[record.kind];
  switch (record.kind) {
    case 'commit':
      writeNumber(head, record.sequence, 1);
      writeNumber(head, record.ordinal, 9);
      head.writeUInt32LE(record.epoch, 17);
      head.writeBigUInt64LE(record.recordedAt, 21);
      return [head];
    case 'actor': {
      const name = Buffer.from(record.name);
      head.writeUInt16LE(name.length, 1);
      return [head, name];
    }
    case 'write':
      writeNumber(head, record.sequence, 1);
      head.writeUInt32LE(record.actor, 9);
      return [head];
    case 'current':
      writeNumber(head, record.since, 1);
      head.writeUInt32LE(record.key.length, 9);
      head.writeUInt32LE(record.value.length, 13);
      return [head, record.key, record.value];
    case 'history':
      writeNumber(head, record.since, 1);
      writeNumber(head, record.until, 9);
      head.writeUInt32LE(record.key.length, 17);
      head.writeUInt32LE(record.value.length, 21);
      return [head, record.key, record.value];
  }
}

function decodeRecord(bytes: Buffer): DumpRecord {
  switch (bytes[0]) {
    case KIND.commit:
      return {
        kind: 'commit',
        sequence: readNumber(bytes, 1) as StoredCommit['sequence'],
        ordinal: readNumber(bytes, 9) as StoredCommit['ordinal'],
        epoch: bytes.readUInt32LE(17) as StoredCommit['epoch'],
        recordedAt: bytes.readBigUInt64LE(21) as StoredCommit['recordedAt'],
      };
    case KIND.actor:
      return { kind: 'actor', name: bytes.toString('utf8', 3) };
    case KIND.write:
      return { kind: 'write', sequence: readNumber(bytes, 1), actor: bytes.readUInt32LE(9) };
    case KIND.current: {
      const value = 17 + bytes.readUInt32LE(9);
      const [key, since] = [bytes.subarray(17, value), readNumber(bytes, 1)];
      return { kind: 'current', key, since, value: bytes.subarray(value) };
    }
    default: {
      const value = 25 + bytes.readUInt32LE(17);
      const [key, since, until] = [bytes.subarray(25, value), readNumber(bytes, 1), readNumber(bytes, 9)];
      return { kind: 'history', key, since, until, value: bytes.subarray(value) };
    }
  }
}

/** Bytes of the record that begins at `at`, or null while not enough of it is there to tell. */
function sizeOf(bytes: Buffer, at: number): number | null {
  const kind = bytes[at];
  if (kind === undefined) return null;
  const head = HEAD_BYTES[kind];
  if (head === undefined) throw damaged(`it has a record of the unknown kind ${kind}`);
  const body = at + 1 + head;
  if (bytes.length < body) return null;
  if (kind === KIND.actor) return 1 + head + bytes.readUInt16LE(body - 2);
  if (kind === KIND.current || kind === KIND.history)
    return 1 + head + bytes.readUInt32LE(body - 8) + bytes.readUInt32LE(body - 4);
  return 1 + head;
}

function checkFront(bytes: Buffer): void {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw damaged('it does not begin as a store’s content does');
  const format = bytes.readUInt32LE(MAGIC.length);
  if (format !== FORMAT) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the content of a store has format ${format}; this release reads ${FORMAT}`,
    );
  }
}

function writeNumber(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

function readNumber(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at);
  if (!Number.isSafeInteger(value)) throw damaged(`${value} is no position`);
  return value;
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(problem: string): TruthError {
  return new TruthError('CORRUPT', `the content of a store cannot be read: ${problem}`);
}
