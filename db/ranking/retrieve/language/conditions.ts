/**
 * Conditions of FILTER, cohorts, gates and boosts:
 *
 *     conditions  = condition ("," condition)*                      all of them
 *     condition   = conjunction (OR conjunction)*
 *     conjunction = negation (AND negation)*
 *     negation    = NOT negation | "(" conditions ")" | test
 *     test        = seen | unseen | … | name                        a state, its lack, an attribute that is true
 *                 | name ":" (value | value ".." value | "[" value, … "]")
 *                 | name ("=" | "<>" | "<" | "<=" | ">" | ">=") value
 *                 | name [NOT] (IN "(" value, … ")" | BETWEEN value AND value | HAS (text | ANY))
 *                 | arithmetic ("=" | "<>" | "<" | "<=" | ">" | ">=") number
 *                 | arithmetic BETWEEN number AND number
 */
import type { ScalarDefinition } from '../../schema/definition.ts';
import { allOf, anyOf, type Condition, type NumberOperand, type Parameter } from './ast.ts';
import type { Reader } from './reader.ts';
import { sum } from './scalars.ts';
import { stateOf } from './words.ts';

type Value = string | number | boolean | Parameter;
type OrderOperator = '<' | '<=' | '>' | '>=';
type Operator = OrderOperator | '=' | '<>';

const OPERATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['.', '(', '+', '-', '*', '/']);
const VALUES = ["a text in '…'", 'a number', 'TRUE', 'FALSE', '$parameter'] as const;

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function conditions(reader: Reader): Condition {
  return allOf(reader.list(() => condition(reader)));
}

/** Without commas, for lists of conditions. */
export function condition(reader: Reader): Condition {
  const first = conjunction(reader);
  if (!reader.is('or')) return first;
  const parts = [first];
  while (reader.accept('or')) parts.push(conjunction(reader));
  return anyOf(parts);
}

function conjunction(reader: Reader): Condition {
  const first = negation(reader);
  if (!reader.is('and')) return first;
  const parts = [first];
  while (reader.accept('and')) parts.push(negation(reader));
  return allOf(parts);
}

function negation(reader: Reader): Condition {
  if (reader.accept('not')) {
    reader.enter();
    const of = negation(reader);
    reader.leave();
    return { test: 'not', of };
  }
  if (!reader.isSign('(') || isArithmetic(reader)) return test(reader);
  reader.enter();
  const group = reader.enclosed('(', () => conditions(reader));
  reader.leave();
  return group;
}

/** Whether the bracket the reader stands at is part of arithmetic: something is done with what it encloses. */
function isArithmetic(reader: Reader): boolean {
  const { start } = reader;
  const found = reader.arithmetic ?? new Map<number, boolean>();
  const known = found.get(start);
  if (known !== undefined) return known;
  reader.arithmetic = found;
  // One pass over all that is enclosed answers for the brackets within it as well.
  const open: number[] = [];
  do {
    if (reader.isSign('(')) open.push(reader.start);
    const closed = reader.isSign(')') ? open.pop() : undefined;
    reader.next();
    if (closed !== undefined) found.set(closed, isUsed(reader));
  } while (open.length > 0 && !reader.isA('end'));
  // Those that are never closed are not to be looked for again at each level.
  for (const bracket of open) found.set(bracket, false);
  reader.rewind(start);
  return found.get(start) ?? false;
}

function isUsed(reader: Reader): boolean {
  if (!reader.isA('sign')) return reader.is('between');
  return OPERATORS.has(reader.value) || ARITHMETIC.has(reader.value);
}

function test(reader: Reader): Condition {
  if (!reader.isA('word')) {
    if (reader.isA('number') || reader.isSign('(') || reader.isSign('-'))
      return measured(reader, sum(reader));
    reader.fail('a condition such as unseen', 'format:video', 'year >= 2000', 'NOT', '"("');
  }
  const { start, isQuoted } = reader;
  const name = reader.name('a name');
  if (reader.isA('sign') && ARITHMETIC.has(reader.value)) {
    reader.rewind(start);
    return measured(reader, sum(reader));
  }
  if (reader.acceptSign(':')) return picked(reader, name);
  if (reader.isA('sign') && OPERATORS.has(reader.value)) {
    const operator = operatorOf(reader);
    const value = comparedValue(reader);
    return { test: 'compare', attribute: name, operator, value };
  }
  return worded(reader, name, isQuoted);
}

