/**
 * Writes a query about the catalog, parsed by PostgreSQL's grammar, as the SQL of SQLite, and says which columns it returns.
 * Only SELECT is written, only relations and functions of the catalog are named: whatever is not known here is refused by
 * name, so nothing of a client's text reaches SQLite but literals and identifiers, quoted.
 */
import { sqlError } from '../../../sql/types/sql-error.ts';
import { everyNode, listOf, namesOf, nodeOf, nodesOf, type ParseNode, textOf } from './parse-node.ts';
import { type CatalogType, catalogRelation } from './relations.ts';
import { Scope, typeOfNode } from './scope.ts';
import { expressionSql } from './sqlite-expression.ts';
import {
  type CatalogQuery,
  EXPAND,
  identifier,
  refused,
  type SessionValues,
  type Writing,
} from './sqlite-words.ts';

const JOINS: Readonly<Record<string, string>> = {
  JOIN_INNER: 'JOIN',
  JOIN_LEFT: 'LEFT JOIN',
  JOIN_RIGHT: 'RIGHT JOIN',
  JOIN_FULL: 'FULL JOIN',
};
const SET_OPERATIONS: Readonly<Record<string, string>> = {
  SETOP_UNION: 'UNION',
  SETOP_INTERSECT: 'INTERSECT',
  SETOP_EXCEPT: 'EXCEPT',
};

/** Errors: INVALID_ARGUMENT (0A000 what is not done here, 42P01 a relation that is none of the catalog, 42883). */
export function catalogQuery(select: ParseNode, values: SessionValues): CatalogQuery {
  return selectSql(select, null, { values, named: new Map(), select: selectSql });
}

function selectSql(select: ParseNode, outer: Scope | null, writing: Writing): CatalogQuery {
  const { fields } = select;
  if (select.kind !== 'SelectStmt') throw refused(`a ${select.kind} inside a query`);
  if (fields['valuesLists'] !== undefined) throw refused('VALUES');
  if (fields['intoClause'] !== undefined) throw refused('SELECT INTO');
  if (fields['lockingClause'] !== undefined) throw refused('FOR UPDATE');
  const named = withSql(fields['withClause'], outer, writing);
  const scope = new Scope(outer);
  const body = setOperation(fields, outer, writing) ?? plainSelect(fields, scope, writing);
  const tail = orderSql(fields, scope, writing) + limitSql(fields, scope, writing);
  return { sql: named + body.sql + tail, columns: body.columns };
}

function withSql(clause: unknown, outer: Scope | null, writing: Writing): string {
  if (clause === undefined) return '';
  const { ctes, recursive } = clause as { ctes?: unknown; recursive?: boolean };
  if (recursive === true) throw refused('WITH RECURSIVE');
  const parts = nodesOf(ctes).map(({ fields }) => {
    const name = textOf(fields['ctename']);
    const query = selectSql(nodeOf(fields['ctequery']) as ParseNode, outer, writing);
    writing.named.set(name, query.columns);
    return `${identifier(name)} AS (${query.sql})`;
  });
  return `WITH ${parts.join(', ')} `;
}

function setOperation(
  fields: ParseNode['fields'],
  outer: Scope | null,
  writing: Writing,
): CatalogQuery | null {
  const operation = SET_OPERATIONS[textOf(fields['op'])];
  if (operation === undefined) return null;
  const side = (value: unknown) =>
    selectSql({ kind: 'SelectStmt', fields: value as ParseNode['fields'] }, outer, writing);
  const [left, right] = [side(fields['larg']), side(fields['rarg'])];
  const all = fields['all'] === true ? ' ALL' : '';
  // Parts with an ORDER BY of their own cannot stand there bare.
  const sql = `SELECT * FROM (${left.sql}) ${operation}${all} SELECT * FROM (${right.sql})`;
  return { sql, columns: left.columns };
}

function plainSelect(fields: ParseNode['fields'], scope: Scope, writing: Writing): CatalogQuery {
  const from = nodesOf(fields['fromClause']).map((item) => fromSql(item, scope, writing));
  from.push(...expandedSql(fields['targetList'], scope, writing));
  const targets = nodesOf(fields['targetList']).map((target) => targetSql(target, scope, writing));
  const expression = (node: unknown) => expressionSql(nodeOf(node), scope, writing);
  const distinct = listOf(fields['distinctClause']);
  if (distinct.some((item) => nodeOf(item) !== null)) throw refused('DISTINCT ON');
  const group = nodesOf(fields['groupClause']).map((item) => expressionSql(item, scope, writing));
  const sql = [
    `SELECT ${distinct.length > 0 ? 'DISTINCT ' : ''}${targets.map((target) => target.sql).join(', ')}`,
    from.length === 0 ? '' : ` FROM ${from.join(', ')}`,
    fields['whereClause'] === undefined ? '' : ` WHERE ${expression(fields['whereClause'])}`,
    group.length === 0 ? '' : ` GROUP BY ${group.join(', ')}`,
    fields['havingClause'] === undefined ? '' : ` HAVING ${expression(fields['havingClause'])}`,
  ].join('');
  return { sql, columns: targets.flatMap((target) => target.columns) };
}

