/**
 * Keys of tables and indexes: tuples of values as bytes that compare as the tuples do (compare.ts), NULLs last. What one
 * tuple begins with, its bytes begin with, and no other's.
 *
 *     value    0x02 and its bytes; NULL 0xF0
 *     integer, bigint, timestamp   big-endian, sign bit turned      boolean  1 byte      uuid  16 bytes
 *     double   its bits, turned so that they ascend; -0 is 0, there is one NaN
 *     text, bytes   with 00 written as 00 FF, and 00 behind them
 *     decimal  01 zero; otherwise 02 (00 when negative), exponent u24, digits by twos + 1, 00 — turned when negative
 *
 * A decimal comes back with as few digits as its value needs: 1.50 and 1.5 are one key.
 */
import { Decimal } from '../../numeric/index.ts';
import { ByteSink } from './byte-sink.ts';
import { ByteSource } from './byte-source.ts';
import { sqlError } from './sql-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { baseTypeName } from './type-name.ts';

const PRESENT = 0x02;
const NULL = 0xf0;
/** Above everything that can stand where a value or the end of the key is expected. */
const ABOVE = 0xff;
const SIGN_32 = 0x8000_0000;
const SIGN_64 = 1n << 63n;
const NEGATIVE = 0x00;
const ZERO = 0x01;
const POSITIVE = 0x02;
/** Above infinity. */
const NAN_HIGH = 0xfff8_0000;
const EXPONENT_OFFSET = 0x80_0000;

const scratch = new ByteSink();

/** One side of a range of values: `value` is not NULL. */
export interface Bound {
  readonly value: SqlValue;
  readonly inclusive: boolean;
}

/** As many values as there are, the types in their order; fewer values make a prefix. Throws 42883 for JSON. */
export function encodeKey(types: readonly SqlType[], values: readonly SqlValue[]): Uint8Array {
  scratch.at = 0;
  for (let index = 0; index < values.length; index++) writeKeyValue(types[index]!, values[index]!);
  return scratch.take();
}

/** All values of a key. Errors: CORRUPT. */
export function decodeKey(types: readonly SqlType[], key: Uint8Array): SqlValue[] {
  const source = new ByteSource(key, 'a stored key');
  const values = types.map((type) => readKeyValue(source, type));
  if (!source.done) throw source.corrupt('more follows than the key has columns');
  return values;
}

/** All keys that begin with a tuple; `to` is null for the empty tuple. */
export function prefixRange(
  types: readonly SqlType[],
  values: readonly SqlValue[],
): { from: Uint8Array; to: Uint8Array | null } {
  const from = encodeKey(types, values);
  return { from, to: values.length === 0 ? null : withByte(from, ABOVE) };
}

/**
 * All keys that begin with a tuple and go on with a value between two bounds, null being none. NULL is in no such range;
 * `prefixRange` with a null finds it.
 */
export function boundedRange(
  types: readonly SqlType[],
  values: readonly SqlValue[],
  low: Bound | null,
  high: Bound | null,
): { from: Uint8Array; to: Uint8Array } {
  const edge = (bound: Bound) => encodeKey(types, [...values, bound.value]);
  const from =
    low === null
      ? withByte(encodeKey(types, values), PRESENT)
      : low.inclusive
        ? edge(low)
        : withByte(edge(low), ABOVE);
  const to =
    high === null
      ? withByte(encodeKey(types, values), NULL)
      : high.inclusive
        ? withByte(edge(high), ABOVE)
        : edge(high);
  return { from, to };
}

/**
 * All keys that begin with a tuple and go on with a text that begins with `prefix`, as LIKE 'abc%' wants. The text's type
 * stands behind those of the tuple.
 */
export function textPrefixRange(
  types: readonly SqlType[],
  values: readonly SqlValue[],
  prefix: string,
): { from: Uint8Array; to: Uint8Array } {
  const whole = encodeKey(types, [...values, prefix]);
  // Without the 00 at the end; no byte of UTF-8 is FF, and 00 FF stands for 00.
  const from = whole.slice(0, -1);
  return { from, to: withByte(from, ABOVE) };
}

function withByte(bytes: Uint8Array, last: number): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  longer[bytes.length] = last;
  return longer;
}

function writeKeyValue(type: SqlType, value: SqlValue): void {
  if (value === null) {
    scratch.u8(NULL);
    return;
  }
  scratch.u8(PRESENT);
  switch (type.kind) {
    case 'integer':
      scratch.u32(((value as number) ^ SIGN_32) >>> 0);
      return;
    case 'bigint':
    case 'timestamp':
      scratch.u64(BigInt.asUintN(64, value as bigint) ^ SIGN_64);
      return;
    case 'double':
      writeDouble(value as number);
      return;
    case 'decimal':
      writeDecimal(value as Decimal);
      return;
    case 'text':
      writeEscapedText(value as string);
      return;
    case 'bytes':
      writeEscaped(value as Uint8Array);
      return;
    case 'boolean':
      scratch.u8(value === true ? 1 : 0);
      return;
    case 'uuid':
      scratch.uuid(value as string);
      return;
    case 'json':
      throw sqlError('42883', 'type json has no order and cannot be part of a key');
  }
}

