/**
 * The sort modes: each is a measure of what a schema has, found by the names and the polarity of its signals. What it lacks
 * counts 0, with a warning.
 */
import type {
  Attribute,
  CandidateSource,
  EntityKind,
  Polarity,
  Predicate,
  RankingSchema,
  Scalar,
  SignalMeasure,
  SignalType,
  WindowName,
} from '../../schema/model.ts';
import type { Query, SortMode } from '../query.ts';
import {
  AGE_HOURS,
  add,
  decimalLogarithm,
  divide,
  type Measure,
  type MeasuredTerm,
  most,
  multiply,
  number,
  squareRoot,
  subtract,
} from './measure.ts';
import {
  approvalSignal,
  attentionSignal,
  attributeNamed,
  negativeSignals,
  positiveSignals,
  type SignalRole,
  signalOf,
} from './roles.ts';
import { keptWindow, measured, trendOf } from './trend.ts';

/** What a sort mode is made of. */
export interface Sort {
  readonly terms: readonly MeasuredTerm[];
  readonly gates: readonly Predicate[];
  readonly sources: readonly CandidateSource[];
  readonly warnings: readonly string[];
}

interface Asked {
  readonly schema: RankingSchema;
  readonly kind: EntityKind;
  /** Null: what the mode means by itself. */
  readonly window: WindowName | null;
  readonly verb: Query['verb'];
}

type Order = 'ascending' | 'descending';

/** Candidates a sort mode looks at where there are more that could be. */
const SOURCE_LIMIT = 1_000;
const ALL: readonly CandidateSource[] = Object.freeze([{ source: 'all', limit: 20_000 }]);
const NEW: readonly CandidateSource[] = Object.freeze([{ source: 'new', limit: SOURCE_LIMIT }]);
/** How fast `hot` cools: the power of the hours. */
const GRAVITY = 1.8;
const HOURS_PER_YEAR = 8_760;
/** Views that count as had before any: so that one view and one like are not yet quality. */
const VIEWS_BEFORE = 10;
/** Weight of what only decides between equals. */
const TIE_BREAK = 1e-6;

export function sortOf(mode: SortMode, asked: Asked): Sort {
  return new SortBuilder(asked).build(mode);
}

