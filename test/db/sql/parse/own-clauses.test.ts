import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { Statement } from '../../../../db/sql/ast.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';
import { nextToken } from '../../../../db/sql/parse/tokens.ts';
import { REFUSED, TAKEN } from './examples/index.ts';

const parser = await loadParser();

/** Of statements that say neither already. */
const STATEMENTS = [...TAKEN, ...REFUSED].map(([sql]) => sql).filter((sql) => !/history|as of/i.test(sql));

describe('our clauses put in anywhere', () => {
  test('HISTORY is the clause, a name where a name is wanted, or an error; never the alias of a table', () => {
    const clauses = everywhere('HISTORY', (statement) => {
      expect(tableAliases(statement), JSON.stringify(statement)).not.toContain('history');
      return queryOf(statement)?.history === true;
    });
    expect(clauses).toBeGreaterThan(50);
  });

  test('AS OF is where the query looks, or an error', () => {
    const clauses = everywhere('AS OF POSITION 3', (statement) => {
      expect(queryOf(statement)?.asOf, JSON.stringify(statement)).toMatchObject({ kind: 'position' });
      return true;
    });
    expect(clauses).toBeGreaterThan(50);
  });
});

/** Calls back with each statement taken that has the words between two of its tokens; how often that says yes. */
function everywhere(words: string, taken: (statement: Statement) => boolean): number {
  let count = 0;
  for (const sql of STATEMENTS) {
    for (const at of boundaries(sql)) {
      try {
        const text = `${sql.slice(0, at)} ${words} ${sql.slice(at)}`;
        for (const { statement } of parser.parse(text).slice(0, 1)) if (taken(statement)) count += 1;
      } catch (error) {
        if (!(error instanceof TruthError)) throw error;
      }
    }
  }
  return count;
}

/** Ends of tokens; none where the text has no tokens. */
function boundaries(sql: string): number[] {
  const ends: number[] = [];
  try {
    for (let token = nextToken(sql, 0); token !== null; token = nextToken(sql, token.end))
      ends.push(token.end);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
  }
  return ends;
}

function queryOf(statement: Statement): Extract<Statement, { statement: 'select' }> | null {
  if (statement.statement === 'explain') return queryOf(statement.of);
  return statement.statement === 'select' ? statement : null;
}

/** Aliases of FROM, UPDATE and DELETE, at any depth. */
function tableAliases(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const { from, statement, alias } = value as { from?: unknown; statement?: unknown; alias?: unknown };
  const own = typeof from === 'string' || statement === 'update' || statement === 'delete' ? [alias] : [];
  return [...own, ...Object.values(value).flatMap(tableAliases)];
}
