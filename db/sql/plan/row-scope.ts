/** What names mean in a query over one table, and which of its columns therefore have to be read. */
import type { Expression } from '../ast.ts';
import { type Column, columnNamed } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import type { Scope, ScopeColumn } from '../expression/index.ts';
import { type SqlType, sqlError, type WantedColumn } from '../types/index.ts';
import type { Relation } from './relation.ts';

/** What HISTORY knows of each version beside its columns; they come first in its rows. */
export const VERSION_COLUMNS: readonly SqlColumn[] = Object.freeze([
  { name: '_sequence', type: { kind: 'bigint' } },
  { name: '_until', type: { kind: 'bigint' } },
  { name: '_recorded_at', type: { kind: 'timestamp' } },
  { name: '_actor', type: { kind: 'text', lengthMax: null } },
  { name: '_operation', type: { kind: 'text', lengthMax: null } },
]);

export interface NamedScopeColumn extends ScopeColumn {
  readonly name: string;
}

export class RowScope implements Scope {
  readonly #relation: Relation | null;
  readonly #name: string | null;
  readonly #history: boolean;
  readonly #read: Column[] = [];
  readonly #places = new Map<number, number>();

  /** `name`: what the table is called in this query. Without a relation no name means anything. */
  constructor(relation: Relation | null, name: string | null, history: boolean) {
    this.#relation = relation;
    this.#name = name;
    this.#history = history;
  }

  column(table: string | null, name: string, at: number): ScopeColumn {
    this.checkTable(table, at);
    const stored = this.#relation === null ? null : columnNamed(this.#relation.table, name);
    if (stored !== null) return this.#stored(stored);
    const version = this.#history ? VERSION_COLUMNS.findIndex((column) => column.name === name) : -1;
    if (version >= 0) return { index: version, type: VERSION_COLUMNS[version]!.type };
    const shown = table === null ? `"${name}"` : `${table}.${name}`;
    throw sqlError('42703', `column ${shown} does not exist${this.#hint(name)}`, at);
  }

  ready(_expression: Expression): ScopeColumn | null {
    return null;
  }

  get hasTable(): boolean {
    return this.#relation !== null;
  }

  /** Everything that * stands for. */
  star(): NamedScopeColumn[] {
    const stored = this.#relation?.table.columns ?? [];
    const versions = this.#history ? VERSION_COLUMNS : [];
    return [
      ...stored.map((column) => ({ name: column.name, ...this.#stored(column) })),
      ...versions.map(({ name, type }, index) => ({ name, type, index })),
    ];
  }

  checkTable(table: string | null, at: number): void {
    if (table === null || table === this.#name) return;
    const known = this.#name === null ? '' : `; this query is over "${this.#name}"`;
    throw sqlError('42P01', `missing FROM-clause entry for table "${table}"${known}`, at);
  }

  /** Columns to be read from a stored row, in the order of their places behind those of a version. */
  get wanted(): readonly WantedColumn[] {
    return this.#read;
  }

  /** The column of the table that has a place in the rows, or null. */
  storedAt(place: number): Column | null {
    return this.#read[place - this.#versionPlaces] ?? null;
  }

  get #versionPlaces(): number {
    return this.#history ? VERSION_COLUMNS.length : 0;
  }

  #stored(column: Column): ScopeColumn {
    let place = this.#places.get(column.id);
    if (place === undefined) {
      place = this.#versionPlaces + this.#read.length;
      this.#places.set(column.id, place);
      this.#read.push(column);
    }
    return { index: place, type: column.type satisfies SqlType };
  }

  #hint(name: string): string {
    if (VERSION_COLUMNS.some((column) => column.name === name)) return ': only SELECT … HISTORY has it';
    const columns = this.#relation?.table.columns.map((column) => column.name) ?? [];
    const near = columns.find((column) => column.toLowerCase() === name.toLowerCase());
    return near === undefined ? '' : `: did you mean "${near}"?`;
  }
}
