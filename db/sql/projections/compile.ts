/**
 * A target bound to the tables as they are: how rows of its sources are joined, which joined rows count, and what they make.
 * A joined row has the columns of all sources one behind the other; those of a LEFT JOIN without a match are NULL.
 */

import { tableFromJson } from '../catalog/catalog-store.ts';
import type { Catalog, Table } from '../catalog/index.ts';
import { columnById } from '../catalog/index.ts';
import {
  type BoundExpression,
  bindCondition,
  conjuncts,
  type EvaluationContext,
  ParameterTypes,
  type Scope,
  tableScope,
} from '../expression/index.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { Space } from '../store/contract.ts';
import { type Row, RowDecoder, type SqlType, type SqlValue } from '../types/index.ts';
import { detailOf, type SourceDefinition, type Target } from './definition.ts';
import { type FromItem, fromItems } from './from.ts';
import { type Grouping, groupingOf } from './grouping.ts';
import { lasting } from './lasting.ts';
import { isGrouped, type OutputItem, outputItems } from './output.ts';

/** Columns that must be equal: `places` of the source's own row, `others` of the joined row so far. */
export interface Equality {
  readonly places: readonly number[];
  readonly others: readonly number[];
}

/** Where rows with certain values in some columns are found: the table's own key, or an arrangement. */
export interface Lookup {
  readonly places: readonly number[];
  readonly types: readonly SqlType[];
  readonly space: Space;
  /** The space holds keys of rows, not the rows themselves. */
  readonly arranged: boolean;
}

export interface Source {
  readonly index: number;
  readonly id: number;
  readonly space: Space;
  readonly join: FromItem['join'];
  readonly on: BoundExpression | null;
  /** Where its columns begin in a joined row, and how many there are. */
  readonly offset: number;
  readonly arity: number;
  readonly types: readonly SqlType[];
  /** Places of its columns in a row of the table as it is now. */
  readonly places: readonly number[];
  readonly decode: (bytes: Uint8Array) => Row;
  /** How its rows are found from the sources before it; null: each is looked at. */
  readonly forward: { readonly lookup: Lookup; readonly from: readonly number[] } | null;
  /** How one of the sources before it is found from a row of its own. */
  readonly backward: {
    readonly pivot: number;
    readonly lookup: Lookup;
    readonly from: readonly number[];
  } | null;
}

export interface CompiledTarget {
  readonly target: Target;
  readonly sources: readonly Source[];
  readonly where: BoundExpression | null;
  /** Null: each joined row is a row of the projection. */
  readonly grouping: Grouping | null;
  readonly items: readonly OutputItem[];
  readonly layout: TableLayout;
  readonly context: EvaluationContext;
}

/** Expressions of a projection are immutable: nothing of this is ever asked for. */
const CONTEXT: EvaluationContext = Object.freeze({
  parameters: [],
  now: 0n,
  randomUuid: () => {
    throw new Error('a projection has no random values');
  },
  user: '',
  database: '',
});

/** What is joined, before it is known how: for compiling, and for deciding which arrangements a new target needs. */
export interface BoundSources {
  readonly items: readonly FromItem[];
  readonly tables: readonly Table[];
  readonly definitions: readonly SourceDefinition[];
  readonly scope: Scope;
  readonly offsets: readonly number[];
  readonly types: readonly (readonly SqlType[])[];
  readonly ons: readonly (BoundExpression | null)[];
  readonly where: BoundExpression | null;
}

const compiled = new WeakMap<Target, { readonly catalog: Catalog; readonly result: CompiledTarget }>();

/** Kept as long as the tables stay as they are. */
export function compileTarget(target: Target, catalog: Catalog): CompiledTarget {
  const known = compiled.get(target);
  if (known?.catalog === catalog) return known.result;
  const result = compile(target, catalog);
  compiled.set(target, { catalog, result });
  return result;
}

