import { bucketOf } from '../../evaluate/bucket.ts';
import { type EntityNumber, MICROS_PER_HOUR, MICROS_PER_SECOND } from '../../ground.ts';
import { userKind } from '../../schema/lookup.ts';
import type { Feature, Scalar, SignalMeasure, SignalType, UserItemState } from '../../schema/model.ts';
import type { Batch } from './batch.ts';
import { comparisonOf } from './embedding.ts';
import { finite } from './finite.ts';
import { mixed } from './mixing.ts';
import type { Leaf } from './program.ts';
import { attentionSignal } from './roles.ts';
import type { Scope } from './scope.ts';

/** Events at which an item is half as new to people as one that nobody has seen. */
const NOVELTY_HALF = 20;
/** A hundred years and more. */
const NEVER_HOURS = 1e6;

/** Fills the first `batch.count` places of `out` with what each candidate has of a leaf: 0 where it has nothing. */
export function fillLeaf(leaf: Leaf, batch: Batch, scope: Scope, out: Float64Array): void {
  switch (leaf.scalar) {
    case 'attribute':
      scope.readers.entities.numbers(scope.kind.id, leaf.attribute, batch.ids, batch.count, out);
      tidy(batch.count, out);
      return;
    case 'signal':
      fillSignal(leaf, batch, scope, out);
      return;
    case 'feature':
      fillFeature(leaf.feature, batch, scope, out);
      return;
    case 'relationship':
      fillRelationship(leaf, batch, scope, out);
      return;
    case 'state':
      fillState(leaf.state, batch, scope, out);
      return;
    case 'similarity':
      fillSimilarity(leaf, batch, scope, out);
      return;
    case 'place':
      fillPlaces(leaf, batch, scope, out);
      return;
    case 'touched':
      fillTouched(batch, scope, out);
      return;
  }
}

function tidy(count: number, out: Float64Array): void {
  for (let at = 0; at < count; at++) out[at] = finite(out[at]!);
}

function fillSignal(
  { signal, measure }: Extract<Scalar, { scalar: 'signal' }>,
  batch: Batch,
  scope: Scope,
  out: Float64Array,
): void {
  const type = scope.signal(signal);
  if (type === undefined) return void out.fill(0, 0, batch.count);
  if (type.target === scope.kind.id) {
    fillMeasure(type, measure, batch.ids, batch.count, scope, out);
    tidy(batch.count, out);
  } else if (type.target === scope.kind.creator?.kind) {
    fillOfCreators(type, measure, batch, scope, out);
  } else {
    out.fill(0, 0, batch.count);
  }
}

/** Signals about creators count for what they made. */
function fillOfCreators(
  type: SignalType,
  measure: SignalMeasure,
  batch: Batch,
  scope: Scope,
  out: Float64Array,
): void {
  const creators = batch.creators(scope.readers.entities, scope.kind);
  fillMeasure(type, measure, creators, batch.count, scope, out);
  for (let at = 0; at < batch.count; at++) out[at] = creators[at] === 0 ? 0 : finite(out[at]!);
}

function fillMeasure(
  type: SignalType,
  measure: SignalMeasure,
  targets: Uint32Array,
  count: number,
  scope: Scope,
  out: Float64Array,
): void {
  const { signals, cohorts } = scope.readers;
  switch (measure.measure) {
    case 'score':
      signals.score(type.id, targets, count, scope.now, out);
      return;
    case 'weight':
      signals.weight(type.id, measure.window, targets, count, scope.now, out);
      return;
    case 'ratio':
      fillRatio(type, measure, targets, count, scope, out);
      return;
    default:
      if (scope.tuples === null || !type.cohorts) {
        signals[measure.measure](type.id, measure.window, targets, count, scope.now, out);
        return;
      }
      cohorts[measure.measure](type.id, measure.window, scope.tuples, targets, count, scope.now, out);
      return;
  }
}

function fillRatio(
  type: SignalType,
  { to, window }: Extract<SignalMeasure, { measure: 'ratio' }>,
  targets: Uint32Array,
  count: number,
  scope: Scope,
  out: Float64Array,
): void {
  const other = scope.signal(to);
  if (other === undefined) return void out.fill(0, 0, count);
  const whole = scope.memory.column();
  fillMeasure(type, { measure: 'count', window }, targets, count, scope, out);
  fillMeasure(other, { measure: 'count', window }, targets, count, scope, whole);
  for (let at = 0; at < count; at++) out[at] = whole[at]! > 0 ? out[at]! / whole[at]! : 0;
  scope.memory.give(whole);
}

function fillFeature(feature: Feature, batch: Batch, scope: Scope, out: Float64Array): void {
  switch (feature) {
    case 'age_hours':
      fillAge(batch, scope, out);
      return;
    case 'text':
      fillText(batch, scope, out);
      return;
    case 'neighbours':
      fillNeighbours(batch, scope, out);
      return;
    case 'novelty':
      fillNovelty(batch, scope, out);
      return;
    case 'fused':
      out.set(batch.fused.subarray(0, batch.count));
      return;
    case 'random':
      for (let at = 0; at < batch.count; at++) out[at] = mixed(batch.ids[at]!, scope.seed);
      return;
    case 'idle_hours':
      out.fill(idleHours(scope), 0, batch.count);
      return;
    case 'bucket':
      out.fill(bucket(scope), 0, batch.count);
      return;
  }
}

