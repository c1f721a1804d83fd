import type { AttributeId, SignalId } from '../../ground.ts';
import type { EntityReader } from '../../reading.ts';
import type {
  CandidateSource,
  EntityKind,
  Predicate,
  RankingSchema,
  SignalMeasure,
} from '../../schema/model.ts';
import type { CandidateClause } from '../query.ts';

/** A clause of WITHIN as EXPLAIN writes it. */
export function describeClause(clause: CandidateClause, entities: EntityReader, kind: EntityKind): string {
  switch (clause.clause) {
    case 'trending':
      return `trending${by(clause.signal, entities.schema)} within ${clause.window}, ${clause.limit} at most`;
    case 'cohort':
      return `cohort ${clause.name}${by(clause.signal, entities.schema)} within ${clause.window}, ${clause.limit} at most`;
    case 'following':
      return `following, ${clause.limit} at most`;
    case 'related':
      return `related to ${entities.keyOf(kind.id, clause.item)}, ${clause.limit} at most`;
    case 'state':
      return `${clause.state} by the user`;
    case 'search':
      return `search "${clause.text}", ${clause.limit} at most`;
    case 'creator':
      return `made by ${kind.creator === null ? 'nobody' : entities.keyOf(kind.creator.kind, clause.creator)}`;
    case 'items':
      return `${clause.items.length} given`;
  }
}

/** A source of candidates as EXPLAIN writes it. */
export function describeSource(source: CandidateSource, { schema }: EntityReader, kind: EntityKind): string {
  switch (source.source) {
    case 'top':
      return `top by ${measure(source.measure)} of ${signalName(source.signal, schema)}`;
    case 'similar':
      return `nearest to the ${source.to} (${slotName(source.slot, schema)})`;
    case 'following':
      return 'following';
    case 'neighbours':
      return 'what goes with it';
    case 'text':
      return 'text';
    case 'new':
      return `newest ${kind.name}`;
    case 'all':
      return `every ${kind.name}`;
  }
}

/** A condition as EXPLAIN writes it: short, and readable rather than exact. */
export function describePredicate(predicate: Predicate, kind: EntityKind): string {
  switch (predicate.test) {
    case 'and':
    case 'or':
      return predicate.of.map((part) => `(${describePredicate(part, kind)})`).join(` ${predicate.test} `);
    case 'not':
      return `not (${describePredicate(predicate.of, kind)})`;
    case 'compare':
      return `${attributeName(predicate.attribute, kind)} ${predicate.operator} ${predicate.value}`;
    case 'in':
      return `${attributeName(predicate.attribute, kind)} in (${predicate.values.join(', ')})`;
    case 'between':
      return `${attributeName(predicate.attribute, kind)} between ${predicate.low} and ${predicate.high}`;
    case 'has':
      return `${attributeName(predicate.attribute, kind)} has ${predicate.value ?? 'a value'}`;
    case 'state':
      return predicate.set ? predicate.state : `not ${predicate.state}`;
    case 'feature':
      return `a feature ${predicate.operator} ${predicate.value}`;
  }
}

function by(signal: SignalId | null, schema: RankingSchema): string {
  return signal === null ? '' : ` by ${signalName(signal, schema)}`;
}

function measure(measure: SignalMeasure): string {
  return measure.measure === 'score' ? 'score' : `${measure.measure} within ${measure.window}`;
}

function signalName(id: SignalId, schema: RankingSchema): string {
  return schema.signals.find((signal) => signal.id === id)?.name ?? `signal ${id}`;
}

function slotName(id: number, schema: RankingSchema): string {
  const slots = schema.kinds.flatMap(({ embeddings }) => embeddings);
  return slots.find((slot) => slot.id === id)?.name ?? `slot ${id}`;
}

function attributeName(id: AttributeId, kind: EntityKind): string {
  return kind.attributes.find((attribute) => attribute.id === id)?.name ?? `attribute ${id}`;
}