function compile(target: Target, catalog: Catalog): CompiledTarget {
  const items = fromItems(target.query.from);
  const tables = target.sources.map(({ id }) => tableOf(catalog, id));
  const bound = bindSources(target.query.where, items, tables, target.sources);
  const grouped = isGrouped(target.query);
  const types = new ParameterTypes(0);
  const grouping = grouped ? groupingOf(target.query, bound.scope, types) : null;
  return {
    target,
    sources: items.map((_, index) => sourceOf(bound, index, target)),
    where: bound.where,
    grouping,
    items: outputItems(target.query, grouping?.scope ?? bound.scope, types),
    layout: TableLayout.of(tableFromJson(target.table)),
    context: CONTEXT,
  };
}

/** Names and conditions bound. Errors: those of binding; 0A000 for a value that changes by itself. */
export function bindSources(
  where: Target['query']['where'],
  items: readonly FromItem[],
  tables: readonly Table[],
  definitions: readonly SourceDefinition[],
): BoundSources {
  const types = definitions.map(({ columns }, index) =>
    columns.map(({ id }) => columnById(tables[index]!, id).type),
  );
  const named = definitions.map(({ columns }, index) => ({
    name: items[index]!.name,
    columns: columns.map(({ name }, place) => ({ name, type: types[index]![place]! })),
  }));
  const offsets: number[] = [];
  let offset = 0;
  for (const { columns } of definitions) {
    offsets.push(offset);
    offset += columns.length;
  }
  const parameters = new ParameterTypes(0);
  const ons = items.map(({ on }, index) =>
    on === null
      ? null
      : lasting(bindCondition(on, tableScope(named.slice(0, index + 1)), parameters, 'JOIN/ON')),
  );
  const scope = tableScope(named);
  const condition = where === null ? null : lasting(bindCondition(where, scope, parameters, 'WHERE'));
  return { items, tables, definitions, scope, offsets, types, ons, where: condition };
}

/** Columns of source `index` that equal columns of those before it. Nothing is lost by missing one: conditions are asked of each row. */
export function equalityOf(bound: BoundSources, index: number): Equality {
  const { offsets, types, ons, where, items } = bound;
  const offset = offsets[index]!;
  const end = offset + types[index]!.length;
  const own = ons[index] === null ? [] : conjuncts(ons[index]!);
  // An INNER JOIN may also be bound by WHERE; a LEFT JOIN is over before WHERE is asked.
  const more = items[index]!.join === 'inner' && where !== null ? conjuncts(where) : [];
  const flat = types.flat();
  const pairs = new Map<number, number>();
  for (const { shape } of [...own, ...more]) {
    if (shape.shape !== 'comparison' || shape.operator !== '=') continue;
    const [a, b] = [shape.left.shape, shape.right.shape];
    if (a.shape !== 'column' || b.shape !== 'column') continue;
    const [left, right] = a.index < b.index ? [a.index, b.index] : [b.index, a.index];
    if (left >= offset || right < offset || right >= end) continue;
    if (flat[left]!.kind !== flat[right]!.kind || flat[left]!.kind === 'json') continue;
    if (!pairs.has(right - offset)) pairs.set(right - offset, left);
  }
  const places = [...pairs.keys()].sort((x, y) => x - y);
  return { places, others: places.map((place) => pairs.get(place)!) };
}

/** Of the sources before, the one that has most of the equal columns: from a row behind, it is found first. */
export function pivotOf({ offsets, types }: BoundSources, { places, others }: Equality) {
  const bySource = new Map<number, { places: number[]; from: number[] }>();
  for (const [at, other] of others.entries()) {
    const source = offsets.findLastIndex((offset) => offset <= other);
    const found = bySource.get(source) ?? { places: [], from: [] };
    found.places.push(other - offsets[source]!);
    found.from.push(places[at]!);
    bySource.set(source, found);
  }
  const best = [...bySource].sort(([a, x], [b, y]) => y.places.length - x.places.length || a - b)[0];
  if (best === undefined) return null;
  const [pivot, pairs] = best;
  const order = pairs.places.map((_, at) => at).sort((x, y) => pairs.places[x]! - pairs.places[y]!);
  return {
    pivot,
    places: order.map((at) => pairs.places[at]!),
    from: order.map((at) => pairs.from[at]!),
    types: order.map((at) => types[pivot]![pairs.places[at]!]!),
  };
}

