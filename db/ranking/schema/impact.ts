/**
 * What a change does to data that is there: which values go, and which views have to work through the log again and for how
 * long. The rates are what one machine is known to manage (docs/ranking.md), so the times are estimates.
 */
import type { KindId, RelationshipId, SignalId } from '../ground.ts';
import { dimensionsOf, named } from './lookup.ts';
import type {
  Decay,
  EmbeddingSlot,
  EntityKind,
  RankingSchema,
  RelationshipType,
  SignalType,
} from './model.ts';

/** How much there is; the state knows it, the schema does not. */
export interface SchemaFacts {
  entities(kind: KindId): number;
  /** Recorded so far. */
  signals(signal: SignalId): number;
  /** Set by hand so far. */
  edges(relationship: RelationshipId): number;
}

/** Where there is nothing yet. */
export const NO_FACTS: SchemaFacts = Object.freeze({ entities: () => 0, signals: () => 0, edges: () => 0 });

export type RebuiltView = 'entities' | 'signals' | 'audience' | 'cohorts' | 'vectors' | 'text';

export interface Rebuild {
  readonly view: RebuiltView;
  readonly reason: string;
  /** Entities or signals that are worked through again. */
  readonly reads: number;
}

export interface Impact {
  /** Views that have to be worked out anew, for part of what they hold. */
  readonly rebuilds: readonly Rebuild[];
  /** Data that goes, in words. */
  readonly loses: readonly string[];
  /** What is dropped with it, as `profile for_you`. */
  readonly drops: readonly string[];
  /** All rebuilds one after the other, at the stated rates. */
  readonly seconds: number;
  /** What stays as it is although it might be thought to change, in words. */
  readonly stays: readonly string[];
}

/** Things worked through in a second by one thread. */
const RATES: Readonly<Record<RebuiltView, number>> = Object.freeze({
  entities: 200_000,
  signals: 1_000_000,
  audience: 500_000,
  cohorts: 500_000,
  vectors: 5_000,
  text: 20_000,
});

export const NO_IMPACT: Impact = Object.freeze({ rebuilds: [], loses: [], drops: [], seconds: 0, stays: [] });

/** From `before` to `after`, which differ in anything. */
export function impactOf(
  before: RankingSchema,
  after: RankingSchema,
  facts: SchemaFacts,
  drops: readonly string[],
): Impact {
  const found: Found = { rebuilds: [], loses: [], stays: [] };
  for (const kind of before.kinds)
    kindImpact(
      found,
      before,
      kind,
      after.kinds.find(({ id }) => id === kind.id),
      facts,
    );
  for (const signal of before.signals)
    signalImpact(
      found,
      signal,
      after.signals.find(({ id }) => id === signal.id),
      facts.signals(signal.id),
    );
  for (const relationship of before.relationships) {
    const now = after.relationships.find(({ id }) => id === relationship.id);
    relationshipImpact(found, relationship, now, facts.edges(relationship.id));
  }
  dimensionImpact(found, before, after, facts);
  const rebuilds = found.rebuilds.filter(({ reads }) => reads > 0);
  const seconds = rebuilds.reduce((sum, { view, reads }) => sum + reads / RATES[view], 0);
  return { rebuilds, loses: found.loses, drops, seconds, stays: found.stays };
}

interface Found {
  readonly rebuilds: Rebuild[];
  readonly loses: string[];
  readonly stays: string[];
}

