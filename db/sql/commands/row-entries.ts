/** The rows a command leaves as entries: each of one table and at most one person, none larger than the log takes. */
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import { type DecidedEntry, invariant } from '../../kernel/index.ts';
import { type CommitOrdinal, SEQUENCE_NONE, type TenantId } from '../../types.ts';
import { columnById, type Table } from '../catalog/index.ts';
import { encodeRows, operationBytes, ROWS_HEADER_BYTES_MAX, type RowOperation } from '../rows/rows-entry.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { StoreReader } from '../store/contract.ts';
import { formatText, type Row } from '../types/index.ts';
import type { CommandInput, CommandLimits, WrittenRow } from './command.ts';
import { refusal } from './refusals.ts';

/** An entry with the person it is about: what seals it needs to know. */
export type SqlEntry = DecidedEntry & { readonly subject: string | null };

export interface EntryAuthor {
  readonly tenant: TenantId;
  readonly actor: string;
  readonly catalogVersion: number;
}

/** `before` has the rows that are deleted, for the person they were about. Errors: TOO_LARGE (54000). */
export function rowEntries(
  author: EntryAuthor,
  table: Table,
  rows: readonly WrittenRow[],
  before: StoreReader,
  input: CommandInput,
): SqlEntry[] {
  invariant(rows.length > 0, 'entries are made of rows');
  const { entryBytesMax } = input.limits;
  const entries: SqlEntry[] = [];
  for (const [subject, operations] of bySubject(table, rows, before)) {
    let first = 0;
    let bytes = ROWS_HEADER_BYTES_MAX;
    for (let index = 0; index < operations.length; index++) {
      const size = operationBytes(operations[index]!.key, operations[index]!.row);
      if (ROWS_HEADER_BYTES_MAX + size > entryBytesMax) throw rowTooLarge(table, size, entryBytesMax);
      if (bytes + size > entryBytesMax) {
        entries.push(entryOf(author, table, subject, operations.slice(first, index), input));
        first = index;
        bytes = ROWS_HEADER_BYTES_MAX;
      }
      bytes += size;
    }
    entries.push(entryOf(author, table, subject, operations.slice(first), input));
  }
  return entries;
}

/** Throws TOO_LARGE (54000) when the log would not take them as one command. */
export function checkCommandBytes(entries: readonly DecidedEntry[], limits: CommandLimits): void {
  let bytes = 0;
  for (const { payload } of entries) bytes += payload.length + limits.entryOverheadBytes;
  if (bytes <= limits.commandBytesMax) return;
  throw refusal(
    '54000',
    `the command takes ${bytes} bytes in the log, more than its ${limits.commandBytesMax} for one: split it`,
    { bytes, bytesMax: limits.commandBytesMax },
    'TOO_LARGE',
  );
}

type Operations = readonly (readonly [subject: string | null, operations: readonly RowOperation[]])[];

/**
 * Operations by the person they are about, in the order in which each was first met. A key that goes from one person's row to
 * another's is deleted in the one's entries, before anything else, and inserted in the other's: either may be erased without
 * the other.
 */
function bySubject(table: Table, rows: readonly WrittenRow[], before: StoreReader): Operations {
  if (table.subject === null)
    return [[null, rows.map(({ key, row, existed }) => operationOf(key, row, existed))]];
  const handedOver = new Map<string | null, RowOperation[]>();
  const others = new Map<string | null, RowOperation[]>();
  for (const { key, row, existed } of rows) {
    const was = existed ? subjectOf(table, before.get(table.space, key)?.value ?? null) : null;
    const is = row === null ? was : subjectOf(table, row);
    const moves = existed && was !== is;
    if (moves) addTo(handedOver, was, operationOf(key, null, true));
    addTo(others, is, operationOf(key, row, existed && !moves));
  }
  return [...handedOver, ...others];
}

const NO_ROW = new Uint8Array(0);

function operationOf(key: Uint8Array, row: Uint8Array | null, existed: boolean): RowOperation {
  return { kind: row === null ? 'delete' : existed ? 'update' : 'insert', key, row: row ?? NO_ROW };
}

function addTo(
  groups: Map<string | null, RowOperation[]>,
  subject: string | null,
  operation: RowOperation,
): void {
  const group = groups.get(subject);
  if (group === undefined) groups.set(subject, [operation]);
  else group.push(operation);
}

function subjectOf(table: Table, bytes: Uint8Array | null): string | null {
  invariant(bytes !== null, 'a row that is replaced or deleted was there');
  return subjectIn(table, TableLayout.of(table).rowOf(bytes));
}

/** The person a row is about, as text; null: nobody. */
export function subjectIn(table: Table, row: Row): string | null {
  if (table.subject === null) return null;
  const column = columnById(table, table.subject);
  const value = row[table.columns.indexOf(column)]!;
  return value === null ? null : formatText(column.type, value);
}

function entryOf(
  { tenant, actor, catalogVersion }: EntryAuthor,
  table: Table,
  subject: string | null,
  operations: readonly RowOperation[],
  { partitionKey }: CommandInput,
): SqlEntry {
  return {
    sequence: SEQUENCE_NONE,
    ordinal: 0 as CommitOrdinal,
    type: KERNEL_ENTRY.rows,
    tenant,
    partitionKey: partitionKey(table.id),
    flags: 0,
    payload: encodeRows({ actor, table: table.id, catalogVersion, operations }),
    subject,
  };
}

function rowTooLarge(table: Table, bytes: number, bytesMax: number): Error {
  return refusal(
    '54000',
    `a row of "${table.name}" takes ${bytes} bytes, more than the log's ${bytesMax} for one entry: make it smaller`,
    { table: table.name, bytes, bytesMax },
    'TOO_LARGE',
  );
}
