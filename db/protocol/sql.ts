/** SQL_PREPARE, SQL_EXECUTE, SQL_CLOSE and what answers them. */
import { Buffer } from 'node:buffer';
import { TruthError } from '../errors.ts';
import type { SqlColumn, SqlDescription, SqlParameter } from '../sql/contract.ts';
import type { SqlType } from '../sql/types/sql-type.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { KIND } from './constants.ts';
import { SQL_COLUMN, SQL_GIVEN, SQL_PARAMETERS_MAX, SQL_TYPES } from './sql-constants.ts';

const NONE_16 = 0xffff;
const NONE_32 = 0xffff_ffff;
const I32_MIN = -0x8000_0000;
const I32_MAX = 0x7fff_ffff;
const I64_MIN = -0x8000_0000_0000_0000n;
const I64_MAX = 0x7fff_ffff_ffff_ffffn;
const TEXT_BYTES_MAX = 16 * 1024 * 1024;

/** Now, or as of a position, or as of a moment in microseconds since 1970. */
export type AsOfMoment =
  | { readonly asOf: 'now' }
  | { readonly asOf: 'position'; readonly position: number }
  | { readonly asOf: 'moment'; readonly micros: number };

export interface SqlPrepare {
  readonly statement: number;
  readonly text: string;
}

export interface SqlExecute {
  /** 0: a transaction of its own. */
  readonly session: number;
  /** Number of a prepared one, or the text. */
  readonly statement: number | string;
  readonly parameters: readonly SqlParameter[];
  readonly at: AsOfMoment;
}

export interface SqlClose {
  readonly what: 'statement' | 'session';
  readonly number: number;
}

const AS_OF = ['now', 'position', 'moment'] as const;
const CLOSABLE = ['statement', 'session'] as const;

export function encodeSqlPrepare(out: ByteWriter, request: number, { statement, text }: SqlPrepare): void {
  const start = out.begin(KIND.SQL_PREPARE, request);
  out.u32(statement);
  sizedText(out, text);
  out.end(start);
}

export function decodeSqlPrepare(body: ByteReader): SqlPrepare {
  const statement = body.u32('statement');
  if (statement === 0)
    throw new TruthError('PROTOCOL', 'a prepared statement has the number 0, which none can have');
  const text = body.text(body.u32('textBytes'), 'text');
  body.done('SQL_PREPARE');
  return { statement, text };
}

