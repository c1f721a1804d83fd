/** The log alone: commands of a few entries in all durabilities, groups, idle time, reads; what a start shows against the ledger. */
import { TruthError } from '../errors.ts';
import type { RecordedAt, Sequence, TenantId } from '../types.ts';
import {
  type Durability,
  type EntryDraft,
  initLog,
  type Log,
  type LogReader,
  type OpenedLog,
  openLog,
} from '../wal/index.ts';
import type { SimDisk } from './disk.ts';
import { hashOf, Payloads } from './payloads.ts';
import { DIRECTORY, SEGMENT_BYTES, type Subject, type SubjectContext, settled } from './subject.ts';
import { Violation } from './violation.ts';

/** What a start itself adds: an epoch entry and its commit. */
export const EPOCH_ENTRIES = 2;

export class LogSubject implements Subject {
  readonly #context: SubjectContext;
  readonly #payloads: Payloads;
  #disk: SimDisk | null = null;
  #log: OpenedLog | null = null;
  #failed = false;
  #recoveredTo = 0;
  #started = false;
  #initialised = false;
  /** Commands of this life with their last sequence, oldest first. */
  #pending: { readonly last: number; readonly count: number }[] = [];

  constructor(context: SubjectContext) {
    this.#context = context;
    this.#payloads = new Payloads(context.random, context.plan);
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
    this.#pending = [];
    this.#log = null;
    if (!this.#initialised) init(disk, (bytes) => random.bytes(bytes), plan.entryBytesMax);
    this.#initialised = true;
    const log = await openLog({
      directory: DIRECTORY,
      disk,
      clock: time,
      scheduler: time,
      random: (bytes) => random.bytes(bytes),
      durability: plan.durability,
      ringBytes: plan.ringBytes,
      inline: true,
    });
    if (log.torn !== null) counts.tornTails += 1;
    this.#started = isWritable(log);
    this.#recoveredTo = log.stable - (this.#started ? EPOCH_ENTRIES : 0);
    const shown = await contentOf(log);
    const commands = ledger.match(shown);
    ledger.checkKept(commands);
    ledger.settle(commands);
    this.#log = log;
    counts.segments = Math.max(counts.segments, log.status().segments);
    log.onFailure(() => {
      this.#failed = true;
    });
    log.onStable((stable) => this.#stable(stable));
  }

  async step(): Promise<void> {
    const { random, time } = this.#context;
    const action = random.weighted({ append: 70, flush: 6, time: 12, read: 8, clock: 2, turn: 2 });
    if (action === 'append') this.#append();
    else if (action === 'flush') this.#flush();
    else if (action === 'time') time.advance(random.pick([1, 6, 60]) * 1_000_000);
    else if (action === 'read') await this.#read();
    else if (action === 'clock') time.setClock(BigInt(random.between(-1000, 1000)) * 1_000_000n);
    else time.runTurn();
    await settled();
  }

  async close(): Promise<void> {
    await this.#opened.close();
    await settled();
    if (this.#failed || this.#disk?.stopped === true) return;
    // A clean close promises everything.
    const { ledger } = this.#context;
    ledger.acknowledge(ledger.count);
  }

  checkContent(content: readonly bigint[]): void {
    const { ledger } = this.#context;
    ledger.checkKept(ledger.match(content));
  }

  get #opened(): OpenedLog {
    if (this.#log === null) throw new Error('the log is not open');
    return this.#log;
  }

  #append(): void {
    const { random, ledger, counts } = this.#context;
    for (let command = random.between(1, 3); command > 0 && !this.#failed; command--) {
      const payloads = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, () => this.#payloads.next());
      try {
        const { last } = this.#opened.append(
          payloads.map((payload) => draft(payload, 16 + random.below(3))),
          random.chance(0.2) ? (0n as RecordedAt) : (this.#context.time.nowNanos() as RecordedAt),
          random.pick<Durability | undefined>([undefined, undefined, 'sync', 'group_sync', 'async']),
        );
        ledger.issue({ hashes: payloads.map(hashOf) });
        counts.commands += 1;
        this.#pending.push({ last, count: ledger.count });
      } catch (error) {
        if (this.#disk?.stopped === true || this.#failed) return;
        const code = error instanceof TruthError ? error.code : null;
        if (code === 'BUSY' || code === 'DISK_FULL') this.#context.time.advance(1_100_000_000);
        else if (code !== 'TOO_LARGE' || this.#context.plan.bulk === 'small')
          throw new Violation('answers', `an append was refused: ${String(error)}`, error);
        return;
      }
    }
    if (random.chance(0.8)) this.#flush();
  }

  /** The writer runs on this thread: after a flush nothing is left in memory alone. */
  #flush(): void {
    this.#opened.flush();
    const { ledger } = this.#context;
    if (!this.#failed && this.#disk?.stopped === false) ledger.noteWritten(ledger.count);
  }

  #stable(stable: Sequence): void {
    const done = this.#pending.filter(({ last }) => last <= stable).at(-1);
    if (done === undefined) return;
    this.#pending = this.#pending.filter(({ last }) => last > stable);
    const { ledger, counts } = this.#context;
    counts.acknowledged += done.count - ledger.acknowledged;
    ledger.acknowledge(done.count);
  }

  async #read(): Promise<void> {
    const log = this.#opened;
    if (log.stable < 1) return;
    const { random } = this.#context;
    const at = random.between(1, log.stable) as Sequence;
    const entry = log.entryAt(at);
    if (entry !== null && entry.sequence !== at)
      throw new Violation('answers', `entry ${at} was asked, ${entry.sequence} came`);
    let newest: number = Number.POSITIVE_INFINITY;
    for await (const commit of log.readBackwards(at)) {
      if (commit.sequence >= newest) throw new Violation('answers', 'reading backwards went forwards');
      newest = commit.sequence;
      if (random.chance(0.3)) break;
    }
  }
}

/** Hashes of all entries of the layers above. */
export async function contentOf(reader: LogReader): Promise<bigint[]> {
  const hashes: bigint[] = [];
  let before = 0;
  for await (const commit of reader.read({ from: 1 as Sequence, follow: false })) {
    for (const entry of commit.entries) {
      if (entry.sequence <= before)
        throw new Violation('answers', `sequence ${entry.sequence} came after ${before}`);
      before = entry.sequence;
      if (entry.type >= 16) hashes.push(hashOf(entry.payload));
    }
  }
  return hashes;
}

/** Makes the log; one that an earlier try had finished is fine. */
export function init(disk: SimDisk, random: (bytes: number) => Uint8Array, entryBytesMax: number): void {
  try {
    initLog({ directory: DIRECTORY, disk, random, segmentBytes: SEGMENT_BYTES, entryBytesMax });
  } catch (error) {
    if (!(error instanceof TruthError && error.code === 'ALREADY_EXISTS')) throw error;
  }
}

/** False when the disk has no room to begin. Throws VIEW_AHEAD when commits are missing. */
export function isWritable(log: Log): boolean {
  const { readOnly } = log.status();
  if (readOnly === null) return true;
  if (readOnly.includes('no space')) return false;
  throw new TruthError('VIEW_AHEAD', readOnly);
}

function draft(payload: Uint8Array, type: number): EntryDraft {
  return { type, tenant: 0 as TenantId, partitionKey: 7n, flags: 0, payload };
}
