import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { Definition, Permission } from '../../../../db/ranking/schema/definition.ts';
import {
  define,
  NO_FACTS,
  preview,
  type SchemaFacts,
  type SchemaHistory,
} from '../../../../db/ranking/schema/index.ts';
import {
  attribute,
  CREATOR,
  change,
  cohort,
  EVERYTHING,
  embedding,
  entity,
  FOR_YOU,
  FRENCH,
  historyOf,
  ITEM,
  LIKE,
  MUCH,
  profile,
  relationship,
  signal,
  term,
  USER,
  VIEW,
} from './definitions.ts';

const DROP_VIEW: Definition = { define: 'drop', what: 'signal', name: 'view' };

function refusal(
  history: SchemaHistory,
  definition: Definition,
  permission: Permission = 'safe',
  facts: SchemaFacts = NO_FACTS,
): TruthError {
  try {
    define(history.record, definition, permission, facts);
  } catch (error) {
    if (error instanceof TruthError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a schema', () => {
  test('grows by definitions, each one version', () => {
    const { current } = historyOf(EVERYTHING);
    expect(current.version).toBe(EVERYTHING.length);
    expect(current.kinds.map(({ name }) => name)).toEqual(['creator', 'item', 'user']);
    expect(current.signals.map(({ name, windows }) => [name, windows.length])).toEqual([
      ['view', 5],
      ['like', 5],
    ]);
  });

  test('keeps ids by name, and never gives one out twice', () => {
    const history = historyOf(EVERYTHING);
    const before = history.current.kinds.find(({ name }) => name === 'item')!;
    const attributes = [attribute('colour', 'keyword'), ...ITEM.attributes];
    change(history, { ...ITEM, attributes });
    const after = history.current.kinds.find(({ name }) => name === 'item')!;
    expect(after.attributes.filter(({ name }) => name !== 'colour')).toEqual(before.attributes);
    change(history, { ...ITEM, attributes: ITEM.attributes });
    change(history, { ...ITEM, attributes });
    const again = history.current.kinds.find(({ name }) => name === 'item')!;
    const [first, second] = [after, again].map(
      ({ attributes: all }) => all.find(({ name }) => name === 'colour')!.id,
    );
    expect(second).toBeGreaterThan(first!);
  });

  test('does not change by a definition that says what is there', () => {
    const history = historyOf(EVERYTHING);
    for (const definition of EVERYTHING)
      expect(define(history.record, definition, 'safe', MUCH).change).toBeNull();
  });

  test('keeps earlier versions of profiles and cohorts', () => {
    const history = historyOf(EVERYTHING);
    change(history, { ...FOR_YOU, composition: 'product' });
    change(history, { define: 'drop', what: 'profile', name: 'for_you' });
    expect(history.profile('for_you', null)).toBeNull();
    change(history, { ...FOR_YOU, terms: [] });
    expect(history.profile('for_you', null)?.version).toBe(3);
    expect(history.profile('for_you', 1)?.composition).toBe('sum');
    expect(history.profile('for_you', 2)?.composition).toBe('product');
    expect(history.profile('for_you', 4)).toBeNull();
    change(history, {
      ...FRENCH,
      predicate: { test: 'compare', attribute: 'premium', operator: '=', value: true },
    });
    expect(history.cohort('french', null)?.version).toBe(2);
    expect(history.cohort('french', 1)?.predicate.test).toBe('compare');
  });
});

describe('a name that is not there', () => {
  test('is answered with the closest one', () => {
    const history = historyOf(EVERYTHING);
    const error = refusal(
      history,
      profile('p', { terms: [term({ scalar: 'name', name: 'lkie' }, 'likes')] }),
    );
    expect(error.code).toBe('NOT_FOUND');
    expect(error.message).toContain('profile p, term 1 (likes)');
    expect(error.details['suggestion']).toBe('like');
    expect(error.message).toContain('did you mean "like"?');
  });

  test('lists what there is when nothing is close', () => {
    const history = historyOf(EVERYTHING);
    expect(refusal(history, signal('x', { target: 'zebra' })).message).toContain('creator, item, user');
  });

  test('is refused wherever it stands', () => {
    const history = historyOf(EVERYTHING);
    const wrong: Definition[] = [
      signal('x', { windows: ['2h'] }),
      signal('x', { effects: [{ effect: 'state', state: 'lked', set: true }] }),
      signal('x', { effects: [{ effect: 'preference', slot: 'contnt', rate: 1 }] }),
      relationship('x', { to: 'makr' }),
      cohort('x', { test: 'compare', attribute: 'contry', operator: '=', value: 'fr' }),
      profile('x', { kind: 'itme' }),
      profile('x', { diversity: { perCreator: null, perAttribute: [], mix: 'formt' } }),
      profile('x', { terms: [term({ scalar: 'apply', function: 'logg', of: [] })] }),
      profile('x', { terms: [term({ scalar: 'feature', feature: 'agehours' })] }),
      { define: 'drop', what: 'cohort', name: 'frnch' },
    ];
    for (const definition of wrong) expect(refusal(history, definition).code).toBe('NOT_FOUND');
  });
});

describe('a definition that makes no sense', () => {
  const history = historyOf(EVERYTHING);
  const cases: readonly (readonly [string, Definition, RegExp])[] = [
    ['a name with blanks', signal('a b'), /is no name/],
    [
      'two attributes of one name',
      entity('x', { attributes: [attribute('a', 'text'), attribute('a', 'text')] }),
      /twice/,
    ],
    ['states without active', entity('x', { states: ['open'] }), /active/],
    [
      'a dimension of items',
      entity('item', { ...ITEM, attributes: [attribute('a', 'keyword', { dimension: true })] }),
      /only user/,
    ],
    [
      'a dimension of doubles',
      entity('user', { attributes: [attribute('a', 'double', { dimension: true })] }),
      /no dimension/,
    ],
    [
      'search in numbers',
      entity('x', { attributes: [attribute('a', 'integer', { search: 1 })] }),
      /searched/,
    ],
    ['5000 dimensions', entity('x', { embeddings: [embedding('e', { dimensions: 5_000 })] }), /4096/],
    ['a creator of its own', entity('x', { creator: { name: 'c', kind: 'x' } }), /own creator/],
    ['a weight that is NaN', signal('x', { weight: { min: 0, max: Number.NaN, default: 1 } }), /finite/],
    ['a default outside', signal('x', { weight: { min: 0, max: 1, default: 2 } }), /finite numbers/],
    ['a decay of nothing', signal('x', { decay: { kind: 'exponential', halfLifeMicros: 0 } }), /decays/],
    [
      'edges that fall off in a line',
      relationship('x', { decay: { kind: 'linear', lifetimeMicros: 1e9 } }),
      /linear/,
    ],
    [
      'a preference without an embedding behind it',
      signal('x', { target: 'creator', effects: [{ effect: 'preference', slot: 'content', rate: 1 }] }),
      /embedding/,
    ],
    [
      'a relationship of the wrong kind',
      signal('x', {
        effects: [
          { effect: 'relationship', relationship: 'affinity', to: 'target', delta: 1, min: 0, max: 1 },
        ],
      }),
      /lead/,
    ],
    [
      'a cohort by what is no dimension',
      cohort('x', { test: 'compare', attribute: 'city', operator: '=', value: 'a' }),
      /no dimension/,
    ],
    ['a cohort by behaviour', cohort('x', { test: 'state', state: 'liked', set: true }), /cohort is made of/],
    [
      'keywords in order',
      profile('x', { gates: [{ test: 'compare', attribute: 'category', operator: '<', value: 'b' }] }),
      /no order/,
    ],
    [
      'a number for a keyword',
      profile('x', { gates: [{ test: 'compare', attribute: 'category', operator: '=', value: 7 }] }),
      /cannot be 7/,
    ],
    [
      'an endless number',
      profile('x', {
        gates: [{ test: 'compare', attribute: 'rating', operator: '<', value: Number.POSITIVE_INFINITY }],
      }),
      /Infinity/,
    ],
    [
      'a filter by text',
      profile('x', { gates: [{ test: 'compare', attribute: 'title', operator: '=', value: 'a' }] }),
      /text/,
    ],
    [
      'between the wrong way round',
      profile('x', { gates: [{ test: 'between', attribute: 'length', low: 2, high: 1 }] }),
      /smaller one first/,
    ],
    [
      'nothing to choose from',
      profile('x', { gates: [{ test: 'in', attribute: 'length', values: [] }] }),
      /IN of nothing/,
    ],
    ['conditions on nothing', profile('x', { gates: [{ test: 'and', of: [] }] }), /AND of nothing/],
    [
      'a time that is none',
      profile('x', {
        gates: [{ test: 'compare', attribute: 'released', operator: '<', value: '2026-02-30' }],
      }),
      /no time/,
    ],
    [
      'too few arguments',
      profile('x', { terms: [term({ scalar: 'apply', function: 'pow', of: [] })] }),
      /takes 2/,
    ],
    [
      'a keyword as a number',
      profile('x', { terms: [term({ scalar: 'name', name: 'category' })] }),
      /not a number/,
    ],
    [
      'a signal about another kind',
      profile('x', { kind: 'creator', terms: [term({ scalar: 'name', name: 'like' })] }),
      /is about item/,
    ],
    ['a huge limit', profile('x', { candidates: [{ source: 'new', limit: 1e9 }] }), /at most/],
    [
      'two pins at one place',
      profile('x', {
        pins: [
          { key: 'a', place: 1 },
          { key: 'b', place: 1 },
        ],
      }),
      /same place/,
    ],
    ['more exploration than places', profile('x', { exploration: { share: 2, withinMicros: 1 } }), /0 to 1/],
  ];

  test.each(cases)('is refused: %s', (_, definition, message) => {
    const error = refusal(history, definition);
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toMatch(message);
  });

  test('is refused where it is nested too deep', () => {
    let predicate = FRENCH.predicate;
    for (let depth = 0; depth < 40; depth++) predicate = { test: 'not', of: predicate };
    expect(refusal(history, cohort('x', predicate)).message).toContain('nested');
  });

  test('may compare signals, features and computed attributes with numbers only', () => {
    const item = {
      ...ITEM,
      attributes: [
        ...ITEM.attributes,
        attribute('hot', 'double', { computed: { scalar: 'name', name: 'view' } }),
      ],
    };
    const own = historyOf([...EVERYTHING, item]);
    change(own, profile('x', { gates: [{ test: 'compare', attribute: 'hot', operator: '>', value: 1 }] }));
    expect(own.profile('x', null)?.gates[0]?.test).toBe('feature');
    const equal = profile('y', { gates: [{ test: 'compare', attribute: 'view', operator: '=', value: 1 }] });
    expect(refusal(own, equal).message).toContain('worked out when it is asked for');
    const circle = {
      ...ITEM,
      attributes: [attribute('hot', 'double', { computed: { scalar: 'name', name: 'hot' } })],
    };
    expect(refusal(historyOf([CREATOR]), circle).code).toBe('NOT_FOUND');
  });
});

describe('a change of what is used', () => {
  test('is refused with what uses it', () => {
    const history = historyOf(EVERYTHING);
    const error = refusal(history, DROP_VIEW);
    expect(error.message).toContain('profile for_you, candidates 1 (top): signal view is not there');
    expect(error.message).toContain('CASCADE');
  });

  test('drops what uses it when that is said, and what used that', () => {
    const history = historyOf(EVERYTHING);
    const { change: made, impact } = define(history.record, DROP_VIEW, 'cascade', NO_FACTS);
    history.applyChange(made!);
    expect(impact.drops).toHaveLength(1);
    expect(history.current.signals.map(({ name }) => name)).toEqual(['like']);
    expect(history.current.profiles).toEqual([]);
    expect(history.profile('for_you', 1)).not.toBeNull();
  });

  test('never drops entities by itself', () => {
    const history = historyOf(EVERYTHING);
    const drop: Definition = { define: 'drop', what: 'entity', name: 'creator' };
    expect(refusal(history, drop, 'cascade').message).toContain('redefine item first');
  });

  test('takes a dimension away only from cohorts that do not need it', () => {
    const history = historyOf(EVERYTHING);
    const attributes = USER.attributes.map((each) => ({ ...each, dimension: each.name === 'age' }));
    expect(refusal(history, { ...USER, attributes }).message).toContain(
      'cohort french: country is no dimension',
    );
    change(history, { ...USER, attributes }, 'cascade');
    expect(history.current.cohorts).toEqual([]);
  });
});

describe('a change of what has data', () => {
  const history = historyOf(EVERYTHING);
  const without = (name: string): Definition => {
    return { ...ITEM, attributes: ITEM.attributes.filter((each) => each.name !== name) };
  };

  test('that takes values away has to be asked for', () => {
    const error = refusal(history, without('length'), 'safe', MUCH);
    expect(error.message).toContain('attribute length (integer) of 1000 entities of item');
    const { impact, schema } = define(history.record, without('length'), 'rebuild', MUCH);
    expect(impact.loses).toHaveLength(1);
    expect(schema.kinds[1]?.attributes.map(({ name }) => name)).not.toContain('length');
  });

  test('is free while there is no data', () => {
    expect(define(history.record, without('length'), 'safe', NO_FACTS).impact.loses).toEqual([]);
  });

  test('makes another attribute of one that changes its type', () => {
    const attributes = ITEM.attributes.map((each) =>
      each.name === 'length' ? attribute('length', 'double') : each,
    );
    const { impact, schema } = define(history.record, { ...ITEM, attributes }, 'rebuild', MUCH);
    expect(impact.loses).toEqual(['attribute length (integer) of 1000 entities of item']);
    const [before, after] = [history.current, schema].map(
      ({ kinds }) => kinds[1]?.attributes.find(({ name }) => name === 'length')?.id,
    );
    expect(after).not.toBe(before);
  });

  test('says which views work anew and how long, before it is done', () => {
    const faster = { ...LIKE, decay: { kind: 'exponential', halfLifeMicros: 86_400_000_000 } } as const;
    const { impact } = preview(history.record, faster, MUCH);
    expect(impact.rebuilds.map(({ view, reads }) => [view, reads])).toEqual([
      ['signals', 1_000_000],
      ['cohorts', 1_000_000],
    ]);
    expect(impact.seconds).toBeGreaterThan(0);
    expect(refusal(history, faster, 'safe', MUCH).message).toContain('say REBUILD');
    expect(define(history.record, faster, 'rebuild', MUCH).change).not.toBeNull();
  });

  test('tells what is not sealed for persons, who stay persons', () => {
    const people = { ...USER, person: true };
    const { change: made, impact } = define(history.record, people, 'safe', MUCH);
    expect(impact.stays).toEqual([expect.stringContaining('1000 entities of user so far is not sealed')]);
    expect(define(history.record, people, 'safe', NO_FACTS).impact.stays).toEqual([]);
    const after = historyOf(EVERYTHING);
    after.applyChange(made!);
    expect(refusal(after, USER, 'cascade', MUCH).message).toContain('say PERSON here too');
    expect(define(after.record, USER, 'safe', NO_FACTS).change).not.toBeNull();
  });

  test('tells of dimensions, embeddings and what is searched by', () => {
    const user = {
      ...USER,
      attributes: USER.attributes.map((each) => ({ ...each, dimension: each.type === 'keyword' })),
    };
    expect(preview(history.record, user, MUCH).impact.rebuilds.map(({ view }) => view)).toEqual(['entities']);
    const smaller = { ...USER, embeddings: [embedding('content', { source: 'preference', metric: 'dot' })] };
    expect(preview(history.record, smaller, MUCH).impact.rebuilds.map(({ view }) => view)).toEqual([
      'vectors',
    ]);
    const searched = ITEM.attributes.map((each) =>
      each.name === 'category' ? { ...each, search: 1 } : each,
    );
    const item = { ...ITEM, attributes: searched };
    expect(preview(history.record, item, MUCH).impact.rebuilds.map(({ view }) => view)).toEqual(['text']);
  });

  test('goes to vectors of another length one kind after the other, and takes profiles and signals along', () => {
    const own = historyOf([...EVERYTHING]);
    const slotOf = (name: string) => own.current.kinds.find((kind) => kind.name === name)!.embeddings[0]!.id;
    const before = [slotOf('item'), slotOf('user')];
    change(own, { ...ITEM, embeddings: [embedding('content', { dimensions: 8 })] }, 'rebuild', MUCH);
    change(
      own,
      { ...USER, embeddings: [embedding('content', { dimensions: 8, source: 'preference' })] },
      'rebuild',
      MUCH,
    );
    expect([slotOf('item'), slotOf('user')]).not.toEqual(before);
    expect(own.current.signals[1]!.effects[1]).toMatchObject({ effect: 'preference', slot: slotOf('user') });
    expect(own.profile('for_you', 2)!.candidates[1]).toMatchObject({
      source: 'similar',
      slot: slotOf('item'),
    });
    expect(own.profile('for_you', 1)!.candidates[1]).toMatchObject({ source: 'similar', slot: before[0] });
    expect(own.current.cohorts).toHaveLength(1);
    const wrong = { ...USER, embeddings: [embedding('content', { dimensions: 5, source: 'preference' })] };
    expect(refusal(own, wrong, 'cascade').message).toContain('item has no given embedding of 5 dimensions');
  });

  test('cannot turn states or targets into others, whatever is said', () => {
    const states = { ...ITEM, states: ['archived', 'active'] };
    expect(refusal(history, states, 'cascade', MUCH).message).toContain('keep them in this order');
    expect(
      define(history.record, { ...ITEM, states: ['active', 'archived', 'draft'] }, 'safe', MUCH).impact.loses,
    ).toEqual([]);
    expect(refusal(history, { ...VIEW, target: 'creator' }, 'cascade', MUCH).message).toContain(
      'about another entity',
    );
    const turned = relationship('affinity', { to: 'item' });
    expect(refusal(history, turned, 'cascade', MUCH).message).toContain('connect other entities');
  });
});
