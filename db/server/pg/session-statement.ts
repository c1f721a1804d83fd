/** Statements about the connection itself: SET, SHOW, RESET, DISCARD, DEALLOCATE. */

import { TruthError } from '../../errors.ts';
import { sqlError } from '../../sql/types/sql-error.ts';
import { listOf, nodeOf, type ParseNode, textOf } from './catalog/parse-node.ts';
import { TO_CLIENT } from './constants.ts';
import { type Answer, NO_ROWS, type Prepared } from './prepared.ts';
import type { ShownColumn } from './replies.ts';
import type { SessionSettings } from './settings.ts';

const TEXT = { oid: 25, size: -1, modifier: -1 };

export interface Connection {
  readonly settings: SessionSettings;
  /** Forgets prepared statements: one, or all. Errors: INVALID_ARGUMENT (26000). */
  deallocate(name: string | null): void;
  /** Back to how it began, but for the login. */
  discard(): void;
}

const WORDS = new Set(['set', 'show', 'reset', 'discard', 'deallocate']);

export function isAboutSession(firstWord: string): boolean {
  return WORDS.has(firstWord);
}

/** Errors: INVALID_ARGUMENT (0A000, 42704). */
export function prepareSession(node: ParseNode, text: string, connection: Connection): Prepared {
  const prepared = (columns: readonly ShownColumn[] | null, run: () => Answer): Prepared => ({
    text,
    of: 'session',
    control: null,
    defines: false,
    parameterOids: [],
    columns,
    atOnce: () => null,
    run: async () => run(),
  });
  const { settings } = connection;
  const { kind, fields } = node;
  if (kind === 'VariableShowStmt') {
    const name = textOf(fields['name']);
    if (name === 'all') return showAll(prepared, settings);
    const column = { name: settings.show(name).name, ...TEXT };
    return prepared([column], () => rowsOf('SHOW', [column], [[settings.show(name).value]]));
  }
  if (kind === 'VariableSetStmt') return prepared(null, () => set(fields, settings));
  if (kind === 'DiscardStmt') {
    return prepared(null, () => {
      if (fields['target'] === undefined || fields['target'] === 'DISCARD_ALL') connection.discard();
      return { ...NO_ROWS, tag: 'DISCARD ALL' };
    });
  }
  if (kind === 'DeallocateStmt') {
    const name = textOf(fields['name']);
    return prepared(null, () => {
      connection.deallocate(name === '' ? null : name);
      return { ...NO_ROWS, tag: name === '' ? 'DEALLOCATE ALL' : 'DEALLOCATE' };
    });
  }
  throw sqlError('0A000', `the statement ${text.slice(0, 60)} is not possible here`);
}

function showAll(
  prepared: (columns: ShownColumn[], run: () => Answer) => Prepared,
  settings: SessionSettings,
): Prepared {
  const columns = ['name', 'setting', 'description'].map((name) => ({ name, ...TEXT }));
  return prepared(columns, () => {
    const rows = [...settings.all()].sort().map(([name, value]) => [name, value, '']);
    return rowsOf('SHOW', columns, rows);
  });
}

function rowsOf(tag: string, columns: readonly ShownColumn[], rows: readonly (readonly string[])[]): Answer {
  return {
    ...NO_ROWS,
    tag,
    columns,
    rowCount: rows.length,
    writeRow: (out, row) => {
      const start = out.begin(TO_CLIENT.DATA_ROW);
      out.i16(columns.length);
      for (const value of rows[row] ?? []) out.fieldText(value);
      out.end(start);
    },
  };
}

function set(fields: ParseNode['fields'], settings: SessionSettings): Answer {
  const name = textOf(fields['name']);
  const kind = textOf(fields['kind']);
  if (kind === 'VAR_RESET_ALL') {
    settings.resetAll();
    return {
      ...NO_ROWS,
      tag: 'RESET',
      changed: [...settings.reported()].map(([of, value]) => ({ name: of, value })),
    };
  }
  if (kind === 'VAR_RESET' || kind === 'VAR_SET_DEFAULT') {
    const changed = settings.reset(name);
    return {
      ...NO_ROWS,
      tag: kind === 'VAR_RESET' ? 'RESET' : 'SET',
      changed: changed === null ? [] : [changed],
    };
  }
  // SET TRANSACTION and SET SESSION CHARACTERISTICS: every transaction here is serializable.
  if (kind === 'VAR_SET_MULTI') return { ...NO_ROWS, tag: 'SET' };
  if (kind !== 'VAR_SET_VALUE') throw sqlError('0A000', `SET ${name} in this form is not possible`);
  const value = listOf(fields['args']).map(settingValue).join(', ');
  const changed = settings.set(name, value);
  const isElsewhere = name.toLowerCase() === 'timezone' && !/^(utc|gmt|etc\/utc|z(ulu)?|0)$/i.test(value);
  const notices = isElsewhere ? ['times here are UTC and stay so, whatever the time zone is set to'] : [];
  return { ...NO_ROWS, tag: 'SET', notices, changed: changed === null ? [] : [changed] };
}

function settingValue(arg: unknown): string {
  const node = nodeOf(arg);
  if (node?.kind === 'TypeCast') return settingValue(node.fields['arg']);
  const fields = node?.fields ?? {};
  const part = (name: string, field: string) =>
    (fields[name] as Record<string, unknown> | undefined)?.[field];
  if (fields['ival'] !== undefined) return String(Number(part('ival', 'ival') ?? 0));
  if (fields['boolval'] !== undefined) return part('boolval', 'boolval') === true ? 'on' : 'off';
  if (fields['fval'] !== undefined) return textOf(part('fval', 'fval'));
  if (fields['sval'] !== undefined) return textOf(part('sval', 'sval'));
  throw new TruthError('INVALID_ARGUMENT', 'SET needs a plain value', { sqlstate: '22023' });
}
