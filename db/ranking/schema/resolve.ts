/**
 * Names to ids, for conditions and arithmetic on one kind: what definitions and queries have in common. Only names are looked
 * at here; `check-terms` says whether what they stand for makes sense.
 */
import type { MeasureDefinition, PredicateDefinition, ScalarDefinition } from './definition.ts';
import { longestWindow, named, required } from './lookup.ts';
import type {
  Attribute,
  EntityKind,
  Feature,
  Predicate,
  RankingSchema,
  Scalar,
  ScalarFunction,
  SignalMeasure,
  SignalType,
  UserItemState,
  WindowName,
} from './model.ts';
import { USER_ITEM_STATES } from './model.ts';
import { FEATURES, SCALAR_FUNCTIONS, WINDOWS } from './model-shapes.ts';
import { refusedAt, shownName, unknownName } from './names.ts';
import { timestampOf } from './timestamp-text.ts';

/** Where names are looked up. */
export interface NameScope {
  readonly schema: RankingSchema;
  /** The kind of the candidates, or of the entity itself. */
  readonly kind: EntityKind;
}

const DEPTH_MAX = 16;

/** Errors: NOT_FOUND for a name, INVALID_ARGUMENT. `place` is what the condition is part of. */
export function resolvePredicate(scope: NameScope, given: PredicateDefinition, place: string): Predicate {
  return predicateAt(scope, given, place, 0);
}

/** Errors: NOT_FOUND for a name, INVALID_ARGUMENT. */
export function resolveScalar(scope: NameScope, given: ScalarDefinition, place: string): Scalar {
  return scalarAt(scope, given, place, 0);
}

export function resolveMeasure(
  scope: NameScope,
  signal: SignalType,
  given: MeasureDefinition,
  place: string,
): SignalMeasure {
  if (given.measure === 'score') return { measure: 'score' };
  const window = given.window === null ? longestWindow(signal) : windowNamed(given.window, place);
  if (given.measure !== 'ratio') return { measure: given.measure, window };
  const to = required(place, 'signal', scope.schema.signals, given.to).id;
  return { measure: 'ratio', to, window };
}

export function windowNamed(name: string, place: string): WindowName {
  return wordOf(WINDOWS, 'window', name, place);
}

export function stateNamed(name: string, place: string): UserItemState {
  return wordOf(USER_ITEM_STATES, 'state of items', name, place);
}

function predicateAt(scope: NameScope, given: PredicateDefinition, place: string, depth: number): Predicate {
  checkDepth(depth, place);
  switch (given.test) {
    case 'and':
    case 'or':
      return { test: given.test, of: given.of.map((each) => predicateAt(scope, each, place, depth + 1)) };
    case 'not':
      return { test: 'not', of: predicateAt(scope, given.of, place, depth + 1) };
    case 'state':
      return { test: 'state', state: stateNamed(given.state, place), set: given.set };
    case 'feature': {
      const feature = scalarAt(scope, given.feature, place, depth + 1);
      return { test: 'feature', feature, operator: given.operator, value: given.value };
    }
    case 'compare':
      return comparison(scope, given, place);
    default:
      return attributeTest(scope, given, place);
  }
}

type Compare = Extract<PredicateDefinition, { readonly test: 'compare' }>;

/** A name that is no attribute may be a signal's or a feature's: those are compared as numbers at the query's time. */
function comparison(scope: NameScope, given: Compare, place: string): Predicate {
  const attribute = named(scope.kind.attributes, given.attribute);
  if (attribute === null || attribute.computed !== null) return featureTest(scope, given, attribute, place);
  if (attribute.type === 'keywords') return keywordsTest(attribute, given.operator, given.value, place);
  const value = typed(attribute, given.value, place);
  return { test: 'compare', attribute: attribute.id, operator: given.operator, value };
}

function featureTest(
  scope: NameScope,
  { attribute: name, operator, value }: Compare,
  computed: Attribute | null,
  place: string,
): Predicate {
  const feature = computed?.computed ?? nameAsScalar(scope, name, place);
  if (operator === '=' || operator === '<>' || typeof value !== 'number')
    throw refusedAt(
      place,
      `${shownName(name)} is worked out when it is asked for`,
      'compare it with a number by <, <=, > or >=',
    );
  return { test: 'feature', feature, operator, value };
}

function keywordsTest(
  attribute: Attribute,
  operator: Compare['operator'],
  value: string | number | boolean,
  place: string,
): Predicate {
  const ordered = operator !== '=' && operator !== '<>';
  if (ordered || typeof value !== 'string')
    throw refusedAt(
      place,
      `${shownName(attribute.name)} holds several keywords`,
      'ask whether it has one: = or <> with text',
    );
  const has: Predicate = { test: 'has', attribute: attribute.id, value };
  return operator === '=' ? has : { test: 'not', of: has };
}

