/**
 * RocksDB by its own db_bench: a thread for each write in flight, which is how it groups commits. More threads than 64 make
 * it slower: they wait spinning.
 */
import { mkdirSync } from 'node:fs';
import type { Peer, Shape } from './peer.ts';
import { missingProgram, runProgram, versionLine } from './processes.ts';

const PROGRAM = '/usr/bin/db_bench';
/** The first, uncounted run; each thread does some of it. */
const FIRST_OPERATIONS = 2000;
const THREADS_MAX = 64;
const FIRST_OPERATIONS_A_THREAD = 50;

export const ROCKSDB = 'RocksDB';

export const rocksdb: Peer = {
  name: ROCKSDB,
  setting: 'sync writes (fdatasync of the log), no compression',
  durable: true,
  checksums: 'CRC-32C',
  load: 'db_bench fillseq, fillbatch; a thread for each in flight, at most 64',
  absent: () => missingProgram(PROGRAM, 'rocksdb-tools'),
  version: () => versionLine(PROGRAM, ['--version']),
  entrants: (shape) => [{ name: ROCKSDB, open: (directory) => openRocksdb(directory, shape) }],
};

async function openRocksdb(directory: string, shape: Shape) {
  mkdirSync(directory);
  const name = shape.batch === 1 ? 'fillseq' : 'fillbatch';
  const threads = Math.min(shape.inFlight, THREADS_MAX);
  const drive = (events: number) =>
    runDbBench(directory, name, shape.bytes, [
      '--sync=1',
      `--threads=${threads}`,
      `--num=${Math.ceil(events / threads / shape.batch) * shape.batch}`,
    ]);
  let rate = await drive(Math.max(FIRST_OPERATIONS, FIRST_OPERATIONS_A_THREAD * threads) * shape.batch);
  return {
    run: async (seconds: number) => {
      rate = await drive(rate * seconds);
      return rate;
    },
    close: async () => {},
  };
}

/** One benchmark of db_bench; its operations per second. */
export async function runDbBench(
  directory: string,
  benchmark: string,
  bytes: number,
  flags: readonly string[],
): Promise<number> {
  const output = await runProgram(PROGRAM, [
    `--db=${directory}`,
    `--benchmarks=${benchmark}`,
    `--value_size=${bytes}`,
    ...['--key_size=8', '--compression_type=none', ...flags],
  ]);
  return parseOperations(output, benchmark);
}

/** Operations per second of one benchmark as db_bench prints them. */
export function parseOperations(output: string, benchmark: string): number {
  const rate = Number(new RegExp(`^${benchmark}\\s*:.*?(\\d+) ops/sec`, 'm').exec(output)?.[1]);
  if (!(rate > 0)) throw new Error(`db_bench printed no rate: ${output.slice(-300)}`);
  return rate;
}
