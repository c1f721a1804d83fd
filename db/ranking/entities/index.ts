/**
 * `ranking/entities/` is what decisions and queries know of items, users and creators: their keys, states, attributes, tuples of
 * dimensions, and which signals came lately. It may import the kernel, the schema and the bitmaps of this layer, the contract
 * of views, and ground. Entries come in with the commits; sets, values and numbers go out.
 *
 *     entities-view, tenant-entities, kind-entities   the view, by tenant and kind
 *     …-attribute                                     a store for each sort of value
 *     column, key-table, record-arena                 what they are made of
 *     coded-index, postings, range-index, matching    what finds entities by their values
 *     tuple-table                                     tuples of dimension values
 *     duplicates-view, tenant-signatures              the hashes of the last signals
 *     in-flight                                       all of it, with what the views do not have yet
 */
import type { ViewDefinition } from '../../materializer/index.ts';
import { DuplicatesView } from './duplicates-view.ts';
import { EntitiesView } from './entities-view.ts';

export type { DuplicatesView } from './duplicates-view.ts';
export type { EntitiesView } from './entities-view.ts';
export { InFlight } from './in-flight.ts';

export const rankingEntities: ViewDefinition<EntitiesView> = {
  name: 'ranking-entities',
  version: 1,
  scope: 'tenant',
  required: true,
  create: () => new EntitiesView(),
};

export const rankingDuplicates: ViewDefinition<DuplicatesView> = {
  name: 'ranking-duplicates',
  version: 1,
  scope: 'tenant',
  required: true,
  create: () => new DuplicatesView(),
};
