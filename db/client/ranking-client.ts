/** Ranking over a link: statements of its language, batches of entities and of signals. */
import { TruthError } from '../errors.ts';
import {
  decodeJson,
  encodeJson,
  encodeSignals,
  KIND,
  PROTOCOL_VERSION_RANKING,
  type Ranked,
  type RankedHits,
  type RankedSuggestions,
  type RankedTable,
  type RankedWrite,
  SIGNALS_MAX,
} from '../protocol/index.ts';
import type { Micros } from '../ranking/ground.ts';
import type { QueryBuilder } from '../ranking/retrieve/language/index.ts';
import type { Encode, Link } from './link.ts';

/** For `$1`, `$2` … in order, or by name. Vectors are lists of numbers. */
export type RankingParameters = readonly RankingValue[] | Readonly<Record<string, RankingValue>>;
export type RankingValue = string | number | boolean | null | readonly string[] | readonly number[];

export interface NewSignal {
  /** Name in the schema. */
  readonly signal: string;
  /** Key of what it is about. */
  readonly target: string;
  /** Key of who did it; a user nobody has written yet comes to be. */
  readonly user?: string;
  /** Default: that of the signal. */
  readonly weight?: number;
  /** When it happened: default, when it is recorded. A number is microseconds since 1970. */
  readonly at?: Date | number;
  /** Of your own: what is sent again under it is not counted again. */
  readonly id?: string;
}

export interface NewEntity {
  /** `item`, `user`, `creator`, or a kind of your own. */
  readonly kind: string;
  readonly key: string;
  /** Attributes, embeddings and the creator's key by name; null takes away, what is not named stays. */
  readonly set?: Readonly<Record<string, RankingValue>>;
  readonly state?: string;
  /** When it came to be. A number is microseconds since 1970. */
  readonly at?: Date | number;
}

export interface NewEdge {
  readonly relationship: string;
  readonly from: string;
  readonly to: string;
  /** Default: that of the relationship. Null takes the edge away. */
  readonly weight?: number | null;
  /** When it came to be or ceased: default, when it is recorded. A number is microseconds since 1970. */
  readonly at?: Date | number;
}

export interface NewExposure {
  readonly experiment: string;
  readonly arm: string;
  readonly user?: string;
  readonly kind: string;
  /** Keys in the order in which they were shown. */
  readonly items: readonly string[];
}

export interface CheckOptions {
  /** Writes nothing, and says what would become of it. */
  readonly dryRun?: boolean;
}

export interface BatchOptions extends CheckOptions {
  /** `each` (default): what is wrong refuses only itself, and the answer says which. `all`: one that is wrong refuses all. */
  readonly failure?: 'each' | 'all';
}

/** A question as text, with its parameters, or as it was built. */
export type RankingQuery = string | QueryBuilder;

/** More than a server gives an evaluation. */
const EVALUATION_MILLIS = 1_200_000;

export class RankingClient {
  readonly #link: Link;
  readonly #timeoutMillis: number;

  constructor(link: Link, timeoutMillis: number) {
    this.#link = link;
    this.#timeoutMillis = timeoutMillis;
  }

