/**
 * What somebody may like, of what the schema has. Three things carry it: what is wanted now, the same where it goes with the
 * user's last items, and these for themselves while the user is at it: somebody who has taken something up a minute ago goes on
 * with it, somebody who comes back after a month sees what the month has brought. Somebody of whom nothing is known gets what is
 * wanted, good and new.
 *
 * How much of that is of these days the counts say themselves: where those of the last day or week are off from those of all time by
 * more than chance, trends are to be followed; where they only scatter about them, a trend is noise, what was wanted always is
 * wanted now, and taste of a month ago is as good as that of today. So it needs to be told neither how fast a catalogue moves
 * nor how far its users differ.
 *
 * Weights were found on MovieTweetings, half of the users (in time) against the other half, and on the same ratings with their
 * times shuffled, in which nothing trends. docs/ranking.md has what comes of it. Little changes with the half-life that the schema
 * gives, or where a weight is half or twice what it is.
 */
import { MICROS_PER_DAY } from '../../ground.ts';
import type {
  CandidateSource,
  EntityKind,
  Predicate,
  RankingSchema,
  Scalar,
  SignalType,
  Term,
  WindowName,
} from '../../schema/model.ts';
import {
  add,
  divide,
  least,
  most,
  multiply,
  number,
  overdispersion,
  share,
  squareRoot,
  subtract,
} from '../score/measure.ts';
import {
  approvalSignal,
  attentionSignal,
  negativeSignals,
  positiveSignals,
  signalOf,
} from '../score/roles.ts';
import { keptWindow, measured, trendOf, velocityWithin } from '../score/trend.ts';
import { followed } from './followed.ts';
import { decayOfAge, feature, type Recipe, termOf } from './parts.ts';

/** What goes with the user's last items, at the moment of the last one; a half after as many hours. */
const AT_IT = 4;
const AT_IT_HALF_HOURS = 12;
const WANTED = 1;
const WANTED_AND_FITTING = 2;
const SIMILARITY = 0.5;
const RELATIONSHIP = 0.5;
const QUALITY = 0.1;
const RECENCY = 0.1;
const DISAPPROVAL = -0.3;

/** Of what is wanted: the trend of the day, what fades as the schema says, and the month. */
const OF_DAY = 0.8;
const FADING = 0.1;
const OF_MONTH = 0.1;
/** What many have had already: 1 for nothing, less by this power of how many, and some more. */
const WORN = -0.1;
const WORN_FROM = 5;
/** What everybody has had is wanted less than it looks: by so many powers. */
const WANTED_POWERS = 2;
/** What goes with everything says less of what is wanted than what goes with little. */
const FITTING_POWERS = 3;

/** One place in twenty for what few have seen and is not a week old. */
const EXPLORATION = Object.freeze({ share: 0.05, withinMicros: 7 * MICROS_PER_DAY });
/** Of each list of the most wanted, all signals together. */
const TOP_LIMIT = 200;
/** Events that a share of good ones is taken to have had before any. */
const EVENTS_BEFORE = 10;

export function forYou(schema: RankingSchema, kind: EntityKind): Recipe {
  const fitting = share(feature('neighbours'));
  const fittingWell = share(lessKnown(feature('neighbours'), schema, kind));
  const trending = trendsMatter(schema, kind);
  const fades = divide(feature('idle_hours'), add(feature('idle_hours'), number(AT_IT_HALF_HOURS)));
  const atIt = subtract(number(1), multiply(trending, fades));
  const now = wanted(schema, kind, trending);
  const terms = [
    {
      ...termOf('personalisation', 'goes with what the user is at', AT_IT, multiply(fitting, atIt)),
      normalised: false,
    },
    {
      ...termOf(
        'personalisation',
        'wanted, and goes with it',
        WANTED_AND_FITTING,
        multiply(now, fittingWell),
      ),
      normalised: false,
    },
    ...preferences(kind),
    ...relationships(schema, kind),
    termOf('signals', 'wanted', WANTED, now),
    ...quality(schema, kind),
    termOf('recency', 'new', RECENCY, decayOfAge(72)),
    ...disapproval(schema, kind),
  ];
  // What was seen comes after everything that was not.
  const behind = -terms.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  const seen: Term = {
    stage: 'penalties',
    label: 'seen',
    weight: behind,
    of: { scalar: 'state', state: 'seen' },
    normalised: false,
  };
  return {
    candidates: candidates(schema, kind),
    terms: [...terms, seen],
    gates: [DISLIKED],
    exploration: EXPLORATION,
  };
}

const DISLIKED: Predicate = Object.freeze({ test: 'state', state: 'disliked', set: false });

function preferences(kind: EntityKind): readonly Term[] {
  return kind.embeddings.map((slot) =>
    termOf(
      'personalisation',
      `like what the user prefers (${slot.name})`,
      SIMILARITY / kind.embeddings.length,
      {
        scalar: 'similarity',
        slot: slot.id,
        with: 'user',
      },
    ),
  );
}

function relationships(schema: RankingSchema, kind: EntityKind): readonly Term[] {
  const ways = followed(schema, kind);
  return ways.map(({ relationship, to }) =>
    termOf('relationship', `how much the user cares (${relationship.name})`, RELATIONSHIP / ways.length, {
      scalar: 'relationship',
      relationship: relationship.id,
      to,
    }),
  );
}

