/** Any statement that the language can say, with names and texts that try what quoting can do. */
import fc from 'fast-check';
import type { Micros } from '../../../../../db/ranking/ground.ts';
import {
  type AssignedValue,
  allOf,
  anyOf,
  type Condition,
  type DiversityRule,
  type Parameter,
  type QueryStatement,
  SHOWN,
  type Statement,
  type WithinClause,
} from '../../../../../db/ranking/retrieve/language/index.ts';
import { printDefinition } from '../../../../../db/ranking/retrieve/language/print-definition.ts';
import { diversityOf } from '../../../../../db/ranking/retrieve/language/profile-definition.ts';
import { SORT_MODES } from '../../../../../db/ranking/retrieve/language/words.ts';
import type {
  Definition,
  EntityDefinition,
  PredicateDefinition,
  ProfileDefinition,
  ScalarDefinition,
} from '../../../../../db/ranking/schema/definition.ts';
import { USER_ITEM_STATES } from '../../../../../db/ranking/schema/model.ts';
import {
  ATTRIBUTE_TYPES,
  EMBEDDING_SOURCES,
  ENDS,
  FEATURES,
  METRICS,
  POLARITIES,
  TERM_STAGES,
  VECTOR_OWNERS,
  WINDOWS,
} from '../../../../../db/ranking/schema/model-shapes.ts';

const plainName = fc.constantFrom('view', 'like', 'format', 'year', 'item', 'follows', 'x1', '_a', 'Title');
const languageWord = fc.constantFrom(
  'limit',
  'for',
  'not',
  'all',
  'any',
  'top',
  'true',
  'seen',
  'text',
  'within',
  'in',
  'by',
  'dry',
);
const oddName = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 6 })
  .filter((name) => name.isWellFormed());
const name = fc.oneof({ weight: 6, arbitrary: plainName }, languageWord, oddName);
const text = fc.string({ unit: 'binary', maxLength: 8 }).filter((value) => value.isWellFormed());
const keyText = fc.oneof(
  fc.constantFrom('u1', 'a:b', 'x.y-z', '1'),
  text.filter((value) => value !== ''),
);
const parameter: fc.Arbitrary<Parameter> = fc
  .constantFrom('1', '12', 'name', '_')
  .map((value) => ({ parameter: value }));
const number = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const whole = fc.integer({ min: 1, max: 1_000 });
const micros = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000 }).map((seconds) => (seconds * 1_000_000) as Micros),
  fc.integer({ min: -1_000_000_000_000_000, max: 7_000_000_000_000_000 }).map((value) => value as Micros),
);
const duration = fc.oneof(
  fc.integer({ min: 1, max: 1_000 }).map((days) => days * 86_400_000_000),
  fc.integer({ min: 1, max: 1_000_000_000 }),
);
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const or = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | Parameter> =>
  fc.oneof({ weight: 3, arbitrary: value }, parameter);
const few = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { maxLength: 3 });
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(value, { minLength: 1, maxLength: 3 });
const window = fc.constantFrom(...WINDOWS);
const state = fc.constantFrom(...USER_ITEM_STATES);

const measure = fc.oneof(
  fc.record({ measure: fc.constant('score' as const) }),
  fc.record({
    measure: fc.constantFrom(
      'count' as const,
      'weight' as const,
      'velocity' as const,
      'acceleration' as const,
    ),
    window: orNull(window),
  }),
  fc.record({ measure: fc.constant('ratio' as const), to: name, window: orNull(window) }),
);

