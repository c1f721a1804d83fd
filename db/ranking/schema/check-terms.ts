/**
 * Whether conditions and arithmetic make sense in a schema: types, arities, bounds, and that everything they name by id is
 * there. Definitions are checked when they come in, and everything else again when something it may stand on changes.
 */
import type { AttributeId, SlotId } from '../ground.ts';
import {
  attributeById,
  relationshipById,
  signalById,
  slotBehind,
  slotById,
  USER_KIND,
  userKind,
} from './lookup.ts';
import type {
  Attribute,
  EntityKind,
  Predicate,
  RankingSchema,
  Scalar,
  ScalarFunction,
  SignalMeasure,
  SignalType,
} from './model.ts';
import { refusedAt } from './names.ts';

/**
 * What a condition is for. `candidates`: anything. `standing`: the same in what was defined before, where a preference may just
 * have no embedding of its shape behind it. `dimensions`: dimensions of the user alone. `computed`: what an attribute is
 * computed by, which knows neither user nor query.
 */
export type TermsUse = 'candidates' | 'standing' | 'dimensions' | 'computed';

export interface TermsScope {
  readonly schema: RankingSchema;
  /** The schema before the change that is looked at: it knows the names of what is gone. */
  readonly before: RankingSchema;
  readonly kind: EntityKind;
  readonly use: TermsUse;
}

const LIST_MAX = 1_000;
const ARGUMENTS_MAX = 16;
const KEYWORD_CHARACTERS_MAX = 256;

/** Least and most arguments. */
const ARITY: Readonly<Record<ScalarFunction, readonly [number, number]>> = {
  '+': [2, ARGUMENTS_MAX],
  '-': [1, 2],
  '*': [2, ARGUMENTS_MAX],
  '/': [2, 2],
  min: [1, ARGUMENTS_MAX],
  max: [1, ARGUMENTS_MAX],
  clamp: [3, 3],
  log1p: [1, 1],
  exp: [1, 1],
  sqrt: [1, 1],
  abs: [1, 1],
  pow: [2, 2],
  saturate: [2, 2],
  sigmoid: [1, 1],
  decay: [2, 2],
  share: [1, 1],
  overdispersion: [2, 2],
};

export function checkPredicate(scope: TermsScope, predicate: Predicate, place: string): void {
  switch (predicate.test) {
    case 'and':
    case 'or':
      if (predicate.of.length === 0)
        throw refusedAt(place, `${predicate.test.toUpperCase()} of nothing`, 'give at least one condition');
      checkLength(predicate.of.length, place);
      for (const each of predicate.of) checkPredicate(scope, each, place);
      return;
    case 'not':
      checkPredicate(scope, predicate.of, place);
      return;
    case 'state':
      checkUse(scope, 'a state of items', place);
      return;
    case 'feature':
      checkUse(scope, 'a feature', place);
      checkNumber(predicate.value, place);
      checkScalar(scope, predicate.feature, place);
      return;
    default:
      checkAttributeTest(scope, predicate, place);
  }
}

export function checkScalar(scope: TermsScope, scalar: Scalar, place: string): void {
  switch (scalar.scalar) {
    case 'number':
      checkNumber(scalar.value, place);
      return;
    case 'attribute':
      checkNumeric(attributeOf(scope, scalar.attribute, place), place);
      return;
    case 'signal':
      checkMeasure(scope, aboutKind(scope, scalar.signal, place), scalar.measure, place);
      return;
    case 'feature':
      if (scope.use === 'computed' && scalar.feature !== 'age_hours')
        throw refusedAt(place, `an attribute cannot be computed by ${scalar.feature}`, 'use it in a profile');
      return;
    case 'state':
      checkUse(scope, 'a state of items', place);
      return;
    case 'relationship':
      checkUse(scope, 'a relationship', place);
      checkEdge(scope, scalar, place);
      return;
    case 'similarity':
      checkUse(scope, 'similarity', place);
      checkSimilarity(scope, scalar.slot, scalar.with, place);
      return;
    case 'apply':
      checkArguments(scalar.function, scalar.of.length, place);
      for (const each of scalar.of) checkScalar(scope, each, place);
  }
}