/** Whether the places are the beginning of the table's own key; then in the key's order. */
export function keyPlaces(
  table: Table,
  { columns }: SourceDefinition,
  places: readonly number[],
): readonly number[] | null {
  const key = table.primaryKey.columns.slice(0, places.length);
  const inOrder = key.map((id) => columns.findIndex((column) => column.id === id));
  return key.length === places.length && inOrder.every((place) => places.includes(place)) ? inOrder : null;
}

function sourceOf(bound: BoundSources, index: number, target: Target): Source {
  const { tables, definitions, items, offsets, types, ons } = bound;
  const table = tables[index]!;
  const definition = definitions[index]!;
  const columns = definition.columns.map(({ id }) => columnById(table, id));
  const decoder = new RowDecoder(columns);
  const equality = equalityOf(bound, index);
  const forward = lookupOf(bound, target, index, equality.places);
  const pivot = index === 0 ? null : pivotOf(bound, equality);
  const back = pivot === null ? null : lookupOf(bound, target, pivot.pivot, pivot.places);
  return {
    index,
    id: table.id,
    space: table.space,
    join: items[index]!.join,
    on: ons[index]!,
    offset: offsets[index]!,
    arity: columns.length,
    types: types[index]!,
    places: columns.map((column) => table.columns.indexOf(column)),
    decode: (bytes) => decoder.decode(bytes),
    forward:
      forward === null
        ? null
        : { lookup: forward, from: reordered(forward, equality.places, equality.others) },
    backward:
      pivot === null || back === null
        ? null
        : { pivot: pivot.pivot, lookup: back, from: reordered(back, pivot.places, pivot.from) },
  };
}

function lookupOf(
  bound: BoundSources,
  target: Target,
  index: number,
  places: readonly number[],
): Lookup | null {
  if (places.length === 0) return null;
  const table = bound.tables[index]!;
  const definition = bound.definitions[index]!;
  const typesOf = (of: readonly number[]): SqlType[] => of.map((place) => bound.types[index]![place]!);
  const key = keyPlaces(table, definition, places);
  if (key !== null) return { places: key, types: typesOf(key), space: table.space, arranged: false };
  const ids = places.map((place) => definition.columns[place]!.id);
  const arrangement = target.arrangements.find(
    ({ source, columns }) => source === table.id && sameNumbers(columns, ids),
  );
  if (arrangement === undefined) return null;
  return { places, types: typesOf(places), space: arrangement.space, arranged: true };
}

/** `others` in the order that the lookup has its places in. */
function reordered(lookup: Lookup, places: readonly number[], others: readonly number[]): number[] {
  return lookup.places.map((place) => others[places.indexOf(place)]!);
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, index) => number === b[index]);
}

/** A table, or the rows of a projection that answers. Throws where there is neither: nothing that is used can be dropped. */
function tableOf(catalog: Catalog, id: number): Table {
  const table = catalog.tableById(id);
  if (table !== null) return table;
  const projection = catalog.projections.find((candidate) => candidate.id === id);
  if (projection === undefined) throw new Error(`a projection is over ${id}, which is gone`);
  return tableFromJson(detailOf(projection).table);
}

/** The values of some columns. Null where one of them is NULL: it equals nothing. */
export function valuesAt(row: Row, places: readonly number[]): SqlValue[] | null {
  const values: SqlValue[] = places.map((place) => row[place]!);
  return values.includes(null) ? null : values;
}