export const scalars: fc.Arbitrary<ScalarDefinition> = fc.letrec<{
  scalar: ScalarDefinition;
  apply: ScalarDefinition;
}>((tie) => ({
  scalar: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ scalar: fc.constant('number' as const), value: number }),
    fc.record({ scalar: fc.constant('name' as const), name: plainName }),
    fc.record({ scalar: fc.constant('attribute' as const), attribute: name }),
    fc.record({ scalar: fc.constant('signal' as const), signal: name, measure }),
    fc.record({ scalar: fc.constant('feature' as const), feature: fc.constantFrom(...FEATURES) }),
    fc.record({
      scalar: fc.constant('relationship' as const),
      relationship: name,
      to: fc.constantFrom(...ENDS),
    }),
    fc.record({ scalar: fc.constant('state' as const), state }),
    fc.record({
      scalar: fc.constant('similarity' as const),
      slot: name,
      with: fc.constantFrom(...VECTOR_OWNERS),
    }),
    tie('apply'),
  ),
  apply: fc.oneof(
    fc.record({
      scalar: fc.constant('apply' as const),
      function: fc.constantFrom('+', '-', '*', '/'),
      of: fc.tuple(tie('scalar'), tie('scalar')),
    }),
    fc.record({
      scalar: fc.constant('apply' as const),
      function: fc.constantFrom('min', 'max', 'clamp', 'log1p', 'abs', 'decay'),
      of: fc.array(tie('scalar'), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).scalar;

const order = fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const);
const comparison = fc.constantFrom(
  '=' as const,
  '<>' as const,
  '<' as const,
  '<=' as const,
  '>' as const,
  '>=' as const,
);

function conditionsWith(
  wrap: <T>(value: fc.Arbitrary<T>) => fc.Arbitrary<T | Parameter>,
): fc.Arbitrary<Condition> {
  const ordered = wrap(fc.oneof(text, number));
  return fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({
        test: fc.constant('compare' as const),
        attribute: name,
        operator: comparison,
        value: wrap(fc.oneof(text, number, fc.boolean())),
      }),
      fc.record({ test: fc.constant('in' as const), attribute: name, values: few(ordered) }),
      fc.record({ test: fc.constant('between' as const), attribute: name, low: ordered, high: ordered }),
      fc.record({ test: fc.constant('has' as const), attribute: name, value: orNull(wrap(text)) }),
      fc.record({ test: fc.constant('state' as const), state, set: fc.boolean() }),
      fc.record({
        test: fc.constant('feature' as const),
        feature: scalars,
        operator: order,
        value: wrap(number),
      }),
      fc.record({ test: fc.constant('not' as const), of: tie('condition') }),
      fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map(allOf),
      fc.array(tie('condition'), { minLength: 2, maxLength: 3 }).map(anyOf),
    ),
  })).condition as fc.Arbitrary<Condition>;
}

export const conditions = conditionsWith(or);
const predicates = conditionsWith((value) => value) as fc.Arbitrary<PredicateDefinition>;

const top = orNull(whole);
const within: fc.Arbitrary<WithinClause> = fc.oneof(
  fc.record({ clause: fc.constant('trending' as const), signal: orNull(name), window: orNull(window), top }),
  fc.record({
    clause: fc.constant('cohort' as const),
    cohort: fc.oneof(name, conditions),
    signal: orNull(name),
    window: orNull(window),
    top,
  }),
  fc.record({ clause: fc.constant('following' as const), relationship: orNull(name), top }),
  fc.record({ clause: fc.constant('related' as const), item: or(keyText), top }),
  fc.record({ clause: fc.constant('state' as const), state }),
  fc.record({ clause: fc.constant('search' as const), text: or(text), top }),
  fc.record({ clause: fc.constant('creator' as const), creator: or(keyText) }),
  fc.record({ clause: fc.constant('items' as const), items: some(or(keyText)) }),
);

const attributeRule = name.filter((attribute) => attribute !== 'creator');
const rule: fc.Arbitrary<DiversityRule> = fc.oneof(
  fc.record({ rule: fc.constant('creator' as const), max: orNull(whole) }),
  fc.record({ rule: fc.constant('attribute' as const), attribute: attributeRule, max: whole }),
  fc.record({ rule: fc.constant('mix' as const), attribute: orNull(name) }),
);

const profileName = fc.record({ name, version: orNull(whole) });
const time = or(micros);
const moment = fc.oneof(
  fc.record({ moment: fc.constant('at' as const), time }),
  fc.record({ moment: fc.constant('as of position' as const), position: or(whole) }),
  fc.record({ moment: fc.constant('as of timestamp' as const), time }),
);

const queries: fc.Arbitrary<QueryStatement> = fc
  .record({
    statement: fc.constantFrom('retrieve' as const, 'search' as const),
    kind: name,
    text: or(text),
    vector: orNull(fc.record({ values: or(some(number)), slot: orNull(name) })),
    user: orNull(or(keyText)),
    context: orNull(name),
    profile: orNull(profileName),
    sort: orNull(fc.constantFrom(...SORT_MODES)),
    filter: orNull(conditions),
    within: few(within),
    exclude: few(or(keyText)),
    diversity: few(rule),
    window: orNull(window),
    limit: orNull(or(whole)),
    cursor: orNull(or(text)),
    moment: orNull(moment),
    seed: orNull(or(number)),
    select: few(name),
    explain: fc.boolean(),
  })
  .map((query) => (query.statement === 'search' ? query : { ...query, text: null }) as QueryStatement);

const decay = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({ kind: fc.constant('exponential' as const), halfLifeMicros: duration }),
  fc.record({ kind: fc.constant('linear' as const), lifetimeMicros: duration }),
);
const weight = fc.record({ min: number, max: number, default: number });

const entities: fc.Arbitrary<EntityDefinition> = fc.record({
  define: fc.constant('entity' as const),
  name,
  attributes: few(
    fc.record({
      name,
      type: fc.constantFrom(...ATTRIBUTE_TYPES),
      filter: fc.boolean(),
      dimension: fc.boolean(),
      search: orNull(number),
      computed: orNull(scalars),
    }),
  ),
  embeddings: few(
    fc.record({
      name,
      dimensions: whole,
      metric: fc.constantFrom(...METRICS),
      source: fc.constantFrom(...EMBEDDING_SOURCES),
    }),
  ),
  states: few(name),
  creator: orNull(fc.record({ name, kind: name })),
  person: fc.boolean(),
});

