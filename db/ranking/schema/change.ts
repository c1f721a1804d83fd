/** A change of a schema, resolved: things put in place or dropped, by id. */
import type { DefinitionKind } from './definition.ts';
import type { Cohort, EntityKind, Profile, RankingSchema, RelationshipType, SignalType } from './model.ts';

export type SchemaStep =
  /** New, or instead of the one with its id. */
  | { readonly step: 'put'; readonly what: 'entity'; readonly value: EntityKind }
  | { readonly step: 'put'; readonly what: 'signal'; readonly value: SignalType }
  | { readonly step: 'put'; readonly what: 'relationship'; readonly value: RelationshipType }
  | { readonly step: 'put'; readonly what: 'cohort'; readonly value: Cohort }
  | { readonly step: 'put'; readonly what: 'profile'; readonly value: Profile }
  | { readonly step: 'drop'; readonly what: DefinitionKind; readonly id: number };

export interface SchemaChange {
  /** Version the schema has behind it. */
  readonly version: number;
  readonly steps: readonly SchemaStep[];
}

/** The id that the next of each sort gets. Attributes and slots are numbered across all kinds. */
export interface NextIds {
  readonly kind: number;
  readonly attribute: number;
  readonly slot: number;
  readonly signal: number;
  readonly relationship: number;
  readonly cohort: number;
  readonly profile: number;
}

/** A schema with everything that has to be remembered of its past. Frozen: a change makes a new one. */
export interface SchemaRecord {
  readonly schema: RankingSchema;
  readonly next: NextIds;
  /** Earlier versions, and dropped ones, oldest first. */
  readonly profiles: readonly Profile[];
  readonly cohorts: readonly Cohort[];
}

export const EMPTY_RECORD: SchemaRecord = Object.freeze({
  schema: Object.freeze({
    version: 0,
    kinds: Object.freeze([]),
    signals: Object.freeze([]),
    relationships: Object.freeze([]),
    cohorts: Object.freeze([]),
    profiles: Object.freeze([]),
  }),
  next: Object.freeze({
    kind: 1,
    attribute: 1,
    slot: 1,
    signal: 1,
    relationship: 1,
    cohort: 1,
    profile: 1,
  }),
  profiles: Object.freeze([]),
  cohorts: Object.freeze([]),
});

/** The record behind a change. Steps come one after the other; nothing is checked, because all of it was when it was decided. */
export function applyChange(record: SchemaRecord, { version, steps }: SchemaChange): SchemaRecord {
  let after: SchemaRecord = { ...record, schema: Object.freeze({ ...record.schema, version }) };
  for (const step of steps)
    after = step.step === 'put' ? putInto(after, step) : dropFrom(after, step.what, step.id);
  return Object.freeze(after);
}

type Put = Extract<SchemaStep, { readonly step: 'put' }>;

function putInto(record: SchemaRecord, put: Put): SchemaRecord {
  const { schema } = record;
  const next = Object.freeze(nextBehind(record.next, put));
  if (put.what === 'entity') return changed(record, { kinds: withOne(schema.kinds, put.value) }, { next });
  if (put.what === 'signal')
    return changed(record, { signals: withOne(schema.signals, put.value) }, { next });
  if (put.what === 'relationship')
    return changed(record, { relationships: withOne(schema.relationships, put.value) }, { next });
  if (put.what === 'cohort') {
    const cohorts = withEarlier(record.cohorts, schema.cohorts, put.value.id);
    return changed(record, { cohorts: withOne(schema.cohorts, put.value) }, { next, cohorts });
  }
  const profiles = withEarlier(record.profiles, schema.profiles, put.value.id);
  return changed(record, { profiles: withOne(schema.profiles, put.value) }, { next, profiles });
}

function dropFrom(record: SchemaRecord, what: DefinitionKind, id: number): SchemaRecord {
  const { schema } = record;
  if (what === 'entity') return changed(record, { kinds: without(schema.kinds, id) }, {});
  if (what === 'signal') return changed(record, { signals: without(schema.signals, id) }, {});
  if (what === 'relationship')
    return changed(record, { relationships: without(schema.relationships, id) }, {});
  if (what === 'cohort') {
    const cohorts = withEarlier(record.cohorts, schema.cohorts, id);
    return changed(record, { cohorts: without(schema.cohorts, id) }, { cohorts });
  }
  const profiles = withEarlier(record.profiles, schema.profiles, id);
  return changed(record, { profiles: without(schema.profiles, id) }, { profiles });
}

function changed(
  record: SchemaRecord,
  schema: Partial<RankingSchema>,
  rest: Partial<Omit<SchemaRecord, 'schema'>>,
): SchemaRecord {
  return { ...record, ...rest, schema: Object.freeze({ ...record.schema, ...schema }) };
}

interface Numbered {
  readonly id: number;
}

/** Ascending by id, whatever order they came in. */
function withOne<T extends Numbered>(all: readonly T[], one: T): readonly T[] {
  return Object.freeze([...without(all, one.id), one].sort((a, b) => a.id - b.id));
}

function without<T extends Numbered>(all: readonly T[], id: number): readonly T[] {
  return Object.freeze(all.filter((each) => each.id !== id));
}

/** What stops being the current one joins the earlier ones. */
function withEarlier<T extends Numbered>(
  earlier: readonly T[],
  current: readonly T[],
  id: number,
): readonly T[] {
  const leaving = current.find((each) => each.id === id);
  return leaving === undefined ? earlier : Object.freeze([...earlier, leaving]);
}

function nextBehind(next: NextIds, put: Put): NextIds {
  const behind = (given: number, id: number): number => Math.max(given, id + 1);
  if (put.what === 'signal') return { ...next, signal: behind(next.signal, put.value.id) };
  if (put.what === 'relationship') return { ...next, relationship: behind(next.relationship, put.value.id) };
  if (put.what === 'cohort') return { ...next, cohort: behind(next.cohort, put.value.id) };
  if (put.what === 'profile') return { ...next, profile: behind(next.profile, put.value.id) };
  return {
    ...next,
    kind: behind(next.kind, put.value.id),
    attribute: put.value.attributes.reduce((largest, { id }) => behind(largest, id), next.attribute),
    slot: put.value.embeddings.reduce((largest, { id }) => behind(largest, id), next.slot),
  };
}
