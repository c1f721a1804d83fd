/** Single values as text that JSON can carry: what a column has in rows that were written before it. */
import { TruthError } from '../../errors.ts';
import { Decimal } from '../../numeric/index.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';

export function valueToText(value: SqlValue): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value.toString();
}

/** Errors: CORRUPT for a text that `valueToText` never made of that type. */
export function valueFromText(text: string | null, type: SqlType): SqlValue {
  if (text === null) return null;
  switch (type.kind) {
    case 'text':
    case 'json':
    case 'uuid':
      return text;
    case 'integer':
    case 'double':
      return Number(text);
    case 'bigint':
    case 'timestamp':
      if (!/^-?\d+$/.test(text)) throw unreadable(text, type);
      return BigInt(text);
    case 'decimal':
      return Decimal.parse(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw unreadable(text, type);
      return text === 'true';
    case 'bytes':
      return new Uint8Array(Buffer.from(text, 'hex'));
  }
}

function unreadable(text: string, type: SqlType): TruthError {
  return new TruthError('CORRUPT', `the catalog has ${JSON.stringify(text)} where a ${type.kind} is wanted`);
}
