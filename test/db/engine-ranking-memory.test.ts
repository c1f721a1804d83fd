/** What the views of the ranking layer say of the memory they take. */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { TENANT_DEFAULT } from '../../db/types.ts';
import { fill, SCHEMA, signal, write } from './support/ranking-crowd.ts';
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
    const { kept: all } = engine.status().memory;
    await reopen(all - 100_000);
    await expect(signal(engine, { ...CROWD, signals: 11 })).rejects.toMatchObject(FULL);
    await engine.ranking.execute(TENANT_DEFAULT, 'DROP SIGNAL view CASCADE', []);
    await engine.ranking.execute(TENANT_DEFAULT, "UPSERT item @another SET title = 'another'", []);
  });
});
