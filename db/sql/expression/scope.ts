import { sqlError } from '../types/sql-error.ts';
import type { SqlType } from '../types/sql-type.ts';
import type { Scope, ScopeColumn } from './bound.ts';

/** One table, or what stands for one, by the name under which an expression sees it. */
export interface ScopeTable {
  readonly name: string;
  /** In the order in which the row has them. */
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
}

/** No columns at all: LIMIT, VALUES, DEFAULT. */
export const EMPTY_SCOPE: Scope = tableScope([]);

/** Rows that have the columns of the tables one behind the other. */
export function tableScope(tables: readonly ScopeTable[]): Scope {
  const byName = new Map<string, (ScopeColumn & { table: string })[]>();
  let index = 0;
  for (const { name: table, columns } of tables) {
    for (const { name, type } of columns) {
      const known = byName.get(name);
      const found = { table, index: index++, type };
      if (known === undefined) byName.set(name, [found]);
      else known.push(found);
    }
  }
  return {
    ready: () => null,
    column(table, name, at) {
      if (table !== null && !tables.some((one) => one.name === table)) {
        throw sqlError('42P01', `missing FROM-clause entry for table "${table}"`, at);
      }
      const found = (byName.get(name) ?? []).filter((one) => table === null || one.table === table);
      if (found.length === 1) return found[0]!;
      if (found.length > 1) throw sqlError('42702', `column reference "${name}" is ambiguous`, at);
      throw sqlError('42703', noColumn(table, name, [...byName.keys()]), at);
    },
  };
}

function noColumn(table: string | null, name: string, known: readonly string[]): string {
  const what = table === null ? `column "${name}" does not exist` : `column ${table}.${name} does not exist`;
  return known.length === 0 ? what : `${what}; there are: ${known.slice(0, 20).join(', ')}`;
}
