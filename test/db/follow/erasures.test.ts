/** Erasures at the source, and copies that were given keys, that were not, or that were away. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import type { SqlResult } from '../../../db/sql/contract.ts';
import { KeyRing, openKeys } from '../../../db/tenancy/index.ts';
import type { TenantId } from '../../../db/types.ts';
import { texts, write } from '../tenancy/support.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { randomFrom } from '../wal/support.ts';
import { newSource, openReplica, until } from './replica-support.ts';
import { COPY } from './support.ts';

const SECRET = 'plaintext-about-alice';
/** Views keep names of streams, and not what events hold. */
const ALICE = `${SECRET}-stream`;
const SOURCE_KEYS = { from: 'file', path: '/secrets/kek' } as const;
const COPY_KEYS = { from: 'file', path: '/own-secrets/kek' } as const;
const PEM = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;

interface Source {
  readonly engine: Engine;
  readonly tenant: TenantId;
  /** Puts all keys there are now into a copy’s own metadata/keys. */
  give(disk: MemoryDisk): void;
}

async function encryptedSource(): Promise<Source> {
  const { engine, disk } = await newSource({ keys: SOURCE_KEYS });
  disk.mkdir('/secrets');
  const { id } = await engine.tenants.create('a', { encrypted: true });
  for (let turn = 0; turn < 5; turn++) {
    await write(engine, id, ALICE, `${SECRET} ${turn}`, 'alice');
    await write(engine, id, 'about-bob', `about bob ${turn}`, 'bob');
  }
  const give = (copy: MemoryDisk): void => {
    const recovery = generateKeyPairSync('x25519', PEM);
    const { logId } = engine.status().log.identity;
    const exported = engine.tenants.exportKeys(recovery.publicKey);
    for (const folder of ['/own-secrets', `${COPY}/metadata`]) copy.mkdir(folder);
    const ring = new KeyRing({
      disk: copy,
      directory: COPY,
      logId,
      source: COPY_KEYS,
      random: randomFrom(8),
    });
    ring.adopt(openKeys(exported, logId, recovery.privateKey));
  };
  return { engine, tenant: id, give };
}

function pathsWith(disk: MemoryDisk, text: string): string[] {
  return disk.paths().filter((path) => Buffer.from(disk.bytesOf(path)).includes(text));
}

function kekIn(disk: MemoryDisk): string {
  return Buffer.from(disk.bytesOf(COPY_KEYS.path)).toString();
}

test('a copy that was given keys destroys its own when the erasure arrives, and everything computed from what they sealed', async () => {
  const { engine, tenant, give } = await encryptedSource();
  const said: string[] = [];
  const progress = (line: string): void => void said.push(line);
  const replica = await openReplica(engine, 'end', { keys: COPY_KEYS, prepared: give, progress });
  expect(await texts(replica.engine, tenant, ALICE)).toHaveLength(5);
  await replica.engine.snapshots.create();
  expect(pathsWith(replica.disk, SECRET).length).toBeGreaterThan(0);
  const before = kekIn(replica.disk);

  await engine.tenants.eraseSubject('a', 'alice');
  await write(engine, tenant, 'about-bob', 'about bob, later', 'bob');
  await replica.follow();
  await until(() => said.some((line) => line.includes('keys destroyed')));
  await expect(texts(replica.engine, tenant, ALICE)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await texts(replica.engine, tenant, 'about-bob')).toHaveLength(6);
  expect(await texts(replica.engine, tenant)).toEqual(await texts(engine, tenant));
  expect(kekIn(replica.disk)).not.toBe(before);
  await replica.close();
  expect(pathsWith(replica.disk, SECRET)).toEqual([]);
  expect(said.filter((line) => line.includes('ALARM'))).toEqual([]);

  // It stays so behind a restart, and views are not computed again for it.
  const again: string[] = [];
  const restarted = await openReplica(
    engine,
    'end',
    { keys: COPY_KEYS, progress: (line) => again.push(line) },
    replica.disk,
  );
  expect(await texts(restarted.engine, tenant)).toEqual(await texts(engine, tenant));
  expect(again.filter((line) => line.startsWith('erasing'))).toEqual([]);
  await restarted.close();
  await engine.close();
});

