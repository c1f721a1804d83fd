/**
 * LMDB by its npm package, which collects the writes of a turn of the event loop into one transaction. It is installed for
 * the comparison and is no dependency of this project: a registry that lacks one of the many platforms of its optional
 * parts would keep everybody from installing anything.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { keepUnderWay } from './keep-under-way.ts';
import { type Peer, payload, type Shape } from './peer.ts';

const LMDB_VERSION = '3.5.6';
const PLACE = join(homedir(), '.cache', 'truthdb', 'peers', `lmdb-${LMDB_VERSION}`);
const require = createRequire(join(PLACE, 'package.json'));

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
  version: () => LMDB_VERSION,
  entrants: (shape) => [{ name: LMDB, open: (directory) => openLmdb(directory, shape) }],
};

/** Never throws: where it cannot be installed it is shown as absent. */
export function installLmdb(progress: (line: string) => void): void {
  if (existsSync(join(PLACE, 'node_modules', 'lmdb'))) return;
  progress(`installing the npm package lmdb ${LMDB_VERSION}`);
  mkdirSync(PLACE, { recursive: true });
  const args = ['install', '--prefix', PLACE, '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
  const done = spawnSync('npm', [...args, `lmdb@${LMDB_VERSION}`], { encoding: 'utf8' });
  if (done.status !== 0) progress(`npm install lmdb failed: ${(done.stderr ?? '').trim().slice(-500)}`);
}

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
