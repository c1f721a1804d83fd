/**
 * Who copies this log and up to where, also while a copy is away: a lease on the log behind what the copy has on its disk,
 * until it keeps more than a number of bytes. Then it is broken: the follower counts as lost, and somebody should know.
 * In `metadata/followers.json`, replaced atomically, at most once a second for a position that moves on: an older position
 * keeps more of the log, never less.
 *
 *     { "format": 1, "followers": [ { "name", "token", "from", "lost", "heardAt": "ISO 8601" } ] }
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Clock, type Disk, readSmallFile, type Scheduler, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { metadataDirectory } from './metadata.ts';
import type { Hold } from './retention.ts';

/** A receiver of the log's bytes that has a name. Whoever speaks with it moves `kept` on. */
export interface FollowerStand {
  readonly name: string;
  /** Everything up to there is on its disk, as it says. */
  kept: Sequence;
}

/** A follower as status shows it. JSON-safe. */
export interface FollowerStatus {
  readonly name: string;
  /** Name of the token it came with last. */
  readonly token: string;
  /** First sequence it does not have. */
  readonly next: Sequence;
  /** Bytes of complete segments from there on: what the lease keeps, or would; null when some of it has been pruned. */
  readonly bytes: number | null;
  readonly connected: boolean;
  /** The lease is broken: nothing is kept for it. */
  readonly lost: boolean;
  /** When it was last connected, ISO 8601. */
  readonly heardAt: string;
}

interface Lease {
  readonly name: string;
  readonly token: string;
  readonly from: Sequence;
  readonly lost: boolean;
  readonly heardAt: string;
  /** Not stored: it is looked at again. */
  readonly bytes: number | null;
}

export interface FollowerLeasesOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly clock: Pick<Clock, 'nowNanos'>;
  readonly scheduler: Pick<Scheduler, 'after'>;
  /** A lease that keeps more is broken; 0: there are no leases. */
  readonly bytesMax: number;
  /** Bytes of complete segments from a sequence on; null when the log begins behind it. */
  readonly bytesFrom: (from: Sequence) => number | null;
  readonly report: (line: string) => void;
}

const FILE = 'followers.json';
const FORMAT = 1;
const LOOK_MILLIS = 1000;

export class FollowerLeases {
  readonly #options: FollowerLeasesOptions;
  readonly #leases: Map<string, Lease>;
  readonly #connected = new Set<FollowerStand>();
  #stopLooking: (() => void) | null = null;
  #unsaved = false;
  #problem: string | null = null;

