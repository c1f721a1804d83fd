/** SQL_RESULT: rows on their way to a client, values by the types of their columns. */
import { TruthError } from '../errors.ts';
import { Decimal } from '../numeric/decimal.ts';
import type { SqlColumn, SqlNotice, SqlResult } from '../sql/contract.ts';
import type { Row, SqlType, SqlValue } from '../sql/types/sql-type.ts';
import type { Sequence } from '../types.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { KIND } from './constants.ts';
import { decodeColumns, encodeColumn, readDouble, writeDouble } from './sql.ts';
import {
  SQL_NOTICE,
  SQL_RESULT_COLUMNS,
  SQL_RESULT_LAST,
  SQL_RESULT_NOTICES,
  SQL_ROWS_BYTES_TARGET,
} from './sql-constants.ts';
import { formatUuid, parseUuid } from './uuid.ts';

const UUID_BYTES = 16;
const BITS = 8;

/** Rows of one frame as a client gets them. */
export interface SqlRows {
  /** Only in the first frame of a statement that returns rows. */
  readonly columns: readonly SqlColumn[] | null;
  readonly rows: readonly Row[];
  /** Only in the last one. */
  readonly end: {
    readonly tag: string;
    readonly count: number;
    readonly position: number;
    readonly notices: readonly SqlNotice[];
  } | null;
}

/**
 * Writes a frame with rows from `from` on, as many as fit; returns where to go on, or null when that was all. Notices are
 * understood from PROTOCOL_VERSION_NOTICES on: who encodes a result that has some has looked which version is spoken.
 */
export function encodeSqlResult(
  out: ByteWriter,
  request: number,
  result: SqlResult,
  from: number,
): number | null {
  const columns = result.columns ?? [];
  const start = out.begin(KIND.SQL_RESULT, request);
  const flagsAt = out.length;
  out.u8(0);
  out.u8(0);
  out.u16(columns.length);
  const fieldsAt = out.length;
  out.u32(0);
  out.u64(0);
  out.u64(0);
  const tagBytesAt = out.length;
  out.u16(0);
  out.u16(0);
  // The tag comes first, and whether this is the last frame is known only at its end: it is in every frame.
  out.patchU16(tagBytesAt, out.text(result.tag));
  const withColumns = from === 0 && result.columns !== null;
  if (withColumns) for (const column of columns) encodeColumn(out, column);
  // Rows without columns have no bytes: how many there are the count says.
  const total = columns.length === 0 ? 0 : result.rows.length;
  let row = from;
  while (row < total && (row === from || out.length - start < SQL_ROWS_BYTES_TARGET)) {
    encodeRow(out, columns, result.rows[row] as Row);
    row += 1;
  }
  const isLast = row === total;
  const notices = isLast ? (result.notices ?? []) : [];
  if (notices.length > 0) encodeNotices(out, notices);
  out.patchU8(
    flagsAt,
    (withColumns ? SQL_RESULT_COLUMNS : 0) |
      (isLast ? SQL_RESULT_LAST : 0) |
      (notices.length > 0 ? SQL_RESULT_NOTICES : 0),
  );
  out.patchU32(fieldsAt, row - from);
  out.patchU64(fieldsAt + 4, result.count);
  out.patchU64(fieldsAt + 12, result.position);
  out.end(start);
  return isLast ? null : row;
}

function encodeNotices(out: ByteWriter, notices: readonly SqlNotice[]): void {
  out.u16(notices.length);
  for (const { entries, table, erasedAt, message } of notices) {
    out.u64(entries);
    const tableBytesAt = out.length;
    out.u16(0);
    out.u16(erasedAt.length);
    const messageBytesAt = out.length;
    out.u32(0);
    out.patchU16(tableBytesAt, out.text(table));
    out.patchU32(messageBytesAt, out.text(message));
    for (const position of erasedAt) out.u64(position);
  }
}

function encodeRow(out: ByteWriter, columns: readonly SqlColumn[], row: Row): void {
  for (let at = 0; at < columns.length; at += BITS) {
    let bits = 0;
    for (let bit = 0; bit < BITS && at + bit < columns.length; bit++) {
      if ((row[at + bit] ?? null) === null) bits |= 1 << bit;
    }
    out.u8(bits);
  }
  for (const [index, { type }] of columns.entries()) {
    const value = row[index] ?? null;
    if (value !== null) encodeValue(out, type, value);
  }
}

