/** Ranking in a tenant whose entries are encrypted: no plaintext in the log, and the same answers after a restart and an erasure. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { newDatabase, write } from './support.ts';

const SECRET = 'zanzibarquartz';

async function run(engine: Engine, tenant: TenantId, ...statements: string[]): Promise<unknown> {
  let last: unknown;
  for (const statement of statements) last = await engine.ranking.execute(tenant, statement, []);
  return last;
}

async function answer(engine: Engine, tenant: TenantId): Promise<unknown> {
  const found = await engine.ranking.execute(tenant, 'RETRIEVE items SORT BY most_viewed SELECT title', []);
  if (found.answer !== 'hits') throw new Error(found.answer);
  return found.result.hits.map(({ key, score, values }) => [key, score, values['title']]);
}

test('nothing of it can be read in the log, and restart and erasure leave the answers as they were', async () => {
  const database = newDatabase();
  let engine = await database.open();
  const { id } = await engine.tenants.create('a', { encrypted: true });
  await run(
    engine,
    id,
    'DEFINE ENTITY item (title TEXT SEARCH)',
    'DEFINE ENTITY user ()',
    'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h) EFFECTS (STATE seen)',
    `UPSERT item @one SET title = '${SECRET} one'`,
    `UPSERT item @two SET title = '${SECRET} two'`,
    'SIGNAL view ON @one BY @ann',
    'SIGNAL view ON @one BY @bob',
    'SIGNAL view ON @two BY @ann',
  );
  const expected = [
    ['one', 2, `${SECRET} one`],
    ['two', 1, `${SECRET} two`],
  ];
  expect(await answer(engine, id)).toEqual(expected);
  await run(
    engine,
    TENANT_DEFAULT,
    'DEFINE ENTITY item (title TEXT)',
    `UPSERT item @plain SET title = '${SECRET}'`,
  );
  await write(engine, id, 'visits', 'first', 'p-17');
  await engine.close();

  engine = await database.open();
  expect(await answer(engine, id)).toEqual(expected);
  await engine.tenants.eraseSubject('a', 'p-17');
  expect(await answer(engine, id)).toEqual(expected);
  await run(engine, id, 'SIGNAL view ON @two BY @eve');
  await engine.close();

  const wal = join(database.directory, 'wal');
  const log = Buffer.concat(readdirSync(wal).map((name) => readFileSync(join(wal, name))));
  // The tenant that is not encrypted shows that it would be found.
  expect(log.toString('latin1').split(SECRET).length - 1).toBe(1);
});
