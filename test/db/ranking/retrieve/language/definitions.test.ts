import { describe, expect, test } from 'vitest';
import {
  type DefineStatement,
  defineCohort,
  defineEntity,
  defineProfile,
  defineRelationship,
  defineSignal,
  normalisedTerm,
  parse,
  parseCondition,
  print,
} from '../../../../../db/ranking/retrieve/language/index.ts';
import { DEFINITION_DEFAULTS, type Definition } from '../../../../../db/ranking/schema/definition.ts';
import { EXAMPLE_DEFINITIONS } from './example-definitions.ts';

const DAY = 86_400_000_000;

function definitionOf(text: string): Definition {
  return (parse(text) as DefineStatement).definition;
}

describe('definitions', () => {
  test('an entity', () => {
    const expected = defineEntity('item', {
      attributes: {
        title: { type: 'text', search: 2 },
        format: { type: 'keyword' },
        year: { type: 'integer' },
        tags: { type: 'keywords' },
        published: { type: 'timestamp' },
        quality: { type: 'double', computed: 'like.count(all) / view.count(all)' },
      },
      embeddings: { embedding: { dimensions: 128, metric: 'cosine' } },
      creator: { name: 'creator', kind: 'creator' },
      states: ['draft', 'active', 'archived'],
    });
    expect(definitionOf(EXAMPLE_DEFINITIONS.item)).toEqual(expected);
  });

  test('an entity whose entities are persons', () => {
    const expected = defineEntity('user', { attributes: { country: { type: 'keyword' } }, person: true });
    const text = 'DEFINE ENTITY user (country KEYWORD) PERSON';
    expect(definitionOf(text)).toEqual(expected);
    expect(definitionOf(`${text} REBUILD DRY RUN`)).toEqual(expected);
    expect(definitionOf('define entity user () states (active, gone) person')).toMatchObject({
      ...{ states: ['active', 'gone'], person: true },
    });
    expect(definitionOf('DEFINE ENTITY person (person KEYWORD)')).toMatchObject({ person: false });
  });

  test('embeddings that follow from those of items', () => {
    expect(definitionOf(EXAMPLE_DEFINITIONS.user)).toMatchObject({
      attributes: [
        { name: 'country', dimension: true },
        { name: 'age_group', dimension: true, filter: true },
      ],
      embeddings: [{ name: 'taste', dimensions: 128, source: 'preference' }],
    });
    expect(definitionOf(EXAMPLE_DEFINITIONS.creator)).toMatchObject({
      embeddings: [{ source: 'catalogue' }],
    });
  });

  test('a signal', () => {
    const expected = defineSignal('view', 'item', {
      polarity: 'positive',
      decay: { kind: 'exponential', halfLifeMicros: 7 * DAY },
      windows: ['1h', '24h', '7d', '30d', 'all'],
      weight: { min: 0, max: 10, default: 1 },
      lateMicros: 30 * DAY,
      cohorts: true,
      effects: [
        { effect: 'state', state: 'seen', set: true },
        { effect: 'preference', slot: 'taste', rate: 0.05 },
        { effect: 'relationship', relationship: 'interest', to: 'creator', delta: 0.1, min: 0, max: 10 },
      ],
    });
    expect(definitionOf(EXAMPLE_DEFINITIONS.view)).toEqual(expected);
  });

  test('a signal of which nothing is said has the defaults', () => {
    expect(definitionOf('DEFINE SIGNAL like ON item')).toEqual(defineSignal('like', 'item', {}));
    expect(definitionOf('DEFINE SIGNAL like ON item NO COHORTS LATE 0s DECAY LINEAR LIFETIME 2h')).toEqual(
      defineSignal('like', 'item', {
        cohorts: false,
        lateMicros: 0,
        decay: { kind: 'linear', lifetimeMicros: DAY / 12 },
      }),
    );
  });

  test('a relationship', () => {
    expect(definitionOf(EXAMPLE_DEFINITIONS.follows)).toEqual(
      defineRelationship('follows', 'user', 'creator', { weight: { min: 0, max: 1, default: 1 } }),
    );
  });

  test('a cohort', () => {
    const expected = defineCohort('us_young', "country = 'US' AND age_group IN ('18-24', '25-34')");
    expect(definitionOf(EXAMPLE_DEFINITIONS.us_young)).toEqual(expected);
    expect(expected.text).toBe("DEFINE COHORT us_young AS country = 'US', age_group IN ('18-24', '25-34')");
  });

  test('a profile', () => {
    const expected = defineProfile('for_you', 'item', {
      candidates: [
        { source: 'neighbours', limit: 500 },
        { source: 'top', signal: 'view', measure: { measure: 'score' }, limit: 500 },
        { source: 'similar', slot: 'embedding', to: 'user', limit: 300 },
        { source: 'following', relationship: 'follows', limit: 200 },
        { source: 'new', limit: 100 },
      ],
      terms: [
        { ...normalisedTerm('personalisation', 3, 'neighbours'), label: 'neighbours' },
        { ...normalisedTerm('signals', 1, 'view.velocity(24h)'), label: 'trend' },
        { stage: 'recency', label: 'decay(age_hours, 72)', weight: 0.5, of: decayed(), normalised: false },
        {
          stage: 'penalties',
          label: 'seen',
          weight: -1,
          of: { scalar: 'state', state: 'seen' },
          normalised: false,
        },
      ],
      gates: [parseCondition('unhidden'), parseCondition('unblocked')] as never,
      exploration: { share: 0.1, withinMicros: DAY },
      composition: 'sum',
      diversity: { perCreator: 2, perAttribute: [], mix: 'format' },
      pins: [{ key: 'x', place: 1 }],
      boosts: [
        { predicate: { test: 'compare', attribute: 'format', operator: '=', value: 'video' }, factor: 1.2 },
        { predicate: { test: 'compare', attribute: 'year', operator: '<', value: 1990 }, factor: 0.1 },
      ],
    });
    expect(definitionOf(EXAMPLE_DEFINITIONS.for_you)).toEqual(expected);
  });

  test('a profile of which nothing is said is empty', () => {
    const { composition, diversity } = DEFINITION_DEFAULTS;
    expect(definitionOf('DEFINE PROFILE p ON item')).toMatchObject({ terms: [], composition, diversity });
  });

  test.each(Object.entries(EXAMPLE_DEFINITIONS))('%s printed and read again is the same', (_name, text) => {
    const statement = parse(text);
    expect(parse(print(statement))).toEqual(statement);
  });

  test('how far a definition may go stands behind it', () => {
    expect(parse('DEFINE COHORT c AS age = 3 REBUILD DRY RUN')).toMatchObject({
      permission: 'rebuild',
      run: 'dry run',
    });
    expect(parse('DEFINE PROFILE p ON item COMPOSE PRODUCT CASCADE')).toMatchObject({
      permission: 'cascade',
      run: 'apply',
    });
    expect(parse('DEFINE SIGNAL s ON item POSITIVE DRY RUN')).toMatchObject({
      permission: 'safe',
      run: 'dry run',
    });
  });
});

function decayed() {
  return {
    scalar: 'apply',
    function: 'decay',
    of: [
      { scalar: 'name', name: 'age_hours' },
      { scalar: 'number', value: 72 },
    ],
  } as const;
}
