/** Deciding is a function, total, and what it decides is the same state however commands are grouped and replayed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { contentOf, type Outcome, replayed, TableWorld } from '../table-world.ts';
import { randomStatement } from './random-commands.ts';

/** A statement, and whether its commit ends behind it. */
const step = fc.record({ text: randomStatement, commit: fc.boolean() });
const history = fc.array(step, { minLength: 1, maxLength: 25 });
type Step = { readonly text: string; readonly commit: boolean };

describe('what is decided', () => {
  test('does not depend on how commands are grouped into commits, and replay makes the same state', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const alone = await run(steps.map(({ text }) => ({ text, commit: true })));
        const grouped = await run(steps);
        const together = await run(steps.map(({ text }) => ({ text, commit: false })));
        for (const { world, outcomes } of [alone, grouped, together]) {
          expect(outcomes).toEqual(alone.outcomes);
          expect(payloads(world)).toEqual(payloads(alone.world));
          expect(contentOf(world.view)).toEqual(contentOf(alone.world.view));
          expect(replayed(world.commits).digest()).toBe(world.view.digest());
        }
      }),
      { numRuns: 15 },
    );
  });

  test('is always an answer: a reply or a refusal with PostgreSQL’s SQLSTATE', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { outcomes } = await run(steps);
        for (const { error } of outcomes) if (error !== null) expect(error.sqlstate).toMatch(/^[0-9A-Z]{5}$/);
      }),
      { numRuns: 15 },
    );
  });

  test('keeps indexes that say what the rows say', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { world } = await run(steps);
        const catalog = world.view.catalog(TENANT_DEFAULT);
        const snapshot = world.view.snapshot(TENANT_DEFAULT);
        for (const table of catalog.tables) {
          for (const index of table.indexes) {
            const all = { range: { from: null, to: null }, reverse: false, limit: null };
            const owners = [...snapshot.scan(index.space, all)].map(({ value }) => hex(value)).sort();
            const keys = [...snapshot.scan(table.space, all)].map(({ key }) => hex(key)).sort();
            expect({ index: index.name, owners }).toEqual({ index: index.name, owners: keys });
          }
        }
        snapshot.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe('a command that is too large', () => {
  test.each([
    ['rows', { rowsMax: 3 }, 'INSERT INTO t VALUES (1), (2), (3), (4)'],
    ['one row', { entryBytesMax: 200 }, `INSERT INTO t VALUES (1, '${'x'.repeat(200)}')`],
    [
      'all its rows',
      { commandBytesMax: 1500 },
      `INSERT INTO t VALUES (1, '${'x'.repeat(900)}'), (2, '${'x'.repeat(900)}')`,
    ],
    ['a definition', { entryBytesMax: 300 }, 'CREATE TABLE u (a text, b text, c text, d text, e text)'],
  ])('by %s is refused', async (_what, limits, text) => {
    const world = await TableWorld.open();
    world.write('CREATE TABLE t (id integer PRIMARY KEY, s text)');
    const before = world.view.digest();
    world.limits = { ...world.limits, ...limits };
    expect(world.write(text).error?.sqlstate).toBe('54000');
    expect(world.view.digest()).toBe(before);
  });

  test('is split into entries that fit, and is still one command', async () => {
    const world = await TableWorld.open();
    world.write('CREATE TABLE t (id integer PRIMARY KEY, s text)');
    world.limits = { ...world.limits, entryBytesMax: 1000 };
    const rows = Array.from({ length: 40 }, (_, id) => `(${id}, '${'y'.repeat(90)}')`);
    expect(world.write(`INSERT INTO t VALUES ${rows.join()}`)).toMatchObject({ count: 40 });
    const { entries } = world.commits.at(-1)!;
    expect(entries.length).toBeGreaterThan(4);
    for (const { payload } of entries) expect(payload.length).toBeLessThanOrEqual(1000);
    expect((await world.read('SELECT count(*) FROM t')).rows).toEqual([['40']]);
  });
});

test('rows about different people lie in different entries, and a row stays about one', async () => {
  const world = await TableWorld.open();
  world.write('CREATE TABLE t (id integer PRIMARY KEY, person text, v integer) WITH (subject = person)');
  world.write("INSERT INTO t VALUES (1, 'ann', 1), (2, 'bob', 2), (3, 'ann', 3), (4, NULL, 4)");
  const subjects = () =>
    world.commits.at(-1)!.entries.map((entry) => (entry as { subject?: string | null }).subject);
  expect(subjects()).toEqual(['ann', 'bob', null]);
  world.write('UPDATE t SET v = v + 1 WHERE id > 1');
  expect(subjects()).toEqual(['bob', 'ann', null]);
  world.write('DELETE FROM t WHERE id <> 2');
  expect(subjects()).toEqual(['ann', null]);
  expect(world.write("UPDATE t SET person = 'ann' WHERE id = 2").error?.sqlstate).toBe('0A000');
  expect(world.write('ALTER TABLE t DROP COLUMN person').error?.sqlstate).toBe('0A000');
});

test('a key that goes from one person’s row to another’s is deleted for the one and inserted for the other', async () => {
  const world = await TableWorld.open();
  world.write('CREATE TABLE t (id integer PRIMARY KEY, person text, v text UNIQUE) WITH (subject = person)');
  world.write("INSERT INTO t VALUES (1, 'ann', 'a'), (2, 'bob', 'b'), (3, 'cid', 'c')");
  expect(world.write('UPDATE t SET id = id + 1')).toMatchObject({ tag: 'UPDATE 3' });
  expect((await world.read('SELECT id, person FROM t ORDER BY id')).rows).toEqual([
    ['2', 'ann'],
    ['3', 'bob'],
    ['4', 'cid'],
  ]);
  expect(replayed(world.commits).digest()).toBe(world.view.digest());
  // As a replay has it when a person has been erased: the others are what they were.
  for (const erased of ['ann', 'bob', 'cid']) {
    const left = world.commits.map((commit) => ({
      ...commit,
      entries: commit.entries.filter((entry) => (entry as { subject?: string | null }).subject !== erased),
    }));
    const people = contentOf(replayed(left)).filter((line) => line.startsWith('16 '));
    expect(people).toHaveLength(2);
    for (const person of ['ann', 'bob', 'cid'])
      expect(people.filter((line) => line.includes(person))).toHaveLength(person === erased ? 0 : 1);
  }
});

async function run(steps: readonly Step[]): Promise<{ world: TableWorld; outcomes: Outcome[] }> {
  const world = await TableWorld.open();
  const outcomes = steps.map(({ text, commit }) => {
    const outcome = world.attempt(text);
    if (commit) world.endCommit();
    return outcome;
  });
  world.endCommit();
  return { world, outcomes };
}

function payloads({ commits }: TableWorld): string[] {
  return commits.flatMap(({ entries }) => entries.map(({ payload }) => hex(payload)));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
