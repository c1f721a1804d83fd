/** Every benchmark by the name people type. Adding one is one file beside this and one line here. */
import type { Bench } from './bench.ts';

export const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  append: async () => (await import('./append.ts')).append,
  boot: async () => (await import('./boot.ts')).boot,
  'hot-path': async () => (await import('./hot-path.ts')).hotPath,
  peers: async () => (await import('./peers.ts')).peers,
  producers: async () => (await import('./producers.ts')).producers,
  ranking: async () => (await import('./ranking.ts')).ranking,
  sql: async () => (await import('./sql.ts')).sql,
  'stream-index': async () => (await import('./stream-index.ts')).streamIndex,
  overload: async () => (await import('./overload.ts')).overload,
  sizes: async () => (await import('./sizes.ts')).sizes,
  tails: async () => (await import('./tails.ts')).tails,
  verify: async () => (await import('./verify.ts')).verify,
  wal: async () => (await import('./wal.ts')).wal,
};
