/** CREATE TABLE: its columns and constraints. */
import type { CheckDefinition, ColumnDefinition, CreateTableStatement, Expression } from '../ast.ts';
import type { Context } from './context.ts';
import { expression } from './expressions.ts';
import { printExpression } from './print.ts';
import { tableReference } from './queries.ts';
import type { Tree } from './tree.ts';
import { sqlType } from './types.ts';
import { unsupportedNode } from './unsupported.ts';

type UniqueKey = CreateTableStatement['uniques'][number];

/** Errors: INVALID_ARGUMENT (42601, 42701, 42P16, 0A000). */
export function createTable(context: Context, tree: Tree): CreateTableStatement {
  if (tree.text('oncommit') !== 'ONCOMMIT_NOOP') {
    throw context.notSupported(tree, 'ON COMMIT', 'every table here is a view of the log');
  }
  const { table } = tableReference(context, tree.childOf('relation', 'RangeVar')!);
  const columns: ColumnDefinition[] = [];
  const uniques: UniqueKey[] = [];
  const checks: CheckDefinition[] = [];
  let primaryKey: readonly string[] | null = null;
  for (const element of tree.list('tableElts')) {
    if (element.tag === 'ColumnDef') {
      const { column, keys } = columnDefinition(context, element);
      columns.push(column);
      uniques.push(...keys);
    } else if (element.tag === 'Constraint') {
      const constraint = tableConstraint(context, element);
      if (constraint.kind === 'check') checks.push(constraint.check);
      else if (constraint.kind === 'unique') uniques.push(constraint.key);
      else {
        if (primaryKey !== null)
          throw context.invalid(element, `table ${table} has two primary keys`, '42P16');
        primaryKey = constraint.columns;
      }
    } else {
      const { construct, instead } = unsupportedNode(element.tag);
      throw context.notSupported(element, construct, instead);
    }
  }
  if (columns.length === 0) throw context.notSupported(tree, 'a table without columns', 'name at least one');
  refuseTwoPrimaryKeys(context, tree, table, columns, primaryKey);
  const subject = options(context, tree);
  const ifNotExists = tree.flag('if_not_exists');
  context.finish(tree);
  return { statement: 'create table', table, ifNotExists, columns, primaryKey, uniques, checks, subject };
}

function refuseTwoPrimaryKeys(
  context: Context,
  tree: Tree,
  table: string,
  columns: readonly ColumnDefinition[],
  primaryKey: readonly string[] | null,
): void {
  const declared = columns.filter((column) => column.primaryKey).length + (primaryKey === null ? 0 : 1);
  if (declared > 1)
    throw context.invalid(tree, `table ${table} has two primary keys; write PRIMARY KEY (a, b)`, '42P16');
}

/** WITH (subject = 'column'). */
function options(context: Context, tree: Tree): string | null {
  let subject: string | null = null;
  for (const option of tree.list('options')) {
    const name = option.text('defname') ?? '';
    const value = option.child('arg');
    option.ignore('defaction');
    context.finish(option);
    if (name !== 'subject') {
      throw context.notSupported(
        option,
        `the table option ${name}`,
        "subject = 'column' is the one there is",
      );
    }
    if (subject !== null) throw context.invalid(option, 'subject is given twice', '42601');
    subject = value === null ? null : optionName(value);
    if (subject === null)
      throw context.invalid(option, "subject names a column: subject = 'column'", '22023');
  }
  return subject;
}

/** 'column', or column without quotes, which the grammar takes for a type's name. */
function optionName(value: Tree): string | null {
  if (value.tag === 'String') return value.text('sval');
  const names = value.tag === 'TypeName' ? value.names('names') : [];
  return names.length === 1 ? names[0]! : null;
}

interface DefinedColumn {
  readonly column: ColumnDefinition;
  /** UNIQUE constraints of the column that have names: they become the table's. */
  readonly keys: readonly UniqueKey[];
}

export function columnDefinition(context: Context, tree: Tree): DefinedColumn {
  const name = tree.text('colname') ?? '';
  const written = tree.childOf('typeName', 'TypeName');
  if (written === null) throw context.notSupported(tree, `column ${name} without a type`, 'write its type');
  const type = sqlType(context, written);
  const found: Constraints = {
    notNull: null,
    primaryKey: false,
    unique: false,
    default: null,
    checks: [],
    keys: [],
  };
  for (const constraint of tree.list('constraints')) columnConstraint(context, name, constraint, found);
  tree.ignore('is_local');
  context.finish(tree);
  const { notNull, keys, ...rest } = found;
  return { column: { name, type, notNull: notNull ?? false, ...rest, at: context.at(tree) }, keys };
}

