/** Binary form of every type on PostgreSQL's wire, in and out. */
import { isUtf8 } from 'node:buffer';
import { Decimal } from '../../numeric/index.ts';
import { sqlError } from './sql-error.ts';
import type { SqlType, SqlValue } from './sql-type.ts';
import { checkTimestamp } from './timestamp-text.ts';
import { typeName } from './type-name.ts';
import { checkJson, checkText, fitDecimal } from './value-text.ts';

/** PostgreSQL counts microseconds from 2000-01-01. */
const EPOCH_2000_MICROS = 946_684_800_000_000n;
const NUMERIC_HEADER_BYTES = 8;
const NUMERIC_NEGATIVE = 0x4000;
const BASE_DIGITS = 4;
const SCALE_MAX = 16_383;
const UUID_BYTES = 16;

/** A value that is not NULL. */
export function formatBinary(type: SqlType, value: Exclude<SqlValue, null>): Uint8Array {
  switch (type.kind) {
    case 'integer':
      return filled(4, (bytes) => bytes.writeInt32BE(value as number));
    case 'bigint':
      return filled(8, (bytes) => bytes.writeBigInt64BE(value as bigint));
    case 'double':
      return filled(8, (bytes) => bytes.writeDoubleBE(value as number));
    case 'decimal':
      return formatNumeric(value as Decimal);
    case 'boolean':
      return filled(1, (bytes) => bytes.writeUInt8(value === true ? 1 : 0));
    case 'timestamp':
      return filled(8, (bytes) => bytes.writeBigInt64BE((value as bigint) - EPOCH_2000_MICROS));
    case 'bytes':
      return value as Uint8Array;
    case 'uuid':
      return Buffer.from((value as string).replaceAll('-', ''), 'hex');
    case 'text':
    case 'json':
      return Buffer.from(value as string, 'utf8');
  }
}

/**
 * A value out of bytes that are not NULL. Whole numbers and doubles may also come in their narrower forms. Errors: 22P03 for
 * bytes that are no such value, 22021 for text that is not UTF-8, 22P02 for bad JSON.
 */
export function parseBinary(type: SqlType, bytes: Uint8Array): Exclude<SqlValue, null> {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type.kind) {
    case 'integer':
      return Number(parseWhole(given, type, 4));
    case 'bigint':
      return parseWhole(given, type, 8);
    case 'double':
      return parseFloat64(given, type);
    case 'decimal':
      return fitDecimal(parseNumeric(given), type);
    case 'boolean':
      if (given.length !== 1 || given[0]! > 1) throw malformed(type, given);
      return given[0] === 1;
    case 'timestamp': {
      if (given.length !== 8) throw malformed(type, given);
      const micros = given.readBigInt64BE() + EPOCH_2000_MICROS;
      return checkTimestamp(micros, micros.toString());
    }
    case 'bytes':
      return new Uint8Array(given);
    case 'uuid': {
      if (given.length !== UUID_BYTES) throw malformed(type, given);
      const digits = given.toString('hex');
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
    }
    case 'text':
      return parseUtf8(given);
    case 'json':
      return checkJson(parseUtf8(given));
  }
}

function filled(length: number, write: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  write(bytes);
  return bytes;
}

function parseUtf8(given: Buffer): string {
  if (!isUtf8(given)) throw sqlError('22021', 'invalid byte sequence for encoding "UTF8"');
  return checkText(given.toString('utf8'));
}

function parseWhole(given: Buffer, type: SqlType, bytesMax: number): bigint {
  if (given.length > bytesMax) throw malformed(type, given);
  if (given.length === 2) return BigInt(given.readInt16BE());
  if (given.length === 4) return BigInt(given.readInt32BE());
  if (given.length === 8) return given.readBigInt64BE();
  throw malformed(type, given);
}

function parseFloat64(given: Buffer, type: SqlType): number {
  if (given.length !== 8 && given.length !== 4) throw malformed(type, given);
  const value = given.length === 8 ? given.readDoubleBE() : given.readFloatBE();
  // There are many NaNs on the wire and one here.
  return Number.isNaN(value) ? Number.NaN : value;
}

/** numeric.c, numeric_send: count of digits, place of the first, sign, digits behind the point; digits of base 10,000. */
function formatNumeric(value: Decimal): Uint8Array {
  const digits = value.absolute().toString().split('.');
  const whole = digits[0] === '0' ? '' : digits[0]!;
  const fraction = digits[1] ?? '';
  const padded =
    whole.padStart(Math.ceil(whole.length / BASE_DIGITS) * BASE_DIGITS, '0') +
    fraction.padEnd(Math.ceil(fraction.length / BASE_DIGITS) * BASE_DIGITS, '0');
  const groups = padded.match(/.{4}/g)?.map(Number) ?? [];
  let weight = Math.ceil(whole.length / BASE_DIGITS) - 1;
  while (groups[0] === 0) {
    groups.shift();
    weight--;
  }
  while (groups.at(-1) === 0) groups.pop();
  if (groups.length === 0) weight = 0;
  const bytes = Buffer.alloc(NUMERIC_HEADER_BYTES + groups.length * 2);
  bytes.writeUInt16BE(groups.length, 0);
  bytes.writeInt16BE(weight, 2);
  bytes.writeUInt16BE(value.sign < 0 ? NUMERIC_NEGATIVE : 0, 4);
  bytes.writeUInt16BE(value.scale, 6);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, NUMERIC_HEADER_BYTES + index * 2);
  return bytes;
}

function parseNumeric(given: Buffer): Decimal {
  const type: SqlType = { kind: 'decimal', precision: null, scale: null };
  if (given.length < NUMERIC_HEADER_BYTES) throw malformed(type, given);
  const count = given.readUInt16BE(0);
  const weight = given.readInt16BE(2);
  const sign = given.readUInt16BE(4);
  const scale = given.readUInt16BE(6);
  const isSign = sign === 0 || sign === NUMERIC_NEGATIVE;
  if (given.length !== NUMERIC_HEADER_BYTES + count * 2 || !isSign || scale > SCALE_MAX) {
    throw malformed(type, given);
  }
  let digits = '';
  for (let at = NUMERIC_HEADER_BYTES; at < given.length; at += 2) {
    const group = given.readUInt16BE(at);
    if (group > 9_999) throw malformed(type, given);
    digits += String(group).padStart(BASE_DIGITS, '0');
  }
  // 0.DIGITS times ten to the places before the point.
  const exponent = (weight + 1) * BASE_DIGITS;
  const value = Decimal.parse(`${sign === 0 ? '' : '-'}0.${digits}0e${exponent}`);
  return value.truncate(scale);
}

function malformed(type: SqlType, given: Buffer): Error {
  return sqlError('22P03', `incorrect binary data format: ${given.length} bytes are no ${typeName(type)}`);
}