  /**
   * One statement. Writes are not sent again when the connection is lost before their answer. Errors: INVALID_ARGUMENT (with the
   * place in the text), NOT_FOUND (with the closest name), FORBIDDEN, TIMEOUT.
   */
  async execute(statement: string, parameters: RankingParameters = []): Promise<Ranked> {
    const repeatable = /^\s*(explain|retrieve|search|suggest|show)\b/i.test(statement);
    const isEvaluated = /^\s*(evaluate|show\s+experiments)\b/i.test(statement);
    return this.#ask(
      (out, request) => encodeJson(out, KIND.RANK, request, { statement, parameters }),
      repeatable,
      isEvaluated ? EVALUATION_MILLIS : this.#timeoutMillis,
    );
  }

  /**
   * EVALUATE: how well profiles would have done, by a replay of the log in a process beside the server, which takes its time (and ends
   * after a quarter of an hour with what there is by then). Errors: BUSY while another one runs, those of `execute`.
   */
  async evaluate(statement: string, parameters: RankingParameters = []): Promise<RankedTable> {
    return expected(await this.execute(statement, parameters), 'table');
  }

  /** RETRIEVE and SEARCH. */
  async retrieve(query: RankingQuery, parameters: RankingParameters = []): Promise<RankedHits> {
    const text = typeof query === 'string' ? query : String(query);
    return expected(await this.execute(text, parameters), 'hits');
  }

  async suggest(kind: string, prefix: string, limit = 10): Promise<RankedSuggestions['suggestions']> {
    const answer = await this.execute(`SUGGEST ${kind} PREFIX $1 LIMIT $2`, [prefix, limit]);
    return expected(answer, 'suggestions').suggestions;
  }

  /** Up to 10,000 at once. */
  async entities(
    entities: readonly (NewEntity | { readonly kind: string; readonly key: string; readonly delete: true })[],
    { failure = 'each', dryRun = false }: BatchOptions = {},
  ): Promise<RankedWrite> {
    const given = entities.map((each) => ('delete' in each ? each : { ...each, at: microsOf(each.at) }));
    const encode: Encode = (out, request) =>
      encodeJson(out, KIND.RANK, request, { entities: given, failure, ...dry(dryRun) });
    // The same values again change nothing.
    return expected(await this.#ask(encode, true), 'written');
  }

  /** An edge, or the lack of one (`weight` null). */
  async relate(
    { relationship, from, to, weight, at }: NewEdge,
    { dryRun = false }: CheckOptions = {},
  ): Promise<RankedWrite> {
    const given = { relationship, from, to, weight: weight === undefined ? 'default' : weight };
    // Servers that know no time of edges are asked without one.
    const relate = at === undefined ? given : { ...given, at: microsOf(at) };
    const encode: Encode = (out, request) => encodeJson(out, KIND.RANK, request, { relate, ...dry(dryRun) });
    return expected(await this.#ask(encode, true), 'written');
  }

  /** What somebody was shown, in which arm of an experiment. */
  async expose(exposure: NewExposure): Promise<RankedWrite> {
    const expose = { ...exposure, user: exposure.user ?? null };
    const encode: Encode = (out, request) => encodeJson(out, KIND.RANK, request, { expose });
    return expected(await this.#ask(encode, false), 'written');
  }

  /** Up to 10,000 at once. Sent again after a lost connection only where each has an id or a time, so that none counts twice. */
  async signals(
    signals: readonly NewSignal[],
    { failure = 'each', dryRun = false }: BatchOptions = {},
  ): Promise<RankedWrite> {
    if (signals.length > SIGNALS_MAX)
      throw new TruthError('TOO_LARGE', `${signals.length} signals at once; ${SIGNALS_MAX} are possible`);
    const drafts = signals.map(({ signal, target, user, weight, at, id }) => ({
      ...{ signal, target, user: user ?? null, weight: weight ?? null, at: microsOf(at), id: id ?? null },
    }));
    const repeatable = drafts.every(({ at, id }) => at !== null || id !== null);
    const encode: Encode = (out, request) => {
      if (dryRun) encodeJson(out, KIND.RANK, request, { signals: drafts, failure, dryRun });
      else encodeSignals(out, request, { signals: drafts, failure });
    };
    return expected(await this.#ask(encode, repeatable || dryRun), 'written');
  }

  #ask(encode: Encode, repeatable: boolean, timeoutMillis = this.#timeoutMillis): Promise<Ranked> {
    const { version } = this.#link.welcome;
    if (version < PROTOCOL_VERSION_RANKING) {
      throw new TruthError(
        'UNSUPPORTED_VERSION',
        `the server speaks version ${version} of the protocol; ranking needs ${PROTOCOL_VERSION_RANKING}: update the server`,
      );
    }
    return this.#link.exchange<Ranked>({
      deadline: performance.now() + timeoutMillis,
      encode,
      take: (kind, body) => {
        if (kind !== KIND.RANKED)
          throw new TruthError('PROTOCOL', `a question was answered by a frame of kind ${kind}`);
        return { result: decodeJson(body) as unknown as Ranked };
      },
      repeatable,
      connection: null,
    });
  }
}

function dry(dryRun: boolean): { readonly dryRun?: true } {
  return dryRun ? { dryRun } : {};
}

function microsOf(at: Date | number | undefined): Micros | null {
  if (at === undefined) return null;
  return (typeof at === 'number' ? at : at.getTime() * 1000) as Micros;
}

function expected<Answer extends Ranked['answer']>(
  ranked: Ranked,
  answer: Answer,
): Extract<Ranked, { answer: Answer }> {
  if (ranked.answer === answer) return ranked as Extract<Ranked, { answer: Answer }>;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `the statement is answered by ${ranked.answer}, not by ${answer}: use execute for it`,
  );
}
