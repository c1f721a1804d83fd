/** What drivers say about transactions and settings: BEGIN, COMMIT, ROLLBACK, SET, RESET, SHOW, DISCARD ALL. */
import type { SettingStatement, TransactionStatement } from '../ast.ts';
import type { Context } from './context.ts';
import type { Tree } from './tree.ts';

const TRANSACTIONS: Readonly<Record<string, TransactionStatement['statement']>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
};

const OTHER_TRANSACTIONS: Readonly<Record<string, readonly [string, string]>> = {
  TRANS_STMT_SAVEPOINT: ['SAVEPOINT', 'end the transaction with COMMIT or ROLLBACK and begin another'],
  TRANS_STMT_RELEASE: ['RELEASE SAVEPOINT', 'there are no savepoints'],
  TRANS_STMT_ROLLBACK_TO: [
    'ROLLBACK TO SAVEPOINT',
    'there are no savepoints: ROLLBACK ends the whole transaction',
  ],
  TRANS_STMT_PREPARE: ['PREPARE TRANSACTION', 'there is no two-phase commit'],
  TRANS_STMT_COMMIT_PREPARED: ['COMMIT PREPARED', 'there is no two-phase commit'],
  TRANS_STMT_ROLLBACK_PREPARED: ['ROLLBACK PREPARED', 'there is no two-phase commit'],
};

/** Errors: 0A000. */
export function transaction(context: Context, tree: Tree): TransactionStatement {
  const kind = tree.text('kind') ?? '';
  const statement = TRANSACTIONS[kind];
  if (statement === undefined)
    throw context.statementNotSupported(...(OTHER_TRANSACTIONS[kind] ?? [kind, '']));
  for (const option of tree.list('options')) refuseReadOnly(context, option);
  context.finish(tree);
  return { statement };
}

/** Any isolation level is taken: ours gives what each of them promises, and more. */
function refuseReadOnly(context: Context, option: Tree): void {
  const name = option.text('defname');
  const value = option.child('arg');
  if (name !== 'transaction_read_only' || value?.childOf('ival', 'Integer')?.number('ival') === 0) return;
  throw context.notSupported(option, 'READ ONLY', 'a token with the role reader cannot write at all');
}

/** Whom a session acts for is the token's to say. */
const IDENTITIES = new Set(['role', 'session_authorization']);

/** Errors: 0A000. */
export function set(context: Context, tree: Tree): SettingStatement {
  const kind = tree.text('kind') ?? '';
  tree.ignore('is_local', 'jumble_args');
  const name = tree.text('name') ?? 'all';
  if (kind === 'VAR_SET_MULTI') return transactionSettings(context, tree);
  if (kind === 'VAR_SET_CURRENT') throw context.statementNotSupported('SET … FROM CURRENT', 'give the value');
  if (IDENTITIES.has(name)) {
    throw context.statementNotSupported(`SET of ${name}`, 'connect with the token of whoever shall act');
  }
  const values = tree.list('args').map((value) => settingValue(context, value));
  context.finish(tree);
  const value = kind === 'VAR_SET_VALUE' ? values.join(', ') : null;
  return { statement: 'set', name: name.toLowerCase(), value };
}

/** SET TRANSACTION and SET SESSION CHARACTERISTICS AS TRANSACTION: the level is what SHOW can tell. */
function transactionSettings(context: Context, tree: Tree): SettingStatement {
  let level: string | null = null;
  for (const option of tree.list('args')) {
    refuseReadOnly(context, option);
    if (option.text('defname') === 'transaction_isolation')
      level = settingValue(context, context.child(option, 'arg'));
  }
  context.finish(tree);
  return { statement: 'set', name: 'transaction_isolation', value: level };
}

function settingValue(context: Context, tree: Tree): string {
  if (tree.has('sval')) return tree.childOf('sval', 'String')?.text('sval') ?? '';
  if (tree.has('ival')) return String(tree.childOf('ival', 'Integer')?.number('ival'));
  if (tree.has('fval')) return tree.childOf('fval', 'Float')?.text('fval') ?? '';
  if (tree.has('boolval')) return String(tree.childOf('boolval', 'Boolean')?.flag('boolval'));
  throw context.notSupported(tree, 'this value of a setting', 'write a number, a word or a string');
}

export function show(context: Context, tree: Tree): SettingStatement {
  const name = tree.text('name') ?? '';
  context.finish(tree);
  return { statement: 'show', name: name.toLowerCase(), value: null };
}

/** Poolers send DISCARD ALL between two users of a connection. */
export function discard(context: Context, tree: Tree): SettingStatement {
  if (tree.text('target') !== 'DISCARD_ALL') {
    throw context.statementNotSupported('DISCARD of a part', 'write DISCARD ALL');
  }
  context.finish(tree);
  return { statement: 'set', name: 'all', value: null };
}