/** Errors: INVALID_ARGUMENT; nothing of the frame is left in `out` then. */
export function encodeSqlExecute(out: ByteWriter, request: number, execute: SqlExecute): void {
  const { session, statement, parameters, at } = execute;
  if (parameters.length > SQL_PARAMETERS_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${parameters.length} parameters; ${SQL_PARAMETERS_MAX} are possible`,
    );
  }
  const text = typeof statement === 'string' ? statement : '';
  const start = out.begin(KIND.SQL_EXECUTE, request);
  try {
    out.u32(session);
    out.u32(typeof statement === 'number' ? statement : 0);
    const textBytesAt = out.length;
    out.u32(0);
    out.u16(parameters.length);
    out.u8(AS_OF.indexOf(at.asOf));
    out.u8(0);
    out.u64(at.asOf === 'now' ? 0 : at.asOf === 'position' ? at.position : at.micros);
    out.patchU32(textBytesAt, out.text(text));
    for (const parameter of parameters) encodeParameter(out, parameter);
  } catch (error) {
    out.rewind(start);
    throw error;
  }
  out.end(start);
}

export function decodeSqlExecute(body: ByteReader): SqlExecute {
  const session = body.u32('session');
  const statement = body.u32('statement');
  const textBytes = body.u32('textBytes');
  const count = body.u16('parameters');
  const asOf = AS_OF[body.u8('asOf')];
  body.zero(1, 'reserved');
  const at = body.u64('at');
  const text = body.text(textBytes, 'text');
  if (statement !== 0 && (textBytes > 0 || asOf !== 'now')) {
    throw new TruthError('PROTOCOL', 'SQL_EXECUTE has both a prepared statement and a text or a moment');
  }
  if (count > body.remaining) {
    throw new TruthError('PROTOCOL', `SQL_EXECUTE announces ${count} parameters in ${body.remaining} bytes`);
  }
  const parameters = Array.from({ length: count }, (_, index) => decodeParameter(body, index));
  body.done('SQL_EXECUTE');
  return { session, statement: statement === 0 ? text : statement, parameters, at: momentOf(asOf, at) };
}

function momentOf(asOf: (typeof AS_OF)[number] | undefined, at: number): AsOfMoment {
  if (asOf === undefined)
    throw new TruthError('PROTOCOL', 'asOf is a number that this version does not know');
  if (asOf === 'position') return { asOf, position: at };
  if (asOf === 'moment') return { asOf, micros: at };
  if (at !== 0) throw new TruthError('PROTOCOL', 'at must be zero unless asOf says what it is');
  return { asOf };
}

export function encodeSqlClose(out: ByteWriter, request: number, { what, number }: SqlClose): void {
  const start = out.begin(KIND.SQL_CLOSE, request);
  out.u8(CLOSABLE.indexOf(what));
  out.u8(0);
  out.u16(0);
  out.u32(number);
  out.end(start);
}

export function decodeSqlClose(body: ByteReader): SqlClose {
  const what = CLOSABLE[body.u8('what')];
  body.zero(3, 'reserved');
  const number = body.u32('number');
  body.done('SQL_CLOSE');
  if (what === undefined)
    throw new TruthError('PROTOCOL', 'what is to be closed is neither a statement nor a session');
  return { what, number };
}

function encodeParameter(out: ByteWriter, parameter: SqlParameter): void {
  if (parameter.given === 'text') {
    if (parameter.text === null) out.u8(SQL_GIVEN.null.wire);
    else encodeText(out, parameter.text);
    return;
  }
  const { value } = parameter;
  if (value === null) out.u8(SQL_GIVEN.null.wire);
  else if (typeof value === 'boolean') out.u8(value ? SQL_GIVEN.true.wire : SQL_GIVEN.false.wire);
  else if (typeof value === 'number') encodeNumber(out, value);
  else if (typeof value === 'bigint' && value >= I64_MIN && value <= I64_MAX) {
    out.u8(SQL_GIVEN.bigint.wire);
    out.bigU64(BigInt.asUintN(64, value));
  } else if (value instanceof Uint8Array) {
    out.u8(SQL_GIVEN.bytes.wire);
    out.u32(value.length);
    out.bytes(value);
  } else encodeText(out, String(value));
}

function encodeText(out: ByteWriter, text: string): void {
  out.u8(SQL_GIVEN.text.wire);
  sizedText(out, text);
}

function encodeNumber(out: ByteWriter, value: number): void {
  const isWhole = Number.isInteger(value) && value >= I32_MIN && value <= I32_MAX && !Object.is(value, -0);
  out.u8(isWhole ? SQL_GIVEN.integer.wire : SQL_GIVEN.double.wire);
  if (isWhole) out.u32(value >>> 0);
  else writeDouble(out, value);
}

function decodeParameter(body: ByteReader, index: number): SqlParameter {
  const field = `parameter $${index + 1}`;
  const given = body.u8(field);
  switch (given) {
    case SQL_GIVEN.null.wire:
      return { given: 'text', text: null };
    case SQL_GIVEN.false.wire:
    case SQL_GIVEN.true.wire:
      return { given: 'value', value: given === SQL_GIVEN.true.wire };
    case SQL_GIVEN.integer.wire:
      return { given: 'value', value: body.u32(field) | 0 };
    case SQL_GIVEN.bigint.wire:
      return { given: 'value', value: BigInt.asIntN(64, body.bigU64(field)) };
    case SQL_GIVEN.double.wire:
      return { given: 'value', value: readDouble(body, field) };
    case SQL_GIVEN.text.wire:
      return { given: 'text', text: body.text(body.u32(field), field) };
    case SQL_GIVEN.bytes.wire:
      return { given: 'value', value: Uint8Array.from(body.bytes(body.u32(field), field)) };
    default:
      throw new TruthError('PROTOCOL', `${field} is given as ${given}, which this version does not know`);
  }
}

export function encodeSqlPrepared(out: ByteWriter, request: number, description: SqlDescription): void {
  const { parameters, columns } = description;
  const start = out.begin(KIND.SQL_PREPARED, request);
  out.u16(parameters.length);
  out.u16(columns?.length ?? NONE_16);
  for (const type of parameters) encodeColumn(out, { name: '', type });
  for (const column of columns ?? []) encodeColumn(out, column);
  out.end(start);
}

export function decodeSqlPrepared(body: ByteReader): SqlDescription {
  const parameterCount = body.u16('parameters');
  const columnCount = body.u16('columns');
  const parameters = decodeColumns(body, parameterCount).map(({ type }) => type);
  const columns = columnCount === NONE_16 ? null : decodeColumns(body, columnCount);
  body.done('SQL_PREPARED');
  return { parameters, columns };
}

export function encodeColumn(out: ByteWriter, { name, type }: SqlColumn): void {
  out.u8(SQL_TYPES[type.kind].wire);
  out.u8(0);
  const nameBytesAt = out.length;
  out.u16(0);
  out.u32(
    (type.kind === 'decimal' ? type.precision : type.kind === 'text' ? type.lengthMax : null) ?? NONE_32,
  );
  out.u32((type.kind === 'decimal' ? type.scale : null) ?? NONE_32);
  out.patchU16(nameBytesAt, out.text(name));
}

export function decodeColumns(body: ByteReader, count: number): SqlColumn[] {
  if (count * SQL_COLUMN.bytes > body.remaining) {
    throw new TruthError('PROTOCOL', `${count} columns are announced in ${body.remaining} bytes`);
  }
  return Array.from({ length: count }, () => {
    const wire = body.u8('type');
    body.zero(1, 'reserved');
    const nameBytes = body.u16('nameBytes');
    const size = body.u32('size');
    const scale = body.u32('scale');
    return { type: typeFrom(wire, size, scale), name: body.text(nameBytes, 'name') };
  });
}

function typeFrom(wire: number, size: number, scale: number): SqlType {
  const kind = (Object.keys(SQL_TYPES) as (keyof typeof SQL_TYPES)[]).find(
    (each) => SQL_TYPES[each].wire === wire,
  );
  if (kind === undefined)
    throw new TruthError('PROTOCOL', `a column is of type ${wire}, which this version does not know`);
  const orNone = (value: number) => (value === NONE_32 ? null : value);
  if (kind === 'decimal') return { kind, precision: orNone(size), scale: orNone(scale) };
  return kind === 'text' ? { kind, lengthMax: orNone(size) } : { kind };
}

function sizedText(out: ByteWriter, text: string): void {
  if (text.length > TEXT_BYTES_MAX) {
    throw new TruthError(
      'TOO_LARGE',
      `a text of ${text.length} characters; ${TEXT_BYTES_MAX} bytes are possible`,
    );
  }
  const at = out.length;
  out.u32(0);
  out.patchU32(at, out.text(text));
}

const scratch = Buffer.alloc(8);

export function writeDouble(out: ByteWriter, value: number): void {
  scratch.writeDoubleLE(value);
  out.bytes(scratch);
}

export function readDouble(body: ByteReader, field: string): number {
  const bytes = body.bytes(8, field);
  return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readDoubleLE();
}
