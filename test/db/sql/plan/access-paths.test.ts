/** Whatever way a query takes into a table, it has the same answer: that of looking at every row. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SelectStatement } from '../../../../db/sql/ast.ts';
import type { Row } from '../../../../db/sql/types/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { naiveSelect } from '../naive-query.ts';
import { Asker } from '../query-world.ts';
import { Dice, RANDOM_TABLES, randomRow, randomSelect } from '../random-tables.ts';
import { TableWorld } from '../table-world.ts';

const ROWS = 60;
const QUERIES = 30;

test('random queries answer the same along every way, as a look at all rows does', async () => {
  const asker = await Asker.open();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0xffff_ffff }), async (seed) => {
      const dice = new Dice(seed);
      const world = await TableWorld.open();
      for (const table of RANDOM_TABLES) {
        for (const statement of table.create) expect(world.write(statement).error).toBeNull();
        const rows = Array.from({ length: ROWS }, (_, id) => randomRow(dice, id, table.name));
        expect(world.write(`INSERT INTO ${table.name} VALUES ${rows.join(', ')}`).error).toBeNull();
      }
      const snapshot = world.view.snapshot(TENANT_DEFAULT);
      const catalog = world.view.catalog(TENANT_DEFAULT);
      for (const { name, ways } of RANDOM_TABLES) {
        const all = asker.ask(snapshot, `SELECT * FROM ${name}`).rows;
        for (let count = 0; count < QUERIES; count++) {
          const text = randomSelect(dice, name);
          const query = asker.query(text).statement as SelectStatement;
          const wanted = outcome(() => naiveSelect(catalog.table(name)!, all, query));
          for (const forced of [null, ...ways]) {
            const found = outcome(() => asker.ask(snapshot, text, { forced }).rows);
            expect({ text, forced, found: inOrder(found, query) }).toEqual({
              text,
              forced,
              found: inOrder(wanted, query),
            });
          }
        }
      }
      snapshot.close();
    }),
    { numRuns: 3 },
  );
}, 60_000);

test('a list of more values than are tried one by one finds the same rows', async () => {
  const asker = await Asker.open();
  const world = await TableWorld.open();
  world.write('CREATE TABLE t (a integer, b integer, PRIMARY KEY (a, b))');
  const rows = Array.from({ length: 300 }, (_, number) => `(${number}, ${number % 7})`);
  world.write(`INSERT INTO t VALUES ${rows.join(', ')}`);
  const even = Array.from({ length: 1_200 }, (_, number) => number * 2 - 100).join(', ');
  const snapshot = world.view.snapshot(TENANT_DEFAULT);
  const text = `SELECT count(*) FROM t WHERE a IN (${even}) AND b IN (1, 2, 3)`;
  const [way, scan] = [null, 'full scan'].map((forced) => asker.ask(snapshot, text, { forced }).rows);
  expect(way).toEqual(scan);
  expect(Number(way![0]![0])).toBeGreaterThan(30);
  snapshot.close();
});

/** Rows, or the sqlstate of the refusal. */
function outcome(run: () => readonly Row[]): readonly Row[] | string {
  try {
    return run();
  } catch (error) {
    return String((error as { details?: { sqlstate?: unknown } }).details?.sqlstate ?? error);
  }
}

function inOrder(rows: readonly Row[] | string, { orderBy }: SelectStatement): unknown {
  if (typeof rows === 'string') return rows;
  const texts = rows.map((row) => JSON.stringify(row, plain));
  return orderBy.length > 0 ? texts : texts.sort();
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
