/** One log on one simulated disk, taken to a stage, given one fault there, ended, and started again. */
import { TruthError } from '../../db/errors.ts';
import { HONEST, type Machine, SimDisk } from '../../db/sim/disk.ts';
import { EngineSubject } from '../../db/sim/engine-subject.ts';
import { type FaultKind, Faults, type Operation } from '../../db/sim/faults.ts';
import { Ledger } from '../../db/sim/ledger.ts';
import { contentOf, init } from '../../db/sim/log-subject.ts';
import { hashOf } from '../../db/sim/payloads.ts';
import { planOf } from '../../db/sim/plan.ts';
import { Random } from '../../db/sim/random.ts';
import { ARCHIVE, type Counts, DIRECTORY } from '../../db/sim/subject.ts';
import { SimTime } from '../../db/sim/time.ts';
import { Trace } from '../../db/sim/trace.ts';
import type { RecordedAt, TenantId } from '../../db/types.ts';
import { archiveSegments, type OpenedLog, openLog, verifyLog } from '../../db/wal/index.ts';

export type Fault = Exclude<FaultKind, 'stop'>;

/** What became of the stage, in words of the table. */
export type Outcome = string;

export type Stage =
  | 'init'
  | 'start'
  | 'append'
  | 'rollover'
  | 'idle mark'
  | 'close'
  | 'archive'
  | 'prune'
  | 'checkpoint';

const ENTRY_BYTES_MAX = 200_000;

export class FaultBench {
  readonly machine: Machine;
  readonly ledger = new Ledger();
  disk: SimDisk;
  #log: OpenedLog | null = null;
  #pending: { readonly last: number; readonly count: number }[] = [];
  #made = 0;

  constructor() {
    this.machine = {
      time: new SimTime(),
      trace: new Trace(false),
      faults: new Faults(),
      random: new Random(1, 'bench'),
      nameOrder: 'any',
      lies: HONEST,
    };
    this.disk = new SimDisk(this.machine);
  }

  init(): void {
    init(this.disk, (bytes) => this.machine.random.bytes(bytes), ENTRY_BYTES_MAX);
  }

  async open(): Promise<void> {
    const { time, random } = this.machine;
    this.#pending = [];
    const log = await openLog({
      directory: DIRECTORY,
      disk: this.disk,
      clock: time,
      scheduler: time,
      random: (bytes) => random.bytes(bytes),
      ringBytes: 4 * ENTRY_BYTES_MAX,
      inline: true,
    });
    const commands = this.ledger.match(await contentOf(log));
    this.ledger.checkKept(commands);
    this.ledger.settle(commands);
    log.onStable((stable) => {
      const done = this.#pending.filter(({ last }) => last <= stable).at(-1);
      if (done !== undefined) this.ledger.acknowledge(done.count);
    });
    this.#log = log;
  }

