/** A database on real files that lived through a history: closed once in the middle, so that there are checkpoints of then and of the end. */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { RANKING_VIEWS } from '../../../../db/engine/ranking-views.ts';
import { type Engine, initDatabase, openEngine } from '../../../../db/engine.ts';
import { TruthError } from '../../../../db/errors.ts';
import { type Clock, RealDisk, realClock } from '../../../../db/io/index.ts';
import {
  CheckpointStore,
  inlineRunner,
  Registry,
  releaseCapture,
} from '../../../../db/materializer/index.ts';
import { historyOf, START, type Step } from '../../../../db/sim/ranking-life.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { type OpenedLog, openLog } from '../../../../db/wal/index.ts';
import { temporaryDirectory } from '../../support/serving.ts';

const DISK = new RealDisk();
const SEGMENT_BYTES = 1024 * 1024;

const PATHS = { checkpoints: ['views', 'metadata/views.json'], snapshot: ['snapshots'] } as const;

const QUESTIONS = [
  'RETRIEVE items FOR USER @u1 USING mine SEED 1 LIMIT 40',
  'RETRIEVE items FOR USER @u2 SORT BY trending SEED 1 LIMIT 40',
  'RETRIEVE items WITHIN COHORT grown TRENDING view 7d SEED 1',
  'SEARCH items QUERY "jazz rust" SEED 1',
  'RETRIEVE items RELATED TO @i1 SEED 1',
];

export type Digests = Readonly<Record<string, string>>;

/** What can be seen of the views. */
export interface Seen {
  readonly digests: Digests;
  readonly answers: readonly unknown[];
}

export class StoredLife {
  readonly #parent = temporaryDirectory();
  /** What was said while it opened last. */
  readonly said: string[] = [];
  #now: number = START;
  #live: Seen | null = null;
  #log: OpenedLog | null = null;

  static async of(seed: number, commands: number): Promise<StoredLife> {
    const life = new StoredLife();
    initDatabase({ directory: life.#data, segmentBytes: SEGMENT_BYTES });
    const steps = [...historyOf(seed, commands)];
    for (const [name, part] of [
      ['middle', steps.slice(0, steps.length / 2)],
      ['end', steps.slice(steps.length / 2)],
    ] as const) {
      const engine = await life.#open();
      await life.#carryOut(engine, part);
      life.#live = await life.#see(engine);
      await engine.close();
      life.#keep(name);
    }
    return life;
  }

  /** As the views were that never stopped since the middle, before the database was closed. */
  get live(): Seen {
    if (this.#live === null) throw new Error('it has not been lived');
    return this.#live;
  }

  /** Puts the views' checkpoints, or the snapshot, back as they were when the database was closed then; the other is gone. */
  rewind(to: 'middle' | 'end', what: 'checkpoints' | 'snapshot' = 'checkpoints'): void {
    for (const path of [...PATHS.checkpoints, ...PATHS.snapshot])
      rmSync(join(this.#data, path), { recursive: true, force: true });
    for (const path of PATHS[what])
      cpSync(join(this.#parent, to, path), join(this.#data, path), { recursive: true });
  }

  /** Files of a view's checkpoint, or of the snapshots. */
  filesOf(view: string): string[] {
    const folder = view === 'snapshots' ? join(this.#data, view) : join(this.#data, 'views', view);
    return existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [];
  }

  /** Changes what the manifest says of the views. */
  editManifest(edit: (views: { name: string; version: number }[]) => void): void {
    const path = join(this.#data, 'metadata', 'views.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    edit(manifest.views);
    writeFileSync(path, JSON.stringify(manifest));
  }

  /** Opens the database, waits for rebuilds, looks, closes. The snapshot that the digests are of goes again. */
  async look(): Promise<Seen> {
    const engine = await this.#open();
    try {
      const behind = () => engine.status().views.filter(({ state }) => state !== 'live');
      await expect.poll(behind, { timeout: 60_000, interval: 2 }).toEqual([]);
      return await this.#see(engine);
    } finally {
      await engine.close();
      this.#forgetSnapshots();
    }
  }

  /** Of the views alone, as a start of the database would have them; nothing is saved. The log stays open for more. */
  async restore(): Promise<Digests> {
    this.said.length = 0;
    this.#log ??= await openLog({
      ...{ directory: this.#data, disk: DISK, clock: this.#clock, random: randomBytes, inline: true },
    });
    const logId = Buffer.from(this.#log.identity.logId).toString('hex');
    const report = (line: string) => void this.said.push(line);
    const store = new CheckpointStore({ disk: DISK, directory: this.#data, logId, report });
    const pause = async () => {};
    const registry = new Registry({
      ...{ log: this.#log, store, pause, report },
      ...{ definitions: RANKING_VIEWS, saver: inlineRunner(DISK, pause) },
    });
    await registry.open();
    const capture = await registry.capture();
    releaseCapture(capture);
    await registry.stop();
    return Object.fromEntries(capture.views.map(({ name, digest }) => [name, digest]));
  }

  async remove(): Promise<void> {
    await this.#closeLog();
    rmSync(this.#parent, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#parent, 'data');
  }

  get #clock(): Clock {
    return { nowNanos: () => BigInt(this.#now) * 1_000n, monotonicNanos: realClock.monotonicNanos };
  }

  async #see(engine: Engine): Promise<Seen> {
    const answers: unknown[] = [];
    for (const text of QUESTIONS) {
      const answer = await engine.ranking.execute(TENANT_DEFAULT, `${text} AT ${this.#now}us`, []);
      if (answer.answer !== 'hits') throw new Error(`${text} was answered with ${answer.answer}`);
      answers.push(answer.result.hits);
    }
    const { views } = await engine.snapshots.create();
    const digests = new Map(views.map(({ name, digest }) => [name, digest]));
    return {
      digests: Object.fromEntries(RANKING_VIEWS.map(({ name }) => [name, digests.get(name) ?? 'none'])),
      answers,
    };
  }

  async #open(): Promise<Engine> {
    this.said.length = 0;
    await this.#closeLog();
    return openEngine({
      directory: this.#data,
      clock: this.#clock,
      progress: (line) => this.said.push(line),
    });
  }

  async #closeLog(): Promise<void> {
    await this.#log?.close();
    this.#log = null;
  }

  async #carryOut(engine: Engine, steps: readonly Step[]): Promise<void> {
    let writing: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.step === 'command') {
        const wrote = engine.ranking.write(TENANT_DEFAULT, step.command);
        writing.push(
          wrote.catch((error: unknown) => {
            if (!(error instanceof TruthError) || step.command.command === 'define') throw error;
          }),
        );
      } else if (step.step === 'wait') this.#now += step.micros;
      else if (step.step === 'commit') {
        await Promise.all(writing);
        writing = [];
      }
    }
    await Promise.all(writing);
  }

  #keep(name: string): void {
    for (const path of [...PATHS.checkpoints, ...PATHS.snapshot])
      cpSync(join(this.#data, path), join(this.#parent, name, path), { recursive: true });
    this.#forgetSnapshots();
  }

  #forgetSnapshots(): void {
    rmSync(join(this.#data, 'snapshots'), { recursive: true, force: true });
  }
}
