/** Preparing a query about the past looks at the tables of the past. */
import { expect, onTestFinished, test } from 'vitest';
import { openSql, sessionOf } from './open-sql.ts';

test('columns and tables that were dropped are described as of a position that knows them', async () => {
  const sql = await openSql();
  onTestFinished(() => sql.close());
  const session = sessionOf(sql.engine);
  await session.execute('CREATE TABLE t (id integer PRIMARY KEY, old text)', []);
  // Behind its entry lies its commit.
  const position = (await session.execute("INSERT INTO t VALUES (1, 'was')", [])).position + 1;
  await session.execute('ALTER TABLE t DROP COLUMN old', []);
  const past = session.prepare(`SELECT * FROM t AS OF POSITION ${position} WHERE id = $1`);
  expect(past.description).toMatchObject({
    parameters: [{ kind: 'integer' }],
    columns: [{ name: 'id' }, { name: 'old' }],
  });
  await session.execute('DROP TABLE t', []);
  expect(session.prepare(`SELECT old FROM t AS OF POSITION ${position}`).description.columns).toHaveLength(1);
  const found = await session.execute(past, [{ given: 'text', text: '1' }]);
  expect(found.rows).toEqual([[1, 'was']]);
  expect(() => session.prepare('SELECT * FROM t')).toThrow(/does not exist/);
});
