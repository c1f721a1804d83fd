import { Decimal } from '../../numeric/index.ts';
import type { Row } from '../types/index.ts';

const ROW_BYTES = 32;
const VALUE_BYTES = 16;

/** Memory that a row takes, roughly: budgets need no more. */
export function rowBytes(row: Row): number {
  let bytes = ROW_BYTES;
  for (const value of row) {
    bytes += VALUE_BYTES;
    if (typeof value === 'string') bytes += 2 * value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
    else if (value instanceof Decimal) bytes += 2 * VALUE_BYTES;
  }
  return bytes;
}
