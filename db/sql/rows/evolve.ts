/**
 * What an entry of tables does to the store: the same code when it has just been decided, in a replay and on a follower.
 * Nothing is decided here. Whatever does not fit what is stored is CORRUPT: the log says it happened, so the view is wrong.
 */
import { TruthError } from '../../errors.ts';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import { invariant } from '../../kernel/index.ts';
import type { Sequence } from '../../types.ts';
import {
  type Catalog,
  type CatalogCache,
  type CatalogEntry,
  COUNTER_SPACE,
  decodeCatalogEntry,
  encodeHeader,
  encodeProjection,
  encodeTable,
  HEADER_KEY,
  projectionKey,
  type Table,
  tableKey,
} from '../catalog/index.ts';
import type { Space, StoreWriter } from '../store/contract.ts';
import { decodeKey, type Row } from '../types/index.ts';
import { decodeRows, type RowOperation } from './rows-entry.ts';
import { HIDDEN_KEY_TYPES, hiddenKeyOf, type IndexLayout, TableLayout } from './table-layout.ts';

const CATALOG_SPACE = 0 as Space;
/** Rows read at once while an index is made. */
const BUILD_ROWS = 1024;

/** One row's change, for whoever derives something from rows. Bytes as they lie in the store; null: no such row. */
export interface RowChange {
  readonly table: Table;
  readonly key: Uint8Array;
  readonly before: Row | null;
  readonly after: Row | null;
}

export interface TableEntry {
  readonly type: number;
  readonly sequence: Sequence;
  readonly payload: Uint8Array;
}

/** Told of what an entry did, within the same transaction. */
export interface EvolveListener {
  /** Whether rows of that table are wanted with what they were before: reading that costs. */
  wants(catalog: Catalog, table: Table): boolean;
  rowsChanged(store: StoreWriter, catalog: Catalog, changes: readonly RowChange[], at: Sequence): void;
  catalogChanged(
    store: StoreWriter,
    before: Catalog,
    catalog: Catalog,
    entry: CatalogEntry,
    at: Sequence,
  ): void;
  /** An entry of its own, by which building goes on. */
  stepped(store: StoreWriter, catalog: Catalog, payload: Uint8Array, at: Sequence): void;
  /** Whether something has happened since the last call that wants commands of upkeep. */
  takeWanted(): boolean;
}

/** Writes what the entry says into the open transaction. Types that are not of tables change nothing. Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function evolve(
  store: StoreWriter,
  entry: TableEntry,
  catalogs: CatalogCache,
  listener: EvolveListener,
): void {
  invariant(store.open, 'an entry is applied within a transaction');
  invariant(entry.sequence > 0, 'an entry that changes tables has a place in the log');
  if (entry.type === KERNEL_ENTRY.rows) evolveRows(store, entry, catalogs, listener);
  else if (entry.type === KERNEL_ENTRY.catalog) evolveCatalog(store, entry, catalogs, listener);
  else if (entry.type === KERNEL_ENTRY.projectionStep)
    listener.stepped(store, catalogs.written(store), entry.payload, entry.sequence);
}

function evolveRows(
  store: StoreWriter,
  { payload, sequence }: TableEntry,
  catalogs: CatalogCache,
  listener: EvolveListener,
): void {
  const { actor, table: id, catalogVersion, operations } = decodeRows(payload, sequence);
  const catalog = catalogs.written(store);
  const table = catalog.tableById(id);
  if (table === null || catalog.version !== catalogVersion) {
    throw misfit(
      sequence,
      `was decided under version ${catalogVersion} of the catalog, not ${catalog.version}`,
    );
  }
  store.wrote(sequence, actor);
  const layout = TableLayout.of(table);
  const changes: RowChange[] | null = listener.wants(catalog, table) ? [] : null;
  for (const operation of operations) {
    const change = applyOperation(store, layout, operation, sequence, changes !== null);
    if (change !== null) changes?.push(change);
  }
  if (layout.hiddenKey) raiseCounter(store, table, operations, sequence);
  if (changes !== null && changes.length > 0) listener.rowsChanged(store, catalog, changes, sequence);
}

/** Returns the change where it had to be known, or is wanted. */
function applyOperation(
  store: StoreWriter,
  layout: TableLayout,
  { kind, key, row }: RowOperation,
  at: Sequence,
  wanted: boolean,
): RowChange | null {
  const { table, indexes } = layout;
  const known = wanted || indexes.length > 0;
  const stored = known && kind !== 'insert' ? store.get(table.space, key) : null;
  if (known && kind !== 'insert' && stored === null) throw misfit(at, `${kind}s a row that is not there`);
  if (kind === 'delete') store.delete(table.space, key, at);
  else store.put(table.space, key, row, at);
  if (!known) return null;
  const before = stored === null ? null : layout.rowOf(stored.value);
  const after = kind === 'delete' ? null : layout.rowOf(row);
  for (const index of indexes) moveEntry(store, index, key, before, after, at);
  return { table, key, before, after };
}

