/** Statements that write, as commands: values in the place of parameters, names and keys still as they were written. */

import { TruthError } from '../../../errors.ts';
import type { EntityDraft, GivenField, RankingCommand } from '../../kernel/command.ts';
import {
  type AssignedValue,
  type DefineStatement,
  type DeleteStatement,
  isParameter,
  numberValue,
  type Parameters,
  parameterValue,
  type RelateStatement,
  type SignalStatement,
  textValue,
  timeValue,
  type UnrelateStatement,
  type UpsertStatement,
} from '../language/index.ts';

export type WriteStatement =
  | DefineStatement
  | SignalStatement
  | UpsertStatement
  | DeleteStatement
  | RelateStatement
  | UnrelateStatement;

/** Errors: INVALID_ARGUMENT for parameters; whether names mean anything is decided with the command. */
export function commandOf(statement: WriteStatement, parameters: Parameters): RankingCommand {
  switch (statement.statement) {
    case 'define': {
      const { definition, permission, run } = statement;
      return { command: 'define', definition, permission, run };
    }
    case 'signal':
      return signalCommand(statement, parameters);
    case 'upsert':
    case 'delete':
      return {
        command: 'put-entities',
        entities: [draftOf(statement, parameters)],
        failure: 'all',
      };
    case 'relate':
    case 'unrelate':
      return relateCommand(statement, parameters);
  }
}

function signalCommand(statement: SignalStatement, parameters: Parameters): RankingCommand {
  const { signal, target, user, weight, at, id } = statement;
  const draft = {
    signal,
    target: textValue(target, parameters),
    user: user === null ? null : textValue(user, parameters),
    weight: weight === null ? null : numberValue(weight, parameters),
    at: at === null ? null : timeValue(at, parameters),
    id: id === null ? null : textValue(id, parameters),
  };
  return { command: 'signals', signals: [draft], failure: 'all' };
}

function relateCommand(
  statement: RelateStatement | UnrelateStatement,
  parameters: Parameters,
): RankingCommand {
  const { relationship, from, to } = statement;
  return {
    command: 'relate',
    relationship,
    from: textValue(from, parameters),
    to: textValue(to, parameters),
    weight: statement.statement === 'unrelate' ? null : edgeWeight(statement.weight, parameters),
    at: null,
  };
}

function edgeWeight(weight: RelateStatement['weight'], parameters: Parameters): number | 'default' {
  return weight === null ? 'default' : numberValue(weight, parameters);
}

function draftOf(statement: UpsertStatement | DeleteStatement, parameters: Parameters): EntityDraft {
  const { kind } = statement;
  const key = textValue(statement.key, parameters);
  if (statement.statement === 'delete') return { action: 'delete', kind, key };
  const set: Record<string, GivenField> = Object.create(null);
  for (const { name, value } of statement.set) {
    if (Object.hasOwn(set, name)) {
      throw new TruthError('INVALID_ARGUMENT', `SET: ${JSON.stringify(name)} is there twice; say it once`);
    }
    set[name] = fieldOf(value, parameters);
  }
  const at = statement.at === null ? null : timeValue(statement.at, parameters);
  return { action: 'put', kind, key, set, state: statement.state, at };
}

function fieldOf(value: AssignedValue, parameters: Parameters): GivenField {
  if (value === null || typeof value !== 'object') return value;
  if (isParameter(value)) return fieldOfParameter(parameterValue(value, parameters));
  if ('key' in value) return value.key;
  return listOf(
    value.list.map((each) => (isParameter(each) ? memberOf(parameterValue(each, parameters)) : each)),
  );
}

function fieldOfParameter(value: ReturnType<typeof parameterValue>): GivenField {
  return Array.isArray(value)
    ? listOf(value)
    : (value as Exclude<typeof value, readonly (string | number)[]>);
}

function memberOf(value: ReturnType<typeof parameterValue>): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new TruthError(
    'INVALID_ARGUMENT',
    'SET: a parameter within […] is a text or a number; give the whole list as one',
  );
}

function listOf(list: readonly (string | number)[]): readonly string[] | readonly number[] {
  if (list.every((each) => typeof each === 'string')) return list;
  if (list.every((each) => typeof each === 'number')) return list;
  throw new TruthError(
    'INVALID_ARGUMENT',
    'SET: a list has texts or numbers, not both; keywords are texts, vectors are numbers',
  );
}
