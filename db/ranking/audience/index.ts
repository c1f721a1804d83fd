/**
 * `ranking/audience/` is what users have to do with items and with each other: the states of each pair, relationships with
 * weights that fade, recent items, and which items go together. Schema, entity, signals and edge entries come in from the log
 * through the registry; answers go out to queries as an `AudienceReader` for the kind they ask about. It may import
 * the ranking kernel, schema, bitmaps and ground, the materializer's contract and the database's ground.
 *
 *     audience-view       the view: tenants, entries in, checkpoints and digests
 *     tenant-audience     one tenant's stores, and which signal goes into which
 *     user-items, recent-items, companions, edges     the stores
 *     neighbours          what goes with what somebody likes
 *     keyed-rows, owned-blocks, shared-pages          how stores lie in memory
 */
import type { ViewDefinition } from '../../materializer/index.ts';
import { AudienceView } from './audience-view.ts';

export type { AudienceView } from './audience-view.ts';

export const rankingAudience: ViewDefinition<AudienceView> = {
  name: 'ranking-audience',
  version: 1,
  scope: 'tenant',
  required: false,
  create: () => new AudienceView(),
};
