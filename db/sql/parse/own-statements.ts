/**
 * Statements that are ours and not PostgreSQL's, read from the tokens: DIFF TABLE, CREATE PROJECTION (its query is left to the
 * grammar), DROP PROJECTION and DROP REDUCER; and EXPLAIN, because it stands before any of them.
 */
import type { DropStatement } from '../ast.ts';
import type { Cursor } from './cursor.ts';
import { type OwnPosition, ownPosition } from './own-clauses.ts';
import { notSupported } from './refusal.ts';

export type OwnStatement =
  | { readonly own: 'diff'; readonly table: string; readonly from: OwnPosition; readonly to: OwnPosition }
  | {
      readonly own: 'create projection';
      readonly projection: string;
      readonly orReplace: boolean;
      readonly ifNotExists: boolean;
      /** Token its query begins with. */
      readonly query: number;
    }
  | { readonly own: 'drop'; readonly drop: DropStatement };

/** Null when the statement is PostgreSQL's. Errors: INVALID_ARGUMENT (42601, 0A000). */
export function ownStatement(cursor: Cursor): OwnStatement | null {
  if (cursor.take('diff', 'table')) return diff(cursor);
  if (cursor.take('create', 'projection')) return createProjection(cursor, false);
  if (cursor.take('create', 'or', 'replace', 'projection')) return createProjection(cursor, true);
  if (cursor.take('drop', 'projection')) return { own: 'drop', drop: drop(cursor, 'projection') };
  if (cursor.take('drop', 'reducer')) return { own: 'drop', drop: drop(cursor, 'reducer') };
  refuseOurs(cursor);
  return null;
}

/** Whether the statement is to be explained, past the words that say so. Errors: INVALID_ARGUMENT (42601, 0A000). */
export function explainHeader(cursor: Cursor): { readonly analyze: boolean } | null {
  if (!cursor.take('explain')) return null;
  const analyze = cursor.sees('(')
    ? explainOptions(cursor)
    : cursor.take('analyze') || cursor.take('analyse');
  cursor.take('verbose');
  if (cursor.sees('explain')) throw cursor.unexpected('a statement to explain');
  if (cursor.token === null) throw cursor.unexpected('a statement to explain');
  return { analyze };
}

/** (ANALYZE [on|off], VERBOSE, COSTS off …): what an answer in our one form cannot obey is refused. */
function explainOptions(cursor: Cursor): boolean {
  let analyze = false;
  cursor.expect('(');
  do {
    const at = cursor.at;
    const option = cursor.token?.word ?? '';
    cursor.index += 1;
    const on =
      !(cursor.take('off') || cursor.take('false')) && (cursor.take('on') || cursor.take('true') || true);
    if (option === 'analyze') analyze = on;
    else if (option !== 'verbose' && option !== 'costs' && option !== 'timing' && option !== 'summary') {
      const written = cursor.source.text.slice(at, cursor.source.tokens[cursor.index - 1]?.end ?? at);
      throw notSupported(
        cursor.source.text,
        at,
        `the EXPLAIN option ${written}`,
        'ANALYZE is the one there is',
      );
    }
  } while (cursor.take(','));
  cursor.expect(')');
  return analyze;
}

function diff(cursor: Cursor): OwnStatement {
  const table = cursor.name('the name of a table');
  cursor.expect('between');
  const from = side(cursor, 'and');
  cursor.expect('and');
  const to = side(cursor, null);
  cursor.end();
  return { own: 'diff', table, from, to };
}

/** POSITION n, TIMESTAMP t, or n alone, up to a word outside brackets or the end. */
function side(cursor: Cursor, until: string | null): OwnPosition {
  const word = cursor.index;
  if (cursor.sees('position') || cursor.sees('timestamp')) cursor.index += 1;
  const first = cursor.index;
  let depth = 0;
  for (; cursor.token !== null; cursor.index += 1) {
    if (cursor.sees('(')) depth += 1;
    if (cursor.sees(')')) depth -= 1;
    if (depth === 0 && until !== null && cursor.sees(until)) break;
  }
  return ownPosition(cursor.source, { clause: word, word, first, end: cursor.index });
}

function createProjection(cursor: Cursor, orReplace: boolean): OwnStatement {
  const ifNotExists = cursor.take('if', 'not', 'exists');
  const projection = cursor.name('the name of a projection');
  if (cursor.sees('(')) {
    throw notSupported(
      cursor.source.text,
      cursor.at,
      'a list of columns for a projection',
      'name them in its SELECT with AS',
    );
  }
  cursor.expect('as');
  const parenthesised = cursor.sees('(');
  if (!cursor.sees('select') && !cursor.sees('with') && !parenthesised) throw cursor.unexpected('SELECT');
  return { own: 'create projection', projection, orReplace, ifNotExists, query: cursor.index };
}

function drop(cursor: Cursor, what: 'projection' | 'reducer'): DropStatement {
  const ifExists = cursor.take('if', 'exists');
  const names: string[] = [];
  do names.push(cursor.name(`the name of a ${what}`));
  while (cursor.take(','));
  if (cursor.sees('cascade')) {
    throw notSupported(cursor.source.text, cursor.at, 'CASCADE', 'drop what depends on it first');
  }
  cursor.take('restrict');
  cursor.end();
  return { statement: 'drop', what, names, ifExists };
}

/** Words that look like ours, with the way out, before the grammar stumbles over them. */
function refuseOurs(cursor: Cursor): void {
  const { text } = cursor.source;
  if (cursor.sees('create', 'reducer') || cursor.sees('create', 'or', 'replace', 'reducer')) {
    throw notSupported(
      text,
      cursor.at,
      'CREATE REDUCER',
      'reducers are deployed: truthdb reducer deploy FILE.wasm',
    );
  }
  if (cursor.sees('alter', 'projection')) {
    throw notSupported(text, cursor.at, 'ALTER PROJECTION', 'write CREATE OR REPLACE PROJECTION');
  }
  if (cursor.sees('refresh', 'projection')) {
    throw notSupported(
      text,
      cursor.at,
      'REFRESH PROJECTION',
      'projections are kept up to date by themselves',
    );
  }
}
