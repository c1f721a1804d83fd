/** A source, and copies of it that can be read, on disks in memory. */
import {
  type Engine,
  type EngineOptions,
  initDatabase,
  type OverLogOptions,
  openEngine,
  openEngineOver,
} from '../../../db/engine.ts';
import { FollowedLog, readOnlyCopy } from '../../../db/follow/followed-log.ts';
import type { LogFrame } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { Sequence } from '../../../db/types.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, randomFrom, SEGMENT_BYTES } from '../wal/support.ts';
import { COPY, openCopy } from './support.ts';

export const FOLLOWING = { source: 'there:9650', connected: true, lag: null, reconnects: 0, problem: null };

/** Waits for other work of the event loop until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    if (turn > 5000) throw new Error('it did not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** `options`: of the engine. */
export async function newSource(
  options: Partial<EngineOptions> = {},
): Promise<{ disk: MemoryDisk; engine: Engine }> {
  const disk = new MemoryDisk();
  initDatabase({ directory: DIRECTORY, disk, random: randomFrom(1), segmentBytes: SEGMENT_BYTES });
  return {
    disk,
    engine: await openEngine({ directory: DIRECTORY, disk, inline: true, random: randomFrom(2), ...options }),
  };
}

let ids = 0;

export async function append(engine: Engine, stream: string, events: number, bytes: number): Promise<void> {
  await engine.append({
    stream: stream as StreamName,
    expected: 'any',
    ack: 'applied',
    events: Array.from({ length: events }, () => ({
      id: randomFrom(++ids)(16),
      type: 'noted',
      contentType: 'binary' as const,
      data: new Uint8Array(bytes).fill(7),
      metadata: new Uint8Array(),
    })),
  });
}

/**
 * A copy over which an engine is open, and the way to bring it what the source has by now. `prepared` comes when the copy has its
 * first bytes and no engine yet; `disk` may have a copy from before.
 */
export async function openReplica(
  source: Engine,
  openedAt: 'end' | 'seal' = 'end',
  options: Partial<OverLogOptions> & { readonly prepared?: (disk: MemoryDisk) => void } = {},
  disk = new MemoryDisk(),
) {
  const { copy, receiver } = openCopy(disk);
  copy.settle();
  const abort = new AbortController();
  const take = (frames: readonly LogFrame[]): void => {
    for (const frame of frames) for (const received of receiver.receive(frame)) copy.apply(received);
    copy.sync();
  };
  const stream = source
    .logBytes({ from: (copy.end.sequence + 1) as Sequence, name: 'copy', signal: abort.signal })
    [Symbol.asyncIterator]();
  const catchUp = async (to: 'end' | 'seal' = 'end'): Promise<void> => {
    while (to === 'end' || copy.end.segment === 0 || !copy.end.sealed) {
      const { value } = await stream.next();
      if (value === undefined) return;
      take([value]);
      if (value.kind === 'end' && value.caughtUp && copy.end.sequence >= source.status().log.stable) return;
    }
  };
  await catchUp(openedAt);
  const identity = source.status().log.identity;
  const log = new FollowedLog({
    disk,
    directory: COPY,
    identity,
    source: 'there:9650',
    stable: copy.end.sequence,
    onClose: async () => copy.close(),
  });
  const { prepared, ...others } = options;
  prepared?.(disk);
  const engine = await openEngineOver(log, {
    ...others,
    directory: COPY,
    disk,
    replication: {
      onReplicated: (listener) => log.onReplicated(listener),
      onGap: (listener) => log.onGap(listener),
      refusal: () => readOnlyCopy('there:9650'),
      status: () => FOLLOWING,
    },
  });
  const follow = async (): Promise<void> => {
    await catchUp();
    log.advance(copy.end.sequence);
    await until(() => log.stable === copy.end.sequence);
  };
  const close = async (): Promise<void> => {
    abort.abort();
    await engine.close();
  };
  return { disk, engine, log, follow, close };
}

export async function everything(engine: Engine) {
  const page = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10_000 });
  return page.events.map(({ position, revision, stream, id, recordedAt }) => ({
    position,
    revision,
    stream,
    id,
    recordedAt,
  }));
}
