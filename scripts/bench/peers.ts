/**
 * `bench peers`: TruthDB beside the durable logs and stores a person could pick instead, in turns on the same disk.
 *
 *     npm run bench -- peers [--quick] [--part=servers,libraries] [--shape='64 × 1'] [--bytes=256] [--peers=redis,etcd]
 *                            [--rounds=5] [--seconds=2] [--gib=2] [--directory=DIR] [--write] [--json]
 *
 * Missing peers are installed from Debian first. `--write` puts the tables into docs/performance.md and the plots into
 * docs/images/: what this run measured and, for the rest, what was measured last. What each peer is told, and what drives
 * it, stands in its file in peers/.
 */
import { chmodSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Bench, BenchAim, BenchContext, BenchResult, BenchRow } from './bench.ts';
import { rounded } from './bench.ts';
import { describeMachine } from './machine.ts';
import { installPeers } from './peers/debian.ts';
import { etcd } from './peers/etcd.ts';
import { growth } from './peers/growth.ts';
import { latency } from './peers/latency.ts';
import { installLmdb, lmdb } from './peers/lmdb.ts';
import { LIBRARY_SHAPES, libraryAims, PAYLOADS, SERVER_SHAPES, serverAims } from './peers/matrix.ts';
import { nats } from './peers/nats.ts';
import { type Finding, findingsOf } from './peers/outcome.ts';
import { writePage } from './peers/page.ts';
import type { PartResult } from './peers/part.ts';
import type { Peer, Shape } from './peers/peer.ts';
import { postgresql } from './peers/postgresql.ts';
import { rawDisk } from './peers/raw-disk.ts';
import { recovery } from './peers/recovery.ts';
import { redis } from './peers/redis.ts';
import { replay } from './peers/replay.ts';
import { rocksdb } from './peers/rocksdb.ts';
import { type Plan, runShape, type ShapeResult } from './peers/rounds.ts';
import { sqlite } from './peers/sqlite.ts';
import { keep } from './peers/store.ts';
import { TRUTHDB, truthdb } from './peers/truthdb.ts';
import { TRUTHDB_LOG, truthdbLibrary } from './peers/truthdb-library.ts';

const SERVERS: readonly Peer[] = [truthdb, redis, postgresql, etcd, nats, rawDisk];
const LIBRARIES: readonly Peer[] = [truthdbLibrary, sqlite, lmdb, rocksdb, rawDisk];

export const peers: Bench = {
  name: 'peers',
  summary: 'TruthDB beside redis, PostgreSQL, etcd, NATS, RocksDB, SQLite, LMDB and the bare disk.',
  run,
};

interface Options {
  readonly plan: Plan;
  readonly parts: readonly string[];
  readonly quick: boolean;
  /** Size of the log that a start recovers. */
  readonly gib: number;
  readonly write: boolean;
  /** What of the matrix is wanted. */
  readonly wants: { shape(shape: Shape): boolean; peer(peer: Peer): boolean };
}

const PARTS: Readonly<Record<string, (options: Options) => Promise<PartResult>>> = {
  servers: (options) => matrix('servers', SERVERS, SERVER_SHAPES, TRUTHDB, serverAims, options),
  libraries: (options) => matrix('libraries', LIBRARIES, LIBRARY_SHAPES, TRUTHDB_LOG, libraryAims, options),
  replay: ({ plan, quick }) => replay(plan, quick),
  latency: ({ plan }) => latency(plan),
  recovery: ({ plan, gib }) => recovery(plan, gib),
  growth: ({ plan, quick }) => growth(plan, quick),
};

async function run(context: BenchContext): Promise<BenchResult> {
  const options = optionsOf(context);
  // The peers that do not run as root must reach their directories in it.
  chmodSync(context.directory, 0o755);
  installPeers(context.progress);
  installLmdb(context.progress);
  const findings: Finding[] = [];
  const aims: BenchAim[] = [];
  for (const name of options.parts) {
    const part = PARTS[name];
    if (part === undefined)
      throw new Error(`there is no part "${name}"; known are: ${Object.keys(PARTS).join(', ')}`);
    const result = await part(options);
    findings.push(...result.findings);
    aims.push(...result.aims);
  }
  const kept = keep({ findings, aims });
  if (options.write) {
    const machine = describeMachine(context.directory);
    writePage({
      ...{ machine, ...kept, plan: options.plan, load: loadavg()[2] ?? 0 },
      peers: [...new Set([...SERVERS, ...LIBRARIES])],
    });
    context.progress('docs/performance.md and docs/images/ are written');
  }
  return { rows: findings.map(rowOf), aims };
}

function optionsOf({ args, directory, signal, progress }: BenchContext): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ quick: flag, write: flag, part: text, shape: text, bytes: text, peers: text },
      ...{ rounds: text, seconds: text, gib: text },
    },
  });
  const list = (value: string | undefined) => value?.split(',');
  const peerNames = list(values.peers)?.map((name) => name.toLowerCase());
  return {
    plan: {
      rounds: Number(values.rounds ?? (values.quick ? 2 : 5)),
      seconds: Number(values.seconds ?? (values.quick ? 1 : 2)),
      ...{ directory, signal, progress },
    },
    parts: list(values.part) ?? Object.keys(PARTS),
    quick: values.quick,
    gib: Number(values.gib ?? (values.quick ? 0.25 : 2)),
    write: values.write,
    wants: {
      shape: (shape) =>
        (values.shape === undefined || values.shape === shape.name) &&
        (list(values.bytes)?.includes(String(shape.bytes)) ?? true),
      peer: (peer) =>
        peer.name.startsWith('TruthDB') ||
        (peerNames?.some((name) => peer.name.toLowerCase().includes(name)) ?? true),
    },
  };
}

async function matrix(
  part: string,
  all: readonly Peer[],
  outlines: readonly Omit<Shape, 'bytes'>[],
  reference: string,
  judge: (results: readonly ShapeResult[]) => BenchAim[],
  { plan, wants }: Options,
): Promise<PartResult> {
  const shapes = PAYLOADS.flatMap((bytes) => outlines.map((outline) => ({ ...outline, bytes })));
  const results: ShapeResult[] = [];
  const findings: Finding[] = [];
  for (const shape of shapes.filter(wants.shape)) {
    plan.progress(`${part}: ${shape.name}, ${shape.bytes} B`);
    const result = await runShape(all.filter(wants.peer), shape, plan);
    results.push(result);
    findings.push(...findingsOf(part, result, reference));
    for (const { who, value } of findingsOf(part, result, reference))
      plan.progress(
        `  ${who.padEnd(24)} ${value === null ? 'absent' : Math.round(value).toLocaleString('en')}`,
      );
  }
  return { findings, aims: judge(results) };
}

function rowOf(finding: Finding): BenchRow {
  const { part, load, bytes, who, durable, value, unit, low, high, ratio, note } = finding;
  const number = (of: number | null) => (of === null ? '' : rounded(of));
  return {
    ...{ part, load, bytes, who },
    durable: value === null ? '' : durable ? 'yes' : 'NO',
    value: value === null ? `absent: ${note}` : rounded(value),
    unit,
    low: number(low),
    high: number(high),
    truthdb_is: ratio === null ? '' : `${rounded(ratio)}x`,
  };
}
