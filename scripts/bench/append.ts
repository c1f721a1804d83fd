/**
 * `bench append`: what an append costs the thread that orders. Once over a log that keeps nothing, which leaves the
 * engine's own share, and once over the real one. CPU time is this thread's: other programs on the machine do not count.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, initDatabase, openEngine, openEngineOver } from '../../db/engine.ts';
import type { EventDraft, StreamName } from '../../db/kernel/event.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../db/types.ts';
import type { AppendedRange, ClosedCommit, EntryDraft, Log, LogStatus } from '../../db/wal/log.ts';
import { atMost, type Bench, type BenchContext, type BenchRow, median, rounded } from './bench.ts';

const ROUNDS = 5;
const EVENTS_PER_ROUND = 200_000;
const DATA_BYTES = 256;
/** A few microseconds of CPU an append, as the engine's own share. */
const APPEND_MICROS_AIM = 5;
/** 500,000 events a second leave two microseconds of the ordering thread for each. */
const EVENT_MICROS_AIM = 2;

interface Load {
  readonly name: string;
  readonly batch: number;
  readonly inFlight: number;
  readonly streams: number;
}

const LOADS: readonly Load[] = [
  { name: 'batches of 1,000', batch: 1000, inFlight: 8, streams: 8 },
  { name: '1,024 single, 64 streams', batch: 1, inFlight: 1024, streams: 64 },
  { name: '1,024 single, 10,000 streams', batch: 1, inFlight: 1024, streams: 10_000 },
];

export const append: Bench = {
  name: 'append',
  summary: `CPU of the ordering thread per append and event of ${DATA_BYTES} bytes, without and with the disk.`,
  run: async (context) => {
    const rows: BenchRow[] = [];
    const engines = { 'engine alone': await overNothing(context), 'with the log': await overDisk(context) };
    for (const [what, engine] of Object.entries(engines)) {
      for (const load of LOADS) {
        context.progress(`${what}: ${load.name}`);
        rows.push(await measure(engine, what, load, context.signal));
      }
      await engine.close();
    }
    const [batches, ...singles] = rows;
    return {
      rows,
      aims: [
        atMost('engine alone, us an event in batches', EVENT_MICROS_AIM, Number(batches?.['cpu_event_us'])),
        atMost('engine alone, us an append', APPEND_MICROS_AIM, Number(singles[0]?.['cpu_append_us'])),
      ],
    };
  },
};

async function measure(engine: Engine, what: string, load: Load, signal: AbortSignal): Promise<BenchRow> {
  const streams = Array.from(
    { length: load.streams },
    (_, at) => `${what}-${load.batch}-${at}` as StreamName,
  );
  const cpu: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    const events = Array.from({ length: EVENTS_PER_ROUND }, draft);
    const start = { cpu: cpuMicros(), at: performance.now() };
    await appendAll(engine, load, streams, events);
    cpu.push((cpuMicros() - start.cpu) / events.length);
    rates.push((events.length / (performance.now() - start.at)) * 1000);
  }
  return {
    what,
    load: load.name,
    cpu_event_us: rounded(median(cpu)),
    cpu_append_us: rounded(median(cpu) * load.batch),
    events_s: Math.round(median(rates)),
  };
}

async function appendAll(engine: Engine, load: Load, streams: readonly StreamName[], events: EventDraft[]) {
  let taken = 0;
  let turn = 0;
  const client = async (): Promise<void> => {
    while (taken < events.length) {
      const batch = events.slice(taken, taken + load.batch);
      taken += load.batch;
      const stream = streams[turn++ % streams.length]!;
      await engine.append({ stream, expected: 'any', events: batch, ack: 'applied' });
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, client));
}

let made = 0;
const DATA = new Uint8Array(DATA_BYTES);
const NOTHING = new Uint8Array();

function draft(): EventDraft {
  const id = new Uint8Array(16);
  const view = new DataView(id.buffer);
  view.setUint32(0, Math.imul(made, 0x9e3779b1));
  view.setUint32(4, made++);
  return { id, type: 'measured', contentType: 'binary', data: DATA, metadata: NOTHING };
}

function cpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

async function overDisk(context: BenchContext): Promise<Engine> {
  const directory = join(context.directory, 'real');
  initDatabase({ directory });
  return openEngine({ directory });
}

async function overNothing(context: BenchContext): Promise<Engine> {
  const directory = join(context.directory, 'nothing');
  for (const folder of ['', 'metadata', 'views']) mkdirSync(join(directory, folder), { recursive: true });
  return openEngineOver(new ForgetfulLog(), { directory, checkpointEntries: Number.POSITIVE_INFINITY });
}

/** Gives places and says "stable" a turn later. Reading it back is impossible: nothing in this benchmark does. */
class ForgetfulLog implements Log {
  readonly identity = {
    logId: new Uint8Array(16).fill(1),
    segmentBytes: 1 << 26,
    entryBytesMax: 1 << 22,
    hash: 'sha256' as const,
  };
  readonly commandBytesMax = 1 << 24;
  readonly epoch = 1 as Epoch;
  readonly #onCommit = new Set<(commit: ClosedCommit) => void>();
  readonly #onStable = new Set<(stable: Sequence) => void>();
  #next = 1;
  #stable = 0;
  #groupFirst = 0;
  #ordinal = 0;

  get next(): Sequence {
    return this.#next as Sequence;
  }

  get stable(): Sequence {
    return this.#stable as Sequence;
  }

  append(entries: readonly EntryDraft[], recordedAt: RecordedAt): AppendedRange {
    const first = this.#next as Sequence;
    if (this.#groupFirst === 0) {
      this.#groupFirst = first;
      setImmediate(() => this.#closeGroup(recordedAt));
    }
    this.#next += entries.length;
    return { first, last: (this.#next - 1) as Sequence };
  }

  onCommit(listener: (commit: ClosedCommit) => void): () => void {
    this.#onCommit.add(listener);
    return () => this.#onCommit.delete(listener);
  }

  onStable(listener: (stable: Sequence) => void): () => void {
    this.#onStable.add(listener);
    return () => this.#onStable.delete(listener);
  }

  get written(): Sequence {
    return this.stable;
  }

  onWritten(): () => void {
    return () => {};
  }

  onRoom(): () => void {
    return () => {};
  }

  onFailure(): () => void {
    return () => {};
  }

  status(): LogStatus {
    const none = { bounds: [Number.POSITIVE_INFINITY], counts: [0], sum: 0, count: 0 };
    const { identity, epoch, stable, next } = this;
    return {
      ...{
        identity,
        epoch,
        stable,
        next,
        durability: 'group_sync',
        segments: 0,
        readOnly: null,
        failed: null,
      },
      ...{ queueBytes: 0, queueBytesMax: 0, queueEntries: 0, bytesWritten: 0, bytesZeroFilled: 0 },
      ...{ writeMicros: none, syncMicros: none, groupEntries: none, busyFraction: 0 },
    };
  }

  async *read() {}
  async *readBackwards() {}

  entryAt(): null {
    return null;
  }

  async close(): Promise<void> {}

  #closeGroup(recordedAt: RecordedAt): void {
    const first = this.#groupFirst as Sequence;
    const sequence = this.#next++ as Sequence;
    const ordinal = ++this.#ordinal as CommitOrdinal;
    this.#groupFirst = 0;
    for (const listener of this.#onCommit)
      listener({ ordinal, epoch: this.epoch, recordedAt, first, sequence });
    setImmediate(() => {
      this.#stable = sequence;
      for (const listener of this.#onStable) listener(sequence);
    });
  }
}
