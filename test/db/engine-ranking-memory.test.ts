/** What the views of the ranking layer say of the memory they take. */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { TENANT_DEFAULT } from '../../db/types.ts';
import { fill, SCHEMA } from './support/ranking-crowd.ts';
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
