/**
 * A profile in a schema that has lost something since it was defined: what is missing counts 0, conditions on it are left out,
 * and each is worth a warning. A profile of which nothing is missing comes back as it is.
 */
import { attributeById, relationshipById, signalById, slotById } from '../../schema/lookup.ts';
import type {
  CandidateSource,
  EntityKind,
  Predicate,
  Profile,
  RankingSchema,
  Scalar,
  Term,
} from '../../schema/model.ts';

export interface FittedProfile {
  readonly profile: Profile;
  readonly warnings: readonly string[];
}

export function fitProfile(profile: Profile, schema: RankingSchema, kind: EntityKind): FittedProfile {
  const fitting = new Fitting(schema, kind);
  const terms = profile.terms.map((term) => fitting.term(term));
  const candidates = profile.candidates.filter((source) => fitting.hasSource(source));
  const gates = profile.gates.filter((gate) => fitting.hasAll(gate));
  const boosts = profile.boosts.filter(({ predicate }) => fitting.hasAll(predicate));
  if (fitting.missing.size === 0) return { profile, warnings: [] };
  const warnings = [...fitting.missing].map(
    (what) => `profile ${profile.name} uses ${what}, which the schema no longer has; it counts 0`,
  );
  return { profile: Object.freeze({ ...profile, terms, candidates, gates, boosts }), warnings };
}

class Fitting {
  readonly missing = new Set<string>();
  readonly #schema: RankingSchema;
  readonly #kind: EntityKind;

  constructor(schema: RankingSchema, kind: EntityKind) {
    this.#schema = schema;
    this.#kind = kind;
  }

  term(term: Term): Term {
    return this.#has(term.of) ? term : { ...term, of: this.#fitted(term.of) };
  }

  hasSource(source: CandidateSource): boolean {
    switch (source.source) {
      case 'top': {
        const { signal, measure } = source;
        return this.#has({ scalar: 'signal', signal, measure });
      }
      case 'similar':
        return this.#has({ scalar: 'similarity', slot: source.slot, with: source.to });
      case 'following':
        return this.#has({ scalar: 'relationship', relationship: source.relationship, to: 'target' });
      default:
        return true;
    }
  }

  hasAll(predicate: Predicate): boolean {
    switch (predicate.test) {
      case 'and':
      case 'or':
        return predicate.of.every((part) => this.hasAll(part));
      case 'not':
        return this.hasAll(predicate.of);
      case 'state':
        return true;
      case 'feature':
        return this.#has(predicate.feature);
      default:
        return this.#has({ scalar: 'attribute', attribute: predicate.attribute });
    }
  }

  /** With 0 for each part that is missing. */
  #fitted(scalar: Scalar): Scalar {
    if (scalar.scalar !== 'apply') return this.#has(scalar) ? scalar : { scalar: 'number', value: 0 };
    return { ...scalar, of: scalar.of.map((part) => this.#fitted(part)) };
  }

  #has(scalar: Scalar): boolean {
    switch (scalar.scalar) {
      case 'attribute':
        return this.#noted(attributeById(this.#kind, scalar.attribute), `attribute ${scalar.attribute}`);
      case 'signal': {
        const own = this.#noted(signalById(this.#schema, scalar.signal), `signal ${scalar.signal}`);
        if (scalar.measure.measure !== 'ratio') return own;
        const { to } = scalar.measure;
        return this.#noted(signalById(this.#schema, to), `signal ${to}`) && own;
      }
      case 'relationship': {
        const { relationship } = scalar;
        return this.#noted(relationshipById(this.#schema, relationship), `relationship ${relationship}`);
      }
      case 'similarity':
        return this.#noted(slotById(this.#kind, scalar.slot), `embedding ${scalar.slot}`);
      case 'apply':
        return scalar.of.every((part) => this.#has(part));
      default:
        return true;
    }
  }

  #noted(found: object | null, what: string): boolean {
    if (found === null) this.missing.add(what);
    return found !== null;
  }
}
