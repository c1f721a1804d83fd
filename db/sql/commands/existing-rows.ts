/** What must hold for the rows there are before a table gets a new rule. In bounded memory, whatever the table's size. */
import type { Check, Index, Table } from '../catalog/index.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { StoredVersion, StoreReader } from '../store/contract.ts';
import { keyText, refusal } from './refusals.ts';
import { CompiledChecks, type Evaluation } from './stored-expressions.ts';
import { textsOf } from './workspace.ts';

/** Keys remembered at a time; more rows are looked at in several passes. */
const KEYS_MAX = 250_000;

/** Throws 23514 where a row breaks one of the checks. */
export function checkExistingRows(
  rows: StoreReader,
  table: Table,
  checks: readonly Check[],
  evaluation: Evaluation,
): void {
  if (checks.length === 0) return;
  const compiled = new CompiledChecks(table, checks);
  const layout = TableLayout.of(table);
  for (const { value } of all(rows, table)) {
    const broken = compiled.brokenBy(layout.rowOf(value), evaluation);
    if (broken === null) continue;
    throw refusal(
      '23514',
      `check constraint "${broken.name}" of relation "${table.name}" is violated by some row`,
      { table: table.name, constraint: broken.name },
    );
  }
}

/** Throws 23505 where two rows would have the same key in a unique index of the table's definition. */
export function refuseDuplicates(rows: StoreReader, table: Table, index: Index): void {
  const layout = TableLayout.of(table);
  const entries = layout.indexes.find((candidate) => candidate.index === index);
  if (entries === undefined) throw new Error(`index ${index.name} is not of table ${table.name}`);
  const passes = Math.ceil(rows.count(table.space) / KEYS_MAX);
  for (let pass = 0; pass < passes; pass++) {
    const seen = new Set<string>();
    for (const { value } of all(rows, table)) {
      const row = layout.rowOf(value);
      const key = entries.uniqueKey(row);
      if (key === null || shareOf(key, passes) !== pass) continue;
      const name = Buffer.from(key).toString('latin1');
      if (seen.has(name)) {
        const columns = entries.columns.map((column) => column.name);
        const detail = `${keyText(columns, textsOf(entries.types, entries.values(row)))} is duplicated.`;
        throw refusal(
          '23505',
          `could not create unique index "${index.name}"`,
          { table: table.name, constraint: index.name, detail },
          'ALREADY_EXISTS',
        );
      }
      seen.add(name);
    }
  }
}

function all(rows: StoreReader, { space }: Table): Iterable<StoredVersion> {
  return rows.scan(space, { range: { from: null, to: null }, reverse: false, limit: null });
}

/** Which pass a key belongs to: FNV-1a. */
function shareOf(key: Uint8Array, passes: number): number {
  let hash = 0x811c_9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return (hash >>> 0) % passes;
}
