/** Statements as text, in one canonical form: what `parse` makes of it is the same statement. */
import type {
  AssignedValue,
  Moment,
  NumberOperand,
  ProfileName,
  QueryStatement,
  SignalStatement,
  Statement,
  UpsertStatement,
  WithinClause,
} from './ast.ts';
import { isParameter } from './ast.ts';
import { printConditions } from './print-condition.ts';
import { printDefinition, printDiversity } from './print-definition.ts';
import {
  printKey,
  printKeys,
  printName,
  printNames,
  printNumber,
  printTime,
  printValue,
} from './print-parts.ts';

/** Errors: INVALID_ARGUMENT for numbers that are not finite. */
export function print(statement: Statement): string {
  switch (statement.statement) {
    case 'retrieve':
    case 'search':
      return printQuery(statement);
    case 'suggest': {
      const { kind, prefix, limit } = statement;
      return joined(`SUGGEST ${printName(kind)} PREFIX ${printValue(prefix)}`, given('LIMIT', limit));
    }
    case 'signal':
      return printSignal(statement);
    case 'upsert':
      return printUpsert(statement);
    case 'delete':
      return `DELETE ${printName(statement.kind)} ${printKey(statement.key)}`;
    case 'relate':
    case 'unrelate': {
      const { relationship, from, to } = statement;
      const verb = statement.statement.toUpperCase();
      const weight = statement.statement === 'relate' ? given('WEIGHT', statement.weight) : '';
      return joined(`${verb} ${printName(relationship)} ${printKey(from)} ${printKey(to)}`, weight);
    }
    case 'define': {
      const { definition, permission, run } = statement;
      const how = permission === 'safe' ? '' : permission.toUpperCase();
      return joined(printDefinition(definition), how, run === 'apply' ? '' : 'DRY RUN');
    }
    case 'show':
      return `SHOW ${statement.what.toUpperCase()}`;
    case 'evaluate': {
      const { profile, against, from, to, sample } = statement;
      return joined(
        `EVALUATE PROFILE ${profileText(profile)}`,
        against === null ? '' : `VS ${profileText(against)}`,
        `FROM ${printTime(from)} TO ${printTime(to)}`,
        given('SAMPLE', sample),
      );
    }
  }
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function given(word: string, operand: NumberOperand | string | null): string {
  return operand === null ? '' : `${word} ${printValue(operand)}`;
}

function profileText({ name, version }: ProfileName): string {
  return version === null ? printName(name) : `${printName(name)}:${printNumber(version)}`;
}

function printSignal({ signal, target, user, weight, at, id }: SignalStatement): string {
  return joined(
    `SIGNAL ${printName(signal)} ON ${printKey(target)}`,
    user === null ? '' : `BY ${printKey(user)}`,
    given('WEIGHT', weight),
    at === null ? '' : `AT ${printTime(at)}`,
    id === null ? '' : `ID ${printValue(id)}`,
  );
}

function printUpsert({ kind, key, set, state, at }: UpsertStatement): string {
  const assigned = set.map(({ name, value }) => `${printName(name)} = ${printAssigned(value)}`);
  return joined(
    `UPSERT ${printName(kind)} ${printKey(key)}`,
    assigned.length === 0 ? '' : `SET ${assigned.join(', ')}`,
    state === null ? '' : `STATE ${printName(state)}`,
    at === null ? '' : `AT ${printTime(at)}`,
  );
}

function printAssigned(value: AssignedValue): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'object' || isParameter(value)) return printValue(value);
  return 'key' in value ? printKey(value.key) : `[${value.list.map(printValue).join(', ')}]`;
}

function printQuery(query: QueryStatement): string {
  const { statement, kind, text, vector, user, context, profile, sort, filter, within } = query;
  return joined(
    `${query.explain ? 'EXPLAIN ' : ''}${statement.toUpperCase()} ${printName(kind)}`,
    text === null ? '' : `QUERY ${printValue(text)}`,
    vector === null ? '' : printVector(vector),
    user === null ? '' : `FOR USER ${printKey(user)}`,
    context === null ? '' : `CONTEXT ${printName(context)}`,
    profile === null ? '' : `USING PROFILE ${profileText(profile)}`,
    sort === null ? '' : `SORT BY ${sort}`,
    filter === null ? '' : `FILTER ${printConditions(filter)}`,
    ...within.map((clause) => `WITHIN ${printWithin(clause)}`),
    printEnd(query),
  );
}

function printEnd({
  exclude,
  diversity,
  window,
  limit,
  cursor,
  moment,
  seed,
  select,
}: QueryStatement): string {
  return joined(
    exclude.length === 0 ? '' : `EXCLUDE ${printKeys(exclude)}`,
    printDiversity(diversity),
    window === null ? '' : `WINDOW ${window}`,
    given('LIMIT', limit),
    given('CURSOR', cursor),
    moment === null ? '' : printMoment(moment),
    given('SEED', seed),
    select.length === 0 ? '' : `SELECT ${printNames(select)}`,
  );
}

function printVector({ values, slot }: NonNullable<QueryStatement['vector']>): string {
  const numbers = isParameter(values) ? printValue(values) : `[${values.map(printNumber).join(', ')}]`;
  return `VECTOR ${numbers}${slot === null ? '' : ` ON ${printName(slot)}`}`;
}

function printMoment(moment: Moment): string {
  switch (moment.moment) {
    case 'at':
      return `AT ${printTime(moment.time)}`;
    case 'as of position':
      return `AS OF POSITION ${printValue(moment.position)}`;
    case 'as of timestamp':
      return `AS OF TIMESTAMP ${printTime(moment.time)}`;
  }
}

/** As it stands behind WITHIN. */
function printWithin(clause: WithinClause): string {
  switch (clause.clause) {
    case 'trending':
      return joined('TRENDING', nameText(clause.signal), clause.window ?? '', given('TOP', clause.top));
    case 'cohort': {
      const { cohort, signal, window, top } = clause;
      const who = typeof cohort === 'string' ? printName(cohort) : `(${printConditions(cohort)})`;
      const trend = signal === null ? '' : `TRENDING ${printName(signal)}`;
      return joined('COHORT', who, trend, window ?? '', given('TOP', top));
    }
    case 'following':
      return joined('FOLLOWING', nameText(clause.relationship), given('TOP', clause.top));
    case 'related':
      return joined(`RELATED TO ${printKey(clause.item)}`, given('TOP', clause.top));
    case 'state':
      return clause.state.toUpperCase();
    case 'search':
      return joined(`SEARCH ${printValue(clause.text)}`, given('TOP', clause.top));
    case 'creator':
      return `CREATOR ${printKey(clause.creator)}`;
    case 'items':
      return `ITEMS ${printKeys(clause.items)}`;
  }
}

function nameText(name: string | null): string {
  return name === null ? '' : printName(name);
}
