/** The shapes of load, and what TruthDB aims at in each. */
import { atLeast, type BenchAim, median } from '../bench.ts';
import { ETCD } from './etcd.ts';
import { fastest, ratesOf, ratioIn } from './outcome.ts';
import type { Shape } from './peer.ts';
import { POSTGRESQL } from './postgresql.ts';
import { RAW_APPENDING, RAW_OVERWRITING } from './raw-disk.ts';
import { REDIS, REDIS_P16 } from './redis.ts';
import { ROCKSDB } from './rocksdb.ts';
import type { ShapeResult } from './rounds.ts';
import { SQLITE } from './sqlite.ts';
import { TRUTHDB } from './truthdb.ts';
import { TRUTHDB_ENGINE, TRUTHDB_LOG } from './truthdb-library.ts';

/** Payloads the whole matrix is measured with; the aims are about the first. */
export const PAYLOADS = [256, 1024] as const;
const AIMED_BYTES = PAYLOADS[0];

type Outline = Omit<Shape, 'bytes'>;

const ONE = outline('1 × 1', 1, 1, 1);
const MANY_CLIENTS = outline('64 × 1', 64, 1, 1);
const MANY_IN_FLIGHT = outline('64 × 16', 64, 16, 1);
const BATCHES = outline('8 × 1 of 1,000', 8, 1, 1000);
export const SERVER_SHAPES: readonly Outline[] = [ONE, MANY_CLIENTS, MANY_IN_FLIGHT, BATCHES];

const ALONE = outline('1', 1, 1, 1);
const SIXTY_FOUR = outline('64', 1, 64, 1);
const THOUSAND = outline('1,024', 1, 1024, 1);
const BATCH_ALONE = outline('1 of 1,000', 1, 1, 1000);
const BATCHES_AT_ONCE = outline('4 of 1,000', 1, 4, 1000);
export const LIBRARY_SHAPES: readonly Outline[] = [ALONE, SIXTY_FOUR, THOUSAND, BATCH_ALONE, BATCHES_AT_ONCE];

function outline(name: string, clients: number, inFlight: number, batch: number): Outline {
  return { name, clients, inFlight, batch };
}

/** Aims of the server's matrix; a shape that was not measured has no aims, a peer that is absent misses none silently. */
export function serverAims(results: readonly ShapeResult[]): BenchAim[] {
  const of = (shape: Outline) => find(results, shape);
  const aims: BenchAim[] = [];
  const many = of(MANY_CLIENTS);
  if (many !== undefined) {
    aims.push(
      atLeast('server 64 × 1: times redis', 1, ratioIn(many, TRUTHDB, REDIS)),
      atLeast('server 64 × 1: times PostgreSQL', 5, ratioIn(many, TRUTHDB, POSTGRESQL)),
      atLeast('server 64 × 1: times etcd', 10, ratioIn(many, TRUTHDB, ETCD)),
    );
  }
  const one = of(ONE);
  if (one !== undefined) {
    const best = fastest(one, [REDIS, POSTGRESQL, ETCD]);
    aims.push(
      atLeast('server 1 × 1: times the best durable peer', 1, ratioIn(one, TRUTHDB, best?.name ?? '')),
    );
  }
  const deep = of(MANY_IN_FLIGHT);
  if (deep !== undefined)
    aims.push(atLeast('server 64 × 16: times redis -P 16', 1.7, ratioIn(deep, TRUTHDB, REDIS_P16)));
  const batches = of(BATCHES);
  if (batches !== undefined) {
    aims.push(
      atLeast('server batches of 1,000: times redis -P 16', 3, ratioIn(batches, TRUTHDB, REDIS_P16)),
      batchFloor(batches),
    );
  }
  return aims;
}

const BATCH_EVENTS_A_SECOND = 500_000;
const BATCH_CEILING_SHARE = 0.7;

/** Half a million events a second or 70 % of the bare disk, whichever is lower. */
function batchFloor(result: ShapeResult): BenchAim {
  const own = ratesOf(result, TRUTHDB);
  const ceiling = ratesOf(result, RAW_OVERWRITING);
  const bound = Math.min(
    BATCH_EVENTS_A_SECOND,
    ceiling === null ? Number.POSITIVE_INFINITY : BATCH_CEILING_SHARE * median(ceiling),
  );
  const name = 'server batches of 1,000: events/s (500,000, or 70 % of the bare disk if lower)';
  return atLeast(name, Math.round(bound), own === null ? Number.NaN : median(own));
}

/** Aims of the libraries' matrix: the log is compared, and the engine over it where the peer has what it has. */
export function libraryAims(results: readonly ShapeResult[]): BenchAim[] {
  const aims: BenchAim[] = [];
  const batches = find(results, BATCHES_AT_ONCE);
  if (batches !== undefined) {
    for (const ours of [TRUTHDB_LOG, TRUTHDB_ENGINE])
      for (const peer of [SQLITE, ROCKSDB])
        aims.push(atLeast(`${ours}, batches of 1,000: times ${peer}`, 2, ratioIn(batches, ours, peer)));
  }
  const alone = find(results, ALONE);
  if (alone !== undefined) {
    aims.push(
      atLeast(
        'TruthDB log, 1 in flight: of bare write + fdatasync, appending',
        0.9,
        ratioIn(alone, TRUTHDB_LOG, RAW_APPENDING),
      ),
      atLeast(
        'TruthDB log, 1 in flight: of bare write + fdatasync, overwriting',
        0.9,
        ratioIn(alone, TRUTHDB_LOG, RAW_OVERWRITING),
      ),
    );
  }
  return aims;
}

function find(results: readonly ShapeResult[], { name }: Outline): ShapeResult | undefined {
  return results.find(({ shape }) => shape.name === name && shape.bytes === AIMED_BYTES);
}
