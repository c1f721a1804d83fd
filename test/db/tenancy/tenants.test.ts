import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import { type Sequence, TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { eventDraft, idOf } from '../support/event-drafts.ts';
import { filesWith, newDatabase, texts, write } from './support.ts';

const SECRET = 'the-plaintext-nobody-may-find';

async function tenant(engine: Engine, name: string, encrypted = false): Promise<TenantId> {
  return (await engine.tenants.create(name, { encrypted })).id;
}

describe('tenants', () => {
  test('have streams of their own: names, positions and event ids mean only their own', async () => {
    const engine = await newDatabase().open();
    const [a, b] = [await tenant(engine, 'a'), await tenant(engine, 'b')];
    const id = idOf(7);
    const append = (of: TenantId, text: string) =>
      engine.tenant(of).append({
        ...{ stream: 'orders' as StreamName, expected: 'none', ack: 'applied' },
        events: [{ ...eventDraft(text), id }],
      });
    const inA = await append(a, 'from a');
    const inB = await append(b, 'from b');
    expect([inA.duplicate, inB.duplicate]).toEqual([false, false]);
    await write(engine, TENANT_DEFAULT, 'orders', 'from the first');
    for (const [of, text] of [
      [a, 'from a'],
      [b, 'from b'],
      [TENANT_DEFAULT, 'from the first'],
    ] as const) {
      expect(await texts(engine, of)).toEqual([text]);
      expect(await texts(engine, of, 'orders')).toEqual([text]);
    }
    const at = (of: TenantId, direction: 'forwards' | 'backwards', from: number) =>
      engine.tenant(of).readAll({ direction, from: from as Sequence, limit: 10 });
    expect((await at(a, 'forwards', inB.position)).events).toEqual([]);
    expect((await at(b, 'backwards', inA.position)).events).toEqual([]);
    const batches = engine.tenant(a).subscribe({ from: 0 as Sequence });
    for await (const batch of batches) {
      expect(batch.map(({ data }) => Buffer.from(data).toString())).toEqual(
        batch.length === 0 ? [] : ['from a'],
      );
      if (batch.length === 0) break;
    }
  });

  test('a live subscription of one tenant hears nothing of another, not even under the same stream name', async () => {
    const engine = await newDatabase().open();
    const [a, b] = [await tenant(engine, 'a'), await tenant(engine, 'b')];
    const heard: string[] = [];
    const stop = new AbortController();
    const follow = async (stream?: string) => {
      const request = { from: 0 as Sequence, signal: stop.signal };
      const named = stream === undefined ? request : { ...request, stream: stream as StreamName };
      for await (const batch of engine.tenant(a).subscribe(named))
        heard.push(...batch.map(({ data }) => Buffer.from(data).toString()));
    };
    const following = [follow(), follow('s')];
    for (let turn = 0; turn < 5; turn++) {
      await write(engine, b, 's', `b${turn}`);
      await write(engine, a, 's', `a${turn}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    await Promise.all(following);
    expect([...new Set(heard)].sort()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
  });

  test('are the same after a restart and when all views are computed again', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const a = await tenant(engine, 'a', true);
    await write(engine, a, 's', 'one');
    await write(engine, TENANT_DEFAULT, 's', 'two');
    await engine.tenants.limit('a', { bytes: 1000, bytesPerSecond: null, streams: 2 });
    const before = engine.tenants.list();
    await engine.close();
    const restarted = await database.open();
    expect(restarted.tenants.list()).toEqual(before);
    expect(await texts(restarted, a)).toEqual(['one']);
    await restarted.close();
    rmSync(join(database.directory, 'views'), { recursive: true });
    const rebuilt = await database.open();
    expect(rebuilt.tenants.list()).toEqual(before);
    expect(await texts(rebuilt, a, 's')).toEqual(['one']);
    expect(await texts(rebuilt, TENANT_DEFAULT, 's')).toEqual(['two']);
  });

  test('that do not exist, are suspended or have a quota are refused with the reason', async () => {
    const engine = await newDatabase().open();
    await expect(write(engine, 9 as TenantId, 's', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const a = await tenant(engine, 'a');
    await engine.tenants.suspend('a');
    await expect(write(engine, a, 's', 'x')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await engine.tenants.resume('a');
    await engine.tenants.limit('a', { bytes: 600, bytesPerSecond: null, streams: 2 });
    await write(engine, a, 's', 'x');
    await write(engine, a, 't', 'x');
    await expect(write(engine, a, 'u', 'x')).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { quota: 'streams', used: 2, max: 2 },
    });
    await write(engine, a, 's', 'x'.repeat(200));
    await expect(write(engine, a, 's', 'x'.repeat(500))).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { quota: 'bytes', max: 600 },
    });
    await engine.tenants.limit('a', { bytes: null, bytesPerSecond: 100, streams: null });
    await write(engine, a, 's', 'x'.repeat(150));
    await expect(write(engine, a, 's', 'x')).rejects.toMatchObject({
      code: 'BUSY',
      details: { quota: 'bytesPerSecond' },
    });
    expect(await write(engine, TENANT_DEFAULT, 's', 'others go on')).toBeGreaterThan(0);
    await expect(tenant(engine, 'a')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(tenant(engine, 'No Name')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('an encrypted tenant', () => {
  test('leaves no plaintext in the log, and reads back what it wrote, singly, in pages and in batches', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const a = await tenant(engine, 'a', true);
    const events = Array.from({ length: 200 }, (_, at) => eventDraft(`${SECRET} ${at}`));
    await engine
      .tenant(a)
      .append({ stream: `${SECRET}-stream` as StreamName, expected: 'any', events, ack: 'applied' });
    await write(engine, a, 'other', `${SECRET} single`);
    expect(filesWith(join(database.directory, 'wal'), SECRET)).toEqual([]);
    await engine.close();
    expect(filesWith(join(database.directory, 'wal'), SECRET)).toEqual([]);
    expect(filesWith(join(database.directory, 'metadata'), SECRET)).toEqual([]);
    const again = await database.open();
    const expected = events.map(({ data }) => Buffer.from(data).toString());
    expect(await texts(again, a, `${SECRET}-stream`)).toEqual(expected);
    expect(await texts(again, a)).toEqual([...expected, `${SECRET} single`]);
    const one = { stream: `${SECRET}-stream` as StreamName, direction: 'backwards', limit: 1 } as const;
    const page = await again.tenant(a).readStream({ ...one, from: 77 as never });
    expect(page.events.map(({ data }) => Buffer.from(data).toString())).toEqual([`${SECRET} 77`]);
  });

  test('goes on under new keys of both kinds, and what was written before stays readable', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const a = await tenant(engine, 'a', true);
    await write(engine, a, 's', 'under the first key');
    await engine.tenants.rotateKey('a');
    await write(engine, a, 's', 'under the second key');
    await engine.tenants.replaceKek();
    await write(engine, a, 's', 'under another key-encryption key');
    const written = await texts(engine, a, 's');
    expect(written).toHaveLength(3);
    await engine.close();
    expect(await texts(await database.open(), a, 's')).toEqual(written);
  });

  test('cannot be opened without its keys: no key file, or keys that were lost', async () => {
    const database = newDatabase();
    const engine = await database.open();
    await write(engine, await tenant(engine, 'a', true), 's', 'x');
    await engine.close();
    await expect(database.open({ keys: null })).rejects.toMatchObject({ code: 'KEY_UNAVAILABLE' });
    rmSync(join(database.directory, 'metadata', 'keys'), { recursive: true });
    rmSync(join(database.directory, 'views'), { recursive: true });
    const opening = database.open();
    await expect(opening).rejects.toMatchObject({ code: 'KEY_UNAVAILABLE' });
  });

  test('the first tenant can be encrypted later; what it wrote before stays as it is', async () => {
    const database = newDatabase();
    const engine = await database.open();
    await write(engine, TENANT_DEFAULT, 's', 'open words');
    await engine.tenants.encrypt('default');
    await write(engine, TENANT_DEFAULT, 's', SECRET);
    expect(await texts(engine, TENANT_DEFAULT, 's')).toEqual(['open words', SECRET]);
    await engine.close();
    const wal = join(database.directory, 'wal');
    expect(filesWith(wal, SECRET)).toEqual([]);
    expect(filesWith(wal, 'open words')).toHaveLength(1);
    expect(await texts(await database.open(), TENANT_DEFAULT)).toEqual(['open words', SECRET]);
  });
});

describe('erasing', () => {
  test('a person takes everything about them out of every file below the data directory, and nothing else', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const a = await tenant(engine, 'a', true);
    const [alice, bob] = [`${SECRET}-alice`, 'bob-stays'];
    for (let turn = 0; turn < 20; turn++) {
      await write(engine, a, `${alice}-orders`, `${SECRET} order ${turn}`, alice);
      await write(engine, a, `${bob}-orders`, `bob-stays order ${turn}`, bob);
      await write(engine, a, 'common', `about nobody ${turn}`);
    }
    await engine.snapshots.create();
    await engine.close();
    expect(filesWith(join(database.directory, 'views'), SECRET).length).toBeGreaterThan(0);
    expect(filesWith(join(database.directory, 'snapshots'), SECRET)).toHaveLength(1);
    const again = await database.open();
    const certificate = await again.tenants.eraseSubject('a', alice);
    expect(certificate).toMatchObject({
      of: 'subject',
      tenant: a,
      destroyed: { keys: [expect.any(String)] },
    });
    expect(filesWith(database.directory, SECRET)).toEqual([]);
    await expect(texts(again, a, `${alice}-orders`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await texts(again, a)).toHaveLength(40);
    expect(await texts(again, a, `${bob}-orders`)).toHaveLength(20);
    await expect(again.tenants.eraseSubject('a', alice)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const digests = again.status().views.map(({ name, applied }) => [name, applied > 0]);
    expect(digests.every(([, applied]) => applied)).toBe(true);
    await again.snapshots.create();
    await again.close();
    expect(filesWith(database.directory, SECRET)).toEqual([]);
    const third = await database.open();
    expect(await texts(third, a)).toHaveLength(40);
    // The same name may be used again: another key, another stream.
    await write(third, a, `${alice}-orders`, 'a new beginning', alice);
    expect(await texts(third, a, `${alice}-orders`)).toEqual(['a new beginning']);
  });

  test('a person takes their rows out of tables: versions, indexes and files, in the past too', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const a = await tenant(engine, 'a', true);
    const sql = (of: Engine) => of.sql.session({ tenant: a, actor: 'test', mayWrite: true, mayDefine: true });
    const session = sql(engine);
    const run = (text: string) => session.execute(text, []);
    await run("CREATE TABLE people (id INTEGER PRIMARY KEY, who TEXT, word TEXT) WITH (subject = 'who')");
    await run('CREATE INDEX people_word ON people (word)');
    for (let row = 0; row < 10; row++)
      await run(
        `INSERT INTO people VALUES (${row}, '${row % 2 === 0 ? `${SECRET}-alice` : 'bob'}', '${row % 2 === 0 ? SECRET : 'bob'} ${row}')`,
      );
    const before = (await run(`UPDATE people SET word = '${SECRET} changed' WHERE id = 2`)).position;
    expect((await run('SELECT id FROM people')).rows).toHaveLength(10);
    session.close();
    await engine.close();
    expect(filesWith(join(database.directory, 'wal'), SECRET)).toEqual([]);
    const again = await database.open();
    await again.tenants.eraseSubject('a', `${SECRET}-alice`);
    expect(filesWith(database.directory, SECRET)).toEqual([]);
    const afterwards = sql(again);
    expect((await afterwards.execute('SELECT id FROM people ORDER BY id', [])).rows).toEqual([
      [1],
      [3],
      [5],
      [7],
      [9],
    ]);
    const past = await afterwards.execute(`SELECT id FROM people AS OF POSITION ${before} ORDER BY id`, []);
    expect(past.rows).toEqual([[1], [3], [5], [7], [9]]);
    await afterwards.execute(`INSERT INTO people VALUES (2, 'carol', 'new')`, []);
    afterwards.close();
    await again.close();
    expect(filesWith(database.directory, SECRET)).toEqual([]);
  });

  test('a tenant takes all it wrote with it; others go on', async () => {
    const database = newDatabase();
    const engine = await database.open();
    const [a, b] = [await tenant(engine, 'a', true), await tenant(engine, 'b', true)];
    for (let turn = 0; turn < 10; turn++) {
      await write(engine, a, `${SECRET}-s`, `${SECRET} ${turn}`, turn % 2 === 0 ? null : null);
      await write(engine, b, 's', `b ${turn}`);
    }
    await engine.tenants.shred('a');
    expect(filesWith(database.directory, SECRET)).toEqual([]);
    expect(await texts(engine, a)).toEqual([]);
    expect(await texts(engine, b, 's')).toHaveLength(10);
    await expect(write(engine, a, 's', 'x')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await engine.close();
    expect(filesWith(database.directory, SECRET)).toEqual([]);
    const again = await database.open();
    expect(again.tenants.list().map(({ name, state }) => [name, state])).toEqual([
      ['default', 'active'],
      ['a', 'shredded'],
      ['b', 'active'],
    ]);
    expect(await texts(again, b, 's')).toHaveLength(10);
    // The name is free again, and is another tenant.
    expect(await tenant(again, 'a', true)).not.toBe(a);
  });

  test('is refused where nothing could be destroyed, and whom a stream is about cannot be changed', async () => {
    const engine = await newDatabase().open();
    const plain = await tenant(engine, 'plain');
    const sealed = await tenant(engine, 'sealed', true);
    await expect(engine.tenants.shred('plain')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await engine.tenants.encrypt('default');
    await expect(engine.tenants.shred('default')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(write(engine, plain, 's', 'x', 'alice')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await write(engine, sealed, 's', 'x', 'alice');
    await write(engine, sealed, 's', 'x', 'alice');
    await write(engine, sealed, 's', 'x');
    await expect(write(engine, sealed, 's', 'x', 'bob')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await write(engine, sealed, 'nobody', 'x');
    await expect(write(engine, sealed, 'nobody', 'x', 'bob')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