  /** Errors: CORRUPT when the file is not what was written there. */
  constructor(options: FollowerLeasesOptions) {
    this.#options = options;
    const { disk, directory, bytesMax, bytesFrom } = options;
    const stored = bytesMax === 0 ? [] : readLeases(disk, directory, bytesFrom);
    this.#leases = new Map(stored.map((lease) => [lease.name, lease]));
    if (this.#leases.size > 0) this.#lookLater();
  }

  /** False where there are no leases. */
  get active(): boolean {
    return this.#options.bytesMax > 0;
  }

  /**
   * A follower is there. A position it has not confirmed before counts no further than the lease: what it shows may not be on
   * its disk yet. Returns what to call when it is gone.
   */
  connected(stand: FollowerStand, token: string): () => void {
    if (!this.active) return () => undefined;
    const known = this.#leases.get(stand.name);
    const from = Math.min(known?.from ?? Number.POSITIVE_INFINITY, stand.kept + 1) as Sequence;
    stand.kept = (from - 1) as Sequence;
    const bytes = this.#options.bytesFrom(from);
    const lost = this.#tooMuch(bytes);
    this.#leases.set(stand.name, { name: stand.name, token, from, lost, heardAt: this.#now(), bytes });
    this.#connected.add(stand);
    this.#save();
    this.#lookLater();
    return () => {
      this.#follow();
      this.#connected.delete(stand);
    };
  }

  /** Positions as they are now, each lease broken that keeps too much. Called every second; whoever wants it exact calls it. */
  look(): void {
    this.#follow();
    for (const lease of this.#leases.values()) this.#judge(lease);
    if (this.#unsaved) this.#save();
  }

  /** What the leases keep. */
  holds(): Hold[] {
    return holdsOf([...this.#leases.values()]);
  }

  list(): FollowerStatus[] {
    const connected = new Set([...this.#connected].map(({ name }) => name));
    return [...this.#leases.values()].map((lease) => statusOf(lease, connected.has(lease.name)));
  }

  /** Gives a lease up: nothing is kept for it before it connects anew. Errors: NOT_FOUND. */
  drop(name: string): FollowerStatus {
    const dropped = this.list().find((each) => each.name === name);
    if (dropped === undefined) throw unknownFollower(name, [...this.#leases.keys()]);
    this.#leases.delete(name);
    this.#save();
    return dropped;
  }

  close(): void {
    this.#stopLooking?.();
    this.#stopLooking = null;
    this.#follow();
    if (this.#unsaved) this.#save();
  }

  /** A name can be connected twice, when its last connection has not been noticed to be dead: the one behind decides. */
  #follow(): void {
    const kept = new Map<string, number>();
    for (const { name, kept: upTo } of this.#connected) {
      kept.set(name, Math.min(upTo, kept.get(name) ?? Number.POSITIVE_INFINITY));
    }
    for (const [name, upTo] of kept) {
      const lease = this.#leases.get(name);
      if (lease === undefined) continue;
      const from = Math.max(lease.from, upTo + 1) as Sequence;
      if (from !== lease.from) this.#unsaved = true;
      this.#leases.set(name, { ...lease, from, heardAt: this.#now() });
    }
  }

  #judge(lease: Lease): void {
    const { bytesMax, bytesFrom, report } = this.#options;
    const bytes = bytesFrom(lease.from);
    const lost = this.#tooMuch(bytes);
    this.#leases.set(lease.name, { ...lease, bytes, lost });
    if (lost === lease.lost) return;
    this.#unsaved = true;
    report(
      lost
        ? `ALARM: follower ${lease.name} (${lease.token}) is lost: it stands at sequence ${lease.from - 1}, and the log behind it ` +
            (bytes === null
              ? 'has been pruned'
              : `takes ${bytes} bytes, more than the ${bytesMax} kept for a follower; nothing is kept for it any more`)
        : `follower ${lease.name} (${lease.token}) has caught up: the log behind it is kept for it again`,
    );
  }

  #tooMuch(bytes: number | null): boolean {
    return bytes === null || bytes > this.#options.bytesMax;
  }

  #lookLater(): void {
    this.#stopLooking ??= this.#options.scheduler.after(LOOK_MILLIS, () => {
      this.#stopLooking = null;
      this.look();
      if (this.#leases.size > 0) this.#lookLater();
    });
  }

  /** A disk that is full or failing has louder voices than this one: the old file keeps more than it should, no less. */
  #save(): void {
    const { disk, directory, report } = this.#options;
    try {
      writeLeases(disk, directory, [...this.#leases.values()]);
      this.#unsaved = false;
      this.#problem = null;
    } catch (error) {
      this.#unsaved = true;
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) report(`the positions of followers cannot be written: ${problem}`);
      this.#problem = problem;
    }
  }

  #now(): string {
    return new Date(Number(this.#options.clock.nowNanos() / 1_000_000n)).toISOString();
  }
}

/** What leases keep of a log that nobody has open. Errors: CORRUPT. */
export function leaseHolds(disk: Disk, directory: string): Hold[] {
  return holdsOf(readLeases(disk, directory, () => 0));
}

/** The leases of a log that nobody has open; `bytesFrom` as in FollowerLeasesOptions. Errors: CORRUPT. */
export function storedFollowers(
  disk: Disk,
  directory: string,
  bytesFrom: (from: Sequence) => number | null,
): FollowerStatus[] {
  return readLeases(disk, directory, bytesFrom).map((lease) => statusOf(lease, false));
}

/** Gives up a lease on a log that nobody has open. Errors: NOT_FOUND, CORRUPT. */
export function dropLease(disk: Disk, directory: string, name: string): FollowerStatus {
  const leases = readLeases(disk, directory, () => 0);
  const names = leases.map((lease) => lease.name);
  const dropped = leases.find((lease) => lease.name === name);
  if (dropped === undefined) throw unknownFollower(name, names);
  writeLeases(
    disk,
    directory,
    leases.filter((lease) => lease !== dropped),
  );
  return statusOf(dropped, false);
}

function statusOf({ name, token, from, lost, heardAt, bytes }: Lease, connected: boolean): FollowerStatus {
  return { name, token, next: from, bytes, connected, lost, heardAt };
}

function holdsOf(leases: readonly Lease[]): Hold[] {
  return leases
    .filter(({ lost }) => !lost)
    .map(({ name, token, from }) => ({
      kind: 'follower',
      name: `${name} (token ${token})`,
      from,
      release: `truthdb wal followers --drop ${name}`,
    }));
}

function unknownFollower(name: string, known: readonly string[]): TruthError {
  const there = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
  return new TruthError('NOT_FOUND', `no follower is called ${name}; ${there}`);
}

function writeLeases(disk: Disk, directory: string, leases: readonly Lease[]): void {
  const followers = leases.map(({ bytes: _, ...stored }) => stored);
  const text = `${JSON.stringify({ format: FORMAT, followers }, null, 2)}\n`;
  writeSmallFile(disk, pathIn(directory), new TextEncoder().encode(text));
}

function readLeases(disk: Disk, directory: string, bytesFrom: (from: Sequence) => number | null): Lease[] {
  const bytes = readSmallFile(disk, pathIn(directory));
  if (bytes === null) return [];
  const leases = parse(bytes);
  if (leases !== null) return leases.map((lease) => ({ ...lease, bytes: bytesFrom(lease.from) }));
  throw new TruthError(
    'CORRUPT',
    `${pathIn(directory)} is not what the log wrote there; restore it, or remove it: followers that connect are known again`,
    { file: pathIn(directory) },
  );
}

function parse(bytes: Uint8Array): Omit<Lease, 'bytes'>[] | null {
  try {
    const { format, followers } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return format === FORMAT && Array.isArray(followers) && followers.every(isLease) ? followers : null;
  } catch {
    return null;
  }
}

function isLease(value: unknown): value is Omit<Lease, 'bytes'> {
  if (typeof value !== 'object' || value === null) return false;
  const { name, token, from, lost, heardAt } = value as Record<string, unknown>;
  const texts = [name, token, heardAt];
  return (
    texts.every((each) => typeof each === 'string') &&
    Number.isSafeInteger(from) &&
    Number(from) >= 1 &&
    typeof lost === 'boolean'
  );
}

function pathIn(directory: string): string {
  return join(metadataDirectory(directory), FILE);
}
