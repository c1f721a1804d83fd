import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';
import { tableFromJson } from '../catalog/catalog-store.ts';
import type { Catalog, Projection, Table } from '../catalog/index.ts';

/** What a query can be over: a table, or a projection's rows, which lie in a space of their own like a table's. */
export interface Relation {
  readonly table: Table;
  /** Null: a table itself. */
  readonly projection: Projection | null;
  /** Of a projection that is behind: the last position at which it was current. Its rows are those of then. */
  readonly staleSince: Sequence | null;
}

const relations = new WeakMap<Projection, Relation>();

/** Null: there is nothing of that name. Errors: VIEW_UNAVAILABLE (55000) for a projection that cannot answer. */
export function relationNamed(catalog: Catalog, name: string): Relation | null {
  const table = catalog.table(name);
  if (table !== null) return { table, projection: null, staleSince: null };
  const projection = catalog.projection(name);
  if (projection === null) return null;
  if (projection.state === 'building' || projection.state === 'failed') {
    const reason =
      projection.state === 'building'
        ? 'is still being built: ask again when it is done'
        : 'has failed and answers nothing: drop it and create it anew';
    throw new TruthError('VIEW_UNAVAILABLE', `projection "${name}" ${reason}`, { sqlstate: '55000' });
  }
  return projected(projection);
}

/** Tables that the rows of a relation come from, as of the same catalog: itself, or those a projection is made of, however deep. */
export function tablesBehind(catalog: Catalog, { table, projection }: Relation): readonly Table[] {
  if (projection === null) return [table];
  const found = new Map<number, Table>();
  const seen = new Set<number>([projection.id]);
  const left: Projection[] = [projection];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const id of sourcesOf(next)) {
      const source = catalog.tableById(id);
      if (source !== null) found.set(id, source);
      const further = catalog.projections.find((candidate) => candidate.id === id);
      if (further === undefined || seen.has(id)) continue;
      seen.add(id);
      left.push(further);
    }
  }
  return [...found.values()].sort((a, b) => a.id - b.id);
}

/** Ids of what a projection's rows are made of; events of streams are none. */
function sourcesOf({ detail }: Projection): readonly number[] {
  const { live, next, follows } = JSON.parse(detail) as {
    readonly live?: { readonly sources: readonly { readonly id: number }[] } | null;
    readonly next?: { readonly sources: readonly { readonly id: number }[] } | null;
    readonly follows?: number | null;
  };
  const sources = (live ?? next)?.sources.map(({ id }) => id) ?? [];
  return typeof follows === 'number' ? [...sources, follows] : sources;
}

/** The `detail` of a projection carries the table that its rows make up, and how far they go where they are behind. */
function projected(projection: Projection): Relation {
  let relation = relations.get(projection);
  if (relation === undefined) {
    const detail = JSON.parse(projection.detail) as {
      readonly table: unknown;
      readonly staleSince?: Sequence | null;
    };
    const staleSince = projection.state === 'stale' ? (detail.staleSince ?? null) : null;
    relation = { table: tableFromJson(detail.table), projection, staleSince };
    relations.set(projection, relation);
  }
  return relation;
}
