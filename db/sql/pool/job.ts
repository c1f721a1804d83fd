/**
 * What goes to a reader's thread and comes back. Rows come as encoded bytes that change hands, never as objects that would
 * be copied one by one; everything else is small and plain.
 */

import type { PlainError } from '../../errors.ts';
import { Decimal } from '../../numeric/index.ts';
import type { Sequence } from '../../types.ts';
import type { SqlColumn, SqlNotice, SqlParameter } from '../contract.ts';
import type { Query, ReadRange } from '../execute/query.ts';

/** What a thread is started with. */
export interface ReaderStart {
  /** 32-bit numbers: see `CONTROL`. */
  readonly control: SharedArrayBuffer;
}

/** Numbers that both sides see. */
export const CONTROL = Object.freeze({
  /** The job that is to end now, or 0. Written by the pool. */
  cancelled: 0,
  /** Chunks that may be under way. Taken by the thread, given back by the pool when it has read one. */
  credits: 1,
  length: 2,
});

/** Chunks under way at a time: enough to keep both sides busy, little enough to hold up nobody. */
export const CHUNK_CREDITS = 4;
/** A chunk is sent when it has as many bytes: what the ordering thread decodes at once. */
export const CHUNK_BYTES = 32 * 1024;

export interface ReaderJob {
  readonly id: number;
  readonly path: string;
  readonly query: Query;
  /** Milliseconds of the query's time that had passed when it was sent. */
  readonly waitedMillis: number;
}

export type ReaderNews =
  | { readonly news: 'columns'; readonly id: number; readonly columns: readonly SqlColumn[] }
  | { readonly news: 'rows'; readonly id: number; readonly bytes: Uint8Array }
  | {
      readonly news: 'done';
      readonly id: number;
      readonly tag: string;
      readonly count: number;
      readonly position: Sequence;
      readonly reads: readonly ReadRange[];
      readonly notices: readonly SqlNotice[];
    }
  | { readonly news: 'failed'; readonly id: number; readonly error: PlainError };

/** Decimals lose their class too: they travel under this name. */
interface PlainDecimal {
  readonly decimal: string;
}

/** The same query with nothing in it that cannot be copied to a thread. */
export function withPlainParameters(query: Query): Query {
  return { ...query, parameters: query.parameters.map(plainParameter) };
}

/** Undoes `withPlainParameters`. */
export function withRealParameters(query: Query): Query {
  return { ...query, parameters: query.parameters.map(realParameter) };
}

function plainParameter(parameter: SqlParameter): SqlParameter {
  if (parameter.given === 'text' || !(parameter.value instanceof Decimal)) return parameter;
  const plain: PlainDecimal = { decimal: parameter.value.toString() };
  return { given: 'value', value: plain as unknown as Decimal };
}

function realParameter(parameter: SqlParameter): SqlParameter {
  if (parameter.given === 'text') return parameter;
  const { value } = parameter;
  if (typeof value !== 'object' || value === null || !('decimal' in value)) return parameter;
  return { given: 'value', value: Decimal.parse((value as unknown as PlainDecimal).decimal) };
}
