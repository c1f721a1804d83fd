/** Expressions of a query about the catalog, as SQLite writes them. */
import { sqlError } from '../../../sql/types/sql-error.ts';
import { CATALOG_FUNCTIONS } from './functions.ts';
import { namesOf, nodeOf, nodesOf, type ParseNode, textOf } from './parse-node.ts';
import type { Scope } from './scope.ts';
import { EXPAND, identifier, refused, type Writing } from './sqlite-words.ts';

/** Of SQLite, and meaning there what they mean in PostgreSQL. */
const SHARED_FUNCTIONS = new Set([
  'abs',
  'avg',
  'char_length',
  'concat',
  'count',
  'length',
  'lower',
  'ltrim',
  'max',
  'min',
  'nullif',
  'rank',
  'replace',
  'round',
  'row_number',
  'rtrim',
  'substr',
  'sum',
  'trim',
  'upper',
]);
const RENAMED_FUNCTIONS: Readonly<Record<string, string>> = {
  char_length: 'length',
  btrim: 'trim',
  string_agg: 'group_concat',
};
const OPERATORS = new Set(['=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '%', '||', '&']);
/** Fields of what it returns, in order. */
const EXPANDED_FIELDS: Readonly<Record<string, number>> = { x: 0, n: 1 };
const SESSION_WORDS: Readonly<Record<string, string>> = {
  SVFOP_CURRENT_CATALOG: 'current_database',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_SESSION_USER: 'current_user',
  SVFOP_USER: 'current_user',
  SVFOP_CURRENT_ROLE: 'current_user',
};
const REGISTERED = new Set(['regclass', 'regtype', 'regnamespace', 'regproc', 'regrole']);
const TEXT_TYPES = new Set(['text', 'name', 'varchar', 'bpchar', 'char']);
const INTEGER_TYPES = new Set(['int2', 'int4', 'int8', 'oid', 'xid']);

/** Errors: INVALID_ARGUMENT naming what is not done here. */
export function expressionSql(node: ParseNode | null, scope: Scope, writing: Writing): string {
  if (node === null) return 'NULL';
  const { kind, fields } = node;
  const of = (value: unknown) => expressionSql(nodeOf(value), scope, writing);
  const list = (value: unknown) => nodesOf(value).map((item) => expressionSql(item, scope, writing));
  switch (kind) {
    case 'ColumnRef':
      return columnSql(fields, scope);
    case 'A_Const':
      return constantSql(fields);
    case 'ParamRef':
      return `?${Number(fields['number'] ?? 0)}`;
    case 'A_Expr':
      return operatorSql(fields, scope, writing);
    case 'BoolExpr':
      return booleanSql(fields, list(fields['args']));
    case 'NullTest':
      return `(${of(fields['arg'])} IS ${fields['nulltesttype'] === 'IS_NOT_NULL' ? 'NOT ' : ''}NULL)`;
    case 'BooleanTest':
      return `(${of(fields['arg'])} ${textOf(fields['booltesttype']).replaceAll('_', ' ').replace('UNKNOWN', 'NULL')})`;
    case 'TypeCast':
      return castSql(fields, scope, writing);
    case 'CollateClause':
      return of(fields['arg']);
    case 'FuncCall':
      return callSql(fields, scope, writing);
    case 'CoalesceExpr':
      return `coalesce(${list(fields['args']).join(', ')}, NULL)`;
    case 'MinMaxExpr':
      return `${fields['op'] === 'IS_GREATEST' ? 'max' : 'min'}(${list(fields['args']).join(', ')})`;
    case 'CaseExpr':
      return caseSql(fields, scope, writing);
    case 'SubLink':
      return subLinkSql(fields, scope, writing);
    case 'A_ArrayExpr':
      return `truthdb_array(${list(fields['elements']).join(', ')})`;
    case 'A_Indirection':
      return indirectionSql(fields, scope, writing);
    case 'RowExpr':
      return `(${list(fields['args']).join(', ')})`;
    case 'List':
      return `(${list(fields['items']).join(', ')})`;
    case 'SQLValueFunction':
      return sessionSql(SESSION_WORDS[textOf(fields['op'])] ?? textOf(fields['op']), writing);
    default:
      throw refused(`a ${kind}`);
  }
}

function columnSql(fields: ParseNode['fields'], scope: Scope): string {
  const names = namesOf(fields['fields']);
  const name = names.at(-1) ?? '';
  const functionAlias = scope.functionAlias(names.length > 1 ? (names.at(-2) ?? null) : null, name);
  if (functionAlias !== null) return `${identifier(functionAlias)}.value`;
  // A schema in front of the relation says nothing more here.
  return names.slice(-2).map(identifier).join('.');
}

function constantSql(fields: ParseNode['fields']): string {
  const part = (name: string, field: string) =>
    (fields[name] as Record<string, unknown> | undefined)?.[field];
  if (fields['isnull'] === true) return 'NULL';
  if (fields['ival'] !== undefined) return String(Number(part('ival', 'ival') ?? 0));
  if (fields['boolval'] !== undefined) return part('boolval', 'boolval') === true ? '1' : '0';
  if (fields['fval'] !== undefined) return String(Number(part('fval', 'fval')));
  if (fields['sval'] !== undefined) return literal(textOf(part('sval', 'sval')));
  throw refused('a bit string');
}

function literal(text: string): string {
  // SQLite ends a statement at a zero byte.
  return `'${text.replaceAll('\0', '').replaceAll("'", "''")}'`;
}

function operatorSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const left = nodeOf(fields['lexpr']);
  const right = nodeOf(fields['rexpr']);
  const operator = namesOf(fields['name']).at(-1) ?? '';
  const l = expressionSql(left, scope, writing);
  const r = expressionSql(right, scope, writing);
  switch (textOf(fields['kind'])) {
    case 'AEXPR_OP':
      return left === null ? `(${unary(operator)}${r})` : binarySql(operator, l, r);
    case 'AEXPR_OP_ANY':
      return anySql(operator, l, r, false);
    case 'AEXPR_OP_ALL':
      return anySql(operator, l, r, true);
    case 'AEXPR_IN':
      return `(${l} ${operator === '<>' ? 'NOT ' : ''}IN ${r})`;
    case 'AEXPR_DISTINCT':
      return `(${l} IS DISTINCT FROM ${r})`;
    case 'AEXPR_NOT_DISTINCT':
      return `(${l} IS NOT DISTINCT FROM ${r})`;
    case 'AEXPR_NULLIF':
      return `nullif(${l}, ${r})`;
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return binarySql(operator, l, r);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = nodesOf(right?.fields['items']).map((item) => expressionSql(item, scope, writing));
      return `(${l} ${textOf(fields['kind']) === 'AEXPR_BETWEEN' ? '' : 'NOT '}BETWEEN ${low} AND ${high})`;
    }
    default:
      throw refused(`the operator ${operator}`);
  }
}