export function checkMeasure(
  scope: TermsScope,
  signal: SignalType,
  measure: SignalMeasure,
  place: string,
): void {
  if (measure.measure === 'score') return;
  checkWindow(signal, measure.window, place);
  if (measure.measure !== 'ratio') return;
  checkWindow(aboutKind(scope, measure.to, place), measure.window, place);
}

/** The signal, which has to be about the kind. */
export function aboutKind(
  { schema, before, kind }: TermsScope,
  id: SignalType['id'],
  place: string,
): SignalType {
  const signal = signalById(schema, id);
  if (signal === null) throw gone(place, before.signals, 'signal', id);
  if (signal.target !== kind.id) {
    const target = schema.kinds.find((each) => each.id === signal.target)?.name ?? 'another kind';
    throw refusedAt(
      place,
      `signal ${signal.name} is about ${target}, not about ${kind.name}`,
      `use a signal about ${kind.name}`,
    );
  }
  return signal;
}

type RelationshipUse = Pick<Extract<Scalar, { readonly scalar: 'relationship' }>, 'relationship' | 'to'>;

/** An edge from a user to the candidate, or to its creator. */
export function checkEdge(
  { schema, before, kind }: TermsScope,
  { relationship: id, to }: RelationshipUse,
  place: string,
): void {
  const relationship = relationshipById(schema, id);
  if (relationship === null) throw gone(place, before.relationships, 'relationship', id);
  const end = to === 'creator' ? kind.creator?.kind : kind.id;
  if (end === undefined)
    throw refusedAt(
      place,
      `${kind.name} has no creator`,
      `give it one, or ask about the ${kind.name} itself`,
    );
  if (relationship.from !== userKind(schema)?.id || relationship.to !== end)
    throw refusedAt(
      place,
      `relationship ${relationship.name} does not lead from ${USER_KIND} to the ${to === 'creator' ? 'creator' : kind.name}`,
      'use one that does',
    );
}

export function checkSimilarity(scope: TermsScope, id: SlotId, to: 'user' | 'query', place: string): void {
  const slot = slotById(scope.kind, id);
  if (slot === null)
    throw gone(
      place,
      scope.before.kinds.flatMap((kind) => kind.embeddings),
      'embedding',
      id,
    );
  if (to === 'query' || scope.use === 'standing') return;
  const preferences =
    userKind(scope.schema)?.embeddings.filter(({ source }) => source === 'preference') ?? [];
  const fits = preferences.some((each) => slotBehind(scope.kind, each)?.id === id);
  if (!fits)
    throw refusedAt(
      place,
      `${USER_KIND} has no preference embedding over ${slot.name}`,
      `give it one of ${slot.dimensions} dimensions, named ${slot.name}`,
    );
}

function checkArguments(name: ScalarFunction, given: number, place: string): void {
  const [least, most] = ARITY[name];
  if (given >= least && given <= most) return;
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  throw refusedAt(place, `${name} is given ${given} arguments`, `it takes ${wanted}`);
}

type AttributeTest = Extract<Predicate, { readonly test: 'compare' | 'in' | 'between' | 'has' }>;

function checkAttributeTest(scope: TermsScope, predicate: AttributeTest, place: string): void {
  const attribute = attributeOf(scope, predicate.attribute, place);
  checkFilterable(scope, attribute, place);
  switch (predicate.test) {
    case 'compare':
      checkCompared(attribute, predicate.operator, predicate.value, place);
      return;
    case 'in':
      if (predicate.values.length === 0) throw refusedAt(place, 'IN of nothing', 'give at least one value');
      checkLength(predicate.values.length, place);
      for (const value of predicate.values) checkValue(attribute, value, place);
      return;
    case 'between':
      if (!isNumber(attribute))
        throw refusedAt(place, `${attribute.name} is ${attribute.type}, which has no order`, 'use = or IN');
      checkNumber(predicate.low, place);
      checkNumber(predicate.high, place);
      if (predicate.low > predicate.high)
        throw refusedAt(
          place,
          `nothing is between ${predicate.low} and ${predicate.high}`,
          'give the smaller one first',
        );
      return;
    case 'has':
      if (predicate.value === null) return;
      if (attribute.type !== 'keywords')
        throw refusedAt(place, `${attribute.name} is ${attribute.type}, not several keywords`, 'use =');
      checkValue(attribute, predicate.value, place);
  }
}

