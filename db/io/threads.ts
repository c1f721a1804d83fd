/**
 * Worker threads that start the same way from sources and from the single-file binary. In the binary there are no files
 * to load: its bundle puts each thread's source text into `globalThis.__TRUTHDB_THREADS__`.
 */
import { type Transferable, Worker } from 'node:worker_threads';

/** Every thread of the database, with its module relative to this file. */
export const THREADS = {
  'wal-writer': '../wal/writer-thread.ts',
  'wal-sync': '../wal/sync-thread.ts',
  'wal-verify': '../wal/verify-thread.ts',
  'wal-scrub': '../wal/scrub-thread.ts',
  proof: '../audit/proof-thread.ts',
  'proof-verify': '../audit/verify-thread.ts',
  'checkpoint-writer': '../materializer/save-thread.ts',
  follower: '../follow/follower-thread.ts',
  'sql-reader': '../sql/pool/reader-thread.ts',
  'ranking-reader': '../engine/ranking-reader/reader-thread.ts',
  'pg-catalog': '../server/pg/catalog/catalog-thread.ts',
} as const;

export type ThreadName = keyof typeof THREADS;

declare global {
  var __TRUTHDB_THREADS__: Readonly<Partial<Record<ThreadName, string>>> | undefined;
}

export function startThread(name: ThreadName, data: unknown, transfer: readonly Transferable[] = []): Worker {
  const options = { name, workerData: data, transferList: [...transfer] };
  const source = globalThis.__TRUTHDB_THREADS__?.[name];
  if (source !== undefined) return new Worker(source, { ...options, eval: true });
  return new Worker(new URL(THREADS[name], import.meta.url), options);
}
