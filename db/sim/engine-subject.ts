/**
 * The engine over the log: appends to a few streams with expected revisions and repeated ids, checkpoints of views in the
 * background; what a start shows against the ledger, and every view against a replay from zero.
 */
import { claimsOf, type Engine, openEngineOver, VIEWS } from '../engine.ts';
import { TruthError } from '../errors.ts';
import type { AppendRequest, AppendResult, EventDraft, RecordedEvent, StreamName } from '../kernel/event.ts';
import { SnapshotStore, verifySnapshot } from '../snapshot/index.ts';
import { streamIndex } from '../streams/index.ts';
import type { Revision, Sequence } from '../types.ts';
import { archiveSegments, type OpenedLog, openLog } from '../wal/index.ts';
import type { SimDisk } from './disk.ts';
import { EPOCH_ENTRIES, init, isWritable } from './log-subject.ts';
import { hashOf, Payloads } from './payloads.ts';
import type { SimKind } from './plan.ts';
import { ProbeView } from './probe-view.ts';
import { eventsFrom, PrunedPast, pruneAsFarAsPossible } from './pruned-past.ts';
import type { Random } from './random.ts';
import { RankingSubject } from './ranking-subject.ts';
import { ARCHIVE, DIRECTORY, SEGMENT_BYTES, type Subject, type SubjectContext, settled } from './subject.ts';
import { compareTwins, type Twin, twin } from './view-twin.ts';
import { Violation } from './violation.ts';

const STREAMS = ['a', 'b', 'c', 'order-1', 'order-2'] as const;
const TURN_NANOS = 1_000_000;
const PAGE_EVENTS = 1000;
/** Turns after which something that only needs turns has had all it could need. */
const TURNS_MAX = 10_000;

interface Sent {
  readonly request: AppendRequest;
  /** Place in the ledger, from 1. */
  readonly count: number;
  readonly firstRevision: number;
}

export class EngineSubject implements Subject {
  readonly #context: SubjectContext;
  readonly #payloads: Payloads;
  #disk: SimDisk | null = null;
  #engine: Engine | null = null;
  #log: OpenedLog | null = null;
  #views: Twin[] = [];
  #failed = false;
  #initialised = false;
  #recoveredTo = 0;
  #started = false;
  #ids = 0;
  /** Requests that are in the ledger, in its order, and how many events each stream has with them. */
  #sent: Sent[] = [];
  readonly #revisions = new Map<StreamName, number>();
  readonly #past = new PrunedPast();
  /** Highest position of a snapshot that was reported as taken. */
  #snapshotAt = 0;
  #violation: Violation | null = null;
  /** Null in runs that leave the ranking layer alone. */
  readonly #ranking: RankingSubject | null;

  constructor(context: SubjectContext, ranking: Random | null) {
    this.#context = context;
    this.#payloads = new Payloads(context.random, context.plan);
    this.#ranking = ranking === null ? null : new RankingSubject(context, ranking);
  }

  get failed(): boolean {
    return this.#failed;
  }

  get started(): boolean {
    return this.#started;
  }

  get recoveredTo(): number {
    return this.#recoveredTo;
  }

