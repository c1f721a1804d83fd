import { invariant } from '../../kernel/index.ts';
import { SEQUENCE_NONE } from '../../types.ts';
import {
  Catalog,
  type CatalogChange,
  type CatalogHeader,
  type Index,
  type Projection,
  type Table,
} from '../catalog/index.ts';
import type { Space } from '../store/contract.ts';
import { nameTaken } from './refusals.ts';

/** A catalog while one command changes it: numbers are given out, changes are noted in order. */
export class CatalogDraft {
  readonly #before: Catalog;
  readonly #changes: CatalogChange[] = [];
  #now: Catalog;

  constructor(before: Catalog) {
    this.#before = before;
    this.#now = before;
  }

  /** As it is with the changes so far. */
  get catalog(): Catalog {
    return this.#now;
  }

  get changes(): readonly CatalogChange[] {
    return this.#changes;
  }

  /** The header that goes with the changes. */
  get header(): CatalogHeader {
    invariant(this.#changes.length > 0, 'a catalog without changes keeps its header');
    return { ...this.#now.header, version: this.#before.version + 1 };
  }

  /** Throws 42P07. */
  checkFree(name: string): void {
    if (this.#now.taken(name)) throw nameTaken(name);
  }

  takeTable(): number {
    return this.#take('nextTable');
  }

  takeSpace(): Space {
    return this.#take('nextSpace') as Space;
  }

  newIndex(fields: Pick<Index, 'name' | 'unique' | 'columns' | 'constraint'>): Index {
    const id = this.#take('nextIndex');
    return { id, ...fields, space: this.takeSpace(), createdAt: SEQUENCE_NONE };
  }

  putTable(table: Table): void {
    const others = this.#now.tables.filter(({ id }) => id !== table.id);
    const tables = [...others, table].sort((a, b) => a.id - b.id);
    this.#become(tables, this.#now.projections);
    this.#changes.push({ change: 'table', table });
  }

  dropTable(table: Table): void {
    invariant(this.#now.tableById(table.id) !== null, 'a table that is dropped is there');
    this.#become(
      this.#now.tables.filter(({ id }) => id !== table.id),
      this.#now.projections,
    );
    this.#changes.push({ change: 'table dropped', id: table.id });
  }

  /** The index stands in the table's definition already. */
  buildIndex(table: Table, index: Index): void {
    invariant(table.indexes.includes(index), 'an index that is built belongs to its table');
    this.#changes.push({ change: 'index built', table: table.id, index: index.id });
  }

  putProjection(projection: Projection): void {
    const others = this.#now.projections.filter(({ id }) => id !== projection.id);
    this.#become(
      this.#now.tables,
      [...others, projection].sort((a, b) => a.id - b.id),
    );
    this.#changes.push({ change: 'projection', projection });
  }

  dropProjection(projection: Projection): void {
    this.#become(
      this.#now.tables,
      this.#now.projections.filter(({ id }) => id !== projection.id),
    );
    this.#changes.push({ change: 'projection dropped', id: projection.id });
  }

  #take(field: 'nextTable' | 'nextIndex' | 'nextSpace'): number {
    const { header } = this.#now;
    const number = header[field];
    this.#now = new Catalog({ ...header, [field]: number + 1 }, this.#now.tables, this.#now.projections);
    return number;
  }

  #become(tables: readonly Table[], projections: readonly Projection[]): void {
    this.#now = new Catalog(this.#now.header, tables, projections);
  }
}