/** Signals that say what is wanted: positive ones, else what people look at. They share the weight. */
function wantedSignals(schema: RankingSchema, kind: EntityKind): readonly SignalType[] {
  const positive = positiveSignals(schema, kind);
  const attention = attentionSignal(schema, kind);
  return positive.length > 0 || attention === undefined ? positive : [attention];
}

/** What goes with everything says less than what goes with little: by a power of how many had it. */
function lessKnown(of: Scalar, schema: RankingSchema, kind: EntityKind): Scalar {
  const attention = attentionSignal(schema, kind);
  if (attention === undefined) return of;
  return multiply(of, ...worn(attention, FITTING_POWERS));
}

/** Small powers of one: a power costs as much as twenty products. */
function worn(signal: SignalType, powers: number): readonly Scalar[] {
  const had = add(measured(signal.id, { measure: 'count', window: 'all' }), number(WORN_FROM));
  const once: Scalar = { scalar: 'apply', function: 'pow', of: [had, number(WORN)] };
  return Array.from({ length: powers }, () => once);
}

/** How much each is wanted these days, as a share of what is wanted most. */
function wanted(schema: RankingSchema, kind: EntityKind, trending: Scalar): Scalar {
  const signals = wantedSignals(schema, kind);
  if (signals.length === 0) return number(0);
  return add(
    multiply(trending, share(add(...signals.map(wantedBy)))),
    multiply(subtract(number(1), trending), share(add(...signals.map(usuallyWanted)))),
  );
}

/** Where nothing trends. */
function usuallyWanted(signal: SignalType): Scalar {
  return share(measured(signal.id, { measure: 'count', window: 'all' }));
}

/** From 0, where counts of a day and of a week follow those of all time, to 1, where they have nothing to do with them. */
function trendsMatter(schema: RankingSchema, kind: EntityKind): Scalar {
  const signals = wantedSignals(schema, kind);
  if (signals.length === 0) return number(0);
  const counts = (window: WindowName) =>
    add(
      ...signals.map((signal) =>
        measured(signal.id, { measure: 'count', window: keptWindow(signal, window) }),
      ),
    );
  return most(overdispersion(counts('24h'), counts('all')), overdispersion(counts('7d'), counts('all')));
}

/** Square roots, so that what is wanted most does not drown what is wanted a little less. */
function wantedBy(signal: SignalType): Scalar {
  const month = measured(signal.id, { measure: 'velocity', window: keptWindow(signal, '30d') });
  const fading = signal.decay.kind === 'none' ? month : measured(signal.id, { measure: 'score' });
  const sum = add(
    multiply(number(OF_DAY), share(squareRoot(trendOf(signal, '24h')))),
    multiply(number(FADING), share(squareRoot(fading))),
    multiply(number(OF_MONTH), share(squareRoot(month))),
  );
  return multiply(sum, ...worn(signal, WANTED_POWERS));
}

/** The share of those who saw it that finished or liked it. */
function quality(schema: RankingSchema, kind: EntityKind): readonly Term[] {
  const view = signalOf('view', schema, kind);
  const good = signalOf('completion', schema, kind) ?? approvalSignal(schema, kind);
  if (view === undefined || good === undefined || good === view) return [];
  const count = (signal: SignalType) => measured(signal.id, { measure: 'count', window: 'all' });
  const ratio = divide(count(good), add(count(view), number(EVENTS_BEFORE)));
  return [termOf('signals', `${good.name} of those with ${view.name}`, QUALITY, least(ratio, number(1)))];
}

/** The share of what was said that was against it. */
function disapproval(schema: RankingSchema, kind: EntityKind): readonly Term[] {
  const negative = negativeSignals(schema, kind);
  const attention = attentionSignal(schema, kind);
  if (negative.length === 0 || attention === undefined) return [];
  const count = (signal: SignalType) => measured(signal.id, { measure: 'count', window: 'all' });
  const against = add(...negative.map(count));
  const all = add(against, count(attention), number(EVENTS_BEFORE));
  return [
    { ...termOf('penalties', 'said against it', DISAPPROVAL, divide(against, all)), normalised: false },
  ];
}

function candidates(schema: RankingSchema, kind: EntityKind): readonly CandidateSource[] {
  const signals = wantedSignals(schema, kind);
  return [
    { source: 'neighbours', limit: 400 },
    ...kind.embeddings.map(
      (slot): CandidateSource => ({ source: 'similar', slot: slot.id, to: 'user', limit: 200 }),
    ),
    ...followed(schema, kind).map(
      ({ relationship }): CandidateSource => ({
        source: 'following',
        relationship: relationship.id,
        limit: 100,
      }),
    ),
    ...signals.flatMap((signal) => mostWanted(signal, Math.ceil(TOP_LIMIT / signals.length))),
    { source: 'new', limit: 50 },
  ];
}

/** Within a day, a week, a month and all of time; once where the signal keeps one window for several of them. */
function mostWanted(signal: SignalType, limit: number): readonly CandidateSource[] {
  const windows = new Set((['24h', '7d', '30d', 'all'] as const).map((window) => keptWindow(signal, window)));
  return [...windows].map((window): CandidateSource => {
    return { source: 'top', signal: signal.id, measure: velocityWithin(signal, window), limit };
  });
}