  get log(): OpenedLog {
    if (this.#log === null) throw new Error('the log is not open');
    return this.#log;
  }

  append(bytes: number): void {
    this.#made += 1;
    const payload = new Random(this.#made, 'payload').bytes(bytes);
    const entry = { type: 16, tenant: 0 as TenantId, partitionKey: 7n, flags: 0, payload };
    const { last } = this.log.append([entry], 0n as RecordedAt);
    this.ledger.issue({ hashes: [hashOf(payload)] });
    this.#pending.push({ last, count: this.ledger.count });
    this.log.flush();
  }

  archive(): void {
    const { disk } = this;
    archiveSegments({ disk, directory: DIRECTORY, to: ARCHIVE, before: this.log.stable, progress: () => {} });
  }

  /** Nobody holds anything: what was archived goes. */
  prune(): void {
    this.log.retention.prune({ before: this.log.stable, withoutArchive: false, others: [] });
  }

  /** A log with an epoch behind it and a group that only the page cache has. */
  async crashed(): Promise<void> {
    this.init();
    await this.open();
    this.append(3000);
    this.machine.faults.arm({ fault: 'stop', operation: 'fdatasync', path: '.open', after: 0 });
    this.append(9000);
    this.end('kill');
  }

  end(how: 'kill' | 'nothing reached' | 'all reached'): void {
    this.machine.faults.disarm();
    if (how === 'kill') {
      this.disk = this.disk.kill();
      this.ledger.processKilled();
      return;
    }
    const reach = how === 'all reached' ? ({ kind: 'all' } as const) : ({ kind: 'none' } as const);
    this.disk = this.disk.powerCut(this.machine.random, reach).disk;
    this.ledger.powerFailed();
  }
}

interface Steps {
  prepare(bench: FaultBench): Promise<void>;
  act(bench: FaultBench): Promise<void>;
}

const STAGES: Readonly<Record<Exclude<Stage, 'checkpoint'>, Steps>> = {
  init: { prepare: async () => {}, act: async (bench) => bench.init() },
  start: { prepare: (bench) => bench.crashed(), act: (bench) => bench.open() },
  append: { prepare: opened, act: async (bench) => bench.append(5000) },
  rollover: {
    prepare: async (bench) => {
      await opened(bench);
      for (let group = 0; group < 5; group++) bench.append(199_000);
    },
    act: async (bench) => bench.append(199_000),
  },
  'idle mark': {
    prepare: async (bench) => {
      await opened(bench);
      bench.append(5000);
    },
    act: async (bench) => bench.machine.time.advance(200_000_000),
  },
  close: {
    prepare: async (bench) => {
      await opened(bench);
      bench.append(5000);
    },
    act: (bench) => bench.log.close(),
  },
  archive: { prepare: sealed, act: async (bench) => bench.archive() },
  prune: {
    prepare: async (bench) => {
      await sealed(bench);
      bench.archive();
    },
    act: async (bench) => bench.prune(),
  },
};

/** A log of which one segment is sealed. */
async function sealed(bench: FaultBench): Promise<void> {
  await opened(bench);
  for (let group = 0; group < 6; group++) bench.append(199_000);
}

async function opened(bench: FaultBench): Promise<void> {
  bench.init();
  await bench.open();
  bench.append(1000);
}

const ENDS = ['kill', 'nothing reached', 'all reached'] as const;
/** More calls of one sort than any stage makes. */
const CALLS_MAX = 60;

/** What one fault does at each call of an operation within a stage, whatever comes after: all outcomes, sorted. */
export async function outcomesOf(stage: Stage, operation: Operation, fault: Fault): Promise<Outcome[]> {
  const outcomes = new Set<Outcome>();
  for (let after = 0; after < CALLS_MAX; after++) {
    for (const end of ENDS) {
      const arm = (faults: Faults): void => faults.arm({ fault, operation, path: '', after });
      const outcome =
        stage === 'checkpoint' ? await checkpointCell(arm, end) : await cell(STAGES[stage], arm, end);
      if (outcome === null) return [...outcomes].sort();
      outcomes.add(outcome);
    }
  }
  throw new Error(`${stage} calls ${operation} more than ${CALLS_MAX} times`);
}

/** Null when the stage makes no such call any more. */
async function cell(
  { prepare, act }: Steps,
  arm: (faults: Faults) => void,
  end: (typeof ENDS)[number],
): Promise<Outcome | null> {
  const bench = new FaultBench();
  await prepare(bench);
  bench.machine.faults.happened.length = 0;
  arm(bench.machine.faults);
  const outcome = await outcomeOf(
    () => act(bench),
    () => statusOf(bench),
  );
  if (bench.machine.faults.happened.length === 0) return null;
  bench.end(end);
  // Whatever it was: what was acknowledged is there, and the log goes on.
  bench.init();
  await bench.open();
  bench.append(700);
  await bench.log.close();
  if (bench.ledger.acknowledged !== bench.ledger.count)
    throw new Error('an append after the restart was not acknowledged');
  const report = verifyLog({ disk: bench.disk, directory: DIRECTORY });
  if (!report.ok || report.tornTail !== null)
    throw new Error(`not whole afterwards: ${JSON.stringify(report.problems)}`);
  return outcome;
}

async function outcomeOf(act: () => Promise<void>, status: () => Outcome): Promise<Outcome> {
  try {
    await act();
    return status();
  } catch (error) {
    if (error instanceof TruthError) return `refused: ${error.code}`;
    if (error instanceof Error && 'code' in error) return `refused: ${String(error.code)}`;
    throw error;
  }
}

function statusOf(bench: FaultBench): Outcome {
  try {
    const { failed, readOnly } = bench.log.status();
    if (failed !== null) return 'writer ends';
    return readOnly === null ? 'goes on' : 'reads only';
  } catch {
    return 'goes on';
  }
}

/** The engine closes and saves its views on the way. */
async function checkpointCell(
  arm: (faults: Faults) => void,
  end: (typeof ENDS)[number],
): Promise<Outcome | null> {
  const bench = new FaultBench();
  const counts = new Proxy({} as Counts, { get: () => 0, set: () => true });
  const plan = planOf(1, {
    kind: 'error',
    level: 'engine',
    bulk: 'small',
    entryBytesMax: 4096,
    checkpointEntries: 1000,
  });
  const { time } = bench.machine;
  const context = { plan, random: new Random(3, 'cell'), time, ledger: bench.ledger, counts };
  const subject = new EngineSubject(context, null);
  await subject.open(bench.disk);
  for (let step = 0; step < 6; step++) await subject.step();
  arm(bench.machine.faults);
  const outcome = await outcomeOf(
    () => subject.close(),
    () => (subject.failed ? 'writer ends' : 'goes on'),
  );
  if (bench.machine.faults.happened.length === 0) return null;
  bench.end(end);
  await subject.open(bench.disk);
  await subject.close();
  return outcome;
}
