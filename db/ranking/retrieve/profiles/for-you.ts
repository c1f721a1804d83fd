/**
 * What somebody may like, of what the schema has. Two things carry it: what goes with their last items, and what is wanted now.
 * Each is a share of the largest among the candidates, so neither has to be told how much it is worth: where a few things are
 * on everybody's mind, their shares tower over the rest; where nothing trends, shares are level and what goes with the user's
 * own items decides. Somebody of whom nothing is known gets what is wanted, what is good, and what is new.
 */
import { MICROS_PER_DAY } from '../../ground.ts';
import type {
  CandidateSource,
  EntityKind,
  Predicate,
  RankingSchema,
  SignalType,
  Term,
} from '../../schema/model.ts';
import { add, divide, least, most, number, squareRoot } from '../score/measure.ts';
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

const NEIGHBOURS = 1;
const TREND_OF_DAY = 0.5;
const TREND_OF_MONTH = 0.3;
const DECAYED = 0.3;
const SIMILARITY = 0.4;
const RELATIONSHIP = 0.3;
const QUALITY = 0.05;
const RECENCY = 0.05;
const DISAPPROVAL = -0.2;

/** One place in twenty for what few have seen and is not a week old. */
const EXPLORATION = Object.freeze({ share: 0.05, withinMicros: 7 * MICROS_PER_DAY });
/** Events that a share of good ones is taken to have had before any. */
const EVENTS_BEFORE = 10;

export function forYou(schema: RankingSchema, kind: EntityKind): Recipe {
  const terms = [
    termOf('personalisation', 'goes with what the user had to do with', NEIGHBOURS, feature('neighbours')),
    ...preferences(kind),
    ...relationships(schema, kind),
    ...wanted(schema, kind),
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

function wanted(schema: RankingSchema, kind: EntityKind): readonly Term[] {
  const signals = wantedSignals(schema, kind);
  const share = 1 / signals.length;
  return signals.flatMap((signal) => {
    const terms = [
      termOf('signals', `trend of ${signal.name} within a day`, TREND_OF_DAY * share, trendOf(signal, '24h')),
      termOf(
        'signals',
        `${signal.name} within a month`,
        TREND_OF_MONTH * share,
        squareRoot(measured(signal.id, { measure: 'velocity', window: keptWindow(signal, '30d') })),
      ),
    ];
    if (signal.decay.kind === 'none') return terms;
    const decayed = measured(signal.id, { measure: 'score' });
    return [...terms, termOf('signals', `${signal.name}, fading`, DECAYED * share, squareRoot(decayed))];
  });
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
  const all = add(against, most(count(attention), number(0)), number(EVENTS_BEFORE));
  return [
    { ...termOf('penalties', 'said against it', DISAPPROVAL, divide(against, all)), normalised: false },
  ];
}

function candidates(schema: RankingSchema, kind: EntityKind): readonly CandidateSource[] {
  const signals = wantedSignals(schema, kind);
  const share = (limit: number) => Math.ceil(limit / Math.max(1, signals.length));
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
    ...signals.flatMap((signal): CandidateSource[] => [
      { source: 'top', signal: signal.id, measure: velocityWithin(signal, '24h'), limit: share(300) },
      { source: 'top', signal: signal.id, measure: velocityWithin(signal, '30d'), limit: share(300) },
    ]),
    { source: 'new', limit: 50 },
  ];
}
