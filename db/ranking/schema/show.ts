/** What a schema holds, as tables of plain values for SHOW: one row a thing, in the order of its ids. */

import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from '../ground.ts';
import type { SchemaRecord } from './change.ts';
import type { SchemaFacts } from './impact.ts';
import { kindById, relationshipById, slotById, userKind } from './lookup.ts';
import type { Attribute, Decay, Effect, EmbeddingSlot, RankingSchema, SignalType } from './model.ts';

export interface ShownTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
}

export type ShownTopic = 'entities' | 'signals' | 'relationships' | 'cohorts' | 'profiles' | 'schema';

export function show(record: SchemaRecord, topic: ShownTopic, facts: SchemaFacts): ShownTable {
  const { schema } = record;
  switch (topic) {
    case 'entities':
      return entities(schema, facts);
    case 'signals':
      return signals(schema, facts);
    case 'relationships':
      return relationships(schema, facts);
    case 'cohorts':
      return {
        columns: ['cohort', 'version', 'definition'],
        rows: schema.cohorts.map(({ name, version, text }) => [name, version, text]),
      };
    case 'profiles':
      return profiles(record);
    case 'schema':
      return overview(schema);
  }
}

/** A row for each attribute and embedding. */
function entities(schema: RankingSchema, facts: SchemaFacts): ShownTable {
  return {
    columns: ['entity', 'field', 'type', 'properties', 'states', 'creator', 'person', 'entities'],
    rows: schema.kinds.flatMap((kind) => {
      const creator =
        kind.creator === null ? null : `${kind.creator.name} (${nameOf(schema, kind.creator.kind)})`;
      const rest = [kind.states.join(', '), creator, kind.person, facts.entities(kind.id)];
      const fields = [
        ...kind.attributes.map((each) => [
          kind.name,
          each.name,
          each.type,
          attributeProperties(each),
          ...rest,
        ]),
        ...kind.embeddings.map((each) => [kind.name, each.name, embeddingType(each), each.source, ...rest]),
      ];
      return fields.length > 0 ? fields : [[kind.name, null, null, null, ...rest]];
    }),
  };
}

function signals(schema: RankingSchema, facts: SchemaFacts): ShownTable {
  return {
    columns: [
      'signal',
      'about',
      'polarity',
      'decay',
      'windows',
      'weight',
      'late',
      'cohorts',
      'effects',
      'recorded',
    ],
    rows: schema.signals.map((signal) => [
      ...[signal.name, nameOf(schema, signal.target), signal.polarity, decayText(signal.decay)],
      ...[
        signal.windows.join(', '),
        weightText(signal.weight),
        durationText(signal.lateMicros),
        signal.cohorts,
      ],
      signal.effects.map((effect) => effectText(schema, effect)).join(', '),
      facts.signals(signal.id),
    ]),
  };
}

function relationships(schema: RankingSchema, facts: SchemaFacts): ShownTable {
  return {
    columns: ['relationship', 'from', 'to', 'decay', 'weight', 'edges'],
    rows: schema.relationships.map(({ id, name, from, to, decay, weight }) => [
      ...[name, nameOf(schema, from), nameOf(schema, to), decayText(decay), weightText(weight)],
      facts.edges(id),
    ]),
  };
}

/** Earlier versions too: they can still be asked for. */
function profiles({ schema, profiles: earlier }: SchemaRecord): ShownTable {
  const all = [...earlier, ...schema.profiles];
  all.sort((a, b) => (a.name === b.name ? b.version - a.version : a.name < b.name ? -1 : 1));
  return {
    columns: ['profile', 'version', 'current', 'entity', 'candidates', 'terms', 'gates', 'definition'],
    rows: all.map((profile) => [
      ...[profile.name, profile.version, schema.profiles.includes(profile), nameOf(schema, profile.kind)],
      profile.candidates.map(({ source }) => source).join(', '),
      profile.terms.map(({ label }) => label).join(', '),
      ...[profile.gates.length, profile.text],
    ]),
  };
}

function overview(schema: RankingSchema): ShownTable {
  return {
    columns: ['version', 'entities', 'signals', 'relationships', 'cohorts', 'profiles'],
    rows: [
      [
        schema.version,
        names(schema.kinds),
        names(schema.signals),
        names(schema.relationships),
        names(schema.cohorts),
        names(schema.profiles),
      ],
    ],
  };
}

function names(things: readonly { readonly name: string }[]): string {
  return things.map(({ name }) => name).join(', ');
}

function nameOf(schema: RankingSchema, kind: SignalType['target']): string {
  return kindById(schema, kind)?.name ?? `${kind}`;
}

function attributeProperties({ filter, dimension, search, computed }: Attribute): string {
  const properties = [
    filter ? 'filter' : '',
    dimension ? 'dimension' : '',
    search === null ? '' : `search ${search.weight}`,
    computed === null ? '' : 'computed',
  ];
  return properties.filter((each) => each !== '').join(', ');
}

function embeddingType({ dimensions, metric }: EmbeddingSlot): string {
  return `embedding(${dimensions}, ${metric})`;
}

function decayText(decay: Decay): string {
  if (decay.kind === 'none') return 'none';
  if (decay.kind === 'linear') return `linear ${durationText(decay.lifetimeMicros)}`;
  return `half-life ${durationText(decay.halfLifeMicros)}`;
}

function weightText({ min, max, default: usual }: SignalType['weight']): string {
  return `${min} to ${max}, ${usual}`;
}

function effectText(schema: RankingSchema, effect: Effect): string {
  if (effect.effect === 'state') return `${effect.set ? '' : 'not '}${effect.state}`;
  if (effect.effect === 'preference') {
    const users = userKind(schema);
    const slot = users === null ? null : slotById(users, effect.slot);
    return `preference ${slot?.name ?? effect.slot} ${effect.rate}`;
  }
  const relationship = relationshipById(schema, effect.relationship)?.name ?? effect.relationship;
  return `${relationship} ${effect.delta} to ${effect.to}`;
}

const UNITS = [
  ['d', MICROS_PER_DAY],
  ['h', MICROS_PER_HOUR],
  ['m', MICROS_PER_MINUTE],
  ['s', MICROS_PER_SECOND],
] as const;

/** In the largest unit that divides it. */
function durationText(micros: number): string {
  const unit = UNITS.find(([, size]) => micros % size === 0 && micros > 0);
  return unit === undefined ? `${micros} µs` : `${micros / unit[1]}${unit[0]}`;
}