const effect = fc.oneof(
  fc.record({ effect: fc.constant('state' as const), state, set: fc.boolean() }),
  fc.record({ effect: fc.constant('preference' as const), slot: name, rate: number }),
  fc.record({
    effect: fc.constant('relationship' as const),
    relationship: name,
    to: fc.constantFrom(...ENDS),
    delta: number,
    min: number,
    max: number,
  }),
);

const source = fc.oneof(
  fc.record({ source: fc.constant('top' as const), signal: name, measure, limit: whole }),
  fc.record({
    source: fc.constant('similar' as const),
    slot: name,
    to: fc.constantFrom(...VECTOR_OWNERS),
    limit: whole,
  }),
  fc.record({ source: fc.constant('following' as const), relationship: name, limit: whole }),
  fc.record({
    source: fc.constantFrom('neighbours' as const, 'text' as const, 'new' as const, 'all' as const),
    limit: whole,
  }),
);

const profiles = fc
  .record({
    name,
    kind: name,
    candidates: few(source),
    terms: few(
      fc.record({
        stage: fc.constantFrom(...TERM_STAGES),
        label: text,
        weight: number,
        of: scalars,
        normalised: fc.boolean(),
      }),
    ),
    gates: few(predicates),
    exploration: orNull(fc.record({ share: number, withinMicros: duration })),
    composition: fc.constantFrom('sum' as const, 'product' as const),
    diversity: few(rule).map(diversityOf),
    pins: few(fc.record({ key: keyText, place: whole })),
    boosts: few(fc.record({ predicate: predicates, factor: number })),
  })
  .map((parts) => withText({ define: 'profile', ...parts, text: '' } as ProfileDefinition));

export const definitions: fc.Arbitrary<Definition> = fc.oneof(
  entities,
  fc.record({
    define: fc.constant('signal' as const),
    name,
    target: name,
    polarity: fc.constantFrom(...POLARITIES),
    decay,
    windows: few(window),
    weight,
    lateMicros: fc.oneof(fc.constant(0), duration),
    cohorts: fc.boolean(),
    effects: few(effect),
  }),
  fc.record({ define: fc.constant('relationship' as const), name, from: name, to: name, decay, weight }),
  fc
    .record({ name, predicate: predicates })
    .map((parts) => withText({ define: 'cohort', ...parts, text: '' })),
  profiles,
  fc.record({
    define: fc.constant('drop' as const),
    what: fc.constantFrom(
      'entity' as const,
      'signal' as const,
      'relationship' as const,
      'cohort' as const,
      'profile' as const,
    ),
    name,
  }),
);

function withText<Text extends Definition>(definition: Text): Text {
  return { ...definition, text: printDefinition(definition) };
}

const assigned: fc.Arbitrary<AssignedValue> = fc.oneof(
  or(text),
  number,
  fc.boolean(),
  fc.constant(null),
  fc.record({ key: keyText }),
  fc.record({ list: few(or(fc.oneof(text, number))) }),
);

export const statements: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 4, arbitrary: queries },
  {
    weight: 4,
    arbitrary: fc.record({
      statement: fc.constant('define' as const),
      definition: definitions,
      permission: fc.constantFrom('safe' as const, 'rebuild' as const, 'cascade' as const),
      run: fc.constantFrom('apply' as const, 'dry run' as const),
    }),
  },
  fc.record({
    statement: fc.constant('signal' as const),
    signal: name,
    target: or(keyText),
    user: orNull(or(keyText)),
    weight: orNull(or(number)),
    at: orNull(time),
    id: orNull(or(text)),
  }),
  fc.record({
    statement: fc.constant('upsert' as const),
    kind: name,
    key: or(keyText),
    set: few(fc.record({ name, value: assigned })),
    state: orNull(name),
    at: orNull(time),
  }),
  fc.record({ statement: fc.constant('delete' as const), kind: name, key: or(keyText) }),
  fc.record({
    statement: fc.constant('relate' as const),
    relationship: name,
    from: or(keyText),
    to: or(keyText),
    weight: orNull(or(number)),
  }),
  fc.record({
    statement: fc.constant('unrelate' as const),
    relationship: name,
    from: or(keyText),
    to: or(keyText),
  }),
  fc.record({
    statement: fc.constant('suggest' as const),
    kind: name,
    prefix: or(text),
    limit: orNull(or(whole)),
  }),
  fc.record({ statement: fc.constant('show' as const), what: fc.constantFrom(...SHOWN) }),
  fc.record({
    statement: fc.constant('evaluate' as const),
    profile: profileName,
    against: orNull(profileName),
    from: micros,
    to: or(fc.constant(9_000_000_000_000_000 as Micros)),
    sample: orNull(or(whole)),
  }),
);