/** Of the user in the experiment that has the profile's name; 0 for nobody. */
function bucket({ query: { user, profile }, readers: { entities } }: Scope): number {
  const users = userKind(entities.schema);
  return user === 0 || users === null ? 0 : bucketOf(entities.keyOf(users.id, user), profile.name);
}

function idleHours({ query: { user }, readers: { audience }, now }: Scope): number {
  const [last] = user === 0 ? [] : audience.recent(user, 1);
  if (last === undefined) return NEVER_HOURS;
  return Math.max(0, now - audience.lastAt(user, last as EntityNumber)) / MICROS_PER_HOUR;
}

function fillAge(batch: Batch, scope: Scope, out: Float64Array): void {
  const { entities } = scope.readers;
  for (let at = 0; at < batch.count; at++) {
    const created = entities.createdAt(scope.kind.id, batch.ids[at]! as EntityNumber);
    out[at] = Math.max(0, scope.now - created) / MICROS_PER_HOUR;
  }
}

function fillText(batch: Batch, scope: Scope, out: Float64Array): void {
  const { text } = scope.query;
  if (text === null) return void out.fill(0, 0, batch.count);
  scope.readers.text.score(scope.kind.id, text, batch.ids, batch.count, out);
  tidy(batch.count, out);
}

function fillNeighbours(batch: Batch, scope: Scope, out: Float64Array): void {
  const { scores } = scope.neighbours();
  if (scores.length === 0) return void out.fill(0, 0, batch.count);
  const places = scope.neighbourPlaces();
  for (let at = 0; at < batch.count; at++) {
    const place = places.find(batch.ids[at]!);
    out[at] = place === -1 ? 0 : finite(scores[place]!);
  }
}

function fillNovelty(batch: Batch, scope: Scope, out: Float64Array): void {
  const signal = attentionSignal(scope.readers.entities.schema, scope.kind);
  if (signal === undefined) return void out.fill(1, 0, batch.count);
  scope.readers.signals.count(signal.id, 'all', batch.ids, batch.count, scope.now, out);
  for (let at = 0; at < batch.count; at++) out[at] = NOVELTY_HALF / (NOVELTY_HALF + finite(out[at]!));
}

function fillRelationship(
  { relationship, to }: Extract<Scalar, { scalar: 'relationship' }>,
  batch: Batch,
  scope: Scope,
  out: Float64Array,
): void {
  const { entities, audience } = scope.readers;
  const { user } = scope.query;
  const targets = to === 'target' ? batch.ids : batch.creators(entities, scope.kind);
  if (user === 0) return void out.fill(0, 0, batch.count);
  audience.edge(relationship, user, targets, batch.count, scope.now, out);
  for (let at = 0; at < batch.count; at++) out[at] = targets[at] === 0 ? 0 : finite(out[at]!);
}

function fillState(state: UserItemState, batch: Batch, scope: Scope, out: Float64Array): void {
  const owned = scope.owned(state);
  if (owned === null || owned.size === 0) return void out.fill(0, 0, batch.count);
  for (let at = 0; at < batch.count; at++) out[at] = owned.has(batch.ids[at]!) ? 1 : 0;
}

function fillSimilarity(
  { slot, with: other }: Extract<Scalar, { scalar: 'similarity' }>,
  batch: Batch,
  scope: Scope,
  out: Float64Array,
): void {
  const comparison = comparisonOf(slot, other, scope);
  if (comparison === null) return void out.fill(0, 0, batch.count);
  const { vectors } = scope.readers;
  vectors.similarity(scope.kind.id, comparison.slot, comparison.vector, batch.ids, batch.count, out);
  tidy(batch.count, out);
}

function fillPlaces(
  { attribute, order }: Extract<Leaf, { scalar: 'place' }>,
  batch: Batch,
  scope: Scope,
  out: Float64Array,
): void {
  const { entities } = scope.readers;
  const values: { readonly at: number; readonly value: string | number }[] = [];
  for (let at = 0; at < batch.count; at++) {
    const value = entities.value(scope.kind.id, batch.ids[at]! as EntityNumber, attribute);
    out[at] = batch.count + 1;
    if (typeof value === 'string' || typeof value === 'number') values.push({ at, value });
  }
  const sign = order === 'ascending' ? 1 : -1;
  values.sort((one, other) => (one.value < other.value ? -sign : one.value > other.value ? sign : 0));
  let place = 0;
  let before: string | number | null = null;
  for (const { at, value } of values) {
    if (value !== before) place += 1;
    before = value;
    out[at] = place;
  }
}

function fillTouched(batch: Batch, scope: Scope, out: Float64Array): void {
  const { user } = scope.query;
  for (let at = 0; at < batch.count; at++) {
    const item = batch.ids[at]! as EntityNumber;
    out[at] = user === 0 ? 0 : scope.readers.audience.lastAt(user, item) / MICROS_PER_SECOND;
  }
}
