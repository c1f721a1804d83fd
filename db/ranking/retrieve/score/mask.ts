import type { EntityNumber } from '../../ground.ts';
import type { Attribute, AttributeValue, EntityKind, Predicate, Scalar } from '../../schema/model.ts';
import type { Batch } from './batch.ts';
import { evaluate } from './evaluate.ts';
import { compile, type Program } from './program.ts';
import type { Scope } from './scope.ts';

/** Candidates per value of the set below which asking each for its value is cheaper than making the set. */
const SET_BY_CANDIDATE = 4;

type Compare = Extract<Predicate, { test: 'compare' }>;
type AttributeTest = Exclude<Predicate, { test: 'and' | 'or' | 'not' | 'state' | 'feature' }>;
type FeatureTest = Extract<Predicate, { test: 'feature' }>;

/** Puts 1 into `mask` for each candidate that fulfils the predicate, 0 for the others. */
export function fillMask(predicate: Predicate, batch: Batch, scope: Scope, mask: Uint8Array): void {
  if (reachOf(predicate, scope.kind) === 'attributes' && fillFromSet(predicate, batch, scope, mask)) return;
  switch (predicate.test) {
    case 'and':
    case 'or':
      fillJoined(predicate, batch, scope, mask);
      return;
    case 'not':
      fillMask(predicate.of, batch, scope, mask);
      for (let at = 0; at < batch.count; at++) mask[at] = 1 - mask[at]!;
      return;
    case 'state':
      fillState(predicate, batch, scope, mask);
      return;
    case 'feature':
      fillFeature(predicate, batch, scope, mask);
      return;
    default:
      fillAttribute(predicate, batch, scope, mask);
  }
}

/** What has to be known of a candidate to decide: attributes alone, the user's states too, or values of features. */
export type Reach = 'attributes' | 'states' | 'features';

const REACHES: readonly Reach[] = Object.freeze(['attributes', 'states', 'features']);

export function reachOf(predicate: Predicate, kind: EntityKind): Reach {
  switch (predicate.test) {
    case 'and':
    case 'or':
      return predicate.of
        .map((part) => reachOf(part, kind))
        .reduce((one, other) => (REACHES.indexOf(one) < REACHES.indexOf(other) ? other : one), 'attributes');
    case 'not':
      return reachOf(predicate.of, kind);
    case 'state':
      return 'states';
    case 'feature':
      return 'features';
    default:
      return attributeOf(kind, predicate.attribute)?.computed ? 'features' : 'attributes';
  }
}

/** Where few entities fulfil it, or many candidates are asked about: from the set of all that do. */
function fillFromSet(predicate: Predicate, batch: Batch, scope: Scope, mask: Uint8Array): boolean {
  const { entities } = scope.readers;
  if (entities.estimate(scope.kind.id, predicate) > batch.count * SET_BY_CANDIDATE) return false;
  const set = entities.matching(scope.kind.id, predicate);
  for (let at = 0; at < batch.count; at++) mask[at] = set.has(batch.ids[at]!) ? 1 : 0;
  scope.budget.charge(set.size + batch.count);
  return true;
}

function fillJoined(
  { test, of }: Extract<Predicate, { test: 'and' | 'or' }>,
  batch: Batch,
  scope: Scope,
  mask: Uint8Array,
): void {
  mask.fill(test === 'and' ? 1 : 0, 0, batch.count);
  const other = scope.memory.mask();
  for (const part of of) {
    fillMask(part, batch, scope, other);
    if (test === 'and') for (let at = 0; at < batch.count; at++) mask[at]! &= other[at]!;
    else for (let at = 0; at < batch.count; at++) mask[at]! |= other[at]!;
  }
  scope.memory.giveMask(other);
}

function fillState(
  { state, set }: Extract<Predicate, { test: 'state' }>,
  batch: Batch,
  scope: Scope,
  mask: Uint8Array,
): void {
  const owned = scope.owned(state);
  const wanted = set ? 1 : 0;
  if (owned === null || owned.size === 0) return void mask.fill(1 - wanted, 0, batch.count);
  for (let at = 0; at < batch.count; at++) mask[at] = owned.has(batch.ids[at]!) ? wanted : 1 - wanted;
  scope.budget.charge(batch.count);
}

const programs = new WeakMap<Predicate, { readonly kind: EntityKind; readonly program: Program }>();

function fillFeature(predicate: FeatureTest, batch: Batch, scope: Scope, mask: Uint8Array): void {
  const { columns, release } = evaluate(programOf(predicate, scope.kind), batch, scope);
  const column = columns[0]!;
  for (let at = 0; at < batch.count; at++) {
    mask[at] = ordered(column[at]!, predicate.operator, predicate.value) ? 1 : 0;
  }
  release();
}

function programOf(predicate: FeatureTest, kind: EntityKind): Program {
  const known = programs.get(predicate);
  if (known?.kind === kind) return known.program;
  const program = compile([predicate.feature], kind);
  programs.set(predicate, { kind, program });
  return program;
}

function fillAttribute(predicate: AttributeTest, batch: Batch, scope: Scope, mask: Uint8Array): void {
  const attribute = attributeOf(scope.kind, predicate.attribute);
  if (attribute === undefined) return void mask.fill(0, 0, batch.count);
  if (attribute.computed !== null) fillComputed(attribute.computed, predicate, batch, scope, mask);
  else fillWritten(predicate, batch, scope, mask);
}

function fillWritten(predicate: AttributeTest, batch: Batch, scope: Scope, mask: Uint8Array): void {
  const { entities } = scope.readers;
  for (let at = 0; at < batch.count; at++) {
    const value = entities.value(scope.kind.id, batch.ids[at]! as EntityNumber, predicate.attribute);
    mask[at] = value !== null && holds(predicate, value) ? 1 : 0;
  }
  scope.budget.charge(batch.count);
}

/** A computed attribute is never absent. */
function fillComputed(
  computed: Scalar,
  predicate: AttributeTest,
  batch: Batch,
  scope: Scope,
  mask: Uint8Array,
): void {
  const { columns, release } = evaluate(compile([computed], scope.kind), batch, scope);
  const column = columns[0]!;
  for (let at = 0; at < batch.count; at++) mask[at] = holds(predicate, column[at]!) ? 1 : 0;
  release();
}

/** Whether a value that is there fulfils a condition on it. A list fulfils what one of its words does. */
function holds(predicate: AttributeTest, value: AttributeValue): boolean {
  if (Array.isArray(value)) return value.some((word: string) => holds(predicate, word));
  switch (predicate.test) {
    case 'compare':
      return compared(value as string | number | boolean, predicate);
    case 'in':
      return predicate.values.includes(value as string | number);
    case 'between':
      return typeof value === 'number' && value >= predicate.low && value <= predicate.high;
    case 'has':
      return predicate.value === null || predicate.value === value;
  }
}

function compared(value: string | number | boolean, { operator, value: other }: Compare): boolean {
  if (operator === '=') return value === other;
  if (operator === '<>') return value !== other;
  return ordered(value, operator, other);
}

function ordered<T>(value: T, operator: '<' | '<=' | '>' | '>=', other: T): boolean {
  switch (operator) {
    case '<':
      return value < other;
    case '<=':
      return value <= other;
    case '>':
      return value > other;
    case '>=':
      return value >= other;
  }
}

function attributeOf(kind: EntityKind, id: Attribute['id']): Attribute | undefined {
  return kind.attributes.find((attribute) => attribute.id === id);
}
