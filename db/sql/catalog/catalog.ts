import type { Sequence } from '../../types.ts';
import type { Expression } from '../ast.ts';
import type { Space } from '../store/contract.ts';
import type { SqlType, SqlValue } from '../types/sql-type.ts';

/** The catalog's own space. */
export const CATALOG_SPACE = 0 as Space;
/** Next number of each hidden primary key, by table. */
export const COUNTER_SPACE = 1 as Space;
/** Spaces of tables, indexes and projections begin here. */
export const SPACE_FIRST = 16;

export interface Column {
  /** Within its table, from 1; never given again. */
  readonly id: number;
  readonly name: string;
  readonly type: SqlType;
  readonly notNull: boolean;
  readonly default: Expression | null;
  /** What rows have in it that were written before the column was added: they do not hold its id. */
  readonly missing: SqlValue;
}

/** Of a row: refused when it is false. Names of columns in it are those of today. */
export interface Check {
  readonly name: string;
  readonly expression: Expression;
  /** For messages and introspection. */
  readonly text: string;
}

export interface Index {
  /** Among all indexes of the tenant, from 1; never given again. */
  readonly id: number;
  readonly name: string;
  readonly unique: boolean;
  /** Ids of its columns, in order. */
  readonly columns: readonly number[];
  readonly space: Space;
  /** Made by a UNIQUE constraint: goes with the constraint only. */
  readonly constraint: boolean;
  /** Sequence of the entry that made it: it has nothing to say about before. */
  readonly createdAt: Sequence;
}

export interface PrimaryKey {
  /** Of the constraint, for messages; null when the key is hidden. */
  readonly name: string | null;
  /** Ids of its columns in order. Empty: the table has none of its own; its rows are numbered by the store. */
  readonly columns: readonly number[];
}

export interface Table {
  /** Never given again within the tenant. */
  readonly id: number;
  readonly name: string;
  readonly space: Space;
  /** In the order of SELECT *. */
  readonly columns: readonly Column[];
  readonly primaryKey: PrimaryKey;
  readonly indexes: readonly Index[];
  readonly checks: readonly Check[];
  /** Id of the column that names the person a row is about, or null. */
  readonly subject: number | null;
  /** Id the next column gets. */
  readonly nextColumn: number;
  /** Sequence of the entry that made it. */
  readonly createdAt: Sequence;
}

/** `building`: answers nothing yet. `live`: current. `stale`: refreshed in the background. `failed`: will not go on. */
export type ProjectionState = 'building' | 'live' | 'stale' | 'failed';

export interface Projection {
  /** From the same numbers as tables. */
  readonly id: number;
  readonly name: string;
  readonly space: Space;
  /** The query as it was written. */
  readonly text: string;
  readonly state: ProjectionState;
  /** What else its owner needs of it, as JSON; the catalog does not look into it. */
  readonly detail: string;
  readonly createdAt: Sequence;
}

/** Whether its rows are written by a program of somebody's; otherwise a query says what they are. */
export function isReducer({ detail }: Projection): boolean {
  return (JSON.parse(detail) as { readonly kind?: unknown }).kind === 'reducer';
}

/** Id of the table whose rows a reducer is handed; null: events of streams. */
export function followedBy({ detail }: Projection): number | null {
  return (JSON.parse(detail) as { readonly follows?: number | null }).follows ?? null;
}

/** What all numbers to come are taken from. */
export interface CatalogHeader {
  /** +1 with every change. */
  readonly version: number;
  readonly nextTable: number;
  readonly nextIndex: number;
  readonly nextSpace: number;
}

const EMPTY_HEADER: CatalogHeader = Object.freeze({
  version: 0,
  nextTable: 1,
  nextIndex: 1,
  nextSpace: SPACE_FIRST,
});

/** A tenant's tables as of one position. Immutable. */
export class Catalog {
  static readonly EMPTY = new Catalog(EMPTY_HEADER, [], []);

  readonly header: CatalogHeader;
  /** By id, ascending. */
  readonly tables: readonly Table[];
  readonly projections: readonly Projection[];
  readonly #tableByName: ReadonlyMap<string, Table>;
  readonly #tableById: ReadonlyMap<number, Table>;
  readonly #projectionByName: ReadonlyMap<string, Projection>;
  readonly #indexByName: ReadonlyMap<string, { readonly table: Table; readonly index: Index }>;

  constructor(header: CatalogHeader, tables: readonly Table[], projections: readonly Projection[]) {
    this.header = header;
    this.tables = tables;
    this.projections = projections;
    this.#tableByName = new Map(tables.map((table) => [table.name, table]));
    this.#tableById = new Map(tables.map((table) => [table.id, table]));
    this.#projectionByName = new Map(projections.map((projection) => [projection.name, projection]));
    this.#indexByName = new Map(
      tables.flatMap((table) => table.indexes.map((index) => [index.name, { table, index }] as const)),
    );
  }

  get version(): number {
    return this.header.version;
  }

  table(name: string): Table | null {
    return this.#tableByName.get(name) ?? null;
  }

  tableById(id: number): Table | null {
    return this.#tableById.get(id) ?? null;
  }

  projection(name: string): Projection | null {
    return this.#projectionByName.get(name) ?? null;
  }

  index(name: string): { readonly table: Table; readonly index: Index } | null {
    return this.#indexByName.get(name) ?? null;
  }

  /** Whether a table, projection, index or primary key has the name: PostgreSQL keeps them in one namespace. */
  taken(name: string): boolean {
    return (
      this.#tableByName.has(name) ||
      this.#projectionByName.has(name) ||
      this.#indexByName.has(name) ||
      this.tables.some(({ primaryKey }) => primaryKey.name === name)
    );
  }
}

export function columnNamed(table: Table, name: string): Column | null {
  return table.columns.find((column) => column.name === name) ?? null;
}

/** A column by its id. It is there: constraints and indexes go before the columns they name. */
export function columnById(table: Table, id: number): Column {
  const column = table.columns.find((candidate) => candidate.id === id);
  if (column === undefined) throw new Error(`table ${table.name} has no column ${id}`);
  return column;
}
