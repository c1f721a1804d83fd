/**
 * Values as reducers see them: one behind the other, little-endian, without a count. Types are the columns'.
 *
 *     00 NULL · 01 false · 02 true · 03 i64 (integer, bigint, timestamp in microseconds) · 04 f64 (double)
 *     05 u32 bytes · UTF-8 (text; json, decimal and uuid as SQL writes them) · 06 u32 bytes · bytes
 */
import { formatText, parseText, type SqlType, type SqlValue } from '../sql/types/index.ts';
import { Stopped } from './stopped.ts';

const TAG = { null: 0, false: 1, true: 2, integer: 3, double: 4, text: 5, bytes: 6 } as const;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const EIGHT = 9;

export function encodeTuple(types: readonly SqlType[], values: readonly SqlValue[]): Uint8Array {
  return Buffer.concat(types.map((type, index) => encodeValue(type, values[index] ?? null)));
}

function encodeValue(type: SqlType, value: SqlValue): Uint8Array {
  if (value === null) return Uint8Array.of(TAG.null);
  switch (type.kind) {
    case 'boolean':
      return Uint8Array.of(value === true ? TAG.true : TAG.false);
    case 'integer':
    case 'bigint':
    case 'timestamp': {
      const bytes = Buffer.alloc(EIGHT);
      bytes[0] = TAG.integer;
      bytes.writeBigInt64LE(BigInt(value as number | bigint), 1);
      return bytes;
    }
    case 'double': {
      const bytes = Buffer.alloc(EIGHT);
      bytes[0] = TAG.double;
      bytes.writeDoubleLE(value as number, 1);
      // All NaNs are one, whatever bits JavaScript has for it.
      if (Number.isNaN(value)) bytes.writeBigUInt64LE(0x7ff8_0000_0000_0000n, 1);
      return bytes;
    }
    case 'bytes':
      return sized(TAG.bytes, value as Uint8Array);
    default:
      return sized(TAG.text, Buffer.from(formatText(type, value), 'utf8'));
  }
}

function sized(tag: number, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(5 + content.length);
  bytes[0] = tag;
  bytes.writeUInt32LE(content.length, 1);
  bytes.set(content, 5);
  return bytes;
}

/** `partial`: fewer values than types may be there. Throws Stopped (host) for what is not such a tuple. */
export function decodeTuple(
  types: readonly SqlType[],
  tuple: Uint8Array,
  length: 'whole' | 'partial' = 'whole',
): SqlValue[] {
  const bytes = Buffer.from(tuple.buffer, tuple.byteOffset, tuple.length);
  const values: SqlValue[] = [];
  let at = 0;
  const need = (count: number): void => {
    if (at + count > bytes.length) throw bad('it ends in the middle of a value');
  };
  for (const type of types) {
    if (at === bytes.length && length === 'partial') return values;
    need(1);
    const tag = bytes[at++]!;
    if (tag <= TAG.true) {
      values.push(simpleValue(type, tag));
    } else if (tag <= TAG.double) {
      need(8);
      values.push(
        tag === TAG.integer
          ? wholeNumber(type, bytes.readBigInt64LE(at))
          : double(type, bytes.readDoubleLE(at)),
      );
      at += 8;
    } else if (tag <= TAG.bytes) {
      need(4);
      const size = bytes.readUInt32LE(at);
      at += 4;
      need(size);
      values.push(content(type, tag, tuple.slice(at, at + size)));
      at += size;
    } else throw bad(`a value begins with ${tag}`);
  }
  if (at !== bytes.length) throw bad('more follows than there are columns');
  return values;
}

function simpleValue(type: SqlType, tag: number): SqlValue {
  if (tag === TAG.null) return null;
  if (type.kind !== 'boolean') throw misfit('a boolean', type);
  return tag === TAG.true;
}

function wholeNumber(type: SqlType, value: bigint): SqlValue {
  if (type.kind === 'bigint' || type.kind === 'timestamp') return value;
  if (type.kind !== 'integer') throw misfit('an integer', type);
  if (value < -2147483648n || value > 2147483647n) throw bad(`${value} is out of range for integer`);
  return Number(value);
}

function double(type: SqlType, value: number): SqlValue {
  if (type.kind !== 'double') throw misfit('a double', type);
  return value;
}

function content(type: SqlType, tag: number, bytes: Uint8Array): SqlValue {
  if (tag === TAG.bytes) {
    if (type.kind !== 'bytes') throw misfit('bytes', type);
    return bytes;
  }
  const text = textOf(bytes);
  if (type.kind === 'text') return text;
  if (type.kind !== 'json' && type.kind !== 'decimal' && type.kind !== 'uuid') throw misfit('a text', type);
  try {
    return parseText(type, text);
  } catch {
    throw bad(`a text is not a ${type.kind}`);
  }
}

function textOf(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw bad('a text is not UTF-8');
  }
  if (text.includes('\0')) throw bad('a text has a zero byte in it');
  return text;
}

function misfit(what: string, type: SqlType): Stopped {
  return bad(`${what} stands where the column is ${type.kind}`);
}

function bad(what: string): Stopped {
  return new Stopped('host', `values cannot be read: ${what}`);
}
