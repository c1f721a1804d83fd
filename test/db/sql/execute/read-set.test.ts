/** What a query says it rests on: whatever changes its answer changes something in it. Transactions are refused by that. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QueryAnswer } from '../../../../db/sql/execute/query.ts';
import type { Row } from '../../../../db/sql/types/index.ts';
import { SEQUENCE_NONE, TENANT_DEFAULT } from '../../../../db/types.ts';
import { Asker } from '../query-world.ts';
import { condition, Dice, RANDOM_TABLES, randomRow, randomSelect } from '../random-tables.ts';
import { TableWorld } from '../table-world.ts';

const QUERIES = 12;
const CHANGES = 12;

test('a change that changes an answer lies in what the answer rests on', async () => {
  const asker = await Asker.open();
  let noticed = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0xffff_ffff }), async (seed) => {
      const dice = new Dice(seed);
      const world = await TableWorld.open();
      const { name, create, ways } = dice.pick(RANDOM_TABLES);
      const rows = Array.from({ length: 30 }, (_, id) => randomRow(dice, id, name));
      for (const statement of [...create, `INSERT INTO ${name} VALUES ${rows.join(', ')}`])
        expect(world.write(statement).error).toBeNull();
      const ask = (text: string, forced: string | null): QueryAnswer => {
        const snapshot = world.view.snapshot(TENANT_DEFAULT);
        try {
          return asker.ask(snapshot, text, { forced });
        } finally {
          snapshot.close();
        }
      };
      for (let change = 0; change < CHANGES; change++) {
        const asked = Array.from({ length: QUERIES }, () => {
          const text = randomSelect(dice, name);
          const forced = dice.pick([null, ...ways]);
          return { text, forced, answer: ask(text, forced) };
        });
        const before = world.commits.at(-1)?.sequence ?? SEQUENCE_NONE;
        const statement = randomChange(dice, name, 100 + change);
        world.write(statement);
        const snapshot = world.view.snapshot(TENANT_DEFAULT);
        for (const { text, forced, answer } of asked) {
          const now = ask(text, forced);
          if (plain(now.rows) === plain(answer.rows)) continue;
          noticed += 1;
          const changed = answer.reads.some(({ space, range }) =>
            snapshot.changedSince(space, range, before),
          );
          expect({ text, forced, statement, changed }).toMatchObject({ changed: true });
        }
        snapshot.close();
      }
    }),
    { numRuns: 6 },
  );
  expect(noticed).toBeGreaterThan(20);
}, 60_000);

function randomChange(dice: Dice, name: string, id: number): string {
  return dice.pick([
    `INSERT INTO ${name} VALUES ${randomRow(dice, id, name)}`,
    `DELETE FROM ${name} WHERE id = ${dice.below(30)}`,
    `UPDATE ${name} SET a = ${dice.below(5)}, e = NULL WHERE id = ${dice.below(30)}`,
    `UPDATE ${name} SET c = 'ab' WHERE ${condition(dice, 0)}`,
  ]);
}

function plain(rows: readonly Row[]): string {
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

test('a look-up rests on its key alone, an index also on the rows that it led to', async () => {
  const asker = await Asker.open();
  const world = await TableWorld.open();
  for (const statement of [
    'CREATE TABLE t (id integer PRIMARY KEY, a integer, b text)',
    'CREATE INDEX t_a ON t (a)',
    "INSERT INTO t VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z')",
  ])
    world.write(statement);
  const table = world.view.catalog(TENANT_DEFAULT).table('t')!;
  const snapshot = world.view.snapshot(TENANT_DEFAULT);
  const spaces = (text: string): number[] => asker.ask(snapshot, text).reads.map(({ space }) => space);
  expect(spaces('SELECT * FROM t WHERE id = 1')).toEqual([table.space]);
  expect(spaces('SELECT * FROM t WHERE a = 1')).toEqual([table.indexes[0]!.space, table.space, table.space]);
  const end = world.commits.at(-1)!;
  const past = asker.ask(snapshot, `SELECT * FROM t AS OF POSITION ${end.sequence}`, { end });
  expect(past.reads).toEqual([]);
  snapshot.close();
});