test('signals of a person go from a copy too, which has the views of its source afterwards', async () => {
  const { engine, tenant, give } = await encryptedSource();
  for (const statement of [
    'DEFINE ENTITY item (title TEXT)',
    'DEFINE ENTITY user () PERSON',
    'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h)',
    "UPSERT item @tea SET title = 'Tea'",
    'SIGNAL view ON @tea BY @bob',
    'SIGNAL view ON @tea BY @alice',
    'SIGNAL view ON @tea BY @carol',
  ])
    await engine.ranking.execute(tenant, statement, []);
  const views = async (of: Engine): Promise<unknown> => {
    const found = await of.ranking.execute(tenant, 'RETRIEVE items SORT BY most_viewed', []);
    return found.answer === 'hits' && found.result.hits.map(({ score }) => score);
  };
  const said: string[] = [];
  const progress = (line: string): void => void said.push(line);
  const replica = await openReplica(engine, 'end', { keys: COPY_KEYS, prepared: give, progress });
  await until(() => replica.engine.status().views.every(({ state }) => state !== 'rebuilding'));
  expect(await views(replica.engine)).toEqual([3]);
  await engine.tenants.eraseSubject('a', 'alice');
  await replica.follow();
  await until(() => said.some((line) => line.includes('keys destroyed')));
  expect([await views(engine), await views(replica.engine)]).toEqual([[2], [2]]);
  const digests = async (of: Engine): Promise<unknown> =>
    (await of.snapshots.create()).views.filter(({ name }) => name.startsWith('ranking'));
  expect(await digests(replica.engine)).toEqual(await digests(engine));
  await replica.close();
  await engine.close();
});

test('one that was away does it when it is back, before it is read', async () => {
  const { engine, tenant, give } = await encryptedSource();
  const replica = await openReplica(engine, 'end', { keys: COPY_KEYS, prepared: give });
  expect(await texts(replica.engine, tenant, ALICE)).toHaveLength(5);
  await replica.close();
  expect(pathsWith(replica.disk, SECRET).length).toBeGreaterThan(0);
  await engine.tenants.shred('a');
  const back = await openReplica(engine, 'end', { keys: COPY_KEYS }, replica.disk);
  expect(await texts(back.engine, tenant)).toEqual([]);
  await back.close();
  expect(pathsWith(replica.disk, SECRET)).toEqual([]);
  expect(pathsWith(replica.disk, 'about bob')).toEqual([]);
  await engine.close();
});

test('what a copy says of erased rows is what its source says, whether it ever had them or not', async () => {
  const { engine, tenant, give } = await encryptedSource();
  const asked = async (of: Engine, text: string): Promise<SqlResult> => {
    const session = of.sql.session({ tenant, actor: 'tester', mayWrite: true, mayDefine: true });
    return session.execute(text, []);
  };
  await asked(engine, "CREATE TABLE people (id INTEGER PRIMARY KEY, who TEXT) WITH (subject = 'who')");
  const said: string[] = [];
  const options = { keys: COPY_KEYS, prepared: give, progress: (line: string) => void said.push(line) };
  const erased = (times: number) => () =>
    said.filter((line) => line.includes('keys destroyed')).length === times;
  const first = await openReplica(engine, 'end', options);
  const { position: before } = await asked(engine, "INSERT INTO people VALUES (1, 'bob'), (2, 'dora')");
  await first.follow();
  await engine.tenants.eraseSubject('a', 'bob');
  // The first was given the key of bob and not dora's, which came later; the second dora's, when bob's was gone.
  const second = await openReplica(engine, 'end', options);
  await first.follow();
  await until(erased(1));
  await engine.tenants.eraseSubject('a', 'dora');
  await Promise.all([first.follow(), second.follow()]);
  await until(erased(2));
  const text = `SELECT * FROM people AS OF POSITION ${before}`;
  const { notices = [] } = await asked(engine, text);
  expect(notices.map(({ entries, erasedAt }) => [entries, erasedAt.length])).toEqual([[2, 2]]);
  for (const copy of [first, second]) {
    expect((await asked(copy.engine, text)).notices).toEqual(notices);
    expect(await sqlDigest(copy.engine)).toBe(await sqlDigest(engine));
    await copy.close();
  }
  await engine.close();
});

async function sqlDigest(engine: Engine): Promise<string | undefined> {
  const { views } = await engine.snapshots.create();
  return views.find(({ name }) => name === 'sql')?.digest;
}

test('one without keys has nothing to destroy and computes nothing again', async () => {
  const { engine, tenant } = await encryptedSource();
  const said: string[] = [];
  const replica = await openReplica(engine, 'end', { progress: (line) => said.push(line) });
  expect(await texts(replica.engine, tenant)).toEqual([]);
  await engine.tenants.eraseSubject('a', 'alice');
  await replica.follow();
  expect(pathsWith(replica.disk, SECRET)).toEqual([]);
  await replica.close();
  expect(said.filter((line) => /erasing|ALARM/.test(line))).toEqual([]);
  await engine.close();
});
