/** An Engine over arrays: what the server, the client and the CLI are tested against where the log does not matter. */
import type {
  Engine,
  EngineStatus,
  ReadAllRequest,
  ReadStreamRequest,
  Streams,
  SubscribeRequest,
} from '../../../db/engine.ts';
import { TruthError } from '../../../db/errors.ts';
import type {
  AppendRequest,
  AppendResult,
  EventPage,
  RecordedEvent,
  StreamName,
} from '../../../db/streams/event.ts';
import { KeyRing, type NewAuditRecord, TenantDirectory, Tenants } from '../../../db/tenancy/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Revision, Sequence } from '../../../db/types.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { MemorySql } from './memory-sql.ts';

const EMPTY_HISTOGRAM = { bounds: [Number.POSITIVE_INFINITY], counts: [0], sum: 0, count: 0 };

const NO_VIEWS = new TruthError(
  'VIEW_UNAVAILABLE',
  'an engine over arrays has no views to take a snapshot of',
);
const NO_SNAPSHOTS: Engine['snapshots'] = {
  create: () => Promise.reject(NO_VIEWS),
  list: () => [],
  hold: () => {
    throw NO_VIEWS;
  },
  release: () => {
    throw NO_VIEWS;
  },
};

export class MemoryEngine implements Engine {
  readonly events: RecordedEvent[] = [];
  readonly #streams = new Map<StreamName, RecordedEvent[]>();
  readonly #ids = new Map<string, AppendResult>();
  readonly #waiting = new Set<() => void>();
  readonly #failureListeners = new Set<(error: Error) => void>();
  #closed = false;
  #position = 1;
  readonly sql = new MemorySql();
  readonly snapshots = NO_SNAPSHOTS;
  readonly tenants = memoryTenants();
  readonly reducers: Engine['reducers'] = {
    deploy: () => Promise.reject(new TruthError('INVALID_ARGUMENT', 'there are no reducers here')),
    drop: () => Promise.reject(new TruthError('NOT_FOUND', 'there are no reducers here')),
    list: () => [],
    status: () => {
      throw new TruthError('NOT_FOUND', 'there are no reducers here');
    },
  };
  readonly ranking: Engine['ranking'] = {
    execute: () => Promise.reject(new TruthError('NOT_FOUND', 'nothing is ranked here')),
    run: () => Promise.reject(new TruthError('NOT_FOUND', 'nothing is ranked here')),
    write: () => Promise.reject(new TruthError('NOT_FOUND', 'nothing is ranked here')),
    check: () => Promise.reject(new TruthError('NOT_FOUND', 'nothing is ranked here')),
  };
  readonly audited: NewAuditRecord[] = [];
  readonly audit = {
    record: async (records: readonly NewAuditRecord[]) => {
      this.audited.push(...records);
    },
    list: () => [],
  };
  proofs: Engine['proofs'] = null;
  readonly retention = {
    prune: () => {
      throw new TruthError('READ_ONLY', 'an engine over arrays has no log to prune');
    },
    followers: () => [],
    dropFollower: (name: string) => {
      throw new TruthError('NOT_FOUND', `an engine over arrays has no follower ${name}`);
    },
  };
  /** When set, appends wait for it: a test holds the disk still. */
  hold: Promise<void> | null = null;

