/** What the views of the ranking layer say of the memory they take. */
import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { type FileHandle, RealDisk } from '../../db/io/index.ts';
import { TENANT_DEFAULT } from '../../db/types.ts';
import { BEGINNING, fill, SCHEMA, signal, write } from './support/ranking-crowd.ts';
import { temporaryDirectory } from './support/serving.ts';

let parent: string;
let engine: Engine;

beforeEach(async () => {
  parent = temporaryDirectory();
  initDatabase({ directory: data(), segmentBytes: 1 << 24 });
  engine = await openEngine({ directory: data(), random: randomBytes });
  for (const statement of SCHEMA) await engine.ranking.execute(TENANT_DEFAULT, statement, []);
});

afterEach(async () => {
  await engine.close();
  rmSync(parent, { recursive: true, force: true });
});

function data(): string {
  return join(parent, 'data');
}

function kept(): Map<string, number> {
  const views = engine.status().views.filter(({ name }) => name.startsWith('ranking-'));
  return new Map(views.map(({ name, memory }) => [name, memory!.kept]));
}

test('is about what they hold, for each of them', async () => {
  const before = kept();
  expect(before.size).toBe(7);
  await fill(engine, { items: 2_000, users: 500, signals: 20_000 });
  const after = kept();
  await engine.close();
  for (const [view, bytes] of after) {
    const folder = join(data(), 'views', view);
    const saved = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    const grown = bytes - before.get(view)!;
    expect.soft(grown, view).toBeGreaterThan(saved * 0.5);
    expect.soft(grown, view).toBeLessThan(saved * 8);
  }
  engine = await openEngine({ directory: data() });
  for (const [view, bytes] of kept()) {
    expect.soft(bytes, view).toBeGreaterThan(after.get(view)! * 0.5);
    expect.soft(bytes, view).toBeLessThan(after.get(view)! * 2);
  }
});

test('tells what answers are made of from what is known', async () => {
  await fill(engine, { items: 300, users: 50, signals: 2_000 });
  const signals = () => engine.status().views.find(({ name }) => name === 'ranking-signals')!.memory!;
  const { kept: known, ready } = signals();
  await engine.ranking.execute(TENANT_DEFAULT, 'RETRIEVE items SORT BY most_viewed WINDOW 7d LIMIT 5', []);
  expect(signals().ready).toBeGreaterThan(ready);
  expect(signals().kept).toBe(known);
});

describe('beyond what is allowed', () => {
  const FULL = { code: 'QUOTA_EXCEEDED', message: expect.stringContaining('--ranking-memory') };
  const MIB = 1024 * 1024;
  const CROWD = { items: 3_000, users: 300 };

  async function reopen(rankingMemoryBytes: number): Promise<void> {
    await engine.close();
    engine = await openEngine({ directory: data(), rankingMemoryBytes });
  }

  async function best(): Promise<string[]> {
    const question = 'RETRIEVE items SORT BY most_viewed WINDOW all LIMIT 5 SEED 1';
    const answer = await engine.ranking.execute(TENANT_DEFAULT, question, []);
    return answer.answer === 'hits' ? answer.result.hits.map(({ key }) => key) : [];
  }

  test('nothing grows, everything else goes on, and it is told how much there is', async () => {
    await reopen(5 * MIB);
    await expect(fill(engine, { ...CROWD, items: 30_000, signals: 0 })).rejects.toMatchObject(FULL);
    const { memory } = engine.status();
    expect(memory.kept).toBeGreaterThan(5 * MIB);
    expect(memory.kept).toBeLessThan(9 * MIB);
    await expect(signal(engine, { ...CROWD, signals: 10 })).rejects.toMatchObject({
      ...FULL,
      details: { budget: 5 * MIB, kept: memory.kept, spilled: 0 },
    });
    expect(await best()).toHaveLength(5);
    const gone = { action: 'delete', kind: 'item', key: 'i1' } as const;
    const command = { command: 'put-entities', failure: 'all' } as const;
    expect(await write(engine, { ...command, entities: [gone] })).toMatchObject({ accepted: 1 });
    await engine.ranking.execute(TENANT_DEFAULT, 'DEFINE SIGNAL skip ON item NEGATIVE DECAY NONE', []);
  });

  test('it starts all the same, and goes on when more is allowed, or something is dropped', async () => {
    await fill(engine, { ...CROWD, signals: 20_000 });
    const before = await best();
    for (const lost of [false, true]) {
      if (lost) rmSync(join(data(), 'views'), { recursive: true });
      await reopen(1 * MIB);
      await vi.waitFor(async () => expect(await best()).toEqual(before), 20_000);
      await expect(signal(engine, { ...CROWD, signals: 10 })).rejects.toMatchObject(FULL);
    }
    await reopen(200 * MIB);
    await signal(engine, { ...CROWD, signals: 10 });
    await reopen(200 * MIB);
    // Counts can be spilled, what is known of a signal's items in all time cannot.
    const counted = ['ranking-signals', 'ranking-cohorts'].map((name) => kept().get(name)!);
    await reopen(engine.status().memory.kept - counted[0]! - counted[1]! + 20_000);
    await expect(signal(engine, { ...CROWD, signals: 11 })).rejects.toMatchObject(FULL);
    await engine.ranking.execute(TENANT_DEFAULT, 'DROP SIGNAL view CASCADE', []);
    await engine.ranking.execute(TENANT_DEFAULT, "UPSERT item @another SET title = 'another'", []);
  });
});