function operatorOf(reader: Reader): Operator {
  if (!reader.isA('sign') || !OPERATORS.has(reader.value)) reader.fail(...OPERATORS, 'BETWEEN');
  const operator = reader.value as Operator;
  reader.next();
  return operator;
}

/** IN, BETWEEN and HAS, or the name alone. */
function worded(reader: Reader, name: string, isQuoted: boolean): Condition {
  if (reader.is('not') && (reader.isNext('in') || reader.isNext('between') || reader.isNext('has'))) {
    reader.next();
    return { test: 'not', of: worded(reader, name, isQuoted) };
  }
  if (reader.accept('in')) {
    const open = reader.isSign('[') ? '[' : '(';
    return { test: 'in', attribute: name, values: reader.enclosedOrNone(open, () => member(reader)) };
  }
  if (reader.accept('between')) {
    const low = member(reader);
    reader.expect('and');
    return { test: 'between', attribute: name, low, high: member(reader) };
  }
  if (reader.accept('has')) {
    if (reader.accept('any')) return { test: 'has', attribute: name, value: null };
    if (!reader.isA('text') && !reader.isA('parameter')) reader.fail('ANY', "a text in '…'", '$parameter');
    const value = reader.textOperand('a text');
    return { test: 'has', attribute: name, value };
  }
  const state = isQuoted ? null : stateOf(name);
  if (state !== null) return { test: 'state', ...state };
  return { test: 'compare', attribute: name, operator: '=', value: true };
}

/** What follows `name:`; a bare word is a text here. */
function picked(reader: Reader, name: string): Condition {
  if (reader.isSign('[')) {
    const values = reader.enclosedOrNone('[', () => wordOr(reader, member));
    return { test: 'in', attribute: name, values };
  }
  const value = wordOr(reader, comparedValue);
  if (!reader.isSign('..')) return { test: 'compare', attribute: name, operator: '=', value };
  if (typeof value === 'boolean') reader.fail('","');
  reader.next();
  return { test: 'between', attribute: name, low: value, high: member(reader) };
}

function wordOr<Other>(reader: Reader, other: (reader: Reader) => Other): string | Other {
  if (!reader.isA('word') || reader.is('true') || reader.is('false')) return other(reader);
  return reader.name('a word');
}

function comparedValue(reader: Reader): Value {
  if (reader.accept('true')) return true;
  if (reader.accept('false')) return false;
  if (reader.isA('word')) reader.fail(...VALUES);
  return member(reader);
}

/** A value that can be one of several. */
function member(reader: Reader): string | number | Parameter {
  if (reader.isA('number') || reader.isSign('-') || reader.isSign('+')) return reader.signed('a number');
  if (!reader.isA('text') && !reader.isA('parameter')) reader.fail(...VALUES);
  return reader.textOperand('a value');
}

/** What follows arithmetic. */
function measured(reader: Reader, feature: ScalarDefinition): Condition {
  if (reader.accept('between')) {
    const low = reader.numberOperand('a number');
    reader.expect('and');
    return between(feature, low, reader.numberOperand('a number'));
  }
  const operator = operatorOf(reader);
  return compared(feature, operator, reader.numberOperand('a number'));
}

/** Features are of doubles and have an order only: equality is said with it. */
function compared(feature: ScalarDefinition, operator: Operator, value: NumberOperand): Condition {
  if (operator === '=') return between(feature, value, value);
  if (operator !== '<>') return { test: 'feature', feature, operator, value };
  return anyOf([
    { test: 'feature', feature, operator: '<', value },
    { test: 'feature', feature, operator: '>', value },
  ]);
}

function between(feature: ScalarDefinition, low: NumberOperand, high: NumberOperand): Condition {
  return allOf([
    { test: 'feature', feature, operator: '>=', value: low },
    { test: 'feature', feature, operator: '<=', value: high },
  ]);
}
