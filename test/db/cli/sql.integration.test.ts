import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, runCommandWith } from '../support/command.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({}, real.engine);
});

afterAll(async () => {
  await serving.close();
  await real.stop();
});

const sql = (...words: string[]) => runCommand('sql', ...words, '--url', serving.url);

test('statements of the command line run in order, and rows are a table', async () => {
  const ran =
    await sql(`CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL DEFAULT 'nobody; really', total numeric(10,2),
      paid boolean, data bytea, CHECK (total >= 0));
    INSERT INTO orders (id, customer, total, paid, data) VALUES (1, 'Ada', 12.5, true, '\\x00ff'), (20, 'żółw 🐢', NULL, false, NULL);
    SELECT * FROM orders ORDER BY id; -- the end`);
  expect(ran.err).toBe('');
  expect(ran.out).toBe(
    [
      'CREATE TABLE',
      'INSERT 0 2',
      ' id | customer | total | paid |  data  ',
      '----+----------+-------+------+--------',
      '  1 | Ada      | 12.50 | t    | \\x00ff',
      ' 20 | żółw 🐢  |     ∅ | f    | ∅',
      '(2 rows)',
      '',
    ].join('\n'),
  );
});

test('--json prints an object a row, with all digits', async () => {
  const ran = await sql(
    'SELECT id, total, 9007199254740993 AS big FROM orders ORDER BY id; DELETE FROM orders WHERE id = 99',
    '--json',
  );
  expect(ran.out.split('\n')).toEqual([
    '{"id":1,"total":"12.50","big":9007199254740993}',
    '{"id":20,"total":null,"big":9007199254740993}',
    expect.stringMatching(/^\{"tag":"DELETE 0","count":0,"position":\d+\}$/),
  ]);
});

test('the first statement that fails ends it, with the exit code of its error', async () => {
  const ran = await sql('SELECT 1 AS one; SELEC 2; SELECT 3 AS three');
  expect(ran.code).toBe(64);
  expect(ran.out).toContain('one');
  expect(ran.out).not.toContain('three');
  expect(ran.err).toContain('INVALID_ARGUMENT');
  expect((await sql('SELECT 1', '--file', 'x')).err).toContain('both a statement and --file');
  expect((await sql('SELECT 1', '--at', 'yesterday')).err).toContain('--at is "yesterday"');
});

test('a file and a pipe hold statements too, and BEGIN makes them one', async () => {
  const file = join(serving.directory, 'script.sql');
  writeFileSync(
    file,
    'BEGIN;\nINSERT INTO orders (id) VALUES (30);\nROLLBACK;\nSELECT count(*) FROM orders;\n',
  );
  expect((await sql('--file', file)).out).toContain('     2');
  const piped = await runCommandWith(
    { piped: 'SELECT count(*) FROM orders WHERE id = 30' },
    'sql',
    '--url',
    serving.url,
  );
  expect(piped.out).toContain('     0');
});

test('--at asks for the past', async () => {
  const before = JSON.parse((await sql('DELETE FROM orders WHERE id = 99', '--json')).out) as {
    position: number;
  };
  await sql('INSERT INTO orders (id) VALUES (40)');
  expect((await sql('SELECT id FROM orders WHERE id = 40', '--at', String(before.position))).out).toContain(
    '(0 rows)',
  );
  expect((await sql('SELECT id FROM orders WHERE id = 40')).out).toContain('(1 row)');
});

test('who types may take several lines, describe tables and make mistakes', async () => {
  const typed = [
    '\\dt',
    '\\d orders',
    'SELECT id,',
    " 'a;b' AS t",
    'FROM orders WHERE id = 1;',
    'BEGIN;',
    'SELECT nothing FROM orders;',
    'ROLLBACK;',
    '\\timing',
    '\\d nowhere',
    '\\nonsense',
    '\\q',
    'SELECT 1;',
  ];
  const ran = await runCommandWith({ typed }, 'sql', '--url', serving.url);
  expect(ran.code).toBe(0);
  expect(ran.out).toMatch(/orders +\| table/);
  expect(ran.out).toContain(' customer | text          | not null | ');
  expect(ran.out).toContain('    CREATE UNIQUE INDEX orders_pkey ON public.orders USING btree (id)');
  expect(ran.out).toContain('      -> FROM orders WHERE id = 1;\n id |  t  \n----+-----\n  1 | a;b');
  expect(ran.out).toContain(
    'truthdb*> SELECT nothing FROM orders;\ntruthdb!> ROLLBACK;\nROLLBACK\ntruthdb> ',
  );
  expect(ran.err).toContain('ERROR 42703: column "nothing" does not exist');
  expect(ran.err).toContain('there is no table or projection named "nowhere"');
  expect(ran.err).toContain('there is no command \\nonsense');
  expect(ran.out).not.toContain('SELECT 1;');
});

test('information_schema is answered on every door', async () => {
  const ran = await sql(
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders' AND ordinal_position <= 2",
  );
  expect(ran.out).toContain(' id          | integer');
});
