/** TruthDB in this process: the log by itself, which knows entries, and the engine over it, which knows streams and events. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import { newUuid } from '../../../db/protocol/index.ts';
import type { EventDraft, StreamName } from '../../../db/streams/event.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { VERSION } from '../../../db/version.ts';
import { type EntryDraft, initLog, type LogStatus, type OpenedLog, openLog } from '../../../db/wal/index.ts';
import { keepUnderWay } from './keep-under-way.ts';
import { type Peer, payload, type Shape } from './peer.ts';

const STREAMS = 8;
const QUIET_MILLIS = 80;
const NOTHING = new Uint8Array(0);

export const TRUTHDB_LOG = 'TruthDB log';
export const TRUTHDB_ENGINE = 'TruthDB engine';

export const truthdbLibrary: Peer = {
  name: 'TruthDB in process',
  setting: 'group_sync: fdatasync before each acknowledgement',
  durable: true,
  checksums: 'xxHash64 an entry, SHA-256 chain a commit',
  load: 'a loop',
  absent: () => null,
  version: () => VERSION,
  entrants: (shape) => [
    { name: TRUTHDB_LOG, open: (directory) => openTheLog(directory, shape) },
    { name: TRUTHDB_ENGINE, open: (directory) => openTheEngine(directory, shape) },
  ],
};

async function openTheLog(directory: string, shape: Shape) {
  const disk = new RealDisk();
  initLog({ directory, disk, random: randomBytes });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes });
  const waiting = new StableWaiters(log);
  const data = payload(shape.bytes);
  const entry: EntryDraft = { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload: data };
  const command = Array.from({ length: shape.batch }, () => entry);
  const write = (): Promise<void> => {
    const { last } = log.append(command, BigInt(Date.now()) as RecordedAt);
    // Alone in flight there is nothing in this turn to wait for.
    if (shape.inFlight === 1) log.flush();
    return waiting.until(last);
  };
  return {
    run: async (seconds: number) => {
      const rate = (await keepUnderWay(write, shape.inFlight, seconds)) * shape.batch;
      await quiet(() => log.status());
      return rate;
    },
    close: () => log.close(),
  };
}

/** Who waits for which sequence; stable moves in order, so the first are done first. */
class StableWaiters {
  readonly #waiting: { readonly last: Sequence; readonly resolve: () => void }[] = [];

  constructor(log: OpenedLog) {
    log.onStable((stable) => {
      let done = 0;
      while (done < this.#waiting.length && this.#waiting[done]!.last <= stable) done += 1;
      for (const { resolve } of this.#waiting.splice(0, done)) resolve();
    });
  }

  until(last: Sequence): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ last, resolve }));
  }
}

async function openTheEngine(directory: string, shape: Shape) {
  initDatabase({ directory });
  const engine = await openEngine({ directory });
  const data = payload(shape.bytes);
  const draft = (): EventDraft => ({
    id: newUuid(),
    type: 'load',
    contentType: 'binary',
    data,
    metadata: NOTHING,
  });
  let turn = 0;
  const write = () =>
    engine.append({
      stream: `load-${turn++ % STREAMS}` as StreamName,
      expected: 'any',
      events: Array.from({ length: shape.batch }, draft),
      ack: 'durable',
    });
  return {
    run: async (seconds: number) => {
      const rate = (await keepUnderWay(write, shape.inFlight, seconds)) * shape.batch;
      await quiet(() => engine.status().log);
      return rate;
    },
    close: () => engine.close(),
  };
}

/** Waits until the writer has nothing left to fill with zeros: that is part of the log's work, not of whoever comes next. */
async function quiet(status: () => LogStatus): Promise<void> {
  let filled = -1;
  while (filled !== status().bytesZeroFilled) {
    filled = status().bytesZeroFilled;
    await sleep(QUIET_MILLIS);
  }
}
