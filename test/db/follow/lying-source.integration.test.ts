import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { Follower, type FollowerState } from '../../../db/follow/index.ts';
import { type Disk, RealDisk } from '../../../db/io/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { LogPiece } from '../../../db/wal/index.ts';
import { type Serving, startServing, temporaryDirectory } from '../support/serving.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';

/** What the source does to a piece before it goes out. */
type Lie = (piece: LogPiece & { kind: 'bytes' }) => LogPiece;

const SEGMENT_BYTES = 1024 * 1024;

let directory: string;
let data: string;
let copy: string;
let serving: Serving;
let lie: Lie | null = null;

beforeEach(async () => {
  directory = temporaryDirectory();
  [data, copy] = [join(directory, 'source'), join(directory, 'copy')];
  initDatabase({ directory: data, segmentBytes: SEGMENT_BYTES });
  const engine = await openEngine({ directory: data });
  for (let turn = 0; turn < 12; turn++) await append(engine, 100_000);
  await idle(engine);
  serving = await startServing({}, lyingEngine(engine));
});

afterEach(async () => {
  lie = null;
  await serving.close();
  rmSync(directory, { recursive: true, force: true });
});

/** An idle log writes one commit more, and then nothing. */
async function idle(engine: Engine): Promise<void> {
  for (let stable = -1; stable !== engine.status().log.stable; ) {
    stable = engine.status().log.stable;
    await sleep(300);
  }
}

/** Everything as it is, but for the log's bytes on their way out. */
function lyingEngine(engine: Engine): Engine {
  const told = async function* (request: Parameters<Engine['logBytes']>[0]) {
    for await (const piece of engine.logBytes(request)) {
      yield piece.kind === 'bytes' && lie !== null ? lie(piece) : piece;
    }
  };
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === 'logBytes') return told;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function append(engine: Engine, bytes: number): Promise<void> {
  const event = { type: 'noted', contentType: 'binary' as const, metadata: new Uint8Array() };
  await engine.append({
    stream: 'orders' as StreamName,
    expected: 'any',
    ack: 'applied',
    events: [{ ...event, id: randomBytes(16), data: randomBytes(bytes) }],
  });
}

/** Follows until caught up, or until the follower has had enough. */
async function follow(
  disk: Disk = new RealDisk(),
  onState: (state: FollowerState) => void = () => undefined,
): Promise<FollowerState | null> {
  const stopping = new AbortController();
  let last: FollowerState | null = null;
  const follower = new Follower({
    address: serving.tls,
    source: 'there:9650',
    directory: copy,
    disk,
    name: null,
    everything: false,
    nowMillis: () => performance.now(),
    report: () => undefined,
    onState: (state) => {
      last = state;
      onState(state);
      const { durable, sourceEnd } = state;
      if (durable !== null && sourceEnd !== null && durable.sequence >= sourceEnd.sequence) stopping.abort();
    },
  });
  await follower.run(stopping.signal);
  return last;
}

/** The copy's files are the beginning of the source's. */
function holdsOnlyTheSource(): void {
  const wal = join(copy, 'wal');
  for (const name of existsSync(wal) ? readdirSync(wal).filter((each) => !each.endsWith('.tmp')) : []) {
    const ours = readFileSync(join(wal, name));
    const theirName = readdirSync(join(data, 'wal')).find((each) => each.slice(0, 31) === name.slice(0, 31));
    const theirs = readFileSync(join(data, 'wal', theirName as string));
    const end = ours.findLastIndex((byte) => byte !== 0) + 1;
    expect(ours.subarray(0, end).equals(theirs.subarray(0, end))).toBe(true);
  }
}

const LIES: Readonly<Record<string, { readonly lie: Lie; readonly problem: string }>> = {
  'flips a bit of a payload': {
    lie: (piece) => {
      const bytes = Buffer.from(piece.bytes);
      const at = bytes.length - 1000;
      bytes.writeUInt8(bytes.readUInt8(at) ^ 2, at);
      return { ...piece, bytes };
    },
    problem: 'checksum',
  },
  'leaves out the beginning of what it sends': {
    lie: (piece) => {
      // The epoch's group is the first of the log; what follows it comes at its place.
      const bytes = piece.offset === 4096 ? Buffer.from(piece.bytes).subarray(304) : piece.bytes;
      return { ...piece, bytes };
    },
    problem: 'sequence',
  },
  'sends zeros': {
    lie: (piece) => ({ ...piece, bytes: Buffer.alloc(piece.bytes.length) }),
    problem: 'unwritten',
  },
};

describe('a source that', () => {
  for (const [what, { lie: told, problem }] of Object.entries(LIES)) {
    test(`${what} is refused with the place, and believed again when it tells the truth`, async () => {
      lie = told;
      await expect(follow()).rejects.toMatchObject({ code: 'CORRUPT', details: { side: 'source', problem } });
      holdsOnlyTheSource();
      lie = null;
      const { stable } = serving.engine.status().log;
      const state = await follow();
      // Its own login is an entry more, which it need not wait for.
      expect(state?.durable?.sequence).toBeGreaterThanOrEqual(stable);
      holdsOnlyTheSource();
      expect(readdirSync(join(copy, 'wal')).length).toBeGreaterThan(1);
    });
  }
});

describe('a copy whose disk', () => {
  test('is full says so, keeps what it has and goes on when there is space', async () => {
    const disk = new MemoryDisk();
    disk.freeBytes = SEGMENT_BYTES + SEGMENT_BYTES / 2;
    const problems = new Set<string>();
    const { stable } = serving.engine.status().log;
    const state = await follow(disk, ({ problem }) => {
      if (problem !== null) problems.add(problem);
      if (problem !== null && problems.size === 1) disk.freeBytes = Number.POSITIVE_INFINITY;
    });
    expect([...problems].join()).toContain('cannot be written: ENOSPC');
    expect(state?.durable?.sequence).toBeGreaterThanOrEqual(stable);
    const names = disk.paths().filter((path) => path.startsWith(join(copy, 'wal')));
    expect(names.length).toBeGreaterThan(1);
    for (const path of names) {
      const ours = Buffer.from(disk.bytesOf(path));
      const end = ours.findLastIndex((byte) => byte !== 0) + 1;
      expect(readFileSync(path.replace(copy, data)).subarray(0, end).equals(ours.subarray(0, end))).toBe(
        true,
      );
    }
  });

  test('fails to sync ends it: what was not durable is fetched again', async () => {
    const disk = new MemoryDisk();
    let syncs = 0;
    disk.beforeOperation = (name) => {
      if (name === 'fdatasync' && ++syncs === 2) disk.failingSyncs = 1;
    };
    await expect(follow(disk)).rejects.toMatchObject({ code: 'IO' });
    disk.beforeOperation = () => undefined;
    const { stable } = serving.engine.status().log;
    const state = await follow(disk);
    expect(state?.durable?.sequence).toBeGreaterThanOrEqual(stable);
    for (const path of disk.paths().filter((each) => each.startsWith(join(copy, 'wal')))) {
      const ours = Buffer.from(disk.bytesOf(path));
      const end = ours.findLastIndex((byte) => byte !== 0) + 1;
      expect(readFileSync(path.replace(copy, data)).subarray(0, end).equals(ours.subarray(0, end))).toBe(
        true,
      );
    }
  });
});
