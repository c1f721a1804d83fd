/** Erasures under power failures, and views that are the same however they came to be. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import type { TenantId } from '../../../db/types.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { pickFrom } from '../wal/support.ts';
import { newDatabase, texts, write } from './support.ts';

const SECRET = 'plaintext-about-alice';
const KEYS = { from: 'file', path: '/secrets/kek' } as const;

function open(disk: MemoryDisk): Promise<Engine> {
  return openEngine({ directory: '/data', disk, keys: KEYS, inline: true, ringBytes: 2 << 20 });
}

/** A database with something about alice and bob, in the log, in checkpoints and in a snapshot. */
async function prepared(): Promise<{ readonly disk: MemoryDisk; readonly tenant: TenantId }> {
  const disk = new MemoryDisk();
  disk.mkdir('/secrets');
  initDatabase({ directory: '/data', disk, segmentBytes: 1 << 20 });
  const engine = await open(disk);
  const { id } = await engine.tenants.create('a', { encrypted: true });
  for (let turn = 0; turn < 5; turn++) {
    await write(engine, id, `${SECRET}-stream`, `${SECRET} ${turn}`, 'alice');
    await write(engine, id, 'bobs', `bob ${turn}`, 'bob');
  }
  await engine.snapshots.create();
  await engine.close();
  return { disk, tenant: id };
}

function pathsWith(disk: MemoryDisk, text: string): string[] {
  return disk.paths().filter((path) => Buffer.from(disk.bytesOf(path)).includes(text));
}

test('a machine that stops anywhere in an erasure finds it not begun or brings it to its end', async () => {
  const { disk: before, tenant } = await prepared();
  expect(pathsWith(before, SECRET).length).toBeGreaterThan(1);
  const outcomes = { notBegun: 0, finished: 0 };
  for (let step = 0, done = false; !done; step += 5) {
    const disk = before.copy();
    const engine = await open(disk);
    disk.crashBefore = disk.operations + step;
    done = await engine.tenants.eraseSubject('a', 'alice').then(
      () => true,
      () => false,
    );
    const crashed = disk.crash(pickFrom(step));
    const again = await open(crashed);
    const erased = (await texts(again, tenant)).length === 5;
    if (erased) {
      expect(pathsWith(crashed, SECRET)).toEqual([]);
      await expect(again.tenants.eraseSubject('a', 'alice')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      outcomes.finished += 1;
    } else {
      expect(await texts(again, tenant)).toHaveLength(10);
      await again.tenants.eraseSubject('a', 'alice');
      expect(await texts(again, tenant)).toHaveLength(5);
      expect(pathsWith(crashed, SECRET)).toEqual([]);
      outcomes.notBegun += 1;
    }
    expect(await texts(again, tenant, 'bobs')).toHaveLength(5);
    await again.close();
    expect(pathsWith(crashed, SECRET)).toEqual([]);
  }
  expect(outcomes.notBegun).toBeGreaterThan(0);
  expect(outcomes.finished).toBeGreaterThan(1);
});

test('views older than erasures that were brought to an end are computed again once, and the certificates stay', async () => {
  const { disk: before } = await prepared();
  const disk = before.copy();
  const engine = await open(disk);
  await engine.tenants.eraseSubject('a', 'alice');
  await engine.tenants.eraseSubject('a', 'bob');
  await engine.close();
  const certificates = (): string[] =>
    disk
      .paths()
      .filter((path) => path.startsWith('/data/metadata/erasures/'))
      .map((path) => `${path} ${Buffer.from(disk.bytesOf(path)).toString()}`);
  const issued = certificates();
  expect(issued).toHaveLength(2);
  // As somebody would who puts the views of an older copy back.
  const old = before
    .paths()
    .filter((path) => path.startsWith('/data/views/') || path.endsWith('/views.json'));
  for (const path of disk.paths().filter((each) => each.startsWith('/data/views/'))) disk.unlink(path);
  for (const path of old) replaceFile(disk, path, before.bytesOf(path));
  expect(pathsWith(disk, SECRET).length).toBeGreaterThan(0);
  const said: string[] = [];
  const again = await openEngine({
    ...{ directory: '/data', disk, keys: KEYS, inline: true, ringBytes: 2 << 20 },
    progress: (line) => said.push(line),
  });
  expect(said.filter((line) => line.includes('computed again'))).toHaveLength(1);
  await again.close();
  expect(certificates()).toEqual(issued);
  expect(pathsWith(disk, SECRET)).toEqual([]);
});

function replaceFile(disk: MemoryDisk, path: string, bytes: Uint8Array): void {
  if (disk.paths().includes(path)) disk.unlink(path);
  disk.mkdir(dirname(path));
  const handle = disk.open(path, 'create');
  disk.pwrite(handle, bytes, 0);
  disk.fdatasync(handle);
  disk.close(handle);
  disk.fsyncDirectory(dirname(path));
}

const PEOPLE = ['alice', 'bob', 'carol'];
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('write' as const), who: fc.nat(3), stream: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('erase' as const), who: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('rotate' as const, 'rewrap' as const, 'snapshot' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

test('with erasures at random, views live, replayed and restored from snapshots are the same, and so is what is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const database = newDatabase();
      let engine = await database.open();
      const { id } = await engine.tenants.create('a', { encrypted: true });
      const written = new Map<string, string[]>();
      for (const [at, each] of steps.entries()) {
        if (each.do === 'write') {
          const who = PEOPLE[each.who] ?? null;
          const stream = `${who ?? 'nobody'}-${each.stream}`;
          await write(engine, id, stream, `${stream} ${at}`, who);
          written.set(stream, [...(written.get(stream) ?? []), `${stream} ${at}`]);
        } else if (each.do === 'erase') {
          const who = PEOPLE[each.who] as string;
          await engine.tenants.eraseSubject('a', who).catch(() => {});
          for (const stream of written.keys()) if (stream.startsWith(who)) written.delete(stream);
        } else if (each.do === 'rotate') await engine.tenants.rotateKey('a');
        else if (each.do === 'rewrap') await engine.tenants.replaceKek();
        else if (each.do === 'snapshot') await engine.snapshots.create();
        else {
          await engine.close();
          engine = await database.open();
        }
      }
      const expected = [...written.values()].flat().sort();
      expect((await texts(engine, id)).sort()).toEqual(expected);
      const live = await digests(engine);
      await engine.close();
      // From snapshots, where there are some, and the log behind them.
      rmSync(join(database.directory, 'views'), { recursive: true });
      rmSync(join(database.directory, 'metadata', 'views.json'), { force: true });
      const restored = await database.open();
      expect((await texts(restored, id)).sort()).toEqual(expected);
      expect(await digests(restored)).toEqual(live);
      await restored.close();
      for (const folder of ['views', 'snapshots'])
        rmSync(join(database.directory, folder), { recursive: true });
      rmSync(join(database.directory, 'metadata', 'views.json'), { force: true });
      const replayed = await database.open();
      expect((await texts(replayed, id)).sort()).toEqual(expected);
      expect(await digests(replayed)).toEqual(live);
      await replayed.close();
    }),
    { numRuns: 6 },
  );
});

/** Digests of all views, as a snapshot says them. */
async function digests(engine: Engine): Promise<Record<string, string>> {
  const { views } = await engine.snapshots.create();
  return Object.fromEntries(views.map(({ name, digest }) => [name, digest]));
}