function kindImpact(
  found: Found,
  schema: RankingSchema,
  before: EntityKind,
  after: EntityKind | undefined,
  facts: SchemaFacts,
): void {
  const entities = facts.entities(before.id);
  if (entities === 0) return;
  if (after === undefined) {
    found.loses.push(`${entities} entities of ${before.name}`);
    return;
  }
  if (after.person && !before.person)
    found.stays.push(
      `what was written about ${entities} entities of ${before.name} so far is not sealed for them, and erasing one leaves it there`,
    );
  for (const attribute of before.attributes) {
    const now = after.attributes.find(({ id }) => id === attribute.id);
    if (now === undefined && attribute.computed === null)
      found.loses.push(
        `attribute ${attribute.name} (${attribute.type}) of ${entities} entities of ${before.name}`,
      );
  }
  for (const slot of before.embeddings) slotImpact(found, before, after, slot, entities, facts, schema);
  if (before.creator !== null && after.creator?.kind !== before.creator.kind)
    found.loses.push(`creators of ${entities} entities of ${before.name}`);
  const indexed = [before, after].map(({ attributes }) => searched(attributes));
  if (indexed[0] !== indexed[1])
    found.rebuilds.push({
      view: 'text',
      reason: `what ${before.name} is searched by changes`,
      reads: entities,
    });
}

function slotImpact(
  found: Found,
  before: EntityKind,
  after: EntityKind,
  slot: EmbeddingSlot,
  entities: number,
  facts: SchemaFacts,
  schema: RankingSchema,
): void {
  if (after.embeddings.some(({ id }) => id === slot.id)) return;
  if (slot.source === 'given') {
    found.loses.push(`embedding ${slot.name} of ${entities} entities of ${before.name}`);
    return;
  }
  const anew = named(after.embeddings, slot.name);
  if (anew === null)
    found.loses.push(`${slot.source} ${slot.name} of ${entities} entities of ${before.name}`);
  else {
    const reads = schema.signals.reduce((sum, { id }) => sum + facts.signals(id), entities);
    found.rebuilds.push({ view: 'vectors', reason: `${slot.source} ${slot.name} begins anew`, reads });
  }
}

function signalImpact(
  found: Found,
  before: SignalType,
  after: SignalType | undefined,
  signals: number,
): void {
  if (signals === 0) return;
  if (after === undefined) {
    found.loses.push(`${signals} signals ${before.name}`);
    return;
  }
  const reason = signalReason(before, after);
  if (reason === null) return;
  found.rebuilds.push({ view: 'signals', reason: `${before.name}: ${reason}`, reads: signals });
  if (before.cohorts || after.cohorts)
    found.rebuilds.push({ view: 'cohorts', reason: `${before.name}: ${reason}`, reads: signals });
}

function signalReason(before: SignalType, after: SignalType): string | null {
  if (!sameDecay(before.decay, after.decay)) return 'its decay changes';
  if (before.windows.join() !== after.windows.join()) return 'its windows change';
  if (before.cohorts !== after.cohorts) return 'cohorts count it, or no longer do';
  return before.lateMicros === after.lateMicros ? null : 'what is late changes';
}

function relationshipImpact(
  found: Found,
  before: RelationshipType,
  after: RelationshipType | undefined,
  edges: number,
): void {
  if (edges === 0) return;
  if (after === undefined) found.loses.push(`${edges} edges ${before.name}`);
  else if (!sameDecay(before.decay, after.decay))
    found.rebuilds.push({ view: 'audience', reason: `${before.name}: its decay changes`, reads: edges });
}

/** Tuples of users are worked out anew as they are met; what was counted under the old ones stays there. */
function dimensionImpact(
  found: Found,
  before: RankingSchema,
  after: RankingSchema,
  facts: SchemaFacts,
): void {
  const [then, now] = [before, after].map((schema) => dimensionsOf(schema).map(({ id }) => id));
  if (then!.join() === now!.join()) return;
  const users = named(before.kinds, 'user');
  if (users === null) return;
  const reason = 'the dimensions of users change';
  found.rebuilds.push({ view: 'entities', reason, reads: facts.entities(users.id) });
}

function sameDecay(a: Decay, b: Decay): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function searched(attributes: EntityKind['attributes']): string {
  return attributes.map(({ id, search }) => (search === null ? '' : `${id}:${search.weight}`)).join();
}
