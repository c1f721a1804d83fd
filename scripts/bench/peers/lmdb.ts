/** LMDB by its npm package, which collects the writes of a turn of the event loop into one transaction. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { keepUnderWay } from './keep-under-way.ts';
import { type Peer, payload, type Shape } from './peer.ts';

const require = createRequire(import.meta.url);

/** As much of the package as is used here. */
interface Lmdb {
  open(options: object): LmdbStore;
}
interface LmdbStore {
  put(key: number, value: Buffer): Promise<boolean>;
  readonly flushed: Promise<unknown>;
  close(): Promise<void>;
}

const LMDB = 'lmdb';

export const lmdb: Peer = {
  name: LMDB,
  setting: 'as shipped: synced before a write resolves',
  durable: true,
  checksums: 'none',
  load: 'a loop of puts',
  absent: () => {
    try {
      loadLmdb();
      return null;
    } catch (error) {
      return `npm package lmdb cannot be loaded: ${(error as Error).message.split('\n')[0]}`;
    }
  },
  version: () => (require('lmdb/package.json') as { version: string }).version,
  entrants: (shape) => [{ name: LMDB, open: (directory) => openLmdb(directory, shape) }],
};

function loadLmdb(): Lmdb {
  return require('lmdb') as Lmdb;
}

async function openLmdb(directory: string, shape: Shape) {
  mkdirSync(directory);
  const store = loadLmdb().open({
    path: join(directory, 'log.mdb'),
    keyEncoding: 'uint32',
    encoding: 'binary',
    mapSize: 16 * 2 ** 30,
  });
  const data = payload(shape.bytes);
  let key = 0;
  const write = async (): Promise<void> => {
    let last: Promise<unknown> = Promise.resolve();
    for (let index = 0; index < shape.batch; index++) last = store.put(++key, data);
    await last;
    await store.flushed;
  };
  return {
    run: async (seconds: number) => (await keepUnderWay(write, shape.inFlight, seconds)) * shape.batch,
    close: () => store.close(),
  };
}
