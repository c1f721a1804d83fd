/**
 * `bench verify`: `truthdb verify` against a bare SHA-256 loop over the same files, on all cores, in turns. Verification hashes
 * every byte twice, once for the chain and once for the leaves, and hashes a few short things for every entry; so beside the
 * bare loop stands one that computes just as many hashes, and beside the whole verification one without the trees.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ProofService } from '../../db/audit/proof-service.ts';
import { verifyData } from '../../db/audit/verify-log.ts';
import { RealDisk, realClock } from '../../db/io/index.ts';
import type { RecordedAt, TenantId } from '../../db/types.ts';
import { initLog, openLog } from '../../db/wal/index.ts';
import { atLeast, type Bench, type BenchContext, type BenchResult, median, rounded } from './bench.ts';
import type { HashTask } from './verify-thread.ts';

const MIB = 1024 * 1024;
/** Bytes of a payload, and of the log: more where it goes faster, so that starting threads does not count. */
const LOGS = [
  [256, 256 * MIB],
  [4096, 1024 * MIB],
] as const;
const QUICK_LOG_BYTES = 64 * MIB;
const SEGMENT_BYTES = 16 * MIB;
const GROUP_BYTES = 128 * 1024;
const ROUNDS = 3;
const AIM = 0.8;

export const verify: Bench = {
  name: 'verify',
  summary: 'offline verification against a bare hash loop over the same bytes, on all cores',
  run,
};

interface Measured {
  readonly payloadBytes: number;
  readonly bytes: number;
  readonly entries: number;
  readonly bare: Cost[];
  readonly sameHashes: Cost[];
  readonly whole: Cost[];
  readonly quick: Cost[];
}

/** Of one round: seconds, and seconds of processor time of all threads, which others on the machine disturb less. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...context.args], options: { quick: { type: 'boolean' } } });
  const measured: Measured[] = [];
  for (const [payloadBytes, bytes] of LOGS)
    measured.push(await measure(context, payloadBytes, values.quick === true ? QUICK_LOG_BYTES : bytes));
  const ratio = (a: readonly Cost[], b: readonly Cost[], of: keyof Cost = 'wall') =>
    median(a.map((cost, at) => cost[of] / b[at]![of]));
  const rate = ({ bytes: all }: Measured, costs: readonly Cost[]) =>
    Math.round(all / MIB / median(costs.map(({ wall }) => wall)));
  const rows = measured.map((each) => ({
    payload: each.payloadBytes,
    MiB: Math.round(each.bytes / MIB),
    entries: each.entries,
    bare_MiB_s: rate(each, each.bare),
    verify_MiB_s: rate(each, each.whole),
    verify_of_bare: rounded(ratio(each.bare, each.whole)),
    quick_of_bare: rounded(ratio(each.bare, each.quick)),
    verify_of_same_hashes: rounded(ratio(each.sameHashes, each.whole)),
    cpu_verify_of_bare: rounded(ratio(each.bare, each.whole, 'cpu')),
    cpu_quick_of_bare: rounded(ratio(each.bare, each.quick, 'cpu')),
    cpu_verify_of_same_hashes: rounded(ratio(each.sameHashes, each.whole, 'cpu')),
  }));
  const aims = measured.flatMap((each) => [
    atLeast(`${each.payloadBytes} B: verify / bare loop`, AIM, ratio(each.bare, each.whole)),
    atLeast(`${each.payloadBytes} B: verify --quick / bare loop`, AIM, ratio(each.bare, each.quick)),
    atLeast(
      `${each.payloadBytes} B: verify / loop of as many hashes`,
      AIM,
      ratio(each.sameHashes, each.whole),
    ),
  ]);
  return { rows, aims };
}

async function measure(context: BenchContext, payloadBytes: number, bytes: number): Promise<Measured> {
  const directory = join(context.directory, `log-${payloadBytes}`);
  context.progress(`writing ${bytes / MIB} MiB in entries of ${payloadBytes} bytes`);
  const entries = await writeSigned(directory, payloadBytes, bytes);
  const files = readdirSync(join(directory, 'wal'))
    .filter((name) => !name.startsWith('spare'))
    .map((name) => join(directory, 'wal', name));
  const total = files.reduce((sum, path) => sum + statSync(path).size, 0);
  const measured: Measured = {
    payloadBytes,
    bytes: total,
    entries,
    bare: [],
    sameHashes: [],
    whole: [],
    quick: [],
  };
  const perFile = Math.round(entries / files.length);
  for (let round = 0; round <= ROUNDS; round++) {
    context.signal.throwIfAborted();
    context.progress(`${payloadBytes} B: round ${round} of ${ROUNDS}`);
    const bare = await bareLoop(files, 0, payloadBytes);
    const whole = await timed(() => verifyDirectory(directory, true));
    const quick = await timed(() => verifyDirectory(directory, false));
    const sameHashes = await bareLoop(files, perFile, payloadBytes);
    // The first round warms the page cache and the code.
    if (round === 0) continue;
    measured.bare.push(bare);
    measured.whole.push(whole);
    measured.quick.push(quick);
    measured.sameHashes.push(sameHashes);
  }
  return measured;
}

/** A log of sixteen tenants with a checkpoint for every 16 MiB. Returns its entries. */
async function writeSigned(directory: string, payloadBytes: number, bytes: number): Promise<number> {
  const disk = new RealDisk();
  const { logId } = initLog({ directory, disk, random: randomBytes, segmentBytes: SEGMENT_BYTES });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, inline: true });
  const service = new ProofService({
    disk,
    directory,
    logId: Buffer.from(logId).toString('hex'),
    nowNanos: () => realClock.nowNanos(),
    report: () => {},
  });
  const payload = randomBytes(payloadBytes);
  const group = Math.ceil(GROUP_BYTES / payloadBytes);
  let signedAt = 0;
  for (let written = 0; written < bytes; written += group * payloadBytes) {
    for (let at = 0; at < group; at++) {
      const draft = { type: 16, tenant: (at % 16) as TenantId, partitionKey: 0n, flags: 0, payload };
      log.append([draft], realClock.nowNanos() as RecordedAt);
    }
    log.flush();
    while (service.step(log.stable) > 0);
    if (written - signedAt < SEGMENT_BYTES) continue;
    service.checkpoint();
    signedAt = written;
  }
  service.checkpoint();
  service.close();
  await log.close();
  return log.stable;
}

async function verifyDirectory(directory: string, trees: boolean): Promise<void> {
  const report = await verifyData({
    directory,
    disk: new RealDisk(),
    rootKey: null,
    expected: null,
    trees,
    threads: availableParallelism(),
    progress: () => {},
  });
  if (!report.ok || report.signed === null)
    throw new Error(`the log does not verify: ${JSON.stringify(report.problems)}`);
}

async function timed(work: () => Promise<void>): Promise<Cost> {
  const begun = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 };
}

function bareLoop(files: readonly string[], hashes: number, payloadBytes: number): Promise<Cost> {
  const left = [...files];
  return timed(async () => {
    const work = async (): Promise<void> => {
      const thread = new Worker(new URL('./verify-thread.ts', import.meta.url));
      for (let path = left.shift(); path !== undefined; path = left.shift()) {
        const task: HashTask = { path, hashes, payloadBytes };
        thread.postMessage(task);
        await once(thread, 'message');
      }
      await thread.terminate();
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  });
}
