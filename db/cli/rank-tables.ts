/** Exported rows as the text that `rank import` reads: JSON lines, or a table with its mapping. */
import type { ExportedRow, ExportedValue } from '../engine.ts';
import type { EntityKind } from '../ranking/schema/model.ts';

/** One row as a line of JSON, with what an import wants and nothing else. */
export function exportedLine(exported: ExportedRow): string {
  switch (exported.row) {
    case 'define':
      return JSON.stringify({ define: exported.statement });
    case 'entity': {
      const { kind, key, state, at, set } = exported;
      const named = { entity: kind, key };
      return JSON.stringify(state === null ? { ...named, delete: true } : { ...named, set, state, at });
    }
    case 'signal': {
      const { signal, target, user, weight, at, id } = exported;
      return JSON.stringify({ signal, target, user: user ?? undefined, weight, at, id: id ?? undefined });
    }
    case 'edge': {
      const { relationship, from, to, weight, at } = exported;
      return JSON.stringify({ relate: relationship, from, to, weight, at });
    }
  }
}

export interface ExportedTable {
  readonly columns: readonly string[];
  /** How `rank import` reads it. */
  readonly mapping: object;
  cells(row: ExportedRow): readonly string[];
}

const TABLE = { delimiter: ',', timeUnit: 'us' } as const;

export function signalTable(signal: string): ExportedTable {
  const columns = ['target', 'user', 'weight', 'at', 'id'];
  const named = Object.fromEntries(columns.map((name) => [name, name]));
  return {
    columns,
    mapping: { ...TABLE, signal: { signal, ...named } },
    cells: (row) => {
      if (row.row !== 'signal') return [];
      const { target, user, weight, at, id } = row;
      return [target, user ?? '', String(weight), String(at), id ?? ''];
    },
  };
}

export function edgeTable(relationship: string): ExportedTable {
  const columns = ['from', 'to', 'weight', 'at', 'deleted'];
  const named = Object.fromEntries(columns.map((name) => [name, name]));
  return {
    columns,
    mapping: { ...TABLE, edge: { relationship, ...named } },
    cells: (row) => {
      if (row.row !== 'edge') return [];
      const { from, to, weight, at } = row;
      return [from, to, weight === null ? '' : String(weight), String(at), weight === null ? 'yes' : ''];
    },
  };
}

/** Columns that are no attributes have a name that no attribute has. */
export function entityTable({ name: kind, attributes, creator, embeddings }: EntityKind): ExportedTable {
  const fields: { readonly name: string; readonly as: 'text' | 'number' | 'json' }[] = [
    ...attributes.flatMap(({ name, type, computed }) =>
      computed === null ? [{ name, as: WAYS[type] }] : [],
    ),
    ...(creator === null ? [] : [{ name: creator.name, as: 'text' as const }]),
    ...embeddings.flatMap(({ name, source }) => (source === 'given' ? [{ name, as: 'json' as const }] : [])),
  ];
  const set = Object.fromEntries(fields.map(({ name, as }) => [name, { column: name, as }]));
  const own = { key: '@key', state: '@state', at: '@at', deleted: '@deleted' };
  return {
    columns: [...Object.values(own), ...fields.map(({ name }) => name)],
    mapping: { ...TABLE, entity: { kind, ...own, set } },
    cells: (row) => {
      if (row.row !== 'entity') return [];
      const { key, state, at, set: values } = row;
      const isGone = state === null;
      return [
        ...[key, state ?? '', String(at), isGone ? 'yes' : ''],
        ...fields.map(({ name, as }) => (isGone ? '' : cellOf(values[name] ?? null, as))),
      ];
    },
  };
}

const WAYS = {
  keyword: 'text',
  text: 'text',
  keywords: 'json',
  boolean: 'json',
  integer: 'number',
  double: 'number',
  timestamp: 'number',
} as const;

function cellOf(value: ExportedValue, as: 'text' | 'number' | 'json'): string {
  if (value === null) return '';
  return as === 'json' ? JSON.stringify(value) : String(value);
}
