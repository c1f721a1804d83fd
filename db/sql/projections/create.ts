/** CREATE PROJECTION decided: what the query means today, which spaces it needs, and whether it can be built at once. */
import { invariant } from '../../kernel/index.ts';
import { SEQUENCE_NONE } from '../../types.ts';
import type { CreateProjectionStatement, SelectItem, SelectStatement } from '../ast.ts';
import { tableToJson } from '../catalog/catalog-store.ts';
import { type Catalog, type Column, isReducer, type Projection, type Table } from '../catalog/index.ts';
import { ParameterTypes } from '../expression/index.ts';
import { relationNamed } from '../plan/relation.ts';
import type { Space, StoreReader } from '../store/contract.ts';
import { sqlError } from '../types/index.ts';
import { type BoundSources, bindSources, equalityOf, keyPlaces, pivotOf, sameNumbers } from './compile.ts';
import {
  type Arrangement,
  detailOf,
  encodeDetail,
  type SourceDefinition,
  type Target,
  targetsOf,
} from './definition.ts';
import { type FromItem, fromItems } from './from.ts';
import { type Grouping, groupingOf } from './grouping.ts';
import { lasting } from './lasting.ts';
import { isGrouped, type OutputItem, outputItems } from './output.ts';

/** Sources with no more rows than this are taken in by the statement itself; larger ones in steps behind it. */
const AT_ONCE_ROWS_MAX = 5_000;
const COLUMNS_MAX = 1600;

/** What numbers are taken from, and what is changed. */
export interface ProjectionDraft {
  readonly catalog: Catalog;
  takeTable(): number;
  takeSpace(): Space;
  putProjection(projection: Projection): void;
}

/** The name is free, or it is the projection to be replaced. Errors: those of binding, 0A000 for what is not kept current. */
export function createProjection(
  draft: ProjectionDraft,
  rows: StoreReader,
  statement: CreateProjectionStatement,
  replaced: Projection | null,
): void {
  const { projection: name, query, text } = statement;
  refuseEnds(query);
  const id = replaced?.id ?? draft.takeTable();
  const items = fromItems(query.from);
  const tables = items.map((item) => sourceTable(draft.catalog, item, id));
  const target = newTarget(draft, { id, name, query, text }, items, tables);
  const small = tables.every((table) => rows.count(table.space) <= AT_ONCE_ROWS_MAX);
  const before = replaced === null ? null : detailOf(replaced);
  const answers = before?.live ?? null;
  const detail =
    answers !== null && !small
      ? { table: before!.table, live: answers, next: target, staleSince: before!.staleSince, failure: null }
      : small
        ? { table: target.table, live: target, next: null, staleSince: null, failure: null }
        : { table: target.table, live: null, next: target, staleSince: null, failure: null };
  draft.putProjection({
    ...{ id, name, text: detail.live?.text ?? text },
    space: (detail.live ?? target).output,
    state: detail.live === null ? 'building' : detail.staleSince === null ? 'live' : 'stale',
    detail: encodeDetail(detail),
    createdAt: replaced?.createdAt ?? SEQUENCE_NONE,
  });
}

/** The same query again in new spaces: for a projection that could not be kept current. */
export function renewedTarget(draft: ProjectionDraft, projection: Projection): Target {
  const { live, next } = detailOf(projection);
  const old = next ?? live;
  invariant(old !== null, 'a projection has a target');
  const { query, text } = old;
  const items = fromItems(query.from);
  const tables = old.sources.map(({ id }) => knownTable(draft.catalog, id));
  return newTarget(
    draft,
    { id: projection.id, name: projection.name, query, text },
    items,
    tables,
    old.sources,
  );
}

interface Wanted {
  readonly id: number;
  readonly name: string;
  readonly query: SelectStatement;
  readonly text: string;
}

function newTarget(
  draft: ProjectionDraft,
  { id, name, query: written, text }: Wanted,
  items: readonly FromItem[],
  tables: readonly Table[],
  known: readonly SourceDefinition[] | null = null,
): Target {
  const sources =
    known ??
    tables.map(({ id: source, columns }) => ({
      id: source,
      columns: columns.map((column) => ({ id: column.id, name: column.name })),
    }));
  const query = { ...written, items: written.items.flatMap((item) => spelledOut(item, items, sources)) };
  const bound = bindSources(query.where, items, tables, sources);
  const types = new ParameterTypes(0);
  const grouping = isGrouped(query) ? groupingOf(query, bound.scope, types) : null;
  const shown = outputItems(query, grouping?.scope ?? bound.scope, types);
  for (const { expression } of shown) lasting(expression);
  checkNames(shown);
  const keeps = grouping?.aggregates.some(({ kind, distinct }) => kind === 'kept' || distinct) === true;
  const output = draft.takeSpace();
  return {
    query,
    text,
    table: tableToJson(outputTable({ id, name, output }, shown, keyItems(bound, grouping, shown))),
    sources,
    output,
    progress: draft.takeSpace(),
    groups: grouping === null ? null : draft.takeSpace(),
    values: keeps ? draft.takeSpace() : null,
    arrangements: arrangementsFor(bound, draft),
  };
}

function refuseEnds(query: SelectStatement): void {
  const refuse = (what: string, instead: string): never => {
    throw sqlError('0A000', `a projection has no ${what}: ${instead}`);
  };
  if (query.orderBy.length > 0) refuse('ORDER BY', 'say it when you select from the projection');
  if (query.limit !== null || query.offset !== null)
    refuse('LIMIT or OFFSET', 'say it when you select from the projection');
  if (query.asOf !== null)
    refuse('AS OF', 'it follows its tables; ask the projection itself AS OF a position');
  if (query.history) refuse('HISTORY', 'ask the projection itself for its history');
  if (query.distinct) refuse('DISTINCT', 'GROUP BY the columns instead');
}

