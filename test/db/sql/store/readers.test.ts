import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStoreReader, type Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { STORE_LOG_ID, temporaryStore } from '../../support/temporary-store.ts';

const TABLE = 16 as Space;
const ALL = { range: { from: null, to: null }, reverse: false, limit: null };

let next = 1;

/** One commit in which every row gets the same value. */
function writeAll(store: SqliteStore, value: string, rows = 50): void {
  const at = Math.max(next, (store.position?.sequence ?? 0) + 1);
  next = at + 2;
  store.begin();
  for (let row = 0; row < rows; row += 1)
    store.put(TABLE, Buffer.from([row]), Buffer.from(value), at as Sequence);
  store.committed({
    sequence: (at + 1) as Sequence,
    ordinal: at as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(at) as RecordedAt,
  });
  store.commit();
}

function reader(path: string): ReturnType<typeof openStoreReader> {
  const connection = openStoreReader(path);
  onTestFinished(() => connection.close());
  return connection;
}

describe('a reader', () => {
  test('sees one committed state for as long as its snapshot is open', () => {
    const store = temporaryStore();
    writeAll(store, 'one');
    const connection = reader(store.path);
    const first = connection.snapshot();
    store.begin();
    store.put(TABLE, Buffer.from([0]), Buffer.from('not yet'), (next + 1) as Sequence);
    const second = connection.snapshot();
    store.rollback();
    writeAll(store, 'two');
    const third = connection.snapshot();
    const values = (of: typeof first): Set<string> =>
      new Set([...of.scan(TABLE, ALL)].map(({ value }) => Buffer.from(value).toString()));
    expect([first, second, third].map(values)).toEqual([
      new Set(['one']),
      new Set(['one']),
      new Set(['two']),
    ]);
    expect(first.position).not.toEqual(third.position);
    for (const snapshot of [first, second, third]) snapshot.close();
  });

  test('on another thread sees whole commits only, while they are written', async () => {
    const store = temporaryStore();
    writeAll(store, '0');
    const module = new URL('../../../../db/sql/store/index.ts', import.meta.url).href;
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       import(workerData.module).then(({ openStoreReader }) => {
         const connection = openStoreReader(workerData.path);
         const seen = new Set();
         let mixed = 0;
         let stop = false;
         parentPort.on('message', () => { stop = true; });
         const look = () => {
           const snapshot = connection.snapshot();
           const values = new Set([...snapshot.scan(16, { range: { from: null, to: null }, reverse: false, limit: null })].map(({ value }) => String(value)));
           if (values.size !== 1) mixed += 1;
           for (const value of values) seen.add(value);
           snapshot.close();
           if (stop) parentPort.postMessage({ seen: seen.size, mixed });
           else setImmediate(look);
         };
         parentPort.postMessage('ready');
         look();
       });`,
      { eval: true, workerData: { module, path: store.path } },
    );
    const messages = async (): Promise<unknown> =>
      new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    expect(await messages()).toBe('ready');
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
    for (let round = 1; round <= 60; round += 1) {
      writeAll(store, String(round));
      await pause();
    }
    worker.postMessage('stop');
    const { seen, mixed } = (await messages()) as { seen: number; mixed: number };
    await worker.terminate();
    expect(mixed).toBe(0);
    expect(seen).toBeGreaterThan(1);
  }, 30_000);

  test('is refused past so many open snapshots, and served again when one is closed', () => {
    const store = temporaryStore();
    writeAll(store, 'one', 1);
    const connection = reader(store.path);
    const open = Array.from({ length: 64 }, () => connection.snapshot());
    expect(() => connection.snapshot()).toThrow(expect.objectContaining({ code: 'BUSY' }));
    open[0]!.close();
    connection.snapshot().close();
    for (const snapshot of open) snapshot.close();
  });

  test('is told when it is closed, and may close twice', () => {
    const store = temporaryStore();
    writeAll(store, 'one', 1);
    const connection = reader(store.path);
    const snapshot = connection.snapshot();
    connection.close();
    expect(() => snapshot.get(TABLE, Buffer.from([0]))).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    expect(() => connection.snapshot()).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    snapshot.close();
    connection.close();
  });
});

describe('a file that goes away under its readers', () => {
  test('lets them end what they began, and tells the next ones', () => {
    const store = temporaryStore();
    writeAll(store, 'one');
    const connection = reader(store.path);
    const snapshot = connection.snapshot();
    store.close();
    const aside = join(dirname(store.path), 'aside');
    mkdirSync(aside);
    for (const end of ['', '-wal', '-shm']) {
      try {
        renameSync(store.path + end, join(aside, `store.sqlite${end}`));
      } catch {
        // SQLite removes the other two with the last connection.
      }
    }
    expect([...snapshot.scan(TABLE, ALL)]).toHaveLength(50);
    snapshot.close();
    expect(() => connection.snapshot()).toThrow(expect.objectContaining({ code: 'VIEW_UNAVAILABLE' }));
    const made = new SqliteStore({ path: store.path, logId: STORE_LOG_ID });
    writeAll(made, 'two', 3);
    const again = connection.snapshot();
    expect([...again.scan(TABLE, ALL)]).toHaveLength(3);
    again.close();
    made.close();
  });

  test('or was never a store says so', () => {
    const path = temporaryStore().path;
    expect(() => reader(`${path}.none`).snapshot()).toThrow(
      expect.objectContaining({ code: 'VIEW_UNAVAILABLE' }),
    );
    writeFileSync(`${path}.text`, 'no database at all, but long enough to be looked at '.repeat(20));
    expect(() => reader(`${path}.text`).snapshot()).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  test('belongs to its log and its version', () => {
    const store = temporaryStore();
    store.close();
    const open = (logId: Uint8Array, version: number) => () =>
      new SqliteStore({ path: store.path, logId, version });
    expect(open(new Uint8Array(16), 1)).toThrow(expect.objectContaining({ code: 'FORKED' }));
    expect(open(STORE_LOG_ID, 2)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }));
  });
});
