/** From text to statements. */
import type { ScalarDefinition } from '../../schema/definition.ts';
import {
  type Condition,
  type EvaluateStatement,
  type NumberOperand,
  SHOWN,
  type ShowStatement,
  type Statement,
} from './ast.ts';
import { conditions } from './conditions.ts';
import { define, drop } from './definitions.ts';
import { profileName, query, suggest } from './queries.ts';
import { Reader } from './reader.ts';
import { invalid } from './refusal.ts';
import { sum } from './scalars.ts';
import { relate, remove, signal, unrelate, upsert } from './writes.ts';

const VERBS = Object.freeze([
  'RETRIEVE',
  'SEARCH',
  'SUGGEST',
  'EXPLAIN',
  'SIGNAL',
  'UPSERT',
  'DELETE',
  'RELATE',
  'UNRELATE',
  'DEFINE',
  'DROP',
  'SHOW',
  'EVALUATE',
] as const);

/**
 * One statement, a semicolon behind it allowed.
 *
 * Errors: INVALID_ARGUMENT with `line`, `column`, `position`, and for what cannot stand there `found`, `expected`, `suggestion`
 * in the details; TOO_LARGE past 65,536 characters or 64 levels of nesting.
 */
export function parse(text: string): Statement {
  const reader = new Reader(text);
  const found = statement(reader);
  reader.acceptSign(';');
  if (!reader.isA('end')) reader.fail('the end of the statement', '";"');
  return found;
}

/** Statements with semicolons between them, none of them included. Errors: those of `parse`. */
export function parseScript(text: string): readonly Statement[] {
  const reader = new Reader(text);
  const statements: Statement[] = [];
  while (!reader.isA('end')) {
    if (reader.acceptSign(';')) continue;
    statements.push(statement(reader));
    if (!reader.isA('end') && !reader.isSign(';')) reader.fail('the end of the statement', '";"');
  }
  return statements;
}

function statement(reader: Reader): Statement {
  const explain = reader.accept('explain');
  if (reader.accept('retrieve')) return query(reader, 'retrieve', explain);
  if (reader.accept('search')) return query(reader, 'search', explain);
  if (explain) reader.fail('RETRIEVE', 'SEARCH');
  if (reader.accept('signal')) return signal(reader);
  if (reader.accept('upsert')) return upsert(reader);
  if (reader.accept('suggest')) return suggest(reader);
  if (reader.accept('relate')) return relate(reader);
  if (reader.accept('unrelate')) return unrelate(reader);
  if (reader.accept('delete')) return remove(reader);
  if (reader.accept('define')) return define(reader);
  if (reader.accept('drop')) return drop(reader);
  if (reader.accept('show')) return show(reader);
  if (reader.accept('evaluate')) return evaluate(reader);
  return reader.fail(...VERBS);
}

function show(reader: Reader): ShowStatement {
  const what = SHOWN.find((word) => reader.accept(word));
  if (what === undefined) reader.fail(...SHOWN.map((word) => word.toUpperCase()));
  return { statement: 'show', what };
}

function evaluate(reader: Reader): EvaluateStatement {
  reader.expect('profile');
  const profile = profileName(reader);
  const against = reader.accept('vs') ? profileName(reader) : null;
  reader.expect('from');
  const { start } = reader;
  const from = reader.time();
  reader.expect('to');
  const to = reader.time();
  if (typeof from === 'number' && typeof to === 'number' && from >= to) {
    throw invalid(reader.text, start, 'nothing lies between these times; FROM is the earlier one');
  }
  const sample: NumberOperand | null = reader.accept('sample')
    ? reader.numberOperand('a number of moments')
    : null;
  return { statement: 'evaluate', profile, against, from, to, sample };
}

/** What may stand behind FILTER, for builders. Errors: those of `parse`. */
export function parseCondition(text: string): Condition {
  return whole(text, conditions);
}

/** Arithmetic, for builders. Errors: those of `parse`. */
export function parseScalar(text: string): ScalarDefinition {
  return whole(text, sum);
}

function whole<Part>(text: string, part: (reader: Reader) => Part): Part {
  const reader = new Reader(text);
  const found = part(reader);
  if (!reader.isA('end')) reader.fail('the end of the text');
  return found;
}