class SortBuilder {
  readonly #asked: Asked;
  readonly #warnings: string[] = [];

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  build(mode: SortMode): Sort {
    switch (mode) {
      case 'relevance':
        return this.#by('place in the lists of candidates', FUSED, this.#relevanceSources());
      case 'personalized':
        return this.#personalized();
      case 'top_hour':
        return this.#top('1h');
      case 'top_today':
        return this.#top('24h');
      case 'top_week':
        return this.#top('7d');
      case 'top_month':
        return this.#top('30d');
      case 'top_year':
        return { ...this.#top('all'), gates: [youngerThan(HOURS_PER_YEAR)] };
      case 'top_all_time':
        return this.#top('all');
      case 'hidden_gems':
        return this.#hiddenGems();
      case 'new':
        return this.#by('age, youngest first', subtract(number(0), AGE_HOURS), NEW);
      case 'old':
        return this.#by('age', AGE_HOURS, ALL);
      case 'hot':
        return this.#hot();
      case 'trending':
        return this.#trending();
      case 'rising':
        return this.#rising();
      default:
        return this.#others(mode);
    }
  }

  #others(mode: Exclude<SortMode, `top_${string}`>): Sort {
    switch (mode) {
      case 'most_viewed':
        return this.#most('view');
      case 'most_liked':
        return this.#most('like');
      case 'most_commented':
        return this.#most('comment');
      case 'most_shared':
        return this.#most('share');
      case 'shortest':
        return this.#byLength('ascending');
      case 'longest':
        return this.#byLength('descending');
      case 'alphabetical_asc':
        return this.#alphabetical('ascending');
      case 'alphabetical_desc':
        return this.#alphabetical('descending');
      case 'shuffle':
        return this.#shuffle();
      case 'live_viewer_count':
        return this.#live();
      case 'date_saved':
        return { ...this.#by('when it was saved', { scalar: 'touched' }, ALL), gates: [SAVED] };
      default:
        return this.#controversial();
    }
  }

  #by(label: string, of: Measure, sources: readonly CandidateSource[]): Sort {
    const terms: readonly MeasuredTerm[] = [{ stage: 'base', label, weight: 1, of, normalised: false }];
    return Object.freeze({ terms, gates: [], sources, warnings: this.#warnings });
  }

  #relevanceSources(): readonly CandidateSource[] {
    const slot = this.#asked.kind.embeddings[0];
    const text: CandidateSource = { source: 'text', limit: SOURCE_LIMIT };
    if (this.#asked.verb === 'retrieve') return this.#popular('7d');
    return slot === undefined
      ? [text]
      : [text, { source: 'similar', slot: slot.id, to: 'query', limit: 500 }];
  }

  #personalized(): Sort {
    const neighbours: Scalar = { scalar: 'feature', feature: 'neighbours' };
    const terms: MeasuredTerm[] = [
      term('personalisation', 'goes with what the user had to do with', 1, neighbours),
    ];
    const sources: CandidateSource[] = [{ source: 'neighbours', limit: 1_000 }];
    const slot = this.#asked.kind.embeddings[0];
    if (slot !== undefined) {
      const similarity: Scalar = { scalar: 'similarity', slot: slot.id, with: 'user' };
      terms.push(term('personalisation', `like what the user prefers (${slot.name})`, 1, similarity));
      sources.push({ source: 'similar', slot: slot.id, to: 'user', limit: 500 });
    }
    return Object.freeze({ terms, gates: [], sources, warnings: this.#warnings });
  }

  /** Approval less what speaks against it, within the window. */
  #top(window: WindowName): Sort {
    const approval = this.#approval();
    const score = subtract(this.#total([approval], window), this.#total(this.#negative(), window));
    return this.#by(`${approval?.name ?? 'approval'} within ${window}`, score, this.#best(approval, window));
  }

  /** Good for those who saw it, and few have. */
  #hiddenGems(): Sort {
    const { schema, kind } = this.#asked;
    const view = signalOf('view', schema, kind);
    const good = signalOf('completion', schema, kind) ?? this.#approval();
    const views = this.#total([view ?? good], 'all');
    const liked = view === undefined ? this.#weighed(good) : this.#total([good], 'all');
    const quality = divide(liked, add(views, number(VIEWS_BEFORE)));
    const gem = divide(quality, decimalLogarithm(add(views, number(VIEWS_BEFORE))));
    return this.#by('quality against how many have seen it', gem, [...this.#best(good, 'all'), ...NEW]);
  }

  #hot(): Sort {
    const difference: Scalar = {
      scalar: 'apply',
      function: 'abs',
      of: [subtract(this.#total(this.#approving(), 'all'), this.#total(this.#negative(), 'all'))],
    };
    const cooling: Scalar = {
      scalar: 'apply',
      function: 'pow',
      of: [add(AGE_HOURS, number(2)), number(GRAVITY)],
    };
    const sources = [...NEW, ...this.#best(this.#approval(), '7d')];
    return this.#by('votes against age', divide(decimalLogarithm(difference), cooling), sources);
  }

  /** Shares count more than likes, likes more than looks. */
  #trending(): Sort {
    const { window } = this.#asked;
    const asked = window ?? '24h';
    const terms = trendingTerms(this.#asked.schema, this.#asked.kind, asked);
    if (terms.length === 0) this.#lacks('a positive signal');
    const best = terms.flatMap(({ signal }) => this.#best(signal, asked, 'velocity'));
    const sources = best.length > 0 ? best : NEW;
    return Object.freeze({
      terms: terms.map(({ term: one }) => one),
      gates: [],
      sources,
      warnings: this.#warnings,
    });
  }

  /** More than it used to have, and young. */
  #rising(): Sort {
    const signal = this.#attention();
    if (signal === undefined) return this.#by('rise', number(0), NEW);
    const window = keptWindow(signal, this.#asked.window ?? '24h');
    const baseline = keptWindow(signal, window === '24h' || window === '1h' ? '7d' : 'all');
    const rise = divide(
      most(measured(signal.id, { measure: 'acceleration', window }), number(0)),
      add(measured(signal.id, { measure: 'velocity', window: baseline }), number(0.1)),
    );
    const youth: Scalar = { scalar: 'apply', function: 'decay', of: [AGE_HOURS, number(168)] };
    const rising = multiply(rise, add(number(1), youth));
    return this.#by(
      `rise of ${signal.name} within ${window}`,
      rising,
      this.#best(signal, window, 'acceleration'),
    );
  }

  #most(role: SignalRole): Sort {
    const signal = signalOf(role, this.#asked.schema, this.#asked.kind);
    if (signal === undefined) this.#lacks(`a signal named like a ${role}`);
    const window = this.#asked.window ?? 'all';
    return this.#by(
      `${signal?.name ?? role} within ${window}`,
      this.#total([signal], window),
      this.#best(signal, window),
    );
  }

  #byLength(order: Order): Sort {
    const names = /^(duration|length|runtime|run_time|seconds|minutes|size|pages|words)/;
    const attribute = attributeNamed(this.#asked.kind, names, ['integer', 'double']);
    if (attribute === undefined) this.#lacks('a number named like a duration or length');
    return this.#byPlace(attribute, order);
  }

  #alphabetical(order: Order): Sort {
    const { kind } = this.#asked;
    const attribute =
      attributeNamed(kind, /^(title|name|label|headline|subject)/, ['text', 'keyword']) ??
      kind.attributes.find(({ type }) => type === 'text' || type === 'keyword');
    if (attribute === undefined) this.#lacks('a text or keyword to go by');
    return this.#byPlace(attribute, order);
  }

  #byPlace(attribute: Attribute | undefined, order: Order): Sort {
    if (attribute === undefined) return this.#by('nothing', number(0), ALL);
    const sort = this.#by(attribute.name, { scalar: 'place', attribute: attribute.id, order }, ALL);
    // The first place is the best.
    return { ...sort, terms: sort.terms.map((one) => ({ ...one, weight: -1 })) };
  }

  /** By chance, and rather what is good. */
  #shuffle(): Sort {
    const good = this.#approval();
    const liked = add(number(1), good === undefined ? number(0) : this.#total([good], 'all'));
    const quality: Scalar = { scalar: 'apply', function: 'saturate', of: [liked, number(VIEWS_BEFORE)] };
    const chance: Scalar = { scalar: 'feature', feature: 'random' };
    return this.#by('chance, and quality', multiply(chance, squareRoot(quality)), ALL);
  }

  #live(): Sort {
    const { schema, kind } = this.#asked;
    const attribute = attributeNamed(kind, /(live|current|concurrent)_?(viewer|listener|user|count)/, [
      'integer',
      'double',
    ]);
    if (attribute !== undefined) {
      return this.#by(attribute.name, { scalar: 'attribute', attribute: attribute.id }, ALL);
    }
    const signal = signalOf('live', schema, kind) ?? this.#attention();
    return this.#by(
      `${signal?.name ?? 'viewers'} within 1h`,
      this.#total([signal], '1h'),
      this.#best(signal, '1h'),
    );
  }

  /** Much for it and as much against it. */
  #controversial(): Sort {
    const pros = this.#total(this.#approving(), 'all');
    const negative = this.#negative();
    if (negative.length === 0) this.#lacks('a negative signal');
    const cons = this.#total(negative, 'all');
    const both = add(pros, cons);
    const balance = divide(multiply(pros, cons), multiply(both, both));
    const sources = [...this.#best(negative[0], 'all'), ...this.#best(this.#approval(), 'all')];
    const sort = this.#by('balance of pros and cons', balance, sources);
    // Of what is as balanced, first what more people have quarrelled about.
    const size: Scalar = { scalar: 'apply', function: 'saturate', of: [both, number(VIEWS_BEFORE)] };
    return {
      ...sort,
      terms: [...sort.terms, { ...term('base', 'pros and cons', TIE_BREAK, size), normalised: false }],
    };
  }

  #approval(): SignalType | undefined {
    const signal = approvalSignal(this.#asked.schema, this.#asked.kind);
    if (signal === undefined) this.#lacks('a signal of approval');
    return signal;
  }

  #attention(): SignalType | undefined {
    const signal = attentionSignal(this.#asked.schema, this.#asked.kind);
    if (signal === undefined) this.#lacks('a signal that says what people look at');
    return signal;
  }

  /** Positive ones but the view, which says neither yes nor no; that too where there is no other. */
  #approving(): readonly SignalType[] {
    const { schema, kind } = this.#asked;
    const view = signalOf('view', schema, kind);
    const positive = positiveSignals(schema, kind);
    const others = positive.filter((signal) => signal !== view);
    return others.length > 0 ? others : positive;
  }

  #negative(): readonly SignalType[] {
    return negativeSignals(this.#asked.schema, this.#asked.kind);
  }

  #total(signals: readonly (SignalType | undefined)[], window: WindowName): Scalar {
    const counts = signals
      .filter((signal) => signal !== undefined)
      .map((signal) => measured(signal.id, { measure: 'count', window: keptWindow(signal, window) }));
    return counts.length === 0 ? number(0) : add(...counts);
  }

  /** Weight as a share of the largest an event can have. */
  #weighed(signal: SignalType | undefined): Scalar {
    if (signal === undefined) return number(0);
    const weight = measured(signal.id, { measure: 'weight', window: 'all' });
    return divide(weight, number(Math.max(1, Math.min(signal.weight.max, 100))));
  }

  #best(
    signal: SignalType | undefined,
    window: WindowName,
    measure: 'count' | 'velocity' | 'acceleration' = 'count',
  ): readonly CandidateSource[] {
    if (signal === undefined) return NEW;
    const kept = keptWindow(signal, window);
    // Over all of time nothing accelerates, and the order by velocity is that of no list.
    const by: SignalMeasure = { measure: kept === 'all' ? 'count' : measure, window: kept };
    return [{ source: 'top', signal: signal.id, measure: by, limit: SOURCE_LIMIT }];
  }

  #popular(window: WindowName): readonly CandidateSource[] {
    return this.#best(attentionSignal(this.#asked.schema, this.#asked.kind), window, 'velocity');
  }

  #lacks(what: string): void {
    const text = `the schema has no ${what.replace(/^an? /, '')} for ${this.#asked.kind.name}: it counts 0`;
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }
}

