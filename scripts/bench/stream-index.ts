/** `bench stream-index`: what finding events costs: memory an event, time to apply, save, restore, digest. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RealDisk } from '../../db/io/index.ts';
import type { StreamName } from '../../db/kernel/event.ts';
import { EVENT_ENTRY_TYPE, EventEncoder } from '../../db/kernel/index.ts';
import { CheckpointStore, type PendingPart } from '../../db/materializer/checkpoint-store.ts';
import { ThreadedRunner, type ViewCommit } from '../../db/materializer/index.ts';
import { StreamIndex } from '../../db/streams/stream-index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Revision, Sequence, TenantId } from '../../db/types.ts';
import type { LogEntry } from '../../db/wal/log.ts';
import { atMost, type Bench, type BenchContext, type BenchRow, rounded } from './bench.ts';

const EVENTS = 4_000_000;
const COMMIT_EVENTS = 1000;
const LOG_ID = new Uint8Array(16).fill(1);
const LOG_ID_HEX = Buffer.from(LOG_ID).toString('hex');
/** Bytes an event the index may take at most, in every shape measured. */
const BYTES_AIM = 64;
/** Longest the appending thread may stand still while a checkpoint is written, in milliseconds. */
const PAUSE_AIM_MILLIS = 50;

interface Shape {
  readonly name: string;
  readonly streams: number;
}

export const streamIndex: Bench = {
  name: 'stream-index',
  summary: `Bytes and time per event of the stream index, at ${EVENTS.toLocaleString('en-US')} events.`,
  run: async (context) => {
    const shapes: Shape[] = [
      { name: 'one stream', streams: 1 },
      { name: '1,000 streams', streams: 1000 },
      { name: 'ten events a stream', streams: EVENTS / 10 },
    ];
    const rows: BenchRow[] = [];
    for (const shape of shapes) {
      context.progress(shape.name);
      rows.push(await measure(shape, context));
    }
    const greatest = (column: string): number => Math.max(...rows.map((row) => Number(row[column])));
    return {
      rows,
      aims: [
        atMost('bytes an event', BYTES_AIM, greatest('bytes_event')),
        atMost('pause while saving, ms', PAUSE_AIM_MILLIS, greatest('save_pause_ms')),
      ],
    };
  },
};

async function measure(shape: Shape, context: BenchContext): Promise<BenchRow> {
  const index = new StreamIndex(LOG_ID);
  const apply = applyAll(index, shape.streams);
  const directory = join(context.directory, shape.name.replaceAll(/\W/g, '-'));
  for (const folder of [directory, join(directory, 'metadata')]) mkdirSync(folder);
  const options = { disk: new RealDisk(), directory, logId: LOG_ID_HEX, report: context.progress };
  const store = new CheckpointStore(options);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const saving = performance.now();
  await saveIndex(index, store);
  const save = performance.now() - saving;
  delay.disable();
  const again = new CheckpointStore(options);
  const restored = new StreamIndex(LOG_ID);
  const restoring = cpuMillis();
  restored.restore(again.reader(again.record('stream-index')!));
  const restore = cpuMillis() - restoring;
  const digesting = cpuMillis();
  if (restored.digest() !== index.digest()) throw new Error('the restored index is another one');
  const digest = (cpuMillis() - digesting) / 2;
  rmSync(directory, { recursive: true });
  return {
    shape: shape.name,
    bytes_event: rounded(index.bytes / EVENTS),
    apply_ns: rounded((apply * 1e6) / EVENTS),
    save_ms: rounded(save),
    save_pause_ms: rounded(delay.max / 1e6),
    restore_ns: rounded((restore * 1e6) / EVENTS),
    digest_ms: rounded(digest),
  };
}

/** CPU milliseconds of applying alone; making the events is not counted. */
function applyAll(index: StreamIndex, streams: number): number {
  const encoder = new EventEncoder();
  const names = Array.from({ length: streams }, (_, at) => `stream-number-${at}` as StreamName);
  const revisions = new Uint32Array(streams);
  let millis = 0;
  let sequence = 1;
  for (let made = 0; made < EVENTS; ) {
    const entries: LogEntry[] = [];
    for (let each = 0; each < COMMIT_EVENTS; each++, made++) {
      const stream = made % streams;
      const id = eventId(made);
      const event = { id, type: 'measured', contentType: 'json' as const, data: NOTHING, metadata: NOTHING };
      const payload = encoder.encode(names[stream]!, revisions[stream]!++ as Revision, event);
      entries.push({ ...ENTRY, sequence: sequence++ as Sequence, payload });
    }
    const commit: ViewCommit = { ...COMMIT, sequence: sequence++ as Sequence, entries };
    const start = cpuMillis();
    index.onCommit(commit);
    millis += cpuMillis() - start;
  }
  return millis;
}

const NOTHING = new Uint8Array();
const ENTRY = {
  ordinal: 1 as CommitOrdinal,
  type: EVENT_ENTRY_TYPE,
  tenant: 0 as TenantId,
  partitionKey: 0n,
  flags: 0,
};
const COMMIT = { ordinal: 1 as CommitOrdinal, epoch: 1 as Epoch, recordedAt: 1n as RecordedAt };

function eventId(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, Math.imul(number, 0x9e3779b1));
  new DataView(id.buffer).setUint32(4, number);
  return id;
}

async function saveIndex(index: StreamIndex, store: CheckpointStore): Promise<void> {
  const parts: PendingPart[] = [];
  index.checkpoint({ part: (name, chunks) => parts.push({ name, chunks }) });
  const chain = new Uint8Array(32);
  const runner = new ThreadedRunner();
  await store.save({ name: 'stream-index', version: 1, applied: 1 as Sequence, chain, parts }, runner);
  await runner.close();
}

/** Of this thread; what other programs of the machine do does not count. */
function cpuMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