/** A row for each element of the array that the columns of a SELECT expand: one array, however often it stands there. */
function expandedSql(targetList: unknown, scope: Scope, writing: Writing): string[] {
  const calls = [...everyNode(targetList)].filter(
    ({ kind, fields }) => kind === 'FuncCall' && namesOf(fields['funcname']).at(-1) === EXPAND,
  );
  const arrays = new Set(
    calls.map(({ fields }) => expressionSql(nodesOf(fields['args'])[0] ?? null, scope, writing)),
  );
  if (arrays.size > 1) throw refused('more than one array that is expanded');
  return [...arrays].map((array) => `json_each(truthdb_array_json(${array})) AS ${identifier(EXPAND)}`);
}

function targetSql(target: ParseNode, scope: Scope, writing: Writing): CatalogQuery {
  const value = nodeOf(target.fields['val']);
  const star = starOf(value);
  if (star !== null) {
    const sql = star.alias === null ? '*' : `${identifier(star.alias)}.*`;
    return { sql, columns: scope.star(star.alias) };
  }
  const name = textOf(target.fields['name']) || nameOf(value);
  const sql = `${expressionSql(value, scope, writing)} AS ${identifier(name)}`;
  return { sql, columns: [{ name, type: typeOfNode(value, scope) }] };
}

function starOf(value: ParseNode | null): { readonly alias: string | null } | null {
  if (value?.kind !== 'ColumnRef') return null;
  const parts = nodesOf(value.fields['fields']);
  if (parts.at(-1)?.kind !== 'A_Star') return null;
  return { alias: namesOf(value.fields['fields']).at(-1) ?? null };
}

/** As PostgreSQL names a column that has been given no name. */
function nameOf(value: ParseNode | null): string {
  if (value === null) return '?column?';
  const { kind, fields } = value;
  if (kind === 'ColumnRef') return namesOf(fields['fields']).at(-1) ?? '?column?';
  if (kind === 'FuncCall') return namesOf(fields['funcname']).at(-1) ?? '?column?';
  if (kind === 'CollateClause') return nameOf(nodeOf(fields['arg']));
  if (kind === 'TypeCast') {
    const inner = nameOf(nodeOf(fields['arg']));
    return inner === '?column?'
      ? (namesOf((fields['typeName'] as ParseNode['fields'])['names']).at(-1) ?? inner)
      : inner;
  }
  if (kind === 'SubLink') return subLinkName(fields);
  if (kind === 'SQLValueFunction') return textOf(fields['op']).replace('SVFOP_', '').toLowerCase();
  const fixed: Readonly<Record<string, string>> = {
    CaseExpr: 'case',
    CoalesceExpr: 'coalesce',
    A_ArrayExpr: 'array',
  };
  return fixed[kind] ?? '?column?';
}

function subLinkName(fields: ParseNode['fields']): string {
  if (fields['subLinkType'] === 'EXISTS_SUBLINK') return 'exists';
  if (fields['subLinkType'] === 'ARRAY_SUBLINK') return 'array';
  const [target] = nodesOf(nodeOf(fields['subselect'])?.fields['targetList']);
  return target === undefined
    ? '?column?'
    : textOf(target.fields['name']) || nameOf(nodeOf(target.fields['val']));
}

function fromSql(item: ParseNode, scope: Scope, writing: Writing): string {
  if (item.kind === 'RangeVar') return relationSql(item, scope, writing);
  if (item.kind === 'JoinExpr') return joinSql(item, scope, writing);
  if (item.kind === 'RangeSubselect') return subselectSql(item, scope, writing);
  if (item.kind === 'RangeFunction') return functionSql(item, scope, writing);
  throw refused(`a ${item.kind} in FROM`);
}