function checkFilterable(scope: TermsScope, attribute: Attribute, place: string): void {
  if (scope.use === 'dimensions' && !attribute.dimension)
    throw refusedAt(
      place,
      `${attribute.name} is no dimension, and cohorts are made of dimensions`,
      `define ${scope.kind.name} with ${attribute.name} as a DIMENSION`,
    );
  if (attribute.type === 'text')
    throw refusedAt(
      place,
      `${attribute.name} is text, which cannot be filtered by`,
      'search in it, or make it a keyword',
    );
  if (!attribute.filter || attribute.computed !== null)
    throw refusedAt(place, `${attribute.name} cannot be filtered by`, 'define it so that it can');
}

function checkCompared(attribute: Attribute, operator: string, value: unknown, place: string): void {
  checkValue(attribute, value, place);
  const equality = operator === '=' || operator === '<>';
  if (!equality && !isNumber(attribute))
    throw refusedAt(place, `${attribute.name} is ${attribute.type}, which has no order`, 'use =, <> or IN');
  if (attribute.type === 'keywords')
    throw refusedAt(place, `${attribute.name} holds several keywords`, 'ask whether it has one');
}

function checkValue(attribute: Attribute, value: unknown, place: string): void {
  const wanted = isNumber(attribute) ? 'number' : attribute.type === 'boolean' ? 'boolean' : 'string';
  const finite = typeof value !== 'number' || Number.isFinite(value);
  const short = typeof value !== 'string' || value.length <= KEYWORD_CHARACTERS_MAX;
  if (typeof value === wanted && finite && short) return;
  const given = typeof value === 'string' ? `text of ${value.length} characters` : String(value);
  throw refusedAt(
    place,
    `${attribute.name} is ${attribute.type} and cannot be ${given}`,
    `give ${attribute.type}`,
  );
}

function checkNumeric(attribute: Attribute, place: string): void {
  if (isNumber(attribute) || attribute.type === 'boolean') return;
  throw refusedAt(place, `${attribute.name} is ${attribute.type}, not a number`, 'use a numeric attribute');
}

function isNumber({ type }: Attribute): boolean {
  return type === 'integer' || type === 'double' || type === 'timestamp';
}

function attributeOf({ kind, before }: TermsScope, id: AttributeId, place: string): Attribute {
  const attribute = attributeById(kind, id);
  if (attribute === null)
    throw gone(
      place,
      before.kinds.flatMap((each) => each.attributes),
      'attribute',
      id,
    );
  return attribute;
}

function checkWindow(signal: SignalType, window: string, place: string): void {
  if (signal.windows.some((each) => each === window)) return;
  throw refusedAt(
    place,
    `signal ${signal.name} keeps no window of ${window}`,
    `use ${signal.windows.join(', ')}, or define the signal with it`,
  );
}

/** Nothing of the user's or the query's where an entity is looked at by itself. */
function checkUse({ use }: TermsScope, what: string, place: string): void {
  if (use === 'candidates' || use === 'standing') return;
  const where = use === 'dimensions' ? 'a cohort is made of' : 'an attribute is computed by';
  throw refusedAt(place, `${what} is nothing that ${where}`, 'use it in a profile or a query');
}

function checkNumber(value: number, place: string): void {
  if (!Number.isFinite(value)) throw refusedAt(place, `${value} is no number`, 'give a finite one');
}

function checkLength(length: number, place: string): void {
  if (length > LIST_MAX) throw refusedAt(place, `${length} conditions or values`, `give at most ${LIST_MAX}`);
}

function gone(
  place: string,
  before: readonly { readonly id: number; readonly name: string }[],
  sort: string,
  id: number,
): Error {
  const name = before.find((each) => each.id === id)?.name ?? `${id}`;
  return refusedAt(place, `${sort} ${name} is not there`, 'define it anew, or leave it out');
}