function unary(operator: string): string {
  if (operator === '-' || operator === '+') return operator;
  throw refused(`the operator ${operator}`);
}

function binarySql(operator: string, left: string, right: string): string {
  const plain = operator === '!=' ? '<>' : operator;
  if (OPERATORS.has(plain)) return `(${left} ${plain} ${right})`;
  const pattern = /^(!?)(~~?)(\*?)$/.exec(operator);
  if (pattern === null) throw refused(`the operator ${operator}`);
  const [, not, kind, insensitive] = pattern;
  const call = `${kind === '~' ? 'truthdb_matches' : 'truthdb_like'}(${left}, ${right}, ${insensitive === '' ? 0 : 1})`;
  return not === '' ? call : `(NOT ${call})`;
}

function anySql(operator: string, left: string, array: string, all: boolean): string {
  const contains = `truthdb_array_contains(${array}, ${left})`;
  if (operator === '=' && !all) return contains;
  if (operator === '<>' && all) return `(NOT ${contains})`;
  throw refused(`${operator} ${all ? 'ALL' : 'ANY'}`);
}

function booleanSql(fields: ParseNode['fields'], args: readonly string[]): string {
  if (fields['boolop'] === 'NOT_EXPR') return `(NOT ${args[0]})`;
  return `(${args.join(fields['boolop'] === 'AND_EXPR' ? ' AND ' : ' OR ')})`;
}

/** A name becomes its number, a number its name: what PostgreSQL's reg… types do on input and output. */
function castSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const arg = nodeOf(fields['arg']);
  const value = expressionSql(arg, scope, writing);
  const names = namesOf((fields['typeName'] as ParseNode['fields'])['names']);
  const type = names.at(-1) ?? '';
  const isArray = (fields['typeName'] as ParseNode['fields'])['arrayBounds'] !== undefined;
  if (isArray) return value;
  if (REGISTERED.has(type)) {
    const isName = arg?.kind === 'ParamRef' || (arg?.kind === 'A_Const' && arg.fields['sval'] !== undefined);
    const known = type === 'regclass' || type === 'regtype';
    if (isName && known) return `truthdb_${type}(${value})`;
    return known || type === 'regnamespace' ? `truthdb_${type}_name(${value})` : value;
  }
  if (type === 'bool') return booleanCast(arg, value);
  if (TEXT_TYPES.has(type)) return `CAST(${value} AS TEXT)`;
  return INTEGER_TYPES.has(type) ? `CAST(${value} AS INTEGER)` : value;
}

function booleanCast(arg: ParseNode | null, value: string): string {
  if (arg?.kind !== 'A_Const' || arg.fields['sval'] === undefined) return value;
  return /^'(t|true|on|yes|y|1)'$/i.test(value) ? '1' : '0';
}

function callSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const name = namesOf(fields['funcname']).at(-1) ?? '';
  if (Object.hasOwn(writing.values, name)) return sessionSql(name, writing);
  if (name === EXPAND) return `(${identifier(EXPAND)}.value || ' ' || (${identifier(EXPAND)}.key + 1))`;
  const args = nodesOf(fields['args']).map((arg) => expressionSql(arg, scope, writing));
  const written = nameInSqlite(name);
  const order = nodesOf(fields['agg_order']).map(({ fields: sort }) => {
    const value = expressionSql(nodeOf(sort['node']), scope, writing);
    return `${value}${sort['sortby_dir'] === 'SORTBY_DESC' ? ' DESC' : ''}`;
  });
  const distinct = fields['agg_distinct'] === true ? 'DISTINCT ' : '';
  const inner = fields['agg_star'] === true ? '*' : distinct + args.join(', ');
  const ordered = order.length === 0 ? inner : `${inner} ORDER BY ${order.join(', ')}`;
  return `${written}(${ordered})${windowSql(fields['over'], scope, writing)}`;
}

function nameInSqlite(name: string): string {
  if (RENAMED_FUNCTIONS[name] !== undefined) return RENAMED_FUNCTIONS[name];
  if (name === 'array_agg' || SHARED_FUNCTIONS.has(name)) return name;
  if (Object.hasOwn(CATALOG_FUNCTIONS, name) && !name.startsWith('truthdb_')) return name;
  throw sqlError('42883', `the function ${name} is not among those that questions about the catalog may use`);
}

function windowSql(over: unknown, scope: Scope, writing: Writing): string {
  if (over === undefined) return '';
  const fields = over as ParseNode['fields'];
  const partition = nodesOf(fields['partitionClause']).map((item) => expressionSql(item, scope, writing));
  const order = nodesOf(fields['orderClause']).map(({ fields: sort }) => {
    const value = expressionSql(nodeOf(sort['node']), scope, writing);
    return `${value}${sort['sortby_dir'] === 'SORTBY_DESC' ? ' DESC' : ''}`;
  });
  const parts = [
    ...(partition.length === 0 ? [] : [`PARTITION BY ${partition.join(', ')}`]),
    ...(order.length === 0 ? [] : [`ORDER BY ${order.join(', ')}`]),
  ];
  return ` OVER (${parts.join(' ')})`;
}

function caseSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const of = (value: unknown) => expressionSql(nodeOf(value), scope, writing);
  const operand = fields['arg'] === undefined ? '' : ` ${of(fields['arg'])}`;
  const whens = nodesOf(fields['args']).map(
    ({ fields: when }) => ` WHEN ${of(when['expr'])} THEN ${of(when['result'])}`,
  );
  const otherwise = fields['defresult'] === undefined ? '' : ` ELSE ${of(fields['defresult'])}`;
  return `(CASE${operand}${whens.join('')}${otherwise} END)`;
}

function subLinkSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const query = writing.select(nodeOf(fields['subselect']) as ParseNode, scope, writing);
  switch (textOf(fields['subLinkType'])) {
    case 'EXISTS_SUBLINK':
      return `EXISTS (${query.sql})`;
    case 'EXPR_SUBLINK':
      return `(${query.sql})`;
    case 'ARRAY_SUBLINK':
      return `(SELECT array_agg(${identifier(query.columns[0]?.name ?? '')}) FROM (${query.sql}))`;
    case 'ANY_SUBLINK':
      return `(${expressionSql(nodeOf(fields['testexpr']), scope, writing)} IN (${query.sql}))`;
    default:
      throw refused('this kind of subquery');
  }
}

/** `(record).x`: only of what _pg_expandarray returns, a number and its place. */
function fieldSql(fields: ParseNode['fields'], name: string, scope: Scope, writing: Writing): string {
  const place = EXPANDED_FIELDS[name];
  if (place === undefined) throw refused(`the field ${name} of a value`);
  return `truthdb_record_field(${expressionSql(nodeOf(fields['arg']), scope, writing)}, ${place})`;
}

function indirectionSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const [index, ...more] = nodesOf(fields['indirection']);
  if (index?.kind === 'String' && more.length === 0) {
    return fieldSql(fields, textOf(index.fields['sval']), scope, writing);
  }
  if (index?.kind !== 'A_Indices' || more.length > 0 || index.fields['is_slice'] === true)
    throw refused('a part of a value');
  const array = expressionSql(nodeOf(fields['arg']), scope, writing);
  return `truthdb_array_item(${array}, ${expressionSql(nodeOf(index.fields['uidx']), scope, writing)})`;
}

function sessionSql(name: string, writing: Writing): string {
  const value = writing.values[name];
  if (value === undefined) throw refused(name);
  return typeof value === 'number' ? String(value) : value === null ? 'NULL' : literal(value);
}