interface Constraints {
  notNull: boolean | null;
  primaryKey: boolean;
  unique: boolean;
  default: Expression | null;
  checks: CheckDefinition[];
  keys: UniqueKey[];
}

function columnConstraint(context: Context, column: string, tree: Tree, found: Constraints): void {
  const kind = tree.text('contype') ?? '';
  const name = constraintName(tree);
  switch (kind) {
    case 'CONSTR_NULL':
    case 'CONSTR_NOTNULL': {
      const notNull = kind === 'CONSTR_NOTNULL';
      if (found.notNull !== null && found.notNull !== notNull) {
        throw context.invalid(tree, `column ${column} is declared both NULL and NOT NULL`, '42601');
      }
      found.notNull = notNull;
      break;
    }
    case 'CONSTR_DEFAULT':
      if (found.default !== null) throw context.invalid(tree, `column ${column} has two defaults`, '42601');
      found.default = expression(context, context.child(tree, 'raw_expr'));
      break;
    case 'CONSTR_CHECK':
      found.checks.push(check(context, tree, name));
      break;
    case 'CONSTR_PRIMARY':
      if (found.primaryKey) throw context.invalid(tree, `column ${column} is the primary key twice`, '42P16');
      found.primaryKey = true;
      break;
    case 'CONSTR_UNIQUE':
      if (name === null) found.unique = true;
      else found.keys.push({ name, columns: [column] });
      break;
    default:
      throw context.notSupported(
        tree,
        ...(OTHER_CONSTRAINTS[kind] ?? [`a constraint (${kind})`, 'leave it out']),
      );
  }
  context.finish(tree);
}

/** Names of NOT NULL, DEFAULT and PRIMARY KEY are taken and not kept. */
function constraintName(tree: Tree): string | null {
  tree.ignore('initially_valid', 'is_enforced');
  return tree.text('conname');
}

type TableConstraint =
  | { readonly kind: 'primary key'; readonly columns: readonly string[] }
  | { readonly kind: 'unique'; readonly key: UniqueKey }
  | { readonly kind: 'check'; readonly check: CheckDefinition };

function tableConstraint(context: Context, tree: Tree): TableConstraint {
  const kind = tree.text('contype') ?? '';
  const name = constraintName(tree);
  const made = ((): TableConstraint => {
    switch (kind) {
      case 'CONSTR_PRIMARY':
        return { kind: 'primary key', columns: tree.names('keys') };
      case 'CONSTR_UNIQUE':
        return { kind: 'unique', key: { name, columns: tree.names('keys') } };
      case 'CONSTR_CHECK':
        return { kind: 'check', check: check(context, tree, name) };
      default:
        throw context.notSupported(
          tree,
          ...(OTHER_CONSTRAINTS[kind] ?? [`a constraint (${kind})`, 'leave it out']),
        );
    }
  })();
  context.finish(tree);
  return made;
}

function check(context: Context, tree: Tree, name: string | null): CheckDefinition {
  const condition = expression(context, context.child(tree, 'raw_expr'));
  return { name, expression: condition, text: printExpression(condition) };
}

const OTHER_CONSTRAINTS: Readonly<Record<string, readonly [string, string]>> = {
  CONSTR_FOREIGN: ['a foreign key (REFERENCES)', 'leave it out: what a row refers to is not checked'],
  CONSTR_IDENTITY: ['an identity column', 'give the value in the INSERT, or use UUID'],
  CONSTR_GENERATED: ['a generated column', 'compute it in the SELECT or in a projection'],
  CONSTR_EXCLUSION: ['EXCLUDE', 'use UNIQUE'],
  CONSTR_NOTNULL: ['NOT NULL as a constraint of the table', 'write NOT NULL with the column'],
  CONSTR_ATTR_DEFERRABLE: ['DEFERRABLE', 'constraints are checked with each statement'],
  CONSTR_ATTR_DEFERRED: ['INITIALLY DEFERRED', 'constraints are checked with each statement'],
  CONSTR_ATTR_NOT_ENFORCED: ['NOT ENFORCED', 'constraints always hold'],
};
