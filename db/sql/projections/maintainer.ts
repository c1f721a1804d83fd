/** Keeps all projections current: told of every change of rows, within the transaction that makes it. */
import type { Sequence } from '../../types.ts';
import type { Catalog, CatalogEntry, Projection, Table } from '../catalog/index.ts';
import type { EvolveListener, RowChange } from '../rows/evolve.ts';
import type { StoreWriter } from '../store/contract.ts';
import { detailOf, type Target, targetsOf } from './definition.ts';
import { hex, type SourceChange, SourceChanges } from './source-rows.ts';
import { decodeStep } from './step-entry.ts';
import { TargetUpkeep, workingsOf } from './target-upkeep.ts';

const AT_ONCE_ROWS = 1_000;

export class ProjectionMaintainer implements EvolveListener {
  #wanted = false;

  /** Whether something has happened since the last call that upkeep.ts has to look at. */
  takeWanted(): boolean {
    const wanted = this.#wanted;
    this.#wanted = false;
    return wanted;
  }

  wants(catalog: Catalog, table: Table): boolean {
    return catalog.projections.some((projection) =>
      targetsOf(projection).some(({ sources }) => sources.some(({ id }) => id === table.id)),
    );
  }

  rowsChanged(store: StoreWriter, catalog: Catalog, changes: readonly RowChange[], at: Sequence): void {
    const [first] = changes;
    if (first === undefined) return;
    const changed = new Map<number, readonly SourceChange[]>([[first.table.id, netChanges(changes)]]);
    for (const projection of inOrder(catalog)) this.#follow(store, catalog, projection, changed, at);
  }

  catalogChanged(
    store: StoreWriter,
    before: Catalog,
    catalog: Catalog,
    entry: CatalogEntry,
    at: Sequence,
  ): void {
    dropRetired(store, before, catalog);
    for (const change of entry.changes) {
      if (change.change !== 'projection') continue;
      const projection = catalog.projections.find(({ id }) => id === change.projection.id);
      if (projection === undefined) continue;
      const { live } = detailOf(projection);
      if (live !== null && projection.state === 'live') this.#buildAtOnce(store, catalog, live, at);
      this.#wanted = true;
    }
  }

  /** Takes in more rows of what is being built. A step of a projection that is gone, or has nothing to build, does nothing. */
  stepped(store: StoreWriter, catalog: Catalog, payload: Uint8Array, at: Sequence): void {
    const { projection: id, rows } = decodeStep(payload, at);
    this.#wanted = true;
    const projection = catalog.projections.find((candidate) => candidate.id === id);
    const next = projection === undefined ? null : detailOf(projection).next;
    if (next !== null) new TargetUpkeep(next, catalog, store, at).build(rows);
  }

  #follow(
    store: StoreWriter,
    catalog: Catalog,
    projection: Projection,
    changed: Map<number, readonly SourceChange[]>,
    at: Sequence,
  ): void {
    const { live } = detailOf(projection);
    for (const target of targetsOf(projection)) {
      if (projection.state === 'failed' || !target.sources.some(({ id }) => changed.has(id))) continue;
      const upkeep = new TargetUpkeep(target, catalog, store, at);
      const before = upkeep.progress.phase;
      const made = upkeep.follow(changesOf(upkeep, changed));
      if (target === live && made.length > 0) changed.set(projection.id, made);
      if (upkeep.progress.phase !== before) this.#wanted = true;
    }
  }

  /** Nothing is left to do for a target that is current already. */
  #buildAtOnce(store: StoreWriter, catalog: Catalog, target: Target, at: Sequence): void {
    const upkeep = new TargetUpkeep(target, catalog, store, at);
    for (;;) {
      const { phase } = upkeep.progress;
      if (phase !== 'arranging' && phase !== 'building') return;
      upkeep.build(AT_ONCE_ROWS);
    }
  }
}

/** What no target works with any more. Rows that were shown stay: who asks as of before finds them. */
function dropRetired(store: StoreWriter, before: Catalog, now: Catalog): void {
  const used = new Set(now.projections.flatMap(targetsOf).flatMap(workingsOf));
  for (const space of before.projections.flatMap(targetsOf).flatMap(workingsOf))
    if (!used.has(space)) store.drop(space);
}

/** The columns a source has in the projection, of rows as their table has them. */
function changesOf(
  upkeep: TargetUpkeep,
  changed: ReadonlyMap<number, readonly SourceChange[]>,
): ReadonlyMap<number, SourceChanges> {
  const result = new Map<number, SourceChanges>();
  for (const { id, places } of upkeep.sources) {
    const changes = changed.get(id);
    if (changes === undefined || result.has(id)) continue;
    const list = changes.map(({ key, before, after }) => ({
      key,
      before: before === null ? null : places.map((place) => before[place]!),
      after: after === null ? null : places.map((place) => after[place]!),
    }));
    result.set(id, new SourceChanges(list));
  }
  return result;
}

/** Each key once: what was there first, and what is there last. */
function netChanges(changes: readonly RowChange[]): SourceChange[] {
  const net = new Map<string, SourceChange>();
  for (const { key, before, after } of changes) {
    const name = hex(key);
    const known = net.get(name);
    net.set(name, { key, before: known === undefined ? before : known.before, after });
  }
  return [...net.values()].filter(({ before, after }) => before !== null || after !== null);
}

const orders = new WeakMap<Catalog, readonly Projection[]>();

/** Each behind those it is made of; found once for a catalog, because every entry asks. */
function inOrder(catalog: Catalog): readonly Projection[] {
  let order = orders.get(catalog);
  if (order === undefined) {
    order = ordered(catalog);
    orders.set(catalog, order);
  }
  return order;
}

function ordered(catalog: Catalog): readonly Projection[] {
  const left = new Set(catalog.projections);
  const order: Projection[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((projection) => !madeOf(projection, left));
    for (const projection of ready.length > 0 ? ready : [...left]) {
      order.push(projection);
      left.delete(projection);
    }
  }
  return order;
}

function madeOf(projection: Projection, others: ReadonlySet<Projection>): boolean {
  const ids = new Set(targetsOf(projection).flatMap(({ sources }) => sources.map(({ id }) => id)));
  return [...others].some((other) => other !== projection && ids.has(other.id));
}