function encodeValue(out: ByteWriter, { kind }: SqlType, value: Exclude<SqlValue, null>): void {
  switch (kind) {
    case 'integer':
      out.u32((value as number) >>> 0);
      break;
    case 'bigint':
    case 'timestamp':
      out.bigU64(BigInt.asUintN(64, value as bigint));
      break;
    case 'double':
      writeDouble(out, value as number);
      break;
    case 'boolean':
      out.u8(value === true ? 1 : 0);
      break;
    case 'uuid':
      out.bytes(parseUuid(value as string));
      break;
    case 'bytes':
      out.u32((value as Uint8Array).length);
      out.bytes(value as Uint8Array);
      break;
    default: {
      const at = out.length;
      out.u32(0);
      out.patchU32(at, out.text(String(value)));
    }
  }
}

/** `columns`: those of the first frame, null before it. Errors: PROTOCOL. */
export function decodeSqlResult(body: ByteReader, columns: readonly SqlColumn[] | null): SqlRows {
  const flags = body.u8('flags');
  body.zero(1, 'reserved');
  const columnCount = body.u16('columns');
  const rowCount = body.u32('rows');
  const count = body.u64('count');
  const position = body.u64('position');
  const tagBytes = body.u16('tagBytes');
  body.zero(2, 'reserved2');
  const tag = body.text(tagBytes, 'tag');
  const own = (flags & SQL_RESULT_COLUMNS) === 0 ? null : decodeColumns(body, columnCount);
  const known = own ?? columns ?? [];
  if (known.length !== columnCount) {
    throw new TruthError(
      'PROTOCOL',
      `SQL_RESULT has ${columnCount} columns, its first frame said ${known.length}`,
    );
  }
  const rowBytesMin = Math.ceil(columnCount / BITS);
  if (columnCount === 0 && rowCount > 0)
    throw new TruthError('PROTOCOL', 'SQL_RESULT has rows and no columns');
  if (rowBytesMin * rowCount > body.remaining) {
    throw new TruthError('PROTOCOL', `SQL_RESULT announces ${rowCount} rows in ${body.remaining} bytes`);
  }
  const rows: Row[] = [];
  for (let row = 0; row < rowCount; row++) rows.push(decodeRow(body, known, rowBytesMin));
  const notices = (flags & SQL_RESULT_NOTICES) === 0 ? [] : decodeNotices(body);
  body.done('SQL_RESULT');
  const isLast = (flags & SQL_RESULT_LAST) !== 0;
  return { columns: own, rows, end: isLast ? { tag, count, position, notices } : null };
}

function decodeNotices(body: ByteReader): SqlNotice[] {
  const count = body.u16('notices');
  if (count * SQL_NOTICE.bytes > body.remaining)
    throw new TruthError('PROTOCOL', `SQL_RESULT announces ${count} notices in ${body.remaining} bytes`);
  return Array.from({ length: count }, () => {
    const entries = body.u64('entries');
    const tableBytes = body.u16('tableBytes');
    const erasures = body.u16('erasures');
    const messageBytes = body.u32('messageBytes');
    const table = body.text(tableBytes, 'table');
    const message = body.text(messageBytes, 'message');
    const erasedAt = Array.from({ length: erasures }, () => body.u64('erasure') as Sequence);
    return { message, table, entries, erasedAt };
  });
}

function decodeRow(body: ByteReader, columns: readonly SqlColumn[], bitBytes: number): Row {
  const bits = body.bytes(bitBytes, 'NULL bits');
  return columns.map(({ name, type }, index) => {
    const isNull = (((bits[index >> 3] as number) >> (index & 7)) & 1) === 1;
    return isNull ? null : decodeValue(body, type, name);
  });
}

function decodeValue(body: ByteReader, { kind }: SqlType, field: string): SqlValue {
  switch (kind) {
    case 'integer':
      return body.u32(field) | 0;
    case 'bigint':
    case 'timestamp':
      return BigInt.asIntN(64, body.bigU64(field));
    case 'double':
      return readDouble(body, field);
    case 'boolean':
      return body.u8(field) !== 0;
    case 'uuid':
      return formatUuid(body.bytes(UUID_BYTES, field));
    case 'bytes':
      return Uint8Array.from(body.bytes(body.u32(field), field));
    case 'decimal':
      return Decimal.parse(body.text(body.u32(field), field));
    default:
      return body.text(body.u32(field), field);
  }
}