/** Errors: 42P01; 55000 for a projection that does not answer yet; 42P17 for one that is made of the new one. */
function sourceTable(catalog: Catalog, { table: name, at }: FromItem, id: number): Table {
  const relation = relationNamed(catalog, name);
  if (relation === null) throw sqlError('42P01', `relation "${name}" does not exist`, at);
  if (relation.projection !== null && isReducer(relation.projection))
    throw sqlError('0A000', `a projection cannot be made of reducer "${name}": select from it instead`, at);
  if (relation.projection !== null && reaches(catalog, relation.projection.id, id))
    throw sqlError(
      '42P17',
      `projection "${name}" is made of the one that is defined here: it cannot be its source`,
      at,
    );
  return relation.table;
}

function knownTable(catalog: Catalog, id: number): Table {
  const projection = catalog.projections.find((candidate) => candidate.id === id);
  const table =
    catalog.tableById(id) ??
    (projection === undefined ? null : relationNamed(catalog, projection.name)?.table);
  if (table === null || table === undefined) throw new Error(`a projection is over ${id}, which is gone`);
  return table;
}

/** Whether a projection is, or is made of, another, however far below. */
function reaches(catalog: Catalog, from: number, to: number): boolean {
  const seen = new Set<number>([from]);
  for (const id of seen) {
    if (id === to) return true;
    const projection = catalog.projections.find((candidate) => candidate.id === id);
    for (const target of projection === undefined ? [] : targetsOf(projection))
      for (const source of target.sources) seen.add(source.id);
  }
  return false;
}

function spelledOut(
  item: SelectItem,
  items: readonly FromItem[],
  sources: readonly SourceDefinition[],
): SelectItem[] {
  if (item.item === 'expression') return [item];
  const wanted = items
    .map((_, index) => index)
    .filter((index) => item.table === null || items[index]!.name === item.table);
  if (wanted.length === 0) throw sqlError('42P01', `missing FROM-clause entry for table "${item.table}"`);
  return wanted.flatMap((index) =>
    sources[index]!.columns.map(({ name }) => ({
      item: 'expression' as const,
      expression: { node: 'column' as const, table: items[index]!.name, name, at: items[index]!.at },
      alias: null,
    })),
  );
}

function checkNames(items: readonly OutputItem[]): void {
  if (items.length > COLUMNS_MAX)
    throw sqlError('54011', `a projection can have at most ${COLUMNS_MAX} columns`);
  for (const [index, { name }] of items.entries()) {
    if (items.findIndex((other) => other.name === name) !== index)
      throw sqlError('42701', `column "${name}" specified more than once: give one of them an alias with AS`);
  }
}

/** Places of the items that tell rows apart, in the order of the key; none: its rows are told apart by what they are made of. */
function keyItems(
  bound: BoundSources,
  grouping: Grouping | null,
  items: readonly OutputItem[],
): readonly number[] {
  const shows = (place: number): number =>
    items.findIndex(({ expression: { shape } }) => shape.shape === 'column' && shape.index === place);
  const wanted = grouping === null ? rowKeyPlaces(bound) : grouping.keys.map((_, index) => index);
  const places = wanted?.map(shows) ?? [];
  return places.includes(-1) ? [] : places;
}

/** Where the primary keys of all sources stand in a joined row; null where one has none of its own, or may be missing. */
function rowKeyPlaces({ items, tables, definitions, offsets }: BoundSources): number[] | null {
  if (items.some(({ join }) => join === 'left')) return null;
  if (tables.some(({ primaryKey }) => primaryKey.columns.length === 0)) return null;
  return tables.flatMap(({ primaryKey }, index) =>
    primaryKey.columns.map(
      (id) => offsets[index]! + definitions[index]!.columns.findIndex((column) => column.id === id),
    ),
  );
}

function outputTable(
  { id, name, output }: { readonly id: number; readonly name: string; readonly output: Space },
  items: readonly OutputItem[],
  key: readonly number[],
): Table {
  const columns = items.map(
    (item, index): Column => ({
      id: index + 1,
      name: item.name,
      type: item.expression.type,
      notNull: false,
      default: null,
      missing: null,
    }),
  );
  return {
    ...{ id, name, space: output, columns, indexes: [], checks: [], subject: null },
    primaryKey: { name: null, columns: key.map((place) => place + 1) },
    nextColumn: columns.length + 1,
    createdAt: SEQUENCE_NONE,
  };
}

/** One for each set of columns by which rows are looked for and that is not the beginning of a key already. */
function arrangementsFor(bound: BoundSources, draft: ProjectionDraft): Arrangement[] {
  const arrangements: Arrangement[] = [];
  const want = (index: number, places: readonly number[]): void => {
    const definition = bound.definitions[index]!;
    const table = bound.tables[index]!;
    if (places.length === 0 || keyPlaces(table, definition, places) !== null) return;
    const columns = places.map((place) => definition.columns[place]!.id);
    if (arrangements.some((other) => other.source === table.id && sameNumbers(other.columns, columns)))
      return;
    arrangements.push({ source: table.id, columns, space: draft.takeSpace() });
  };
  for (let index = 1; index < bound.items.length; index++) {
    const equality = equalityOf(bound, index);
    want(index, equality.places);
    const pivot = pivotOf(bound, equality);
    if (pivot !== null) want(pivot.pivot, pivot.places);
  }
  return arrangements;
}
