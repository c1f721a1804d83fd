/** SELECT, also with what only a projection may have: the planner decides what a plain query can do. */
import type {
  Expression,
  FromReference,
  JoinReference,
  OrderItem,
  SelectItem,
  SelectStatement,
  SubqueryReference,
  TableReference,
} from '../ast.ts';
import type { Context } from './context.ts';
import { expression } from './expressions.ts';
import type { Tree } from './tree.ts';
import { unsupportedNode } from './unsupported.ts';

/** Without AS OF and HISTORY, which the caller has cut out and puts back. Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function select(context: Context, tree: Tree): SelectStatement {
  refuseSetOperation(context, tree);
  const statement: SelectStatement = {
    statement: 'select',
    items: selectItems(context, tree, 'targetList'),
    distinct: distinct(context, tree),
    from: from(context, tree),
    where: optional(context, tree, 'whereClause'),
    groupBy: tree.list('groupClause').map((item) => expression(context, item)),
    having: optional(context, tree, 'havingClause'),
    orderBy: tree.list('sortClause').map((item) => orderItem(context, item)),
    limit: limit(context, tree, 'limitCount'),
    offset: limit(context, tree, 'limitOffset'),
    asOf: null,
    history: false,
  };
  if (tree.text('limitOption') === 'LIMIT_OPTION_WITH_TIES') {
    throw context.wordNotSupported(tree, 'WITH TIES', 'write ONLY');
  }
  context.finish(tree);
  if (statement.items.length === 0) {
    throw context.notSupported(tree, 'a SELECT without columns', 'name at least one, or write *');
  }
  return statement;
}

const SET_OPERATIONS: Readonly<Record<string, string>> = {
  SETOP_UNION: 'UNION',
  SETOP_INTERSECT: 'INTERSECT',
  SETOP_EXCEPT: 'EXCEPT',
};

function refuseSetOperation(context: Context, tree: Tree): void {
  const operation = SET_OPERATIONS[tree.text('op') ?? ''];
  if (operation !== undefined) {
    throw context.wordNotSupported(tree, operation, 'run the queries one after the other');
  }
}

function distinct(context: Context, tree: Tree): boolean {
  const [first] = tree.list('distinctClause');
  if (first === undefined) return false;
  if (first.tag !== '')
    throw context.wordNotSupported(tree, 'DISTINCT ON', 'write DISTINCT, or GROUP BY in a projection');
  return true;
}

/** Of SELECT and of RETURNING. */
export function selectItems(context: Context, tree: Tree, field: string): readonly SelectItem[] {
  return tree.list(field).map((target): SelectItem => {
    const value = context.child(target, 'val');
    const alias = target.text('name');
    context.finish(target);
    const table = starOf(context, value);
    return table === undefined
      ? { item: 'expression', expression: expression(context, value), alias }
      : { item: 'star', table };
  });
}

/** The table before `.*`, null for a bare `*`, undefined for everything else. */
function starOf(context: Context, value: Tree): string | null | undefined {
  if (value.tag !== 'ColumnRef') return undefined;
  const fields = value.list('fields');
  if (fields.at(-1)?.tag !== 'A_Star') return undefined;
  const names = fields.slice(0, -1).map((field) => field.text('sval') ?? '');
  if (names.length === 2 && names[0] === 'public') return names[1]!;
  if (names.length > 1)
    throw context.invalid(value, `"${names.join('.')}" is no table of the query`, '42P01');
  return names[0] ?? null;
}

export function optional(context: Context, tree: Tree, field: string): Expression | null {
  const child = tree.child(field);
  return child === null ? null : expression(context, child);
}

/** LIMIT ALL and LIMIT NULL are no limit. */
function limit(context: Context, tree: Tree, field: string): Expression | null {
  const value = optional(context, tree, field);
  return value?.node === 'literal' && value.kind === 'null' ? null : value;
}

function orderItem(context: Context, tree: Tree): OrderItem {
  const descending = tree.text('sortby_dir') === 'SORTBY_DESC';
  const nulls = tree.text('sortby_nulls');
  const item: OrderItem = {
    expression: expression(context, context.child(tree, 'node')),
    descending,
    nullsFirst: nulls === 'SORTBY_NULLS_DEFAULT' ? descending : nulls === 'SORTBY_NULLS_FIRST',
  };
  context.finish(tree);
  return item;
}

function from(context: Context, tree: Tree): FromReference | null {
  const [first, second] = tree.list('fromClause');
  if (first === undefined) return null;
  if (second !== undefined) {
    throw context.notSupported(second, 'a comma in FROM', 'write a JOIN b ON …');
  }
  return fromReference(context, first);
}

function fromReference(context: Context, tree: Tree): FromReference {
  switch (tree.tag) {
    case 'RangeVar':
      return tableReference(context, tree);
    case 'JoinExpr':
      return join(context, tree);
    case 'RangeSubselect':
      return subquery(context, tree);
    default: {
      const { construct, instead } = unsupportedNode(tree.tag);
      throw context.notSupported(tree, construct, instead);
    }
  }
}

/** A table with its alias. `public.` before it is the same. Errors: 3F000 for another schema. */
export function tableReference(context: Context, tree: Tree): TableReference {
  const schema = tree.text('schemaname');
  const name = tree.text('relname') ?? '';
  if (tree.text('relpersistence') !== 'p') {
    throw context.notSupported(
      tree,
      'a temporary or unlogged table',
      'every table here is a view of the log',
    );
  }
  if (!tree.flag('inh'))
    throw context.wordNotSupported(tree, 'ONLY', 'tables have no children: leave it out');
  const alias = aliasOf(context, tree);
  context.finish(tree);
  refuseSchema(context, tree, schema);
  return { from: 'table', table: name, alias, at: context.at(tree) };
}

export function refuseSchema(context: Context, tree: Tree, schema: string | null): void {
  if (schema === null || schema === 'public') return;
  throw context.invalid(tree, `there is no schema "${schema}": everything stands in schema public`, '3F000');
}

function aliasOf(context: Context, tree: Tree): string | null {
  const alias = tree.childOf('alias', 'Alias');
  if (alias === null) return null;
  const name = alias.text('aliasname');
  context.finish(alias, tree);
  if (name === 'history') context.refuseAccidentalHistory();
  return name;
}

const OTHER_JOINS: Readonly<Record<string, readonly [string, string]>> = {
  JOIN_RIGHT: ['RIGHT JOIN', 'turn it round: LEFT JOIN'],
  JOIN_FULL: ['FULL JOIN', 'use LEFT JOIN'],
};

function join(context: Context, tree: Tree): JoinReference {
  const type = tree.text('jointype') ?? '';
  const other = OTHER_JOINS[type];
  if (other !== undefined) throw context.wordNotSupported(tree, ...other);
  const left = fromReference(context, context.child(tree, 'larg'));
  const right = fromReference(context, context.child(tree, 'rarg'));
  const on = optional(context, tree, 'quals');
  tree.ignore('rtindex');
  context.finish(tree);
  if (on === null) throw context.wordNotSupported(tree, 'CROSS JOIN', 'write JOIN … ON');
  return { from: 'join', kind: type === 'JOIN_LEFT' ? 'left' : 'inner', left, right, on };
}

function subquery(context: Context, tree: Tree): SubqueryReference {
  const query = context.child(tree, 'subquery');
  const alias = aliasOf(context, tree);
  context.finish(tree);
  if (alias === null) {
    throw context.notSupported(query, 'a subquery without a name', 'give it one: FROM (SELECT …) AS s');
  }
  return { from: 'subquery', query: select(context, query), alias };
}
