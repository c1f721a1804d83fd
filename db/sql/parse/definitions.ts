/** CREATE TABLE and CREATE INDEX, ALTER TABLE and RENAME, DROP. */
import type { AlterTableAction, AlterTableStatement, CreateIndexStatement, DropStatement } from '../ast.ts';
import { indexColumn } from './changes.ts';
import { columnDefinition } from './columns.ts';
import type { Context } from './context.ts';
import { refuseSchema, tableReference } from './queries.ts';
import type { Tree } from './tree.ts';

/** Errors: INVALID_ARGUMENT. */
export function createIndex(context: Context, tree: Tree): CreateIndexStatement {
  const method = tree.text('accessMethod');
  if (method !== 'btree') throw context.notSupported(tree, `an index USING ${method}`, 'leave USING out');
  const statement: CreateIndexStatement = {
    statement: 'create index',
    index: tree.text('idxname'),
    table: tableReference(context, tree.childOf('relation', 'RangeVar')!).table,
    columns: tree.list('indexParams').map((element) => indexColumn(context, element)),
    unique: tree.flag('unique'),
    ifNotExists: tree.flag('if_not_exists'),
  };
  context.finish(tree);
  return statement;
}

export function alterTable(context: Context, tree: Tree): AlterTableStatement {
  if (tree.text('objtype') !== 'OBJECT_TABLE') {
    throw context.notSupported(tree, `ALTER ${objectName(tree.text('objtype'))}`, '');
  }
  const statement: AlterTableStatement = {
    statement: 'alter table',
    table: tableReference(context, tree.childOf('relation', 'RangeVar')!).table,
    ifExists: tree.flag('missing_ok'),
    actions: tree.list('cmds').map((command) => alterTableAction(context, tree, command)),
  };
  context.finish(tree);
  return statement;
}

function alterTableAction(context: Context, tree: Tree, command: Tree): AlterTableAction {
  refuseCascade(context, command.text('behavior'), command);
  const subtype = command.text('subtype') ?? '';
  switch (subtype) {
    case 'AT_AddColumn': {
      const definition = context.child(command, 'def');
      const { column, keys } = columnDefinition(context, definition);
      if (keys.length > 0) {
        throw context.notSupported(
          definition,
          'a named UNIQUE in ADD COLUMN',
          'leave the name out, or CREATE UNIQUE INDEX',
        );
      }
      const action = { action: 'add column', column, ifNotExists: command.flag('missing_ok') } as const;
      context.finish(command);
      return action;
    }
    case 'AT_DropColumn': {
      const column = command.text('name') ?? '';
      const action = { action: 'drop column', column, ifExists: command.flag('missing_ok') } as const;
      context.finish(command);
      return action;
    }
    default: {
      const [construct, instead] = OTHER_ACTIONS[subtype] ?? [
        `ALTER TABLE (${subtype.replace(/^AT_/, '')})`,
        '',
      ];
      throw context.wordNotSupported(tree, construct, instead);
    }
  }
}

const ADD_IT_ANEW = 'add another column, copy the values, drop the old one, rename the new one';

const OTHER_ACTIONS: Readonly<Record<string, readonly [string, string]>> = {
  AT_AlterColumnType: ['ALTER COLUMN … TYPE', ADD_IT_ANEW],
  AT_ColumnDefault: ['ALTER COLUMN … DEFAULT', ADD_IT_ANEW],
  AT_SetNotNull: ['ALTER COLUMN … SET NOT NULL', ADD_IT_ANEW],
  AT_DropNotNull: ['ALTER COLUMN … DROP NOT NULL', ADD_IT_ANEW],
  AT_AddConstraint: ['ADD CONSTRAINT', 'write it in CREATE TABLE; a unique key later is CREATE UNIQUE INDEX'],
  AT_DropConstraint: ['DROP CONSTRAINT', ''],
  AT_AddIdentity: ['an identity column', 'give the value in the INSERT'],
  AT_ChangeOwner: ['OWNER TO', 'tables belong to their tenant'],
  AT_EnableRowSecurity: ['ROW LEVEL SECURITY', 'keep what others must not see in a tenant of its own'],
  AT_SetTableSpace: ['SET TABLESPACE', ''],
  AT_AddInherit: ['INHERIT', ''],
  AT_AttachPartition: ['ATTACH PARTITION', 'tables here are not partitioned'],
};

/** RENAME of a column or a table. */
export function rename(context: Context, tree: Tree): AlterTableStatement {
  const what = tree.text('renameType');
  if (what !== 'OBJECT_COLUMN' && what !== 'OBJECT_TABLE') {
    throw context.wordNotSupported(
      tree,
      `RENAME of ${objectName(what)}`,
      'tables and columns can be renamed',
    );
  }
  if (what === 'OBJECT_COLUMN' && tree.text('relationType') !== 'OBJECT_TABLE') {
    throw context.notSupported(tree, 'RENAME of a column of something else than a table', '');
  }
  tree.ignore('relationType');
  refuseCascade(context, tree.text('behavior'), tree);
  const to = tree.text('newname') ?? '';
  const action: AlterTableAction =
    what === 'OBJECT_TABLE'
      ? { action: 'rename table', to }
      : { action: 'rename column', column: tree.text('subname') ?? '', to };
  const { table } = tableReference(context, tree.childOf('relation', 'RangeVar')!);
  const statement: AlterTableStatement = {
    statement: 'alter table',
    table,
    ifExists: tree.flag('missing_ok'),
    actions: [action],
  };
  context.finish(tree);
  return statement;
}

export function drop(context: Context, tree: Tree): DropStatement {
  const type = tree.text('removeType');
  if (type !== 'OBJECT_TABLE' && type !== 'OBJECT_INDEX') {
    const instead = DROP_INSTEAD[type ?? ''] ?? 'there are tables, indexes, projections and reducers';
    throw context.wordNotSupported(tree, `DROP ${objectName(type)}`, instead);
  }
  refuseCascade(context, tree.text('behavior'), tree);
  const statement: DropStatement = {
    statement: 'drop',
    what: type === 'OBJECT_TABLE' ? 'table' : 'index',
    names: tree.list('objects').map((object) => droppedName(context, object)),
    ifExists: tree.flag('missing_ok'),
  };
  context.finish(tree);
  return statement;
}

const DROP_INSTEAD: Readonly<Record<string, string>> = {
  OBJECT_VIEW: 'write DROP PROJECTION',
  OBJECT_MATVIEW: 'write DROP PROJECTION',
  OBJECT_SCHEMA: 'everything stands in schema public',
};

function droppedName(context: Context, object: Tree): string {
  const names = object.names('items');
  const [name = '', schema = null, ...more] = names.toReversed();
  refuseSchema(context, object, more.length > 0 ? names.slice(0, -1).join('.') : schema);
  return name;
}

function refuseCascade(context: Context, behavior: string | null, tree: Tree): void {
  if (behavior === 'DROP_CASCADE')
    throw context.wordNotSupported(tree, 'CASCADE', 'drop what depends on it first');
}

/** OBJECT_FOREIGN_TABLE → FOREIGN TABLE. */
function objectName(type: string | null): string {
  return (type ?? '').replace(/^OBJECT_/, '').replaceAll('_', ' ');
}
