import { TruthError } from '../../errors.ts';
import { tableFromJson } from '../catalog/catalog-store.ts';
import type { Catalog, Projection, Table } from '../catalog/index.ts';

/** What a query can be over: a table, or a projection's rows, which lie in a space of their own like a table's. */
export interface Relation {
  readonly table: Table;
  /** Null: a table itself. */
  readonly projection: Projection | null;
}

const tables = new WeakMap<Projection, Table>();

/** Null: there is nothing of that name. Errors: VIEW_UNAVAILABLE (55000) for a projection that cannot answer. */
export function relationNamed(catalog: Catalog, name: string): Relation | null {
  const table = catalog.table(name);
  if (table !== null) return { table, projection: null };
  const projection = catalog.projection(name);
  if (projection === null) return null;
  if (projection.state === 'building' || projection.state === 'failed') {
    const reason =
      projection.state === 'building'
        ? 'is still being built: ask again when it is done'
        : 'has failed and answers nothing: drop it and create it anew';
    throw new TruthError('VIEW_UNAVAILABLE', `projection "${name}" ${reason}`, { sqlstate: '55000' });
  }
  return { table: projectedTable(projection), projection };
}

/** The `detail` of a projection carries, as `table`, the table its rows make up. */
function projectedTable(projection: Projection): Table {
  let table = tables.get(projection);
  if (table === undefined) {
    const detail = JSON.parse(projection.detail) as { readonly table: unknown };
    table = tableFromJson(detail.table);
    tables.set(projection, table);
  }
  return table;
}
