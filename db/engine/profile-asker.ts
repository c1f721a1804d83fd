/** Asks profiles as they are defined now, of views as they were: what a profile would have said before there was one. */
import { TruthError } from '../errors.ts';
import type { Micros } from '../ranking/ground.ts';
import { type BindInput, bindQuery } from '../ranking/retrieve/bind/index.ts';
import { type QueryLimits, Retriever } from '../ranking/retrieve/index.ts';
import {
  type DefineStatement,
  type Parameters,
  type ProfileName,
  parse,
  type QueryStatement,
} from '../ranking/retrieve/language/index.ts';
import type { Hit } from '../ranking/retrieve/query.ts';
import { define, NO_FACTS, type SchemaHistory } from '../ranking/schema/index.ts';
import type { RankingSchema } from '../ranking/schema/model.ts';
import type { TenantRanking } from './ranking-views.ts';

/** A question of an evaluation is nobody's who waits: it ends only where it would never. */
const DEADLINE_MICROS = 60_000_000;
const STEPS = 1_000_000_000;
const CANDIDATES = 20_000;

const FOR_USER = 'RETRIEVE items FOR USER $1 FILTER unseen LIMIT 20';
const FOR_NOBODY = 'RETRIEVE items LIMIT 20';

export class ProfileAsker {
  readonly #kind: string;
  readonly #history: SchemaHistory;
  readonly #retriever = new Retriever();
  readonly #limits: QueryLimits;
  readonly #schemas = new WeakMap<RankingSchema, RankingSchema>();

  /** `history`: the schema at the end of the log, with what was defined for this evaluation only. `millis` never goes back. */
  constructor(kind: string, history: SchemaHistory, millis: () => number) {
    this.#kind = kind;
    this.#history = history;
    this.#limits = {
      clock: () => millis() * 1000,
      deadlineMicros: DEADLINE_MICROS,
      steps: STEPS,
      candidates: CANDIDATES,
    };
  }

  /** Cohorts as they are defined now. */
  get cohorts(): RankingSchema['cohorts'] {
    return this.#history.current.cohorts;
  }

  /** Numbers of the first 20, unseen ones for somebody. Errors: those of binding and of the executor. */
  ask(profile: ProfileName, user: string | null, ranking: TenantRanking, now: Micros): readonly number[] {
    const base = user === null ? forNobody : forUser;
    return this.#hits({ ...base, profile }, user, ranking, now).map(({ number }) => number);
  }

  /** The same list, with what the scores are made of. Errors: those of `ask`. */
  explained(profile: ProfileName, user: string, ranking: TenantRanking, now: Micros): readonly Hit[] {
    return this.#hits({ ...forUser, profile, explain: true }, user, ranking, now);
  }

  #hits(statement: QueryStatement, user: string | null, ranking: TenantRanking, now: Micros): readonly Hit[] {
    const input = this.#bindInput(ranking, user === null ? [] : [user], now);
    const query = bindQuery({ ...statement, kind: this.#kind }, input);
    const readers = ranking.readers(query.kind.id);
    if (readers === null) return [];
    return this.#retriever.answer(query, readers, 0, this.#limits).hits;
  }

  #bindInput({ entities }: TenantRanking, parameters: Parameters, now: Micros): BindInput {
    return {
      entities: { schema: this.#schemaOf(entities.schema), numberOf: entities.numberOf.bind(entities) },
      parameters,
      now,
      profileVersion: (name, version) => this.#history.profile(name, version),
    };
  }

  /** Ids are never given out twice, so a profile of today means the same in a schema of then; what that lacks is left out of it. */
  #schemaOf(then: RankingSchema): RankingSchema {
    let schema = this.#schemas.get(then);
    if (schema === undefined) {
      const { profiles, cohorts } = this.#history.current;
      schema = Object.freeze({ ...then, profiles, cohorts });
      this.#schemas.set(then, schema);
    }
    return schema;
  }
}

const forUser = parse(FOR_USER) as QueryStatement;
const forNobody = parse(FOR_NOBODY) as QueryStatement;

/** The schema with more profiles and cohorts. Errors: INVALID_ARGUMENT for anything else, those of `define`. */
export function definedBeside(
  history: SchemaHistory,
  definitions: readonly DefineStatement[],
): SchemaHistory {
  const beside = history.fork();
  for (const { definition } of definitions) {
    if (definition.define !== 'profile' && definition.define !== 'cohort') {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `${definition.define.toUpperCase()} cannot be tried: the entries of the log were written under the schema they have. DEFINE PROFILE and DEFINE COHORT can`,
      );
    }
    const { change } = define(beside.record, definition, 'rebuild', NO_FACTS);
    if (change !== null) beside.applyChange(change);
  }
  return beside;
}