function relationSql({ fields }: ParseNode, scope: Scope, writing: Writing): string {
  const schema = textOf(fields['schemaname']) || null;
  const name = textOf(fields['relname']);
  const alias = aliasOf(fields) ?? name;
  const named = schema === null ? writing.named.get(name) : undefined;
  const relation = named === undefined ? catalogRelation(schema, name) : null;
  const columns = named ?? relation?.columns;
  if (columns === undefined) {
    const said = schema === null ? name : `${schema}.${name}`;
    throw sqlError(
      '42P01',
      `"${said}" is no relation of the catalog that a question about the catalog could be answered from`,
    );
  }
  scope.sources.push({ alias, columns, isFunction: false });
  const path = relation === null ? identifier(name) : `${identifier(relation.schema)}.${identifier(name)}`;
  return `${path} AS ${identifier(alias)}`;
}

function joinSql({ fields }: ParseNode, scope: Scope, writing: Writing): string {
  const join = JOINS[textOf(fields['jointype'])];
  if (join === undefined) throw refused('this kind of join');
  const left = fromSql(nodeOf(fields['larg']) as ParseNode, scope, writing);
  const right = fromSql(nodeOf(fields['rarg']) as ParseNode, scope, writing);
  const using = namesOf(fields['usingClause']);
  const natural = fields['isNatural'] === true ? 'NATURAL ' : '';
  const sql = `(${left} ${natural}${join} ${right}`;
  if (using.length > 0) return `${sql} USING (${using.map(identifier).join(', ')}))`;
  if (fields['quals'] === undefined) return `${sql})`;
  return `${sql} ON ${expressionSql(nodeOf(fields['quals']), scope, writing)})`;
}

function subselectSql({ fields }: ParseNode, scope: Scope, writing: Writing): string {
  if (fields['lateral'] === true) throw refused('LATERAL');
  refuseColumnAliases(fields);
  const query = selectSql(nodeOf(fields['subquery']) as ParseNode, scope.outer, writing);
  const alias = aliasOf(fields) ?? 'subquery';
  scope.sources.push({ alias, columns: query.columns, isFunction: false });
  return `(${query.sql}) AS ${identifier(alias)}`;
}

/** unnest and generate_series: SQLite walks a JSON array. `AS s(n)` names the value. */
function functionSql({ fields }: ParseNode, scope: Scope, writing: Writing): string {
  const [found] = nodesOf(nodeOf(listOf(fields['functions'])[0])?.fields['items']);
  const name = found?.kind === 'FuncCall' ? (namesOf(found.fields['funcname']).at(-1) ?? '') : '';
  const args = nodesOf(found?.fields['args']).map((arg) => expressionSql(arg, scope, writing));
  const alias = aliasOf(fields) ?? name;
  const type: CatalogType = name === 'generate_series' ? 'int4' : 'text';
  const [column = alias] = namesOf((fields['alias'] as { colnames?: unknown } | undefined)?.colnames);
  scope.sources.push({ alias, columns: [{ name: column, type }], isFunction: true });
  if (name === 'unnest') return `json_each(truthdb_array_json(${args[0]})) AS ${identifier(alias)}`;
  if (name === 'generate_series')
    return `json_each(truthdb_series(${args.join(', ')})) AS ${identifier(alias)}`;
  throw refused(`the function ${name} in FROM`);
}

function aliasOf(fields: ParseNode['fields']): string | null {
  const alias = fields['alias'] as { aliasname?: string } | undefined;
  return alias?.aliasname ?? null;
}

function refuseColumnAliases(fields: ParseNode['fields']): void {
  const alias = fields['alias'] as { colnames?: unknown } | undefined;
  if (alias?.colnames !== undefined) throw refused('names for columns behind an alias');
}

function orderSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const parts = nodesOf(fields['sortClause']).map(({ fields: sort }) => {
    const descending = sort['sortby_dir'] === 'SORTBY_DESC';
    const said = textOf(sort['sortby_nulls']);
    // SQLite would put them first where PostgreSQL puts them last.
    const first = said === 'SORTBY_NULLS_FIRST' || (said !== 'SORTBY_NULLS_LAST' && descending);
    const value = expressionSql(nodeOf(sort['node']), scope, writing);
    return `${value}${descending ? ' DESC' : ''} NULLS ${first ? 'FIRST' : 'LAST'}`;
  });
  return parts.length === 0 ? '' : ` ORDER BY ${parts.join(', ')}`;
}

function limitSql(fields: ParseNode['fields'], scope: Scope, writing: Writing): string {
  const part = (word: string, node: unknown) =>
    node === undefined ? '' : ` ${word} ${expressionSql(nodeOf(node), scope, writing)}`;
  const limit = part('LIMIT', fields['limitCount']);
  const offset = part('OFFSET', fields['limitOffset']);
  return limit === '' && offset !== '' ? ` LIMIT -1${offset}` : limit + offset;
}
