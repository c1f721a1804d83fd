/**
 * One seed, one run: the database is made, opened, used and stopped in one way after the other on one disk, and looked at
 * for the last time when nothing goes wrong any more. All that happens follows from the seed and the code.
 */
import { basename, dirname } from 'node:path';
import { TruthError } from '../errors.ts';
import { isNoSpace } from '../io/index.ts';
import { snapshotClaims } from '../snapshot/index.ts';
import { verifyLog } from '../wal/index.ts';
import { armFaults, armStop } from './arming.ts';
import { type DamageKind, Damager } from './damage.ts';
import { HONEST, type Lies, type Machine, SimDisk } from './disk.ts';
import { EngineSubject } from './engine-subject.ts';
import { Faults } from './faults.ts';
import { PAGE_BYTES, type Reach } from './file.ts';
import { Ledger } from './ledger.ts';
import { checkLog, highestMark, type SegmentFile } from './log-checker.ts';
import { LogSubject } from './log-subject.ts';
import { planOf, type SimPlan } from './plan.ts';
import { Random } from './random.ts';
import { ARCHIVE, type Counts, DIRECTORY, type Subject, type SubjectContext } from './subject.ts';
import { SimTime } from './time.ts';
import { Trace } from './trace.ts';
import { ViewSwap } from './view-swap.ts';
import { type Property, Violation } from './violation.ts';

export interface SeedOptions {
  readonly plan?: Partial<SimPlan>;
  readonly lies?: Partial<Lies>;
  /** Keeps every call as a line of text. */
  readonly trace?: boolean;
}

/**
 * `held`: every property did. `refused`: the database would not start on garbage or damage, and said so. `residue`: the
 * last group was lost to damage that nothing in the log could show. `violated`: a bug.
 */
export type Outcome = 'held' | 'refused' | 'residue' | 'violated';

export interface SeedResult {
  readonly seed: number;
  readonly outcome: Outcome;
  readonly property: Property | null;
  readonly detail: string;
  /** Two runs of a seed are identical if and only if this is. */
  readonly digest: string;
  readonly plan: SimPlan;
  readonly operations: number;
  readonly counts: Counts;
  readonly trace: readonly string[] | null;
}

export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const run = new Run(seed, options);
  let outcome: Outcome = 'held';
  let property: Property | null = null;
  let detail = '';
  try {
    ({ outcome, detail } = await run.all());
  } catch (error) {
    outcome = 'violated';
    property = error instanceof Violation ? error.property : 'answers';
    detail =
      error instanceof Violation
        ? `${error.message}${causeOf(error)}`
        : String((error as Error).stack ?? error);
  }
  run.trace.note(`${outcome} ${property ?? ''} ${JSON.stringify(run.counts)}`);
  const { trace, counts, plan, operations } = run;
  return {
    seed,
    outcome,
    property,
    detail,
    digest: trace.digest,
    plan,
    operations,
    counts,
    trace: trace.lines,
  };
}

function causeOf({ cause }: Violation): string {
  return cause instanceof Error ? `: ${cause.stack ?? cause.message}` : '';
}

class Run {
  readonly plan: SimPlan;
  readonly trace: Trace;
  readonly counts: Counts = {
    lives: 0,
    commands: 0,
    acknowledged: 0,
    powerCuts: 0,
    kills: 0,
    faults: 0,
    segments: 0,
    tornTails: 0,
    garbageSectors: 0,
    damages: 0,
    viewSwaps: 0,
    snapshots: 0,
    pruned: 0,
    ranked: 0,
  };
  readonly #ledger = new Ledger();
  readonly #random: Random;
  readonly #machine: Machine;
  readonly #subject: Subject;
  readonly #damager: Damager;
  readonly #viewSwap: ViewSwap;
  #disk: SimDisk;
  #operations = 0;
  #damage: DamageKind | null = null;

