/**
 * DEFINE SIGNAL name ON kind, then in any order:
 *
 *     POSITIVE | NEGATIVE | NEUTRAL
 *     DECAY (NONE | EXPONENTIAL HALF LIFE duration | LINEAR LIFETIME duration)
 *     WINDOWS "(" 1h, 24h, 7d, 30d, all ")"
 *     WEIGHT low..high [DEFAULT n]
 *     LATE duration
 *     COHORTS | NO COHORTS
 *     EFFECTS "(" effect, … ")"
 *
 *     effect  = STATE (seen | unseen | …) | PREFERENCE embedding rate
 *             | RELATIONSHIP name [TO (creator | target)] delta [CLAMP low..high]
 */
import {
  DEFINITION_DEFAULTS,
  type EffectDefinition,
  type SignalDefinition,
} from '../../schema/definition.ts';
import { ENDS, POLARITIES } from '../../schema/model-shapes.ts';
import type { Reader } from './reader.ts';
import { invalid, unknownWord } from './refusal.ts';
import { bounds, decayOf, weightOf } from './weights.ts';
import { STATE_NAMES, stateOf } from './words.ts';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };
type Clauses = Writable<Omit<SignalDefinition, 'define' | 'name' | 'target'>>;

/** Errors: INVALID_ARGUMENT. */
export function signalDefinition(reader: Reader): SignalDefinition {
  const name = reader.name('the name of a signal');
  reader.expect('on');
  const target = reader.name('the name of a kind');
  const { polarity, decay, windows, weight, lateMicros, cohorts } = DEFINITION_DEFAULTS;
  const clauses: Clauses = { polarity, decay, windows, weight, lateMicros, cohorts, effects: [] };
  const seen = new Set<string>();
  while (reader.isA('word') && !isEnd(reader)) clause(reader, clauses, seen);
  return { define: 'signal', name, target, ...clauses };
}

function isEnd(reader: Reader): boolean {
  return reader.is('rebuild') || reader.is('cascade') || reader.is('dry');
}

function clause(reader: Reader, into: Clauses, seen: Set<string>): void {
  const polarity = POLARITIES.find((word) => reader.is(word));
  const word = reader.is('no') ? 'COHORTS' : reader.spelling().toUpperCase();
  const what = polarity === undefined ? word : 'polarity';
  if (seen.has(what)) throw invalid(reader.text, reader.start, `${what} is there twice; a signal has one`);
  seen.add(what);
  if (polarity !== undefined) {
    reader.next();
    into.polarity = polarity;
  } else if (reader.accept('decay')) {
    into.decay = decayOf(reader);
  } else if (reader.accept('windows')) {
    into.windows = reader.enclosedOrNone('(', () => reader.window());
  } else if (reader.accept('weight')) {
    into.weight = weightOf(reader);
  } else if (reader.accept('late')) {
    into.lateMicros = reader.duration(0);
  } else if (reader.accept('cohorts')) {
    into.cohorts = true;
  } else if (reader.accept('no')) {
    reader.expect('cohorts');
    into.cohorts = false;
  } else if (reader.accept('effects')) {
    into.effects = reader.enclosedOrNone('(', () => effect(reader));
  } else {
    reader.fail(
      'POSITIVE',
      'NEGATIVE',
      'NEUTRAL',
      'DECAY',
      'WINDOWS',
      'WEIGHT',
      'LATE',
      'COHORTS',
      'NO',
      'EFFECTS',
    );
  }
}

function effect(reader: Reader): EffectDefinition {
  if (reader.accept('state')) return stateEffect(reader);
  if (reader.accept('preference')) {
    const slot = reader.name('the name of an embedding');
    return { effect: 'preference', slot, rate: reader.signed('a rate such as +0.05') };
  }
  if (!reader.accept('relationship')) reader.fail('STATE', 'PREFERENCE', 'RELATIONSHIP');
  const relationship = reader.name('the name of a relationship');
  const to = reader.accept('to') ? reader.oneOf('end', ENDS) : 'target';
  const delta = reader.signed('a change such as +0.1');
  const { min, max } = reader.accept('clamp') ? bounds(reader) : DEFINITION_DEFAULTS.edgeWeight;
  return { effect: 'relationship', relationship, to, delta, min, max };
}

function stateEffect(reader: Reader): EffectDefinition {
  const { start } = reader;
  const written = reader.name('a state such as seen, or unseen to take it away');
  const found = stateOf(written);
  if (found === null) throw unknownWord(reader.text, start, 'state', written, STATE_NAMES);
  return { effect: 'state', ...found };
}