const FUSED: Scalar = Object.freeze({ scalar: 'feature', feature: 'fused' });
const SAVED: Predicate = Object.freeze({ test: 'state', state: 'saved', set: true });

function youngerThan(hours: number): Predicate {
  return { test: 'feature', feature: AGE_HOURS, operator: '<=', value: hours };
}

function term(stage: MeasuredTerm['stage'], label: string, weight: number, of: Measure): MeasuredTerm {
  return { stage, label, weight, of, normalised: true };
}

const TREND_WEIGHTS: Readonly<Partial<Record<SignalRole, number>>> = Object.freeze({
  share: 0.5,
  like: 0.3,
  view: 0.2,
});

/** The trends of all positive signals, each as a share of the candidates' largest, by what kind of signal it is. */
function trendingTerms(
  schema: RankingSchema,
  kind: EntityKind,
  window: WindowName,
): readonly { readonly signal: SignalType; readonly term: MeasuredTerm & { readonly of: Scalar } }[] {
  const positive: Polarity = 'positive';
  const attention = attentionSignal(schema, kind);
  const signals = schema.signals.filter(
    (signal) => signal.target === kind.id && (signal.polarity === positive || signal === attention),
  );
  return signals.map((signal) => {
    const role = (['share', 'like', 'view'] as const).find((one) => signalOf(one, schema, kind) === signal);
    const of = trendOf(signal, window);
    const label = `trend of ${signal.name} within ${keptWindow(signal, window)}`;
    const weight = (role === undefined ? undefined : TREND_WEIGHTS[role]) ?? 0.3;
    return { signal, term: { stage: 'signals', label, weight, of, normalised: true } };
  });
}