  constructor(seed: number, options: SeedOptions) {
    this.plan = planOf(seed, options.plan);
    this.trace = new Trace(options.trace ?? false);
    this.#random = new Random(seed, 'run');
    this.#machine = {
      time: new SimTime(),
      trace: this.trace,
      faults: new Faults(),
      random: new Random(seed, 'disk'),
      nameOrder: this.plan.nameOrder,
      lies: { ...HONEST, ...options.lies },
    };
    this.#disk = new SimDisk(this.#machine);
    const context: SubjectContext = {
      plan: this.plan,
      random: new Random(seed, 'subject'),
      time: this.#machine.time,
      ledger: this.#ledger,
      counts: this.counts,
    };
    const ranking = this.plan.ranking ? new Random(seed, 'ranking') : null;
    this.#subject = this.plan.level === 'log' ? new LogSubject(context) : new EngineSubject(context, ranking);
    this.#damager = new Damager(seed, this.plan);
    this.#viewSwap = new ViewSwap(new Random(seed, 'views'));
  }

  get operations(): number {
    return this.#operations + this.#disk.operations;
  }

  async all(): Promise<{ outcome: Outcome; detail: string }> {
    for (let life = 0; life < this.plan.lives; life++) {
      const end = await this.#life(life);
      if (end !== null) return end;
    }
    return this.#lastLook();
  }

  /** One process from start to end, and what the disk looks like after it. Returns how the run ends if it does here. */
  async #life(life: number): Promise<{ outcome: Outcome; detail: string } | null> {
    const { faults } = this.#machine;
    this.counts.lives += 1;
    const toleratesFaults = this.plan.kind === 'error';
    const { stopAt } = this.plan;
    if (stopAt !== null) faults.arm({ fault: 'stop', ...stopAt, after: this.#random.below(stopAt.within) });
    else if (this.#random.chance(0.75)) armStop(faults, this.#random);
    // The engine lets appends wait for space and may refuse one in the middle of others: the log alone shows as much.
    if (toleratesFaults) armFaults(faults, this.#random, this.plan.level === 'log');
    this.#disk.freeBytes = this.plan.freeBytes ?? Number.POSITIVE_INFINITY;
    if (this.plan.kind === 'damage' && life > 0) await this.#damager.prepareBranch(this.#disk);
    const opened = await this.#open();
    if (opened !== null && opened.outcome !== null) return { outcome: opened.outcome, detail: opened.detail };
    if (opened === null) await this.#use();
    this.counts.faults += faults.happened.splice(0).length;
    faults.disarm();
    this.#endLife(life);
    return null;
  }

  /** Some steps, perhaps a close. Whatever is thrown because the machine stopped meanwhile means nothing. */
  async #use(): Promise<void> {
    const subject = this.#subject;
    const steps = this.#random.between(0, this.plan.steps);
    try {
      for (let step = 0; step < steps && !this.#disk.stopped && !subject.failed; step++) await subject.step();
      if (!this.#disk.stopped && this.#random.chance(0.4)) await subject.close();
    } catch (error) {
      if (error instanceof Violation || !this.#disk.stopped) throw error;
    }
  }

  /** Null when it is open. A start that ended otherwise ends the run, or just this life when the plan made it fail. */
  async #open(): Promise<{ readonly outcome: Outcome | null; readonly detail: string } | null> {
    const { damages, garbageSectors } = this.counts;
    const damaged = damages + garbageSectors > 0;
    const proven = damaged ? provenDurable(this.#disk) : 0;
    try {
      await this.#subject.open(this.#disk);
      this.#checkRefused();
      return null;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (this.#subject.started) this.#checkRefused();
      if (this.#disk.stopped) return { outcome: null, detail };
      if (error instanceof Violation) {
        const lost = damaged && error.property === 'acknowledged is kept';
        // Damage may take what nothing that is left can miss.
        if (lost && this.#subject.recoveredTo >= proven) return { outcome: 'residue', detail };
        throw error;
      }
      if (this.#machine.faults.happened.length > 0 || isNoSpace(error)) return { outcome: null, detail };
      if (!damaged || !isTyped(error)) throw new Violation('starts', `it would not start: ${detail}`, error);
      return { outcome: 'refused', detail };
    }
  }

  /** A segment that does not belong here must keep the log from being written, not just from being read. */
  #checkRefused(): void {
    if (this.#damage !== 'stale-segment') return;
    throw new Violation('starts', 'it started although a segment comes from another branch or log');
  }

  #endLife(life: number): void {
    const before = this.#disk;
    const damaged = this.plan.kind === 'damage' && life === this.plan.lives - 1;
    // What a disk has done wrong is known as long as it is the same disk.
    const kill = damaged || this.#random.chance(this.#subject.failed ? 0.6 : 0.3);
    if (kill) {
      this.#disk = before.kill();
      this.#ledger.processKilled();
      this.counts.kills += 1;
    } else {
      const garbage = this.plan.kind === 'garbage' ? 0.2 : 0;
      const cut = before.powerCut(this.#random, this.#reach(before.writes), garbage);
      this.#disk = cut.disk;
      this.#ledger.powerFailed();
      this.counts.powerCuts += 1;
      this.counts.garbageSectors += cut.garbageSectors;
    }
    this.#operations += before.operations;
    if (this.plan.level === 'engine' && this.plan.kind === 'crash') {
      const swapped = this.#viewSwap.apply(this.#disk);
      this.trace.note(`views ${swapped}`);
      if (swapped !== 'none') this.counts.viewSwaps += 1;
    }
    if (!damaged) return;
    this.#damage = this.#damager.damage(this.#disk);
    if (this.#damage !== null) this.counts.damages += 1;
    this.trace.note(`damage ${this.#damage}`);
  }

  #reach(writes: number): Reach {
    const { sectorBytes } = this.plan;
    const kind = this.#random.weighted({ none: 2, all: 2, until: 2, mixed: 6, hole: 4 });
    if (kind === 'mixed') return { kind, missing: this.#random.pick([0.1, 0.5, 0.9]), sectorBytes };
    if (kind === 'hole') return { kind: 'mixed', missing: 0.03, sectorBytes };
    if (kind === 'until') return { kind, order: writes - this.#random.below(Math.min(writes, 20) + 1) };
    return { kind };
  }

  /** Nothing goes wrong any more: what is there is complete, goes on, closes, and is what the document says. */
  async #lastLook(): Promise<{ outcome: Outcome; detail: string }> {
    this.#disk.freeBytes = Number.POSITIVE_INFINITY;
    const opened = await this.#open();
    if (opened !== null) return { outcome: opened.outcome ?? 'violated', detail: opened.detail };
    for (let step = 0; step < 3; step++) await this.#subject.step();
    await this.#subject.close();
    if (this.#subject.failed) throw new Violation('answers', 'the writer failed although nothing went wrong');
    const report = verifyLog({ disk: this.#disk, directory: DIRECTORY });
    const checked = checkLog(wholeLog(this.#disk));
    const problems = [
      ...report.problems.map(({ segment, problem }) => `${segment}: ${problem}`),
      ...checked.problems,
    ];
    if (problems.length > 0) throw new Violation('the chain verifies', problems.join('; '));
    if (report.tornTail !== null)
      throw new Violation('the chain verifies', 'a torn tail after a clean close');
    this.#subject.checkContent(checked.content);
    return { outcome: 'held', detail: '' };
  }
}

/** Errors made for people: the database's own and the system's. Anything else is a bug that happened to stop it. */
function isTyped(error: unknown): boolean {
  return error instanceof TruthError || (error instanceof Error && 'code' in error && error.code === 'EIO');
}

/** What bytes on the disk prove durable without the database's help: marks in the log, of the last close, of the views. */
function provenDurable(disk: SimDisk): number {
  const marks = [highestMark(segmentFiles(disk))];
  marks.push(...snapshotPositions(disk));
  for (const [name, field] of [
    ['durable.json', /"sequence":\s*(\d+)/g],
    ['views.json', /"applied":\s*(\d+)/g],
  ] as const) {
    const file = disk.file(`${DIRECTORY}/metadata/${name}`);
    const text = Buffer.from(file?.page(0).subarray(0, file.size) ?? []).toString('latin1');
    for (const match of text.matchAll(field)) marks.push(Number(match[1]));
  }
  return Math.max(...marks);
}

/** Of the snapshots that can be read at all. */
function snapshotPositions(disk: SimDisk): number[] {
  try {
    return snapshotClaims(disk.copy(), DIRECTORY).map(({ sequence }) => sequence);
  } catch {
    return [];
  }
}

/** The log, and before it what was pruned and is in the archive. */
function wholeLog(disk: SimDisk): SegmentFile[] {
  const kept = segmentFiles(disk);
  const indexes = new Set(kept.map(({ name }) => name.slice(0, 10)));
  return [...segmentFiles(disk, ARCHIVE).filter(({ name }) => !indexes.has(name.slice(0, 10))), ...kept];
}

function segmentFiles(disk: SimDisk, directory = DIRECTORY): SegmentFile[] {
  const wal = `${directory}/wal`;
  return disk
    .files()
    .filter(([path]) => dirname(path) === wal)
    .map(([path, file]) => {
      const bytes = new Uint8Array(file.size);
      for (const page of file.pages()) {
        if (page * PAGE_BYTES < file.size)
          bytes.set(file.page(page).subarray(0, file.size - page * PAGE_BYTES), page * PAGE_BYTES);
      }
      return { name: basename(path), bytes };
    });
}
