/** Conversations over a real database: what one statement does, what the next one sees. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqlSession } from '../../../../db/sql/contract.ts';
import { type OpenSql, openSql, sessionOf, told } from './open-sql.ts';

let sql: OpenSql;
beforeAll(async () => {
  sql = await openSql();
});
afterAll(() => sql.close());

async function ownSession(): Promise<SqlSession> {
  return sessionOf(sql.engine, { tenant: await sql.newTenant() });
}

describe('statements by themselves', () => {
  test('a row that was inserted is found by its key', async () => {
    const session = await ownSession();
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL)');
    expect(await told(session, "INSERT INTO t VALUES (1, 'one'), (2, 'two')")).toBe('INSERT 0 2');
    expect(await told(session, 'SELECT name FROM t WHERE id = $1', '2')).toEqual([['two']]);
  });

  test('a statement that is prepared is bound again when its table has changed', async () => {
    const session = await ownSession();
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY, name text)');
    const insert = session.prepare('INSERT INTO t (id, name) VALUES ($1, $2) RETURNING *');
    expect(insert.description.parameters.map(({ kind }) => kind)).toEqual(['integer', 'text']);
    expect(insert.description.columns?.map(({ name }) => name)).toEqual(['id', 'name']);
    const given = (text: string) => ({ given: 'text', text }) as const;
    await session.execute(insert, [given('1'), given('one')]);
    await told(session, 'ALTER TABLE t ADD COLUMN note text');
    await told(session, "ALTER TABLE t ADD COLUMN kind text DEFAULT 'plain'");
    const { rows } = await session.execute(insert, [given('2'), given('two')]);
    expect(rows).toEqual([[2, 'two', null, 'plain']]);
    expect(await told(session, 'SELECT * FROM t ORDER BY id')).toEqual([
      [1, 'one', null, 'plain'],
      [2, 'two', null, 'plain'],
    ]);
  });

  test('what is asked for as of a position is the state then, with the tables of then', async () => {
    const session = await ownSession();
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY, name text)');
    const first = await session.execute("INSERT INTO t VALUES (1, 'one')", []);
    await told(session, "UPDATE t SET name = 'uno'");
    await told(session, 'ALTER TABLE t DROP COLUMN name');
    expect(await told(session, 'SELECT * FROM t')).toEqual([[1]]);
    expect(await told(session, `SELECT * FROM t AS OF POSITION ${first.position}`)).toEqual([[1, 'one']]);
    await told(session, 'DROP TABLE t');
    expect(await told(session, 'SELECT * FROM t')).toBe('42P01');
    expect(await told(session, `SELECT * FROM t AS OF POSITION ${first.position}`)).toEqual([[1, 'one']]);
  });

  test('who may only read is refused the rest, and nobody sees another tenant', async () => {
    const { engine } = sql;
    const tenant = await sql.newTenant();
    const before = engine.status().tables;
    const owner = sessionOf(engine, { tenant });
    await told(owner, 'CREATE TABLE t (id integer PRIMARY KEY)');
    const reader = sessionOf(engine, { tenant, mayWrite: false, mayDefine: false });
    expect(await told(reader, 'SELECT * FROM t')).toEqual([]);
    expect(await told(reader, 'INSERT INTO t VALUES (1)')).toBe('42501');
    expect(await told(reader, 'DROP TABLE t')).toBe('42501');
    const stranger = await ownSession();
    expect(await told(stranger, 'SELECT * FROM t')).toBe('42P01');
    expect(await told(stranger, 'INSERT INTO t VALUES (1)')).toBe('42P01');
    expect(await told(stranger, 'CREATE TABLE t (other text)')).toBe('CREATE TABLE');
    expect(await told(owner, 'SELECT * FROM t')).toEqual([]);
    expect(engine.status()).toMatchObject({ tables: before + 2, commandsWaiting: 0 });
  });

  test('a tenant that is suspended or over its quota is refused in words, one that is not there too', async () => {
    const { engine } = sql;
    const { id: tenant, name } = await engine.tenants.create('bounded', { encrypted: false });
    const session = sessionOf(engine, { tenant });
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY)');
    await engine.tenants.limit(name, { bytes: 1, bytesPerSecond: null, streams: null });
    expect(await told(session, 'INSERT INTO t VALUES (1)')).toBe('QUOTA_EXCEEDED');
    await engine.tenants.suspend(name);
    expect(await told(session, 'INSERT INTO t VALUES (1)')).toBe('FORBIDDEN');
    const nobody = sessionOf(engine, { tenant: 77_777 as typeof tenant });
    expect(await told(nobody, 'CREATE TABLE t (id integer)')).toBe('NOT_FOUND');
  });

  test('one that was given up before it began does nothing', async () => {
    const session = await ownSession();
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY)');
    const given = session.execute('INSERT INTO t VALUES (1)', [], { signal: AbortSignal.abort() });
    await expect(given).rejects.toMatchObject({ details: { sqlstate: '57014' } });
    expect(await told(session, 'SELECT * FROM t')).toEqual([]);
  });

  test('settings that drivers ask for are answered', async () => {
    const session = await ownSession();
    expect(await told(session, 'SHOW server_version_num')).toEqual([['150000']]);
    expect(await told(session, "SET application_name = 'x'")).toBe('SET');
    expect(await told(session, 'SHOW application_name')).toEqual([['x']]);
    expect(await told(session, 'SHOW no_such_thing')).toBe('42704');
  });
});

describe('several statements in one text', () => {
  test('are all or nothing', async () => {
    const session = await ownSession();
    await told(session, 'CREATE TABLE t (id integer PRIMARY KEY)');
    expect(
      await told(session, 'INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); SELECT count(*) FROM t'),
    ).toEqual([[2n]]);
    expect(await told(session, 'INSERT INTO t VALUES (3); INSERT INTO t VALUES (1)')).toBe('23505');
    expect(session.transaction).toBe('none');
    expect(await told(session, 'SELECT count(*) FROM t')).toEqual([[2n]]);
  });

  test('are each a commit of their own where one of them changes tables', async () => {
    const session = await ownSession();
    const text =
      'CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)';
    expect(await told(session, text)).toBe('23505');
    expect(await told(session, 'SELECT * FROM t')).toEqual([[1]]);
  });
});