  /** One set of streams, whoever asks. */
  tenant(): Streams {
    return this;
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    if (this.#closed) throw new TruthError('CLOSED', 'the database is closed');
    const result = this.#decide(request);
    if (this.hold !== null) await this.hold;
    else await new Promise((resolve) => setImmediate(resolve));
    return result;
  }

  submit(request: AppendRequest, settled: (outcome: AppendResult | Error) => void): void {
    this.append(request).then(settled, settled);
  }

  #decide(request: AppendRequest): AppendResult {
    const key = request.events.map((event) => Buffer.from(event.id).toString('hex')).join();
    const known = this.#ids.get(key);
    if (known !== undefined) return { ...known, duplicate: true };
    const stream = this.#streams.get(request.stream) ?? [];
    const actual = stream.length - 1;
    const { expected } = request;
    const wrong =
      (expected === 'none' && actual >= 0) ||
      (expected === 'exists' && actual < 0) ||
      (typeof expected === 'number' && expected !== actual);
    if (wrong) {
      throw new TruthError(
        'WRONG_EXPECTED_REVISION',
        `stream ${request.stream} is at revision ${actual}, not ${expected}`,
        { actual },
      );
    }
    for (const draft of request.events) this.#add(request.stream, stream, draft);
    this.#streams.set(request.stream, stream);
    const result: AppendResult = {
      stream: request.stream,
      firstRevision: (actual + 1) as Revision,
      lastRevision: (stream.length - 1) as Revision,
      position: (this.#position - 1) as Sequence,
      duplicate: false,
      durable: true,
    };
    this.#ids.set(key, result);
    for (const wake of [...this.#waiting]) wake();
    return result;
  }

  #add(name: StreamName, stream: RecordedEvent[], draft: AppendRequest['events'][number]): void {
    const event: RecordedEvent = {
      ...draft,
      id: Uint8Array.from(draft.id),
      data: Uint8Array.from(draft.data),
      metadata: Uint8Array.from(draft.metadata),
      stream: name,
      revision: stream.length as Revision,
      position: this.#position as Sequence,
      recordedAt: (1_700_000_000_000_000_000n + BigInt(this.#position)) as RecordedAt,
    };
    this.#position += 1;
    stream.push(event);
    this.events.push(event);
  }

  async readStream(request: ReadStreamRequest): Promise<EventPage> {
    const stream = this.#streams.get(request.stream);
    if (stream === undefined) throw new TruthError('NOT_FOUND', `there is no stream ${request.stream}`);
    return page(stream, request, (event) => event.revision, stream.length);
  }

  async readAll(request: ReadAllRequest): Promise<EventPage> {
    return page(this.events, request, (event) => event.position, this.#position);
  }

  async *subscribe(request: SubscribeRequest): AsyncIterable<readonly RecordedEvent[]> {
    let after: number = request.from;
    let caughtUp = false;
    while (!(request.signal?.aborted ?? false)) {
      if (this.#closed) throw new TruthError('CLOSED', 'the database is closed');
      const batch = this.events
        .filter((event) => event.position > after)
        .filter((event) => request.stream === undefined || event.stream === request.stream)
        .slice(0, 100);
      after = batch.at(-1)?.position ?? after;
      if (batch.length > 0) {
        yield batch;
      } else if (!caughtUp) {
        caughtUp = true;
        yield [];
      } else {
        await this.#change(request.signal);
      }
    }
  }

  logBytes(): AsyncIterable<never> {
    throw new TruthError('NOT_FOUND', 'an engine over arrays has no log');
  }

  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  status(): EngineStatus {
    const stable = (this.#position - 1) as Sequence;
    return {
      log: {
        identity: {
          logId: new Uint8Array(16).fill(7),
          segmentBytes: 1024,
          entryBytesMax: 1024,
          hash: 'sha256',
        },
        epoch: 1 as Epoch,
        durability: 'group_sync',
        stable,
        next: (stable + 1) as Sequence,
        segments: 1,
        queueBytes: 0,
        queueBytesMax: 1,
        queueEntries: 0,
        writeMicros: EMPTY_HISTOGRAM,
        syncMicros: EMPTY_HISTOGRAM,
        groupEntries: EMPTY_HISTOGRAM,
        bytesWritten: 0,
        bytesZeroFilled: 0,
        busyFraction: 0,
        readOnly: null,
        failed: null,
      },
      views: [],
      memory: { kept: 0, ready: 0, budget: null, spilled: 0, problem: null },
      streams: this.#streams.size,
      events: this.events.length,
      inFlight: 0,
      tables: 0,
      commandsWaiting: 0,
      ...{ queries: { waiting: 0, running: 0, waitingMax: 0 }, readers: null },
      snapshots: { position: 0 as Sequence, taking: false, problem: null },
      readOnly: null,
      beginning: { first: 1 as Sequence, floor: 1 as Sequence, archives: [], problem: null },
      copies: [],
      followers: [],
      scrub: null,
      proofs: null,
      following: null,
    };
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Pretends that the disk failed. */
  fail(error: Error): void {
    for (const listener of this.#failureListeners) listener(error);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Tenants that are remembered for as long as the engine is. */
function memoryTenants(): Tenants {
  const directory = new TenantDirectory();
  let position = 0;
  return new Tenants({
    directory: () => directory,
    logId: new Uint8Array(16),
    ring: new KeyRing({
      ...{ disk: new MemoryDisk(), directory: '/', logId: new Uint8Array(16), source: null },
      random: (bytes) => new Uint8Array(bytes),
    }),
    beforeSealing: () => {},
    append: async (entries) => {
      const sequence = ++position as Sequence;
      const placed = entries.map((entry) => ({
        ...entry,
        ...{ sequence, ordinal: sequence as unknown as CommitOrdinal, partitionKey: 0n, flags: 0 },
      }));
      const commit = {
        ordinal: placed[0]!.ordinal,
        epoch: 1 as Epoch,
        recordedAt: 0n as RecordedAt,
        sequence,
      };
      directory.onCommit({ ...commit, entries: placed });
      return sequence;
    },
    erase: () => Promise.reject(new TruthError('INVALID_ARGUMENT', 'an engine over arrays seals nothing')),
    isCertified: () => false,
    recompute: async () => {},
  });
}

function page(
  events: readonly RecordedEvent[],
  request: {
    readonly direction: 'forwards' | 'backwards';
    readonly from: number | 'start' | 'end';
    readonly limit: number;
  },
  keyOf: (event: RecordedEvent) => number,
  nextKey: number,
): EventPage {
  const from =
    request.from === 'start'
      ? 0
      : request.from === 'end'
        ? request.direction === 'forwards'
          ? nextKey
          : Infinity
        : request.from;
  const forwards = request.direction === 'forwards';
  const matching = forwards
    ? events.filter((event) => keyOf(event) >= from)
    : events.filter((event) => keyOf(event) <= from).reverse();
  const found = matching.slice(0, request.limit);
  const end = found.length === matching.length;
  const last = found.at(-1);
  if (forwards) return { events: found, end, next: last === undefined ? nextKey : keyOf(last) + 1 };
  return { events: found, end, next: end || last === undefined ? 0 : keyOf(last) - 1 };
}