function readKeyValue(source: ByteSource, type: SqlType): SqlValue {
  const mark = source.u8();
  if (mark === NULL) return null;
  if (mark !== PRESENT) throw source.corrupt(`a value begins with ${mark}`);
  switch (type.kind) {
    case 'integer':
      return (source.u32() ^ SIGN_32) | 0;
    case 'bigint':
    case 'timestamp':
      return BigInt.asIntN(64, source.u64() ^ SIGN_64);
    case 'double':
      return readDouble(source);
    case 'decimal':
      return readDecimal(source);
    case 'text':
      return readEscapedText(source);
    case 'bytes':
      return readEscaped(source);
    case 'boolean': {
      const byte = source.u8();
      if (byte > 1) throw source.corrupt(`a boolean is ${byte}`);
      return byte === 1;
    }
    case 'uuid':
      return source.uuid();
    case 'json':
      throw source.corrupt(`no key has a ${baseTypeName(type)}`);
  }
}

const bits = new DataView(new ArrayBuffer(8));

function writeDouble(value: number): void {
  if (Number.isNaN(value)) {
    scratch.u32(NAN_HIGH);
    scratch.u32(0);
    return;
  }
  // Adding 0 makes 0 of -0.
  bits.setFloat64(0, value + 0);
  // What is negative turns as a whole, the rest only its sign.
  const high = bits.getUint32(0);
  const isNegative = high >= SIGN_32;
  scratch.u32(isNegative ? ~high >>> 0 : (high | SIGN_32) >>> 0);
  scratch.u32(isNegative ? ~bits.getUint32(4) >>> 0 : bits.getUint32(4));
}

function readDouble(source: ByteSource): number {
  const high = source.u32();
  const low = source.u32();
  const isNegative = high < SIGN_32;
  bits.setUint32(0, isNegative ? ~high >>> 0 : (high ^ SIGN_32) >>> 0);
  bits.setUint32(4, isNegative ? ~low >>> 0 : low);
  return bits.getFloat64(0);
}

function writeDecimal(value: Decimal): void {
  if (value.unscaled === 0n) {
    scratch.u8(ZERO);
    return;
  }
  const isNegative = value.unscaled < 0n;
  const all = (isNegative ? -value.unscaled : value.unscaled).toString();
  let end = all.length;
  while (all.charCodeAt(end - 1) === 0x30) end--;
  // The value is 0.DIGITS times ten to the exponent.
  const exponent = all.length - value.scale + EXPONENT_OFFSET;
  const turn = isNegative ? 0xff : 0;
  scratch.u8(isNegative ? NEGATIVE : POSITIVE);
  scratch.reserve(4 + (end >> 1) + 1);
  const { bytes } = scratch;
  bytes[scratch.at++] = (exponent >> 16) ^ turn;
  bytes[scratch.at++] = ((exponent >> 8) & 0xff) ^ turn;
  bytes[scratch.at++] = (exponent & 0xff) ^ turn;
  for (let at = 0; at < end; at += 2) {
    const ones = at + 1 < end ? all.charCodeAt(at + 1) - 0x30 : 0;
    bytes[scratch.at++] = ((all.charCodeAt(at) - 0x30) * 10 + ones + 1) ^ turn;
  }
  bytes[scratch.at++] = turn;
}

function readDecimal(source: ByteSource): Decimal {
  const sign = source.u8();
  if (sign === ZERO) return Decimal.ZERO;
  if (sign !== NEGATIVE && sign !== POSITIVE) throw source.corrupt(`a decimal begins with ${sign}`);
  const turn = sign === NEGATIVE ? 0xff : 0;
  const high = source.u8() ^ turn;
  const middle = source.u8() ^ turn;
  const exponent = ((high << 16) | (middle << 8) | (source.u8() ^ turn)) - EXPONENT_OFFSET;
  let digits = '';
  for (let pair = source.u8() ^ turn; pair !== 0; pair = source.u8() ^ turn) {
    if (pair > 100) throw source.corrupt('a decimal has a digit that there is not');
    digits += pair <= 10 ? `0${pair - 1}` : String(pair - 1);
  }
  if (digits === '' || digits.startsWith('0') || digits.endsWith('00'))
    throw source.corrupt('a decimal is malformed');
  const value = Decimal.parse(`${sign === NEGATIVE ? '-' : ''}0.${digits}e${exponent}`);
  return value.normalized();
}

function writeEscapedText(text: string): void {
  if (text.includes('\0')) {
    writeEscaped(Buffer.from(text, 'utf8'));
  } else {
    scratch.text(text);
    scratch.u8(0);
  }
}

function writeEscaped(value: Uint8Array): void {
  scratch.reserve(value.length * 2 + 1);
  const { bytes } = scratch;
  for (let index = 0; index < value.length; index++) {
    const byte = value[index]!;
    bytes[scratch.at++] = byte;
    if (byte === 0) bytes[scratch.at++] = ABOVE;
  }
  bytes[scratch.at++] = 0;
}

function readEscaped(source: ByteSource): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const zero = source.bytes.indexOf(0, source.at);
    if (zero < 0) throw source.corrupt('a text has no end');
    const goesOn = source.bytes[zero + 1] === ABOVE;
    pieces.push(source.raw(zero - source.at + (goesOn ? 1 : 0)));
    source.pass(1);
    if (!goesOn) return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
  }
}

function readEscapedText(source: ByteSource): string {
  const zero = source.bytes.indexOf(0, source.at);
  if (zero >= 0 && source.bytes[zero + 1] !== ABOVE) {
    const text = source.text(zero - source.at);
    source.pass(1);
    return text;
  }
  const bytes = readEscaped(source);
  return new ByteSource(bytes, 'a text in a stored key').text(bytes.length);
}
