/**
 * Arithmetic on what is known of a candidate:
 *
 *     sum      = product (("+" | "-") product)*
 *     product  = factor (("*" | "/") factor)*
 *     factor   = "-" factor | number | duration in hours | "(" sum ")" | function "(" sum, … ")"
 *              | signal "." measure | state(seen) | edge(follows TO creator) | similarity(embedding TO user) | feature(text) | name
 *     measure  = score | (count | weight | velocity | acceleration) ["(" window ")"] | ratio "(" signal ["," window] ")"
 */
import type { MeasureDefinition, ScalarDefinition } from '../../schema/definition.ts';
import { ENDS, FEATURES, SCALAR_FUNCTIONS, VECTOR_OWNERS } from '../../schema/model-shapes.ts';
import { UNITS, type Unit } from './lexer.ts';
import type { Reader } from './reader.ts';
import { unknownWord } from './refusal.ts';
import { STATE_NAMES, stateOf } from './words.ts';

const MEASURES = ['score', 'count', 'weight', 'velocity', 'acceleration', 'ratio'] as const;
/** Functions with names; the others are signs. */
const FUNCTIONS: readonly string[] = SCALAR_FUNCTIONS.filter((name) => /^\w+$/.test(name));
/** Those whose arguments are names. */
const LOOKUPS = ['state', 'edge', 'similarity', 'feature'] as const;
const MINUS_ONE: ScalarDefinition = { scalar: 'number', value: -1 };

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function sum(reader: Reader): ScalarDefinition {
  let left = product(reader);
  let levels = 0;
  for (let sign = signIn(reader, '+', '-'); sign !== null; sign = signIn(reader, '+', '-')) {
    reader.enter();
    levels += 1;
    left = { scalar: 'apply', function: sign, of: [left, product(reader)] };
  }
  reader.leave(levels);
  return left;
}

export function product(reader: Reader): ScalarDefinition {
  return productFrom(reader, factor(reader));
}

/** What follows a first factor. */
function productFrom(reader: Reader, first: ScalarDefinition): ScalarDefinition {
  let left = first;
  let levels = 0;
  for (let sign = signIn(reader, '*', '/'); sign !== null; sign = signIn(reader, '*', '/')) {
    reader.enter();
    levels += 1;
    left = { scalar: 'apply', function: sign, of: [left, factor(reader)] };
  }
  reader.leave(levels);
  return left;
}

function signIn(reader: Reader, first: string, second: string): string | null {
  if (reader.acceptSign(first)) return first;
  return reader.acceptSign(second) ? second : null;
}

function factor(reader: Reader): ScalarDefinition {
  reader.enter();
  const result = factorWithin(reader);
  reader.leave();
  return result;
}

function factorWithin(reader: Reader): ScalarDefinition {
  if (reader.isA('number') || reader.isA('duration')) return amount(reader, 1);
  if (reader.isSign('(')) return reader.enclosed('(', () => sum(reader));
  if (reader.acceptSign('-')) {
    if (reader.isA('number') || reader.isA('duration')) return amount(reader, -1);
    return { scalar: 'apply', function: '*', of: [MINUS_ONE, factor(reader)] };
  }
  if (!reader.isA('word')) {
    reader.fail('a number', 'the name of an attribute, feature or signal', 'a function', '"("');
  }
  const { start, isQuoted } = reader;
  const name = reader.name('a name');
  if (reader.isSign('.')) return { scalar: 'signal', signal: name, measure: measureOf(reader) };
  if (reader.isSign('(')) return call(reader, name, start);
  if (isQuoted) return { scalar: 'attribute', attribute: name };
  return { scalar: 'name', name };
}

/** A duration counts in hours, as `age_hours` does. */
function amount(reader: Reader, sign: 1 | -1): ScalarDefinition {
  const unit = reader.isA('duration') ? UNITS[reader.value as Unit] / UNITS.h : 1;
  const value = sign * reader.number * unit + 0;
  reader.next();
  return { scalar: 'number', value };
}

function call(reader: Reader, written: string, start: number): ScalarDefinition {
  const name = written.toLowerCase();
  if (name === 'state') return { scalar: 'state', state: reader.enclosed('(', () => stateName(reader)) };
  if (name === 'feature')
    return { scalar: 'feature', feature: reader.enclosed('(', () => reader.oneOf('feature', FEATURES)) };
  if (name === 'edge') return reader.enclosed('(', () => edge(reader));
  if (name === 'similarity') return reader.enclosed('(', () => similarity(reader));
  if (!FUNCTIONS.includes(name)) {
    throw unknownWord(reader.text, start, 'function', written, [...FUNCTIONS, ...LOOKUPS]);
  }
  const of = reader.enclosed('(', () => reader.list(() => sum(reader)));
  return { scalar: 'apply', function: name, of };
}

function stateName(reader: Reader): string {
  const { start } = reader;
  const written = reader.name('a state such as seen');
  const found = stateOf(written);
  if (found === null || !found.set) {
    const known = STATE_NAMES.filter((name) => stateOf(name)?.set);
    throw unknownWord(reader.text, start, 'state', written, known);
  }
  return found.state;
}

function edge(reader: Reader): ScalarDefinition {
  const relationship = reader.name('the name of a relationship');
  const to = reader.accept('to') ? reader.oneOf('end', ENDS) : 'target';
  return { scalar: 'relationship', relationship, to };
}

function similarity(reader: Reader): ScalarDefinition {
  const slot = reader.name('the name of an embedding');
  reader.expect('to');
  return { scalar: 'similarity', slot, with: reader.oneOf('owner of a vector', VECTOR_OWNERS) };
}

/** Errors: INVALID_ARGUMENT. From the dot on. */
export function measureOf(reader: Reader): MeasureDefinition {
  reader.expectSign('.');
  const measure = reader.oneOf('measure', MEASURES);
  if (measure === 'score') return { measure };
  if (measure === 'ratio') {
    return reader.enclosed('(', () => {
      const to = reader.name('the name of a signal');
      return { measure, to, window: reader.acceptSign(',') ? reader.window() : null };
    });
  }
  const window = reader.isSign('(') ? reader.enclosed('(', () => reader.window()) : null;
  return { measure, window };
}

/** Numbers and names that a weight may stand before: `3 * x` is the weight 3 of x, and `x + 1` has the weight 1. */
export function weighted(reader: Reader): { readonly weight: number; readonly of: ScalarDefinition | null } {
  const { start } = reader;
  const isNegative = reader.acceptSign('-');
  if (reader.isA('number')) {
    const weight = (isNegative ? -reader.number : reader.number) + 0;
    reader.next();
    if (reader.acceptSign('*')) return { weight, of: null };
  }
  reader.rewind(start);
  return { weight: 1, of: sum(reader) };
}
