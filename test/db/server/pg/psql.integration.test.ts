import { expect, test } from 'vitest';
import { Catalog } from '../../../../db/sql/catalog/catalog.ts';
import { exampleCatalog } from '../../support/example-catalog.ts';
import { MemorySql } from '../../support/memory-sql.ts';
import { finished, psql, servePg, startPsql } from '../../support/pg-serving.ts';

test('psql connects with TLS and a proof bound to the certificate', async () => {
  const serving = await servePg();
  const ran = await psql(serving, 'ROWS 2 3;\n\\conninfo\n', {
    environment: { PGCHANNELBINDING: 'require' },
  });
  expect(ran.err).toBe('');
  expect(ran.out).toContain(' n |  t  \n---+-----\n 0 | xxx\n 1 | xxx\n(2 rows)\n');
  expect(ran.out).toContain('database "truthdb" as user "admin"');
  expect(ran.out).toContain('SSL connection (protocol: TLSv1.3');
});

test.each([
  ['a wrong password', { PGPASSWORD: 'wrong' }, 'password authentication failed for user "admin"'],
  ['a token nobody has', { PGUSER: 'nobody' }, 'password authentication failed for user "nobody"'],
  [
    'a database that is not there',
    { PGDATABASE: 'nowhere' },
    'password authentication failed for user "admin"',
  ],
  [
    'a tenant whose token it is not',
    { PGDATABASE: 'other' },
    'password authentication failed for user "admin"',
  ],
  ['no TLS', { PGSSLMODE: 'disable' }, 'this server takes connections with TLS only'],
  ['another encoding', { PGCLIENTENCODING: 'LATIN1' }, 'client_encoding LATIN1 is not possible'],
])('%s is refused', async (_what, environment, message) => {
  const serving = await servePg();
  const ran = await psql(serving, 'ROWS 1;', { environment });
  expect(ran.code).toBe(2);
  expect(ran.err).toContain('FATAL');
  expect(ran.err).toContain(message);
});

test('a server without TLS says so and serves', async () => {
  const serving = await servePg({ tls: false });
  expect((await psql(serving, 'ROWS 1;')).err).toContain('server does not support SSL');
  const ran = await psql(serving, 'ROWS 1;', { environment: { PGSSLMODE: 'prefer' } });
  expect(ran.out).toContain('(1 row)');
});

test('errors carry SQLSTATE, place and severity', async () => {
  const serving = await servePg();
  const ran = await psql(serving, '\\set VERBOSITY verbose\nROWS 1; \nWRONG words here;\nFAIL 23505;\n');
  expect(ran.err).toContain('ERROR:  42601: syntax error\nLINE 1: WRONG words here;\n          ^');
  expect(ran.err).toContain('ERROR:  23505: it failed');
});

test('statements of one text stand or fall together', async () => {
  const database = new MemorySql();
  const serving = await servePg({ database });
  await psql(serving, '', { args: ['-c', 'NOTE one; NOTE two; FAIL 23505; NOTE three'] });
  expect(database.notes).toEqual([]);
  await psql(serving, '', { args: ['-c', 'NOTE four; NOTE five'] });
  expect(database.notes.map(({ word }) => word)).toEqual(['four', 'five']);
  expect(database.notes[0]?.actor).toBe('admin');
});

test('a transaction shows its state in the prompt, and what failed in it is undone', async () => {
  const database = new MemorySql();
  const serving = await servePg({ database });
  const prompt = ['-v', 'PROMPT1=%x>', '-v', 'ON_ERROR_STOP=0'];
  const ran = await psql(
    serving,
    'BEGIN;\nNOTE one;\nFAIL 22012;\nNOTE two;\nROLLBACK;\nBEGIN;\nNOTE three;\nCOMMIT;\n',
    {
      args: prompt,
    },
  );
  expect(ran.err).toContain('current transaction is aborted');
  expect(database.notes.map(({ word }) => word)).toEqual(['three']);
});

test('Ctrl-C ends the statement and not the connection', async () => {
  const database = new MemorySql();
  const serving = await servePg({ database });
  const child = startPsql(serving);
  const ended = finished(child);
  child.stdin?.write('WAIT;\n');
  await expect.poll(() => database.waits, { timeout: 20_000 }).toBe(1);
  child.kill('SIGINT');
  child.stdin?.end('ROWS 1 1;\n');
  const ran = await ended;
  expect(ran.err).toContain('canceling statement due to user request');
});

test('SET, SHOW, RESET and statement_timeout', async () => {
  const serving = await servePg();
  const ran = await psql(
    serving,
    `SHOW server_version;
SET application_name = 'me'; SHOW application_name;
SET statement_timeout = '50ms';
WAIT;
RESET statement_timeout; SHOW statement_timeout;
SET client_encoding TO 'LATIN1';
SET nonsense = 1;
SET my.own = 1; SHOW my.own;
SET TIME ZONE 'Europe/Berlin';
SHOW TimeZone;
DISCARD ALL;
COPY t FROM STDIN;
`,
    { args: ['-At'] },
  );
  expect(ran.out).toMatch(/^15\.0 \(TruthDB .*\)\nme\n0\n1\nUTC\n$/);
  expect(ran.err).toContain('canceling statement due to statement timeout (50 ms)');
  expect(ran.err).toContain('invalid value for parameter "client_encoding": "LATIN1"');
  expect(ran.err).toContain('unrecognized configuration parameter "nonsense"');
  expect(ran.err).toContain('NOTICE:  times here are UTC');
  expect(ran.err).toContain('COPY is not possible here');
});

test('psql describes tables as PostgreSQL does', async () => {
  const database = new MemorySql();
  database.tables = exampleCatalog();
  const serving = await servePg({ database });
  const ran = await psql(
    serving,
    '\\d\n\\dt\n\\di\n\\dn\n\\l\n\\d orders\n\\d orders_placed\n\\d+ totals\n\\du\n\\df\n\\dp\n',
  );
  expect(ran.err).toBe('');
  await expect(ran.out).toMatchFileSnapshot('psql-describes.txt');
});

test('what is no table is said to be none', async () => {
  const database = new MemorySql();
  database.tables = Catalog.EMPTY;
  const serving = await servePg({ database });
  const ran = await psql(serving, '\\dt\n\\d nothing\nSELECT * FROM pg_catalog.pg_nothing;\n');
  expect(ran.out).toContain('(0 rows)');
  expect(ran.err).toContain('"pg_catalog.pg_nothing" is no relation of the catalog');
});
