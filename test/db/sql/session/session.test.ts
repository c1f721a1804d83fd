/** Conversations over a real database: what one statement does, what the next one sees. */
import { expect, test } from 'vitest';
import { initDatabase, openEngine } from '../../../../db/engine.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { temporaryData } from '../../support/temporary.ts';

test('a row that was inserted is found by its key', async () => {
  const directory = temporaryData();
  initDatabase({ directory });
  const engine = await openEngine({ directory });
  const session = engine.sql.session({
    tenant: TENANT_DEFAULT,
    actor: 'test',
    mayWrite: true,
    mayDefine: true,
  });
  await session.execute('CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL)', []);
  const inserted = await session.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')", []);
  expect(inserted).toMatchObject({ tag: 'INSERT 0 2', count: 2 });
  const found = await session.execute('SELECT name FROM t WHERE id = $1', [{ given: 'text', text: '2' }]);
  expect(found.rows).toEqual([['two']]);
  await engine.close();
});