/** Rows of one entry may take each other's place in a unique index: an entry that is another row's by now stays. */
function moveEntry(
  store: StoreWriter,
  index: IndexLayout,
  key: Uint8Array,
  before: Row | null,
  after: Row | null,
  at: Sequence,
): void {
  const { space } = index.index;
  const from = before === null ? null : index.entryKey(before, key);
  const to = after === null ? null : index.entryKey(after, key);
  if (from !== null && to !== null && Buffer.compare(from, to) === 0) return;
  if (from !== null && isOwn(store, index, from, key)) store.delete(space, from, at);
  if (to !== null) store.put(space, to, key, at);
}

/** Where the row's key is part of the entry's it is nobody else's. */
function isOwn(store: StoreWriter, { index }: IndexLayout, entry: Uint8Array, key: Uint8Array): boolean {
  if (!index.unique) return true;
  const owner = store.get(index.space, entry);
  return owner !== null && Buffer.compare(owner.value, key) === 0;
}

function evolveCatalog(
  store: StoreWriter,
  { payload, sequence }: TableEntry,
  catalogs: CatalogCache,
  listener: EvolveListener,
): void {
  const entry = decodeCatalogEntry(payload, sequence);
  const before = catalogs.written(store);
  if (entry.header.version !== before.version + 1)
    throw misfit(sequence, `makes version ${entry.header.version} of the catalog out of ${before.version}`);
  store.wrote(sequence, entry.actor);
  store.put(CATALOG_SPACE, HEADER_KEY, encodeHeader(entry.header), sequence);
  for (const change of entry.changes) {
    switch (change.change) {
      case 'table':
        store.put(CATALOG_SPACE, tableKey(change.table.id), encodeTable(change.table), sequence);
        break;
      case 'table dropped':
        // Its rows stay where they are: who asks as of before finds them, and the space is never used again.
        store.delete(CATALOG_SPACE, tableKey(change.id), sequence);
        break;
      case 'projection':
        store.put(
          CATALOG_SPACE,
          projectionKey(change.projection.id),
          encodeProjection(change.projection),
          sequence,
        );
        break;
      case 'projection dropped':
        store.delete(CATALOG_SPACE, projectionKey(change.id), sequence);
        break;
      case 'index built':
        break;
    }
  }
  catalogs.changed();
  const after = catalogs.written(store);
  for (const change of entry.changes) {
    if (change.change === 'index built') buildIndex(store, after, change.table, change.index, sequence);
  }
  invariant(after.version === entry.header.version, 'the catalog is read as it was written');
  listener.catalogChanged(store, before, after, entry, sequence);
}

/** Makes an entry for each row, a page of rows at a time: nothing may be written while a scan is open. */
function buildIndex(
  store: StoreWriter,
  catalog: Catalog,
  tableId: number,
  indexId: number,
  at: Sequence,
): void {
  const table = catalog.tableById(tableId);
  const layout = table === null ? null : TableLayout.of(table);
  const index = layout?.indexes.find((candidate) => candidate.index.id === indexId) ?? null;
  if (layout === null || index === null) throw misfit(at, `builds index ${indexId}, which is not there`);
  for (let from: Uint8Array | null = null; ; ) {
    const range = { from, to: null };
    const page = [...store.scan(layout.table.space, { range, reverse: false, limit: BUILD_ROWS })];
    for (const { key, value } of page) {
      store.put(index.index.space, index.entryKey(layout.rowOf(value), key), key, at);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < BUILD_ROWS) return;
    from = after(last.key);
  }
}

/** The smallest key behind another. */
function after(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The next row's number is behind all there ever were. */
function raiseCounter(
  store: StoreWriter,
  table: Table,
  operations: readonly RowOperation[],
  at: Sequence,
): void {
  let next = nextRowNumber(store, table);
  const before = next;
  for (const { kind, key } of operations) {
    if (kind !== 'insert') continue;
    const [number] = decodeKey(HIDDEN_KEY_TYPES, key) as [bigint];
    if (number >= next) next = number + 1n;
  }
  if (next > before) store.put(COUNTER_SPACE, counterKey(table), hiddenKeyOf(next), at);
}

/** Number of the next row of a table whose key is hidden, from 1. */
export function nextRowNumber(store: Pick<StoreWriter, 'get'>, table: Table): bigint {
  const stored = store.get(COUNTER_SPACE, counterKey(table));
  return stored === null ? 1n : (decodeKey(HIDDEN_KEY_TYPES, stored.value)[0] as bigint);
}

function counterKey(table: Table): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, table.id);
  return key;
}

function misfit(at: Sequence, what: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `the entry of tables at ${at} does not fit what is stored: it ${what}; the tables have to be rebuilt from the log`,
    { sequence: at },
  );
}
