/**
 * What puts facts into the log:
 *
 *     SIGNAL signal ON key [BY key] [WEIGHT n] [AT time] [ID text]      also ITEM for ON, [FOR] USER for BY
 *     UPSERT kind key [SET name = value, …] [STATE name] [AT time]
 *     DELETE kind key
 *     RELATE relationship key [TO] key [WEIGHT n]
 *     UNRELATE relationship key [TO] key
 */
import type {
  AssignedValue,
  Assignment,
  DeleteStatement,
  KeyOperand,
  Parameter,
  RelateStatement,
  SignalStatement,
  UnrelateStatement,
  UpsertStatement,
} from './ast.ts';
import type { Reader } from './reader.ts';
import { invalid } from './refusal.ts';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** Errors: INVALID_ARGUMENT, as all of these. The reader stands behind the verb. */
export function signal(reader: Reader): SignalStatement {
  const name = reader.name('the name of a signal');
  if (!reader.accept('on') && !reader.accept('item')) reader.fail('ON');
  const target = reader.key('the key of an item, such as @i1');
  const rest: Writable<Pick<SignalStatement, 'user' | 'weight' | 'at' | 'id'>> = {
    user: null,
    weight: null,
    at: null,
    id: null,
  };
  while (reader.isA('word')) signalClause(reader, rest);
  return { statement: 'signal', signal: name, target, ...rest };
}

function signalClause(
  reader: Reader,
  into: Writable<Pick<SignalStatement, 'user' | 'weight' | 'at' | 'id'>>,
): void {
  const { start } = reader;
  if (reader.accept('for') && !reader.is('user')) reader.fail('USER');
  if (reader.accept('by') || reader.accept('user')) {
    if (into.user !== null) throw twice(reader, start, 'BY');
    into.user = reader.key('the key of a user, such as @u1');
  } else if (reader.accept('weight')) {
    if (into.weight !== null) throw twice(reader, start, 'WEIGHT');
    into.weight = reader.numberOperand('a number');
  } else if (reader.accept('at')) {
    if (into.at !== null) throw twice(reader, start, 'AT');
    into.at = reader.time();
  } else if (reader.accept('id')) {
    if (into.id !== null) throw twice(reader, start, 'ID');
    into.id = reader.textOperand("a text in '…'");
  } else {
    reader.fail('BY', 'WEIGHT', 'AT', 'ID');
  }
}

function twice(reader: Reader, at: number, what: string): Error {
  return invalid(reader.text, at, `${what} is there twice; a signal has one`);
}

export function upsert(reader: Reader): UpsertStatement {
  const kind = reader.name('the name of a kind, such as item');
  const key = reader.key('a key, such as @i1');
  const set = reader.accept('set') ? reader.list(() => assignment(reader)) : [];
  const state = reader.accept('state') ? reader.name('the name of a state') : null;
  const at = reader.accept('at') ? reader.time() : null;
  return { statement: 'upsert', kind, key, set, state, at };
}

function assignment(reader: Reader): Assignment {
  const name = reader.name('the name of an attribute');
  reader.expectSign('=');
  return { name, value: assignedValue(reader) };
}

function assignedValue(reader: Reader): AssignedValue {
  switch (reader.kind) {
    case 'text':
    case 'parameter':
      return reader.textOperand('a value');
    case 'key': {
      const key = reader.value;
      reader.next();
      return { key };
    }
    case 'word':
      if (reader.accept('true')) return true;
      if (reader.accept('false')) return false;
      if (reader.accept('null')) return null;
      break;
    case 'number':
      return reader.signed('a number');
    case 'sign':
      if (reader.isSign('-') || reader.isSign('+')) return reader.signed('a number');
      if (reader.isSign('[')) return { list: reader.enclosedOrNone('[', () => listed(reader)) };
  }
  return reader.fail(
    "a text in '…'",
    'a number',
    'TRUE',
    'FALSE',
    'NULL',
    '@key',
    'a list in […]',
    '$parameter',
  );
}

function listed(reader: Reader): string | number | Parameter {
  const isText = reader.isA('text') || reader.isA('parameter');
  return isText ? reader.textOperand('a text') : reader.signed("a number, a text in '…'");
}

export function remove(reader: Reader): DeleteStatement {
  const kind = reader.name('the name of a kind, such as item');
  return { statement: 'delete', kind, key: reader.key('a key, such as @i1') };
}

export function relate(reader: Reader): RelateStatement {
  const edge = edgeOf(reader);
  const weight = reader.accept('weight') ? reader.numberOperand('a number') : null;
  return { statement: 'relate', ...edge, weight };
}

export function unrelate(reader: Reader): UnrelateStatement {
  return { statement: 'unrelate', ...edgeOf(reader) };
}

function edgeOf(reader: Reader): {
  readonly relationship: string;
  readonly from: KeyOperand;
  readonly to: KeyOperand;
} {
  const relationship = reader.name('the name of a relationship');
  const from = reader.key('a key, such as @u1');
  reader.accept('to');
  return { relationship, from, to: reader.key('a key, such as @c1') };
}
