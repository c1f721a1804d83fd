/** A projection without grouping: each joined row that WHERE lets through is one of its rows. */
import { HIDDEN_KEY_TYPES } from '../rows/table-layout.ts';
import type { SqlValue } from '../types/index.ts';
import type { CompiledTarget } from './compile.ts';
import type { JoinedChange, JoinedRow } from './join-delta.ts';
import type { OutputRows } from './output-rows.ts';

/** Changes come in such an order that what is taken away was there. */
export function foldRows(target: CompiledTarget, changes: Iterable<JoinedChange>, output: OutputRows): void {
  const { where, items, context } = target;
  for (const { sign, joined } of changes) {
    if (where !== null && where.evaluate(joined.row, context) !== true) continue;
    const row = items.map(({ expression }) => expression.evaluate(joined.row, context));
    output.set(rowKey(target, joined, row), sign > 0 ? row : null);
  }
}

/** Its own primary key where it shows one; otherwise the keys of the rows it is made of, each behind its length. */
function rowKey({ layout }: CompiledTarget, { keys }: JoinedRow, row: readonly SqlValue[]): Uint8Array {
  if (layout.keyTypes !== HIDDEN_KEY_TYPES) return layout.keyOf(row);
  const [only] = keys;
  if (keys.length === 1 && only !== undefined && only !== null) return only;
  return Buffer.concat(
    keys.map((key) => {
      const length = Buffer.alloc(4);
      // One more, so that a missing row differs from one with an empty key.
      length.writeUInt32BE(key === null ? 0 : key.length + 1);
      return key === null ? length : Buffer.concat([length, key]);
    }),
  );
}
