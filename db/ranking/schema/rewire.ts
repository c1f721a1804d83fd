/**
 * An embedding that changes its shape is another one of the same name: it has another id, because the vectors under the old one
 * mean nothing any more. What was defined with the name means the new one from then on.
 */
import type { SlotId } from '../ground.ts';
import type { SchemaStep } from './change.ts';
import { kindById, named } from './lookup.ts';
import type {
  CandidateSource,
  EntityKind,
  Predicate,
  Profile,
  RankingSchema,
  Scalar,
  SignalType,
} from './model.ts';

type Slots = ReadonlyMap<SlotId, SlotId>;

/** Steps that make signals and profiles use the new ids, behind the step that puts the kind. */
export function rewiringSteps(before: RankingSchema, kind: EntityKind): readonly SchemaStep[] {
  const slots = replacedSlots(kindById(before, kind.id), kind);
  if (slots.size === 0) return [];
  const signals = before.signals.filter(({ effects }) =>
    effects.some((effect) => effect.effect === 'preference' && slots.has(effect.slot)),
  );
  const profiles = before.profiles.filter((profile) => usesAny(profile, slots));
  return [
    ...signals.map(
      (signal): SchemaStep => ({ step: 'put', what: 'signal', value: rewiredSignal(signal, slots) }),
    ),
    ...profiles.map(
      (profile): SchemaStep => ({ step: 'put', what: 'profile', value: rewiredProfile(profile, slots) }),
    ),
  ];
}

function replacedSlots(before: EntityKind | null, after: EntityKind): Slots {
  const replaced = new Map<SlotId, SlotId>();
  for (const slot of before?.embeddings ?? []) {
    const now = named(after.embeddings, slot.name);
    if (now !== null && now.id !== slot.id) replaced.set(slot.id, now.id);
  }
  return replaced;
}

function usesAny(profile: Profile, slots: Slots): boolean {
  return (
    JSON.stringify(rewiredProfile(profile, slots)) !==
    JSON.stringify({ ...profile, version: profile.version + 1 })
  );
}

function rewiredSignal(signal: SignalType, slots: Slots): SignalType {
  const effects = signal.effects.map((effect) =>
    effect.effect === 'preference' ? { ...effect, slot: slots.get(effect.slot) ?? effect.slot } : effect,
  );
  return { ...signal, effects };
}

/** A profile that ranks by something else is another version. */
function rewiredProfile(profile: Profile, slots: Slots): Profile {
  return {
    ...profile,
    version: profile.version + 1,
    candidates: profile.candidates.map((source) => rewiredSource(source, slots)),
    terms: profile.terms.map((term) => ({ ...term, of: rewiredScalar(term.of, slots) })),
    gates: profile.gates.map((gate) => rewiredPredicate(gate, slots)),
    boosts: profile.boosts.map((boost) => ({
      ...boost,
      predicate: rewiredPredicate(boost.predicate, slots),
    })),
  };
}

function rewiredSource(source: CandidateSource, slots: Slots): CandidateSource {
  return source.source === 'similar' ? { ...source, slot: slots.get(source.slot) ?? source.slot } : source;
}

function rewiredScalar(scalar: Scalar, slots: Slots): Scalar {
  if (scalar.scalar === 'similarity') return { ...scalar, slot: slots.get(scalar.slot) ?? scalar.slot };
  if (scalar.scalar !== 'apply') return scalar;
  return { ...scalar, of: scalar.of.map((each) => rewiredScalar(each, slots)) };
}

function rewiredPredicate(predicate: Predicate, slots: Slots): Predicate {
  if (predicate.test === 'and' || predicate.test === 'or')
    return { ...predicate, of: predicate.of.map((each) => rewiredPredicate(each, slots)) };
  if (predicate.test === 'not') return { ...predicate, of: rewiredPredicate(predicate.of, slots) };
  return predicate.test === 'feature'
    ? { ...predicate, feature: rewiredScalar(predicate.feature, slots) }
    : predicate;
}