  async open(disk: SimDisk): Promise<void> {
    const { plan, random, time, ledger, counts } = this.#context;
    this.#disk = disk;
    this.#failed = false;
    this.#started = false;
    const bytes = (count: number): Uint8Array => random.bytes(count);
    if (!this.#initialised) init(disk, bytes, plan.entryBytesMax);
    this.#initialised = true;
    const log = await openLog({
      directory: DIRECTORY,
      disk,
      clock: time,
      scheduler: time,
      random: bytes,
      durability: plan.durability,
      ringBytes: plan.ringBytes,
      inline: true,
      marks: claimsOf(disk, DIRECTORY),
    });
    this.#started = isWritable(log);
    this.#recoveredTo = log.stable - (this.#started ? EPOCH_ENTRIES : 0);
    if (log.torn !== null) counts.tornTails += 1;
    counts.segments = Math.max(counts.segments, log.status().segments);
    this.#log = log;
    this.#views = [
      twin('probe', () => new ProbeView()),
      twin('index-twin', (context) => streamIndex.create(context)),
      ...(this.#ranking?.twins() ?? []),
    ];
    this.#engine = await this.#pump(
      openEngineOver(log, {
        directory: DIRECTORY,
        disk,
        clock: time,
        scheduler: time,
        views: this.#views.map(({ definition }) => definition),
        checkpointEntries: plan.checkpointEntries,
        snapshots: { everyCommits: plan.checkpointEntries, everyBytes: 0, keep: 2 },
        prunable: log,
      }),
    );
    const { readOnly } = this.#engine.status();
    if (readOnly !== null) throw new TruthError('VIEW_AHEAD', readOnly);
    this.#engine.onFailure(() => {
      this.#failed = true;
    });
    await this.#compare();
    this.#ranking?.begin(log, () => this.#failed || this.#log !== log || this.#disk?.stopped !== false);
    this.#compareSnapshots(disk);
    counts.commands = Math.max(counts.commands, ledger.count);
  }

  async step(): Promise<void> {
    const { random, time } = this.#context;
    const action = random.weighted({
      append: 60,
      turn: 20,
      time: 10,
      look: 4,
      clock: 2,
      snapshot: 5,
      prune: 7,
    });
    if (action === 'append') await this.#appendSome();
    else if (action === 'time') this.#letTimePass(random.pick([1, 6, 60]) * TURN_NANOS);
    else if (action === 'clock') time.setClock(BigInt(random.between(-1000, 1000)) * 1_000_000n);
    else if (action === 'look') await this.#compareViews();
    else if (action === 'snapshot') await this.#takeSnapshot();
    else if (action === 'prune') await this.#prune();
    if (this.#ranking !== null && this.#context.random.chance(0.5))
      this.#ranking.step(this.#opened, this.#openedLog);
    await this.#turn();
    this.#noteSnapshot();
    this.#throwViolation();
  }

  async close(): Promise<void> {
    const { ledger } = this.#context;
    this.#noteSnapshot();
    await this.#pump(this.#opened.close());
    this.#throwViolation();
    if (!this.#failed && this.#disk?.stopped === false) ledger.acknowledge(ledger.count);
  }

  checkContent(content: readonly bigint[]): void {
    const { entries } = this.#context.ledger;
    if (content.length === entries) return;
    throw new Violation(
      'prefix of the issued',
      `${entries} events were issued, the log holds ${content.length}`,
    );
  }

  #throwViolation(): void {
    const violation = this.#violation ?? this.#ranking?.violation ?? null;
    if (violation !== null) throw violation;
  }

  get #openedLog(): OpenedLog {
    if (this.#log === null) throw new Error('the log is not open');
    return this.#log;
  }

  get #opened(): Engine {
    if (this.#engine === null) throw new Error('the engine is not open');
    return this.#engine;
  }

  /** One turn of the event loop: groups close, promises settle. */
  async #turn(): Promise<void> {
    await settled();
    this.#context.time.runTurn();
    await settled();
  }

  /** A sync that a timer makes is noticed with the next flush, where nothing runs beside the log to notice it. */
  #letTimePass(nanos: number): void {
    this.#context.time.advance(nanos);
    this.#log?.flush();
  }

  /** Lets turns and time pass until the promise settles. Stops waiting when the machine has stopped. */
  async #pump<T>(promise: Promise<T>): Promise<T> {
    let outcome: { value: T } | { error: unknown } | null = null;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (let turn = 0; outcome === null; turn++) {
      await this.#turn();
      if (turn % 16 === 15) this.#letTimePass(TURN_NANOS);
      if (outcome === null && this.#disk?.stopped === true) throw new Error('the machine stopped meanwhile');
      if (turn > TURNS_MAX) throw new Violation('answers', 'a call never ended');
    }
    const ended = outcome as { value: T } | { error: unknown };
    if ('error' in ended) throw ended.error;
    return ended.value;
  }

  /** Within one turn, so that they share a group; a refusal is heard of before the next. */
  async #appendSome(): Promise<void> {
    for (let more = this.#context.random.between(1, 3); more > 0; more--) {
      this.#append();
      for (let task = 0; task < 3; task++) await null;
    }
  }

  #append(): void {
    const { random } = this.#context;
    const kind = random.weighted({ fresh: 80, repeated: 10, wrong: 10 });
    const earlier = this.#sent[random.below(this.#sent.length)];
    if (kind === 'repeated' && earlier !== undefined && !this.#isPruned(earlier)) this.#repeat(earlier);
    else if (kind === 'wrong') this.#sendWrong();
    else this.#sendFresh();
  }

  #sendFresh(): void {
    const { random, ledger, counts } = this.#context;
    const stream = random.pick(STREAMS) as StreamName;
    const before = this.#revisions.get(stream) ?? 0;
    const durability = random.pick([undefined, undefined, 'sync', 'group_sync', 'async'] as const);
    const ack =
      durability === 'async' || this.#context.plan.durability === 'async'
        ? 'durable'
        : random.pick(['applied', 'durable'] as const);
    const request: AppendRequest = {
      stream,
      expected: random.chance(0.7) ? 'any' : before === 0 ? 'none' : ((before - 1) as Revision),
      events: this.#events(),
      ack,
      ...(durability === undefined ? {} : { durability }),
    };
    const promise = this.#opened.append(request);
    const sent: Sent = { request, count: ledger.count + 1, firstRevision: before };
    ledger.issue({ hashes: request.events.map(hashOfEvent) });
    this.#sent.push(sent);
    this.#revisions.set(stream, before + request.events.length);
    counts.commands += 1;
    promise.then(
      (result) => this.#answered(sent, result, false),
      (error: unknown) => this.#refused(sent, error),
    );
  }

  #answered(sent: Sent, result: AppendResult, duplicate: boolean): void {
    const { ledger, counts } = this.#context;
    const expected = { first: sent.firstRevision, last: sent.firstRevision + sent.request.events.length - 1 };
    if (
      result.firstRevision !== expected.first ||
      result.lastRevision !== expected.last ||
      result.duplicate !== duplicate
    ) {
      this.#violation ??= new Violation(
        'answers',
        `an append was answered ${JSON.stringify(result)}, not ${JSON.stringify(expected)}`,
      );
    }
    // What is answered as not durable is at least out of the process's hands.
    if (!this.#failed && this.#disk?.stopped === false) ledger.noteWritten(sent.count);
    if (!result.durable) return;
    counts.acknowledged += Math.max(sent.count - ledger.acknowledged, 0);
    ledger.acknowledge(sent.count);
  }

  /** Only what could not be taken may be refused, and only the last: those after it were decided on it. */
  #refused(sent: Sent, error: unknown): void {
    if (this.#failed || this.#disk?.stopped === true) return;
    const { ledger } = this.#context;
    const code = error instanceof TruthError ? error.code : null;
    const last = sent.count === ledger.count;
    if ((code === 'BUSY' || code === 'DISK_FULL' || code === 'TOO_LARGE') && last) {
      ledger.withdraw();
      this.#sent.pop();
      this.#revisions.set(sent.request.stream, sent.firstRevision);
      return;
    }
    this.#violation ??= new Violation('answers', `an append was refused: ${String(error)}`, error);
  }

  /** The same request again: the same answer, and nothing new in the log. */
  #repeat(earlier: Sent): void {
    this.#opened
      .append({ ...earlier.request, expected: 'any', ack: 'durable', durability: 'group_sync' })
      .then(
        (result) => this.#answered(earlier, result, true),
        (error: unknown) => this.#mustBe(error, null),
      );
  }

  #sendWrong(): void {
    const { random } = this.#context;
    const stream = random.pick(STREAMS) as StreamName;
    const expected = ((this.#revisions.get(stream) ?? 0) + 3) as Revision;
    const [event] = this.#events();
    if (event === undefined) return;
    this.#opened.append({ stream, expected, events: [event], ack: 'durable' }).then(
      () => {
        this.#violation ??= new Violation('answers', 'an append with a wrong expected revision was taken');
      },
      (error: unknown) => this.#mustBe(error, 'WRONG_EXPECTED_REVISION'),
    );
  }

  #mustBe(error: unknown, code: string | null): void {
    if (this.#failed || this.#disk?.stopped === true) return;
    if (error instanceof TruthError && error.code === code) return;
    this.#violation ??= new Violation(
      'answers',
      `${code ?? 'an answer'} was expected, ${String(error)} came`,
      error,
    );
  }

  /** One to four events, together no more than a command may take. */
  #events(): EventDraft[] {
    const { random, plan } = this.#context;
    let left = Math.min(plan.ringBytes / 2, SEGMENT_BYTES) - 4096;
    return Array.from({ length: random.pick([1, 1, 2, 4]) }, () => {
      this.#ids += 1;
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(4, this.#ids);
      // Names, ids and lengths take some of the entry.
      const bytes = Math.min(plan.entryBytesMax, left) - 500;
      const data = this.#payloads.next().subarray(0, Math.max(bytes, 0));
      left -= data.length + 500;
      return { id, type: 'simulated', contentType: 'binary', data, metadata: new Uint8Array() };
    });
  }

  async #compare(): Promise<void> {
    const { ledger } = this.#context;
    const events = await this.#allEvents();
    const commands = ledger.match(events.map(hashOfEvent));
    ledger.checkKept(commands);
    ledger.settle(commands);
    this.#sent = this.#sent.slice(0, commands);
    this.#revisions.clear();
    for (const { stream } of events) this.#revisions.set(stream, (this.#revisions.get(stream) ?? 0) + 1);
    await this.#compareStreams(events);
    await this.#compareViews();
  }

  /** Those that were pruned are known from before. */
  async #allEvents(): Promise<RecordedEvent[]> {
    const { floor } = this.#openedLog.retention;
    return [...this.#past.eventsBefore(floor), ...(await eventsFrom(this.#opened, floor))];
  }

  async #compareStreams(events: readonly RecordedEvent[]): Promise<void> {
    const stream = this.#context.random.pick(STREAMS) as StreamName;
    const { floor } = this.#openedLog.retention;
    const expected = events.filter((event) => event.stream === stream && event.position >= floor);
    if (expected[0] === undefined) return;
    const positions: number[] = [];
    for (let from = expected[0].revision; ; ) {
      const page = await this.#opened.readStream({ stream, direction: 'forwards', from, limit: PAGE_EVENTS });
      positions.push(...page.events.map(({ position }) => position));
      if (page.end) break;
      from = page.next as Revision;
    }
    if (positions.join() === expected.map(({ position }) => position).join()) return;
    throw new Violation(
      'views equal replay',
      `stream ${stream} reads ${positions}, all events have ${expected.map(({ position }) => position)}`,
    );
  }

  /** Appends of the same turn are in it or not; a disk that fails costs the snapshot and nothing else. */
  async #takeSnapshot(): Promise<void> {
    if (this.#failed || this.#disk?.stopped === true) return;
    const taken = this.#opened.snapshots.create().catch((error: unknown) => {
      if (this.#context.plan.kind === 'error' || this.#failed || this.#disk?.stopped === true) return;
      throw error;
    });
    await this.#appendSome();
    await this.#pump(taken);
  }

  /** Archives what is sealed, and removes what nobody holds. Either may be refused, or fail with the disk. */
  async #prune(): Promise<void> {
    const { plan, random, counts } = this.#context;
    const log = this.#openedLog;
    const disk = this.#disk;
    if (disk === null || disk.stopped || this.#failed || !prunes(plan.kind)) return;
    const before = random.pick([log.stable, random.between(1, log.stable)]) as Sequence;
    try {
      archiveSegments({ disk, directory: DIRECTORY, to: ARCHIVE, before, progress: () => {} });
      if (random.chance(0.2)) return;
      await this.#past.remember(this.#opened, log, before);
      counts.pruned += pruneAsFarAsPossible(this.#opened, before);
    } catch (error) {
      if (disk.stopped || plan.kind === 'error') return;
      throw error;
    }
  }

  #isPruned({ count }: Sent): boolean {
    const pruned = this.#past.eventsBefore(this.#openedLog.retention.floor).length;
    const before = this.#sent
      .slice(0, count - 1)
      .reduce((sum, { request }) => sum + request.events.length, 0);
    return before < pruned;
  }

  #noteSnapshot(): void {
    if (this.#disk?.stopped === false)
      this.#snapshotAt = Math.max(this.#snapshotAt, this.#opened.status().snapshots.position);
  }

  /** Whole, every one, and those there that were reported: on a disk that keeps what it was given. */
  #compareSnapshots(disk: SimDisk): void {
    const { plan, counts } = this.#context;
    if (plan.kind === 'damage') return;
    const list = new SnapshotStore(disk, DIRECTORY).list();
    counts.snapshots = Math.max(counts.snapshots, list.length);
    const definitions = [
      ...VIEWS,
      ...this.#views.map(({ definition, fresh }) => ({ ...definition, create: fresh })),
    ];
    for (const { name } of list) {
      const { ok, problems } = verifySnapshot({ disk, directory: DIRECTORY, name, definitions });
      if (!ok) throw new Violation('snapshots are whole', `snapshot ${name}: ${problems.join('; ')}`);
    }
    const newest = list[0]?.position ?? 0;
    if (newest >= this.#snapshotAt) return;
    throw new Violation(
      'snapshots are whole',
      `one at ${this.#snapshotAt} was reported, the newest is at ${newest}`,
    );
  }

  async #compareViews(): Promise<void> {
    const log = this.#log;
    if (log === null || this.#failed || this.#disk?.stopped === true) return;
    await compareTwins(this.#views, this.#opened, log, this.#past.commitsBefore(log.retention.floor));
  }
}

/** Where bytes are damaged or garbage, what was pruned could not be told from what was lost. */
function prunes(kind: SimKind): boolean {
  return kind === 'crash' || kind === 'error';
}

function hashOfEvent({ id, data }: { readonly id: Uint8Array; readonly data: Uint8Array }): bigint {
  return hashOf(id) ^ hashOf(data);
}
