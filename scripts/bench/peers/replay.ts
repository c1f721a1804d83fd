/**
 * Reading a whole log again, every checksum verified, against RocksDB reading as many records in order, and against a bare
 * loop of read and xxHash64 over the files of the log. All from the page cache: the disk is measured elsewhere.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { xxh64 } from '../../../db/hash/index.ts';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { initLog, type OpenedLog, openLog, openReader } from '../../../db/wal/index.ts';
import { atLeast, median } from '../bench.ts';
import { type Finding, ratioOfRounds } from './outcome.ts';
import type { PartResult } from './part.ts';
import { payload } from './peer.ts';
import { ROCKSDB, rocksdb, runDbBench } from './rocksdb.ts';
import type { Plan } from './rounds.ts';

const BYTES = 256;
const BATCH = 1000;
const RECORDS = 1_000_000;
const READ_BYTES = 1024 * 1024;

const LOG = 'TruthDB log';
const LOOP = 'bare read + xxHash64';

/** `quick` reads a fifth. */
export async function replay(plan: Plan, quick: boolean): Promise<PartResult> {
  const records = quick ? RECORDS / 5 : RECORDS;
  const directory = join(plan.directory, 'replay');
  plan.progress(`replay: writing ${records.toLocaleString('en')} records of ${BYTES} B`);
  await writeLog(directory, records);
  const missed = rocksdb.absent();
  const other = join(plan.directory, 'replay-rocksdb');
  const flags = [`--num=${records}`];
  if (missed === null) await runDbBench(other, 'fillbatch', BYTES, flags);
  const own: number[] = [];
  const loop: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    plan.signal.throwIfAborted();
    own.push(await readLog(directory, records));
    loop.push(hashFiles(directory, records));
    if (missed === null)
      peer.push(await runDbBench(other, 'readseq', BYTES, [...flags, '--use_existing_db=1']));
  }
  for (const each of [directory, other]) fs.rmSync(each, { recursive: true, force: true });
  const findings = [
    finding(LOG, own, null),
    finding(LOOP, loop, ratioOfRounds(own, loop)),
    missed === null ? finding(ROCKSDB, peer, ratioOfRounds(own, peer)) : absent(missed),
  ];
  const times = missed === null ? ratioOfRounds(own, peer) : Number.NaN;
  return {
    findings,
    aims: [
      atLeast('replay, every checksum verified: times RocksDB readseq', 2, times),
      atLeast('replay, every checksum verified: of a bare xxHash64 loop', 0.7, ratioOfRounds(own, loop)),
    ],
  };
}

function finding(who: string, rates: readonly number[], ratio: number | null): Finding {
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  return { ...common(who), value: median(rates), low, high, ratio, note: '' };
}

function absent(reason: string): Finding {
  return { ...common(ROCKSDB), value: null, low: null, high: null, ratio: null, note: reason };
}

function common(who: string) {
  return { part: 'replay', load: 'whole log', bytes: BYTES, who, durable: true, unit: 'records/s' } as const;
}

async function writeLog(directory: string, records: number): Promise<void> {
  await fillLog(directory, {}, (_, written) => written < records);
}

export interface FillOptions {
  readonly segmentBytes?: number;
  /** Entries a group. */
  readonly batch?: number;
}

/** Makes a log and appends to it while `more` says so; nothing waits for the disk but its close. */
export async function fillLog(
  directory: string,
  { batch = BATCH, ...shape }: FillOptions,
  more: (log: OpenedLog, written: number) => boolean,
): Promise<void> {
  const disk = new RealDisk();
  initLog({ directory, disk, random: randomBytes, ...shape });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, durability: 'async' });
  const data = payload(BYTES);
  const entry = { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload: data };
  const command = Array.from({ length: batch }, () => entry);
  for (let written = 0; more(log, written); written += batch) {
    const { last } = log.append(command, BigInt(Date.now()) as RecordedAt);
    log.flush();
    while (log.stable < last) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
}

async function readLog(directory: string, records: number): Promise<number> {
  const began = performance.now();
  const reader = openReader({ directory, disk: new RealDisk() });
  let read = 0;
  for await (const { entries } of reader.read({ from: 1 as Sequence, follow: false })) read += entries.length;
  reader.close();
  // An epoch entry is one more than was written.
  if (read < records) throw new Error(`the log has ${read} entries; ${records} were written`);
  return (read / (performance.now() - began)) * 1000;
}

/** Records a second if hashing the bytes of the log were all there is to do. */
function hashFiles(directory: string, records: number): number {
  const began = performance.now();
  const chunk = Buffer.allocUnsafe(READ_BYTES);
  const wal = join(directory, 'wal');
  for (const name of fs.readdirSync(wal).filter((each) => /^\d/.test(each))) {
    const fd = fs.openSync(join(wal, name), 'r');
    for (let at = 0; ; ) {
      const read = fs.readSync(fd, chunk, 0, READ_BYTES, at);
      if (read === 0) break;
      xxh64(chunk.subarray(0, read));
      at += read;
    }
    fs.closeSync(fd);
  }
  return (records / (performance.now() - began)) * 1000;
}
