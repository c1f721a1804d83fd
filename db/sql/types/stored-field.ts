/** One value as rows keep it: a number for what it is, 0 to 15, and its bytes. Equal values of equal scale have equal bytes. */
import { Decimal } from '../../numeric/index.ts';
import type { ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import type { SqlType, SqlValue } from './sql-type.ts';

/** Never reused, never changed: rows with them are in the log. */
const FIELD = {
  null: 0,
  integer: 1,
  /** A bigint that a JavaScript number holds. */
  bigintShort: 2,
  bigint: 3,
  double: 4,
  decimalShort: 5,
  decimal: 6,
  text: 7,
  false: 8,
  true: 9,
  timestamp: 10,
  bytes: 11,
  json: 12,
  uuid: 13,
} as const;
const SHORT_MAX = 2_251_799_813_685_247;
const SHORT_MAX_BIG = BigInt(SHORT_MAX);
const SCALE_MAX = 16_383;
const UUID_BYTES = 16;

/** Which of the numbers above a value gets. */
export function fieldOf(type: SqlType, value: SqlValue): number {
  if (value === null) return FIELD.null;
  switch (type.kind) {
    case 'bigint':
      return isShort(value as bigint) ? FIELD.bigintShort : FIELD.bigint;
    case 'decimal':
      return isShort((value as Decimal).unscaled) ? FIELD.decimalShort : FIELD.decimal;
    case 'boolean':
      return value === true ? FIELD.true : FIELD.false;
    default:
      return FIELD[type.kind];
  }
}

export function writeField(sink: ByteSink, field: number, value: SqlValue): void {
  switch (field) {
    case FIELD.null:
    case FIELD.false:
    case FIELD.true:
      return;
    case FIELD.integer:
      sink.varint(zigzag(value as number));
      return;
    case FIELD.bigintShort:
      sink.varint(zigzag(Number(value as bigint)));
      return;
    case FIELD.bigint:
    case FIELD.timestamp:
      sink.u64(BigInt.asUintN(64, value as bigint));
      return;
    case FIELD.double:
      sink.double(value as number);
      return;
    case FIELD.decimalShort: {
      const { unscaled, scale } = value as Decimal;
      sink.varint(scale);
      sink.varint(zigzag(Number(unscaled)));
      return;
    }
    case FIELD.decimal:
      writeLongDecimal(sink, value as Decimal);
      return;
    case FIELD.text:
    case FIELD.json:
      sink.sizedText(value as string);
      return;
    case FIELD.bytes:
      sink.varint((value as Uint8Array).length);
      sink.raw(value as Uint8Array);
      return;
    default:
      sink.uuid(value as string);
  }
}

/** Errors: CORRUPT when the field is not of that type, or damaged. */
export function readField(source: ByteSource, field: number, kind: SqlType['kind']): SqlValue {
  switch (field) {
    case FIELD.null:
      return null;
    case FIELD.integer:
      if (kind === 'integer') return readInteger(source);
      break;
    case FIELD.bigintShort:
      if (kind === 'bigint') return BigInt(unzigzag(source.varint()));
      break;
    case FIELD.bigint:
      if (kind === 'bigint') return readLongBigint(source);
      break;
    case FIELD.double:
      if (kind === 'double') return source.double();
      break;
    case FIELD.decimalShort:
      if (kind === 'decimal') return readShortDecimal(source);
      break;
    case FIELD.decimal:
      if (kind === 'decimal') return readLongDecimal(source);
      break;
    case FIELD.false:
    case FIELD.true:
      if (kind === 'boolean') return field === FIELD.true;
      break;
    case FIELD.timestamp:
      if (kind === 'timestamp') return BigInt.asIntN(64, source.u64());
      break;
    case FIELD.text:
      if (kind === 'text') return source.text(source.varint());
      break;
    case FIELD.json:
      if (kind === 'json') return source.text(source.varint());
      break;
    case FIELD.bytes:
      if (kind === 'bytes') return source.raw(source.varint());
      break;
    case FIELD.uuid:
      if (kind === 'uuid') return source.uuid();
      break;
  }
  throw source.corrupt(`it has a value of kind ${field} where a ${kind} is wanted`);
}

/** Errors: CORRUPT for a number that no value has. */
export function skipField(source: ByteSource, field: number): void {
  switch (field) {
    case FIELD.null:
    case FIELD.false:
    case FIELD.true:
      return;
    case FIELD.integer:
    case FIELD.bigintShort:
      source.varint();
      return;
    case FIELD.bigint:
    case FIELD.double:
    case FIELD.timestamp:
      source.pass(8);
      return;
    case FIELD.decimalShort:
      source.varint();
      source.varint();
      return;
    case FIELD.decimal:
      source.varint();
      source.pass(1 + source.varint());
      return;
    case FIELD.text:
    case FIELD.json:
    case FIELD.bytes:
      source.pass(source.varint());
      return;
    case FIELD.uuid:
      source.pass(UUID_BYTES);
      return;
    default:
      throw source.corrupt(`it has a value of kind ${field}, which there is not`);
  }
}

function isShort(value: bigint): boolean {
  return value <= SHORT_MAX_BIG && value >= -SHORT_MAX_BIG;
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function readInteger(source: ByteSource): number {
  const value = unzigzag(source.varint());
  if (value !== (value | 0)) throw source.corrupt('an integer in it has more than 32 bits');
  return value;
}

function readLongBigint(source: ByteSource): bigint {
  const value = BigInt.asIntN(64, source.u64());
  if (isShort(value)) throw source.corrupt('a bigint in it is longer than it need be');
  return value;
}

function readScale(source: ByteSource): number {
  const scale = source.varint();
  if (scale > SCALE_MAX) throw source.corrupt(`a decimal in it has ${scale} digits behind the point`);
  return scale;
}

function readShortDecimal(source: ByteSource): Decimal {
  const scale = readScale(source);
  return new Decimal(BigInt(unzigzag(source.varint())), scale);
}

/** Scale, count of bytes, sign, the bytes of the size, highest first. */
function writeLongDecimal(sink: ByteSink, { unscaled, scale }: Decimal): void {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString(16);
  const size = Buffer.from(digits.length % 2 === 1 ? `0${digits}` : digits, 'hex');
  sink.varint(scale);
  sink.varint(size.length);
  sink.u8(unscaled < 0n ? 1 : 0);
  sink.raw(size);
}

function readLongDecimal(source: ByteSource): Decimal {
  const scale = readScale(source);
  const length = source.varint();
  const sign = source.u8();
  const digits = source.hexadecimal(length);
  if (sign > 1 || length === 0 || digits.startsWith('00')) {
    throw source.corrupt('a decimal in it is malformed');
  }
  const size = BigInt(`0x${digits}`);
  if (isShort(size)) throw source.corrupt('a decimal in it is longer than it need be');
  return new Decimal(sign === 1 ? -size : size, scale);
}