type AttributeTest = Extract<PredicateDefinition, { readonly test: 'in' | 'between' | 'has' }>;

function attributeTest(scope: NameScope, given: AttributeTest, place: string): Predicate {
  const attribute = required(
    place,
    `attribute of ${scope.kind.name}`,
    scope.kind.attributes,
    given.attribute,
  );
  if (given.test === 'between') {
    const [low, high] = [bound(attribute, given.low, place), bound(attribute, given.high, place)];
    return { test: 'between', attribute: attribute.id, low, high };
  }
  if (given.test === 'in') {
    if (attribute.type === 'keywords') return anyOf(attribute, given.values, place);
    const values = given.values.map((value) => typed(attribute, value, place) as string | number);
    return { test: 'in', attribute: attribute.id, values };
  }
  if (given.value !== null && attribute.type === 'keyword')
    return { test: 'compare', attribute: attribute.id, operator: '=', value: given.value };
  return { test: 'has', attribute: attribute.id, value: given.value };
}

function anyOf(attribute: Attribute, values: readonly (string | number)[], place: string): Predicate {
  return {
    test: 'or',
    of: values.map((value) => keywordsTest(attribute, '=', value, place)),
  };
}

/** Timestamps may be written as text; everything else stays as it was given, to be checked with the rest. */
function typed(
  attribute: Attribute,
  value: string | number | boolean,
  place: string,
): string | number | boolean {
  if (attribute.type !== 'timestamp' || typeof value !== 'string') return value;
  return timestampOf(value, place);
}

function bound(attribute: Attribute, value: string | number, place: string): number {
  const number = typed(attribute, value, place);
  if (typeof number === 'number') return number;
  throw refusedAt(
    place,
    `${shownName(attribute.name)} is not between texts`,
    'give two numbers, or two times',
  );
}

function scalarAt(scope: NameScope, given: ScalarDefinition, place: string, depth: number): Scalar {
  checkDepth(depth, place);
  const { schema, kind } = scope;
  switch (given.scalar) {
    case 'number':
      return { scalar: 'number', value: given.value };
    case 'name':
      return nameAsScalar(scope, given.name, place);
    case 'attribute': {
      return attributeScalar(required(place, `attribute of ${kind.name}`, kind.attributes, given.attribute));
    }
    case 'signal': {
      const signal = required(place, 'signal', schema.signals, given.signal);
      const measure = resolveMeasure(scope, signal, given.measure, place);
      return { scalar: 'signal', signal: signal.id, measure };
    }
    case 'feature':
      return { scalar: 'feature', feature: wordOf<Feature>(FEATURES, 'feature', given.feature, place) };
    case 'relationship': {
      const { id } = required(place, 'relationship', schema.relationships, given.relationship);
      return { scalar: 'relationship', relationship: id, to: given.to };
    }
    case 'state':
      return { scalar: 'state', state: stateNamed(given.state, place) };
    case 'similarity': {
      const { id } = required(place, `embedding of ${kind.name}`, kind.embeddings, given.slot);
      return { scalar: 'similarity', slot: id, with: given.with };
    }
    case 'apply': {
      const of = given.of.map((each) => scalarAt(scope, each, place, depth + 1));
      return { scalar: 'apply', function: functionNamed(given.function, place), of };
    }
  }
}

function functionNamed(name: string, place: string): ScalarFunction {
  return wordOf<ScalarFunction>(SCALAR_FUNCTIONS, 'function', name, place);
}

function nameAsScalar({ schema, kind }: NameScope, name: string, place: string): Scalar {
  const feature = FEATURES.find((each) => each === name);
  const attribute = named(kind.attributes, name);
  if (feature !== undefined && attribute === null) return { scalar: 'feature', feature };
  if (attribute !== null) return attributeScalar(attribute);
  const signal = named(schema.signals, name);
  if (signal !== null) return { scalar: 'signal', signal: signal.id, measure: { measure: 'score' } };
  const names = [kind.attributes, schema.signals].flatMap((all) => all.map((each) => each.name));
  throw unknownName(place, `attribute of ${kind.name}, signal or feature`, name, [...names, ...FEATURES]);
}

/** A computed attribute is what it is computed by, so that nobody has to look behind it later. */
function attributeScalar(attribute: Attribute): Scalar {
  return attribute.computed ?? { scalar: 'attribute', attribute: attribute.id };
}

function wordOf<Word extends string>(
  words: readonly Word[],
  sort: string,
  given: string,
  place: string,
): Word {
  const word = words.find((each) => each === given);
  if (word === undefined) throw unknownName(place, sort, given, words);
  return word;
}

function checkDepth(depth: number, place: string): void {
  if (depth > DEPTH_MAX)
    throw refusedAt(
      place,
      `it is nested more than ${DEPTH_MAX} deep`,
      'flatten it, or define a part of it by name',
    );
}
