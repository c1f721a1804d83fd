import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import {
  aboutCatalog,
  CatalogAnswers,
  CatalogDatabase,
  mayBeAboutCatalog,
} from '../../../../db/server/pg/catalog/index.ts';
import type { SqlResult, SqlSession } from '../../../../db/sql/contract.ts';
import { loadGrammar } from '../../../../db/sql/parse/grammar.ts';
import type { Sequence } from '../../../../db/types.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { exampleCatalog } from '../../support/example-catalog.ts';
import { MemorySql } from '../../support/memory-sql.ts';

const grammar = await loadGrammar();
const answers = new CatalogAnswers();

afterAll(() => answers.close());

function session(of = answers): SqlSession {
  const tables = new MemorySql();
  tables.tables = exampleCatalog();
  const database = new CatalogDatabase({ tables, grammar, answers: of, position: () => 7 as Sequence });
  return database.session({ tenant: TENANT_DEFAULT, actor: 'me', mayWrite: true, mayDefine: true });
}

function ask(text: string, ...values: readonly string[]): Promise<SqlResult> {
  return session().execute(
    text,
    values.map((value) => ({ given: 'text', text: value })),
  );
}

const rows = async (text: string, ...values: readonly string[]) => (await ask(text, ...values)).rows;

test('what drivers ask is answered as PostgreSQL would', async () => {
  const questions = readFileSync(join(import.meta.dirname, 'driver-questions.sql'), 'utf8').split(/;\s*\n/);
  const told: string[] = [];
  for (const question of questions.map((text) => text.trim()).filter((text) => text !== '')) {
    const parameters = (question.match(/\$\d/g) ?? []).length;
    const { columns, rows: found } = await ask(question, ...Array.from({ length: parameters }, () => 'int4'));
    told.push(
      question.slice(0, 120),
      columns?.map(({ name, type }) => `${name} ${type.kind}`).join(', ') ?? '',
    );
    told.push(...found.slice(0, 12).map((row) => `  ${row.map(String).join(' | ')}`), '');
  }
  await expect(told.join('\n')).toMatchFileSnapshot('driver-answers.txt');
}, 60_000);

describe('a question is told from a statement about tables', () => {
  const isQuestion = (text: string) =>
    mayBeAboutCatalog(text) && aboutCatalog(grammar, text, exampleCatalog) !== null;

  test.each([
    ['SELECT relname FROM pg_class', true],
    ['SELECT * FROM information_schema.tables', true],
    ['SELECT version()', true],
    ["SELECT 'orders'::regclass", true],
    ['SELECT current_user', true],
    ['SELECT pg_class FROM orders', false],
    ["SELECT 'pg_class' FROM orders", false],
    ['SELECT current_user FROM orders', false],
    ['SELECT 1', false],
    ['DELETE FROM orders WHERE state = version()', false],
    ['SELECT * FROM orders AS OF POSITION 3', false],
  ])('%s', (text, expected) => {
    expect(isQuestion(text)).toBe(expected);
  });
});

test('types of what is returned are known before it is asked', () => {
  const { description } = session().prepare(
    'SELECT c.oid, relname, relhasindex, relnatts, count(*) AS n FROM pg_class c WHERE relname = $1 GROUP BY 1, 2, 3, 4',
  );
  expect(description.columns?.map(({ type }) => type.kind)).toEqual([
    'bigint',
    'text',
    'boolean',
    'integer',
    'bigint',
  ]);
  expect(description.parameters).toHaveLength(1);
});

test('arrays, patterns, sets and order mean what they mean in PostgreSQL', async () => {
  expect(
    await rows("SELECT 'a' LIKE 'A', 'a' ILIKE 'A', 'a_b' LIKE 'a\\_b', 'x' ~ '^[xy]$', version() IS NULL"),
  ).toEqual([[false, true, true, true, false]]);
  expect(
    await rows(
      "SELECT attname FROM pg_attribute WHERE attnum = ANY('{1,3}') AND attrelid = 'orders'::regclass",
    ),
  ).toEqual([['id'], ['total']]);
  expect(await rows('SELECT relkind FROM pg_class UNION SELECT NULL ORDER BY 1')).toEqual([
    ['i'],
    ['m'],
    ['r'],
    [null],
  ]);
  expect(await rows('SELECT (current_schemas(true))[2], array_length(current_schemas(false), 1)')).toEqual([
    ['public', 2],
  ]);
});

test.each([
  ['SELECT * FROM pg_class, LATERAL (SELECT 1) x', '0A000'],
  ['WITH RECURSIVE r AS (SELECT oid FROM pg_class UNION SELECT oid FROM r) SELECT * FROM r', '0A000'],
  ['SELECT * FROM pg_class JOIN orders ON true', '42P01'],
  ['SELECT pg_read_file(relname) FROM pg_class', '42883'],
  ['SELECT truthdb_array_json(relname) FROM pg_class', '42883'],
  ['SELECT load_extension(relname) FROM pg_class', '42883'],
  ['SELECT * FROM pg_catalog.sqlite_master', '42P01'],
  ['SELECT nothing FROM pg_class', '22023'],
  ["SELECT 'nowhere'::regclass", '22023'],
])('%s is refused', async (text, sqlstate) => {
  await expect(ask(text)).rejects.toMatchObject({ details: { sqlstate } });
});

test('a question that takes for ever is given up, and the next one is answered', async () => {
  const impatient = new CatalogAnswers(400);
  const product =
    'SELECT count(*) FROM pg_type a, pg_type b, pg_type c, pg_type d, pg_type e, pg_type f, pg_type g';
  await expect(session(impatient).execute(product, [])).rejects.toMatchObject({
    details: { sqlstate: '57014' },
  });
  await impatient.close();
  const patient = new CatalogAnswers();
  expect((await session(patient).execute('SELECT count(*) FROM pg_type', [])).rows[0]?.[0]).toBeGreaterThan(
    40n,
  );
  await patient.close();
});

test('an answer that is too large is refused', async () => {
  await expect(ask('SELECT a.typname FROM pg_type a, pg_type b, pg_type c')).rejects.toMatchObject({
    details: { sqlstate: '54000' },
  });
});

test('whatever is asked, it is answered or refused', async () => {
  const word = fc.constantFrom(
    ...[
      'SELECT',
      'oid',
      'relname',
      'FROM',
      'pg_class',
      'c',
      'WHERE',
      '=',
      "'x'",
      '1',
      '(',
      ')',
      ',',
      'AND',
      'NOT',
      'ANY',
      '||',
    ],
    ...[
      'ORDER BY',
      'GROUP BY',
      'count(*)',
      '::text',
      '::regclass',
      'CASE',
      'WHEN',
      'THEN',
      'END',
      'EXISTS',
      'IN',
      'NULL',
      '*',
      '`',
      '"a`b"',
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 3, maxLength: 14 }), async (words) => {
      const text = `SELECT ${words.join(' ')} FROM pg_class`;
      try {
        await ask(text);
      } catch (error) {
        expect(error).toBeInstanceOf(TruthError);
        expect((error as TruthError).code).not.toBe('INTERNAL');
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);
