/** SQLite as it comes with Node, its write-ahead log synced at every commit. It writes one transaction at a time. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Peer, payload, type Shape } from './peer.ts';

export const SQLITE = 'node:sqlite';

export const sqlite: Peer = {
  name: SQLITE,
  setting: 'journal_mode=WAL, synchronous=FULL',
  durable: true,
  checksums: 'a frame of the write-ahead log',
  load: 'a loop',
  absent: () => null,
  version: () => process.versions['sqlite'] ?? '',
  entrants: (shape) =>
    shape.inFlight > 1 && shape.batch === 1
      ? []
      : [{ name: SQLITE, open: (directory) => openSqlite(directory, shape) }],
};

async function openSqlite(directory: string, shape: Shape) {
  mkdirSync(directory);
  const database = new DatabaseSync(join(directory, 'log.db'));
  database.exec('pragma journal_mode=wal; pragma synchronous=full');
  database.exec('create table log (position integer primary key, data blob not null)');
  const insert = database.prepare('insert into log (data) values (?)');
  const data = payload(shape.bytes);
  return {
    run: async (seconds: number) => {
      const began = performance.now();
      const until = began + seconds * 1000;
      let events = 0;
      while (performance.now() < until) {
        if (shape.batch > 1) database.exec('begin');
        for (let index = 0; index < shape.batch; index++) insert.run(data);
        if (shape.batch > 1) database.exec('commit');
        events += shape.batch;
      }
      return (events / (performance.now() - began)) * 1000;
    },
    close: async () => database.close(),
  };
}
