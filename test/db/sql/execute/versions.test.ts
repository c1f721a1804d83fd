/** HISTORY has every version of a row and its end; DIFF what became of each row between two positions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../../db/sql/types/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { Asker } from '../query-world.ts';
import { Dice } from '../random-tables.ts';
import { TableWorld } from '../table-world.ts';

async function worldOf(...statements: readonly string[]): Promise<{
  world: TableWorld;
  ask: (text: string) => readonly Row[];
  position: (commit: number) => number;
}> {
  const asker = await Asker.open();
  const world = await TableWorld.open();
  for (const statement of statements) expect(world.write(statement).error).toBeNull();
  return {
    world,
    ask: (text) => {
      const snapshot = world.view.snapshot(TENANT_DEFAULT);
      try {
        return asker.ask(snapshot, text, { end: world.commits.at(-1) ?? null }).rows;
      } finally {
        snapshot.close();
      }
    },
    position: (commit) => world.commits[commit]!.sequence,
  };
}

const PEOPLE = 'CREATE TABLE people (id integer PRIMARY KEY, name text, age integer)';

test('HISTORY shows who wrote each version, when, and what ended it', async () => {
  const { ask } = await worldOf(
    PEOPLE,
    "INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Bob', 20)",
    'UPDATE people SET age = 37 WHERE id = 1',
    'DELETE FROM people WHERE id = 1',
    "INSERT INTO people VALUES (1, 'Ann', 1)",
  );
  const rows = ask(
    'SELECT id, name, age, _operation, _actor, _until IS NULL, _recorded_at FROM people HISTORY WHERE id = 1',
  );
  expect(rows.map((row) => row.slice(0, 6))).toEqual([
    [1, 'Ada', 36, 'insert', 'tester', false],
    [1, 'Ada', 37, 'update', 'tester', false],
    [1, 'Ada', 37, 'delete', 'tester', true],
    [1, 'Ann', 1, 'insert', 'tester', true],
  ]);
  const times = rows.map((row) => row[6] as bigint);
  expect(times).toEqual([...times].sort());
  const [whole] = ask('SELECT * FROM people HISTORY WHERE id = 2');
  expect(whole).toHaveLength(3 + 5);
});

test('HISTORY AS OF a position knows nothing of later', async () => {
  const { ask, position } = await worldOf(
    PEOPLE,
    "INSERT INTO people VALUES (1, 'Ada', 36)",
    'UPDATE people SET age = 37',
    'DELETE FROM people',
  );
  expect(ask(`SELECT age, _until, _operation FROM people AS OF POSITION ${position(1)} HISTORY`)).toEqual([
    [36, null, 'insert'],
  ]);
});

test('conditions and order of HISTORY may be about its own columns', async () => {
  const { ask } = await worldOf(
    PEOPLE,
    "INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Bob', 20)",
    'UPDATE people SET age = age + 1',
    'DELETE FROM people WHERE id = 2',
  );
  expect(
    ask("SELECT id FROM people HISTORY WHERE _operation <> 'insert' ORDER BY _sequence DESC, id DESC"),
  ).toEqual([[2], [2], [1]]);
  expect(ask('SELECT count(*) FROM people HISTORY')).toEqual([[5n]]);
});

test('a column that only HISTORY has is refused by name elsewhere', async () => {
  const { ask } = await worldOf(PEOPLE);
  expect(() => ask('SELECT _sequence FROM people')).toThrow(/only SELECT … HISTORY has it/);
});

test('DIFF shows both sides of an update, in the columns of the later position', async () => {
  const { ask, position } = await worldOf(
    PEOPLE,
    "INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Bob', 20), (3, 'Cid', 50)",
    'ALTER TABLE people DROP COLUMN age',
    'ALTER TABLE people ADD COLUMN town text',
    "UPDATE people SET town = 'Rome' WHERE id = 1",
    'DELETE FROM people WHERE id = 2',
    "INSERT INTO people VALUES (4, 'Dot', 'Oslo')",
  );
  const rows = ask(`DIFF TABLE people BETWEEN POSITION ${position(1)} AND POSITION ${position(6)}`);
  expect(rows.map((row) => [row[3], ...row.slice(4)])).toEqual([
    ['update', 1, 'Ada', 'Rome', 1, 'Ada', null],
    ['delete', null, null, null, 2, 'Bob', null],
    ['insert', 4, 'Dot', 'Oslo', null, null, null],
  ]);
});

test('DIFF is refused across the re-creation of its table, and backwards', async () => {
  const { ask, position } = await worldOf(
    PEOPLE,
    "INSERT INTO people VALUES (1, 'Ada', 36)",
    'DROP TABLE people',
    PEOPLE,
  );
  const [first, created] = [position(1), position(3)];
  expect(() => ask(`DIFF TABLE people BETWEEN POSITION ${first} AND POSITION ${created}`)).toThrow(
    /dropped and created anew/,
  );
  expect(() => ask(`DIFF TABLE people BETWEEN POSITION ${created} AND POSITION ${first}`)).toThrow(
    /turn them round/,
  );
  expect(() => ask('DIFF TABLE people BETWEEN POSITION 0 AND POSITION 999')).toThrow(
    /beyond the last commit, at position/,
  );
});

test('what AS OF cannot answer says why, and where there is an answer', async () => {
  const { ask, position } = await worldOf(
    'CREATE TABLE other (id integer PRIMARY KEY)',
    PEOPLE,
    'DROP TABLE people',
  );
  const created = position(1);
  expect(() => ask('SELECT * FROM people AS OF POSITION 1')).toThrow(
    new RegExp(`does not exist at position .*: it was created at position ${created}`),
  );
  expect(() => ask(`SELECT * FROM people AS OF POSITION ${position(2)}`)).toThrow(
    new RegExp(`it was dropped or renamed at position ${position(2)}`),
  );
  expect(ask(`SELECT * FROM people AS OF POSITION ${created}`)).toEqual([]);
  expect(() => ask(`SELECT * FROM other AS OF POSITION ${position(2) + 1}`)).toThrow(
    new RegExp(`AS OF position ${position(2) + 1} is beyond the last commit, at position ${position(2)}`),
  );
  expect(() => ask("SELECT * FROM other AS OF TIMESTAMP '2999-01-01'")).toThrow(/beyond the last commit/);
  expect(() => ask('SELECT * FROM other AS OF POSITION NULL')).toThrow(/needs a value, not NULL/);
});

test('HISTORY and DIFF agree with what AS OF shows at every position', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0xffff_ffff }), async (seed) => {
      const dice = new Dice(seed);
      const { world, ask } = await worldOf(PEOPLE);
      for (let step = 0; step < 25; step++) world.write(change(dice));
      const positions = world.commits.map(({ sequence }) => sequence);
      const history = ask('SELECT id, name, age, _sequence, _until, _operation FROM people HISTORY');
      for (const position of positions) {
        const then = ask(`SELECT * FROM people AS OF POSITION ${position}`);
        const alive = history.filter(
          ([, , , since, until, operation]) =>
            operation !== 'delete' &&
            (since as bigint) <= position &&
            (until === null || (until as bigint) > position),
        );
        expect(alive.map((row) => row.slice(0, 3))).toEqual(then);
      }
      for (let count = 0; count < 12; count++) {
        const [from, to] = [dice.pick(positions), dice.pick(positions)].sort((a, b) => a - b);
        const before = byKey(ask(`SELECT * FROM people AS OF POSITION ${from}`));
        const after = byKey(ask(`SELECT * FROM people AS OF POSITION ${to}`));
        const found = ask(`DIFF TABLE people BETWEEN POSITION ${from} AND POSITION ${to}`);
        expect(found.map((row) => row.slice(3))).toEqual(difference(before, after));
      }
    }),
    { numRuns: 8 },
  );
}, 60_000);

function change(dice: Dice): string {
  const id = dice.below(6);
  const name = dice.pick(["'x'", "'y'", 'NULL']);
  return dice.pick([
    `INSERT INTO people VALUES (${id}, ${name}, ${dice.below(3)}) ON CONFLICT (id) DO UPDATE SET age = excluded.age`,
    `UPDATE people SET name = ${name} WHERE id >= ${id}`,
    `DELETE FROM people WHERE id = ${id}`,
  ]);
}

function byKey(rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.map((row) => [row[0] as number, row]));
}

function difference(before: Map<number, Row>, after: Map<number, Row>): Row[] {
  const nothing = [null, null, null];
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  return keys.flatMap((key) => {
    const [old, now] = [before.get(key) ?? null, after.get(key) ?? null];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    const operation = old === null ? 'insert' : now === null ? 'delete' : 'update';
    return [[operation, ...(now ?? nothing), ...(old ?? nothing)]];
  });
}
