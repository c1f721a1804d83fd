import type { Durability } from '../wal/index.ts';
import type { Operation } from './faults.ts';
import type { NameOrder } from './names.ts';
import { Random } from './random.ts';

/**
 * What a seed's run is about.
 *
 *     crash     power cuts and kills on a disk that keeps its promises: nothing acknowledged may be missing, ever
 *     error     calls that fail or take long, on such a disk, and power cuts after them: the same
 *     garbage   power cuts that leave sectors in flight with neither old nor new bytes: a refusal to start is fine
 *     damage    bytes changed behind the database's back: noticed, or without consequence
 */
export type SimKind = 'crash' | 'error' | 'garbage' | 'damage';

/** All of a run that is decided before it begins. A museum piece may name some of it and leave the rest to its seed. */
export interface SimPlan {
  readonly kind: SimKind;
  /** The log alone, or the engine with its views over it. */
  readonly level: 'log' | 'engine';
  readonly nameOrder: NameOrder;
  readonly sectorBytes: 512 | 4096;
  /** Times the database is opened before it is looked at for the last time. */
  readonly lives: number;
  /** Most steps of one life. */
  readonly steps: number;
  /** How large entries are, which decides how often segments roll over. */
  readonly bulk: 'small' | 'mixed' | 'large';
  readonly entryBytesMax: number;
  readonly ringBytes: number;
  readonly durability: Durability;
  /** The ranking layer is written to and asked beside the streams; only of the engine. */
  readonly ranking: boolean;
  /** Entries between checkpoints of the views. */
  readonly checkpointEntries: number;
  /** Space the disk has for files at the start of each life; null for plenty. */
  readonly freeBytes: number | null;
  /** The call before which each life stops, one of the first `within` of its sort; anywhere when null. */
  readonly stopAt: { readonly operation: Operation; readonly path: string; readonly within: number } | null;
}

const RING_BYTES_MIN = 256 * 1024;

export function planOf(seed: number, overrides: Partial<SimPlan> = {}): SimPlan {
  const random = new Random(seed, 'plan');
  const kind = random.weighted<SimKind>({ crash: 68, error: 14, garbage: 6, damage: 12 });
  // A segment of another branch needs a log of several segments to be out of place in.
  const damage = kind === 'damage';
  const bulk = random.weighted(damage ? { small: 2, mixed: 2, large: 6 } : { small: 4, mixed: 3, large: 3 });
  const entryBytesMax = { small: 4096, mixed: 65_536, large: 200_000 }[bulk];
  const level = random.weighted<SimPlan['level']>({ log: 3, engine: 1 });
  return {
    kind,
    level,
    nameOrder: random.pick(['journal', 'any']),
    sectorBytes: random.weighted({ 512: 3, 4096: 1 }) === '512' ? 512 : 4096,
    lives: random.between({ crash: 1, error: 3, garbage: 1, damage: 2 }[kind], 4),
    steps: damage ? 20 : random.pick([4, 12, 30]),
    bulk,
    entryBytesMax,
    ringBytes: Math.max(RING_BYTES_MIN, 3 * entryBytesMax),
    durability: random.weighted<Durability>({ group_sync: 3, sync: 1, async: 1 }),
    checkpointEntries: random.pick([3, 10, 40]),
    // The engine lets appends wait for space, and refuses one in the middle of others: the log alone shows as much.
    freeBytes:
      level === 'log' && kind === 'error' && random.chance(0.3) ? random.between(0, 8) * 1024 * 1024 : null,
    stopAt: null,
    // A stream of its own: seeds that are known for something stay what they are.
    ranking: new Random(seed, 'ranking plan').chance(0.15),
    ...overrides,
  };
}
