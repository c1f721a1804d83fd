/** INSERT, UPDATE, DELETE. */
import type {
  Assignment,
  DeleteStatement,
  Expression,
  InsertStatement,
  OnConflict,
  SelectItem,
  UpdateStatement,
} from '../ast.ts';
import type { Context } from './context.ts';
import { expression } from './expressions.ts';
import { optional, selectItems, tableReference } from './queries.ts';
import type { Tree } from './tree.ts';

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function insert(context: Context, tree: Tree): InsertStatement {
  const { table, alias } = target(context, tree);
  if (alias !== null)
    throw context.notSupported(tree, 'an alias in INSERT', "use the table's name, and excluded");
  if (tree.text('override') !== 'OVERRIDING_NOT_SET') {
    throw context.wordNotSupported(tree, 'OVERRIDING', 'there are no identity columns');
  }
  const columns = tree.has('cols') ? tree.list('cols').map((column) => columnName(context, column)) : null;
  const statement: InsertStatement = {
    statement: 'insert',
    table,
    columns,
    rows: rows(context, tree, columns),
    onConflict: onConflict(context, tree),
    returning: returning(context, tree),
  };
  context.finish(tree);
  return statement;
}

export function update(context: Context, tree: Tree): UpdateStatement {
  const statement: UpdateStatement = {
    statement: 'update',
    ...target(context, tree),
    set: assignments(context, tree),
    where: optional(context, tree, 'whereClause'),
    returning: returning(context, tree),
  };
  context.finish(tree);
  return statement;
}

export function remove(context: Context, tree: Tree): DeleteStatement {
  const statement: DeleteStatement = {
    statement: 'delete',
    ...target(context, tree),
    where: optional(context, tree, 'whereClause'),
    returning: returning(context, tree),
  };
  context.finish(tree);
  return statement;
}

function target(context: Context, tree: Tree): { readonly table: string; readonly alias: string | null } {
  const { table, alias } = tableReference(context, tree.childOf('relation', 'RangeVar')!);
  return { table, alias };
}

function columnName(context: Context, tree: Tree): string {
  const name = tree.text('name') ?? '';
  context.finish(tree);
  return name;
}

type Rows = InsertStatement['rows'];

/** Errors: 0A000 for INSERT … SELECT, 42601 where rows have different lengths or not that of the columns. */
function rows(context: Context, tree: Tree, columns: readonly string[] | null): Rows {
  const source = tree.child('selectStmt');
  if (source === null) return [];
  if (!source.has('valuesLists')) {
    throw context.wordNotSupported(source, 'INSERT … SELECT', 'read the rows, then insert them with VALUES');
  }
  source.ignore('op', 'limitOption');
  const lists = source.list('valuesLists').map((list) => ({ list, items: list.list('items') }));
  context.finish(source);
  const width = columns?.length ?? lists[0]?.items.length ?? 0;
  for (const { list, items } of lists) {
    if (columns === null && items.length !== width) {
      throw context.invalid(list, 'VALUES lists must all be the same length', '42601');
    }
    if (items.length > width)
      throw context.invalid(list, 'INSERT has more expressions than columns', '42601');
    if (items.length < width)
      throw context.invalid(list, 'INSERT has fewer expressions than columns', '42601');
  }
  return lists.map(({ items }) => items.map((item) => valueOrDefault(context, item)));
}

function valueOrDefault(context: Context, tree: Tree): Expression | 'default' {
  return tree.tag === 'SetToDefault' ? 'default' : expression(context, tree);
}

function onConflict(context: Context, tree: Tree): OnConflict | null {
  const clause = tree.childOf('onConflictClause', 'OnConflictClause');
  if (clause === null) return null;
  const infer = clause.childOf('infer', 'InferClause');
  const columns = infer === null ? null : conflictColumns(context, infer);
  const action = clause.text('action');
  const set = action === 'ONCONFLICT_UPDATE' ? assignments(context, clause) : null;
  const where = optional(context, clause, 'whereClause');
  context.finish(clause);
  return { columns, update: set === null ? null : { set, where } };
}

function conflictColumns(context: Context, infer: Tree): readonly string[] {
  const columns = infer.list('indexElems').map((element) => indexColumn(context, element));
  context.finish(infer);
  return columns;
}

/** A plain column of an index or of a conflict's target. */
export function indexColumn(context: Context, element: Tree): string {
  const name = element.text('name') ?? '';
  const ordering = element.text('ordering');
  const nulls = element.text('nulls_ordering');
  context.finish(element);
  if (ordering === 'SORTBY_DESC' || (nulls !== null && nulls !== 'SORTBY_NULLS_DEFAULT')) {
    throw context.wordNotSupported(
      element,
      'DESC or NULLS in an index',
      'leave it out: an index is read both ways',
    );
  }
  return name;
}

function assignments(context: Context, tree: Tree): readonly Assignment[] {
  return tree.list('targetList').map((item) => {
    const value = item.child('val');
    const assignment: Assignment = {
      column: item.text('name') ?? '',
      value: value === null ? 'default' : assigned(context, value),
      at: context.at(item),
    };
    context.finish(item);
    return assignment;
  });
}

/** `(a, b) = (1, 2)` comes as one reference a column into the same row. */
function assigned(context: Context, value: Tree): Expression | 'default' {
  if (value.tag !== 'MultiAssignRef') return valueOrDefault(context, value);
  const source = context.child(value, 'source');
  const values = source.tag === 'RowExpr' ? source.list('args') : [];
  const chosen = values[value.number('colno') - 1];
  if (chosen === undefined || values.length !== value.number('ncolumns')) {
    throw context.notSupported(
      source,
      'an assignment from a subquery or another number of values',
      'write a = …, b = …',
    );
  }
  return valueOrDefault(context, chosen);
}

function returning(context: Context, tree: Tree): readonly SelectItem[] | null {
  const clause = tree.childOf('returningClause', 'ReturningClause');
  if (clause === null) return null;
  const items = selectItems(context, clause, 'exprs');
  context.finish(clause);
  return items;
}