/** No room for scratch files while it is full. */
class FullDisk extends RealDisk {
  isFull = false;
  readonly #scratch = new Set<FileHandle>();

  override open(...given: Parameters<RealDisk['open']>): FileHandle {
    const handle = super.open(...given);
    if (given[0].endsWith('.scratch')) this.#scratch.add(handle);
    else this.#scratch.delete(handle);
    return handle;
  }

  override pwrite(...given: Parameters<RealDisk['pwrite']>): void {
    if (this.isFull && this.#scratch.has(given[0]))
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    super.pwrite(...given);
  }
}

describe('what is spilled', () => {
  const CROWD = { items: 400, users: 300, signals: 60_000, days: 6 };
  const MIB = 1024 * 1024;
  const QUESTIONS = [
    'RETRIEVE items SORT BY most_viewed WINDOW 7d LIMIT 30 SEED 1',
    'RETRIEVE items SORT BY most_viewed WINDOW 30d LIMIT 30 SEED 1',
    'RETRIEVE items SORT BY trending LIMIT 30 SEED 1',
    'RETRIEVE items FOR USER @u3 LIMIT 30 SEED 1',
  ];

  function scratch(): string[] {
    return readdirSync(join(data(), 'views', 'scratch'));
  }

  /** At the end of what happened, with the digests of all views. */
  async function everything(of: Engine): Promise<unknown[]> {
    const { missing, views } = await of.snapshots.create();
    expect(missing).toEqual([]);
    const told: unknown[] = [...views];
    for (const question of QUESTIONS) {
      const text = `${question} AT ${BEGINNING + CROWD.days * 86_400_000_000}us`;
      const answer = await of.ranking.execute(TENANT_DEFAULT, text, []);
      if (answer.answer === 'hits') told.push(answer.result.hits.map(({ key, score }) => [key, score]));
    }
    return told;
  }

  /** Less than all of it, by a quarter of the counts. */
  async function budget(): Promise<number> {
    const { views, memory } = engine.status();
    const counts = views.filter(({ name }) => ['ranking-signals', 'ranking-cohorts'].includes(name));
    return memory.kept - counts.reduce((sum, each) => sum + each.memory!.kept, 0) / 4;
  }

  test('changes no answer and no digest: live, by replay, from a checkpoint, and after a crash', async () => {
    await fill(engine, CROWD);
    const expected = await everything(engine);
    const rankingMemoryBytes = await budget();
    for (const how of ['checkpoint', 'replay', 'crash'] as const) {
      if (how === 'crash') {
        const copy = join(parent, 'copy');
        cpSync(data(), copy, { recursive: true });
        await engine.close();
        rmSync(data(), { recursive: true });
        cpSync(copy, data(), { recursive: true });
        expect(scratch().length).toBeGreaterThan(0);
      } else await engine.close();
      if (how === 'replay') rmSync(join(data(), 'views'), { recursive: true });
      if (how === 'replay') rmSync(join(data(), 'snapshots'), { recursive: true });
      engine = await openEngine({ directory: data(), rankingMemoryBytes });
      expect(await everything(engine), how).toEqual(expected);
      const { spilled, kept: taken } = engine.status().memory;
      expect(spilled, how).toBeGreaterThan(100_000);
      expect(taken, how).toBeLessThanOrEqual(rankingMemoryBytes);
      expect(scratch(), how).toHaveLength(1);
    }
    await signal(engine, { ...CROWD, signals: 2_000 });
    const after = await everything(engine);
    await engine.close();
    expect(scratch()).toEqual([]);
    engine = await openEngine({ directory: data(), rankingMemoryBytes: 1024 * MIB });
    expect(await everything(engine)).toEqual(after);
    expect(engine.status().memory.spilled).toBe(0);
  });

  test('stays in memory where the disk is full: then writes are refused, until there is room', async () => {
    await fill(engine, CROWD);
    const expected = await everything(engine);
    await engine.close();
    engine = await openEngine({ directory: data() });
    const rankingMemoryBytes = await budget();
    await engine.close();
    const disk = new FullDisk();
    disk.isFull = true;
    const lines: string[] = [];
    const progress = (line: string): void => void lines.push(line);
    engine = await openEngine({ directory: data(), disk, rankingMemoryBytes, progress });
    expect(await everything(engine)).toEqual(expected);
    const once = { ...CROWD, signals: 1 };
    await expect(signal(engine, once)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(lines.filter((line) => line.includes('ENOSPC'))).toHaveLength(1);
    disk.isFull = false;
    await vi.waitFor(() => signal(engine, once), { timeout: 20_000, interval: 0 });
    expect(engine.status().memory).toMatchObject({ problem: null });
    expect(engine.status().memory.kept).toBeLessThanOrEqual(rankingMemoryBytes);
  });
});
