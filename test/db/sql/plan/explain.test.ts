/** EXPLAIN says which way a query takes, and what is refused names the projection that would answer. */
import { beforeAll, expect, test } from 'vitest';
import type { StoreSnapshot } from '../../../../db/sql/store/index.ts';
import { TENANT_DEFAULT } from '../../../../db/types.ts';
import { Asker, type AskOptions } from '../query-world.ts';
import { TableWorld } from '../table-world.ts';

let asker: Asker;
let world: TableWorld;
let snapshot: StoreSnapshot;

beforeAll(async () => {
  asker = await Asker.open();
  world = await TableWorld.open();
  for (const statement of [
    'CREATE TABLE orders (customer integer, number integer, town text NOT NULL, total decimal(10, 2), note text, PRIMARY KEY (customer, number))',
    'CREATE INDEX orders_town ON orders (town)',
    'CREATE UNIQUE INDEX orders_note ON orders (note)',
    "INSERT INTO orders VALUES (1, 1, 'Rome', 10.5, 'a'), (1, 2, 'Oslo', 3, NULL), (2, 1, 'Rome', 7, 'b')",
  ])
    expect(world.write(statement).error).toBeNull();
  snapshot = world.view.snapshot(TENANT_DEFAULT);
  return () => snapshot.close();
});

/** Without the lines about where and how, which have tests of their own. */
function explain(text: string, options: AskOptions = {}): string[] {
  return asker
    .explain(snapshot, text, { end: world.commits.at(-1)!, ...options })
    .filter((line) => !/^(Position|Runs):/.test(line));
}

test('a whole key is looked up, part of one is a range, and what no key knows is filtered', () => {
  expect(explain('SELECT * FROM orders WHERE number = 2 AND customer = 1 AND total > 5')).toEqual([
    'Primary Key Lookup on orders',
    '  Primary Key Cond: (number = 2) AND (customer = 1)',
    '  Filter: total > 5',
  ]);
  expect(explain('SELECT * FROM orders WHERE customer = 1')).toEqual([
    'Primary Key Scan on orders',
    '  Primary Key Cond: customer = 1',
  ]);
  expect(explain('SELECT * FROM orders WHERE number = 1')).toEqual([
    'Seq Scan on orders',
    '  Filter: number = 1',
  ]);
});

test('an index is used for what it begins with, and a unique one finds a row', () => {
  expect(explain("SELECT * FROM orders WHERE town LIKE 'R%e'")).toEqual([
    'Index Scan using orders_town on orders',
    "  Index Cond: town LIKE 'R%e'",
    "  Filter: town LIKE 'R%e'",
  ]);
  expect(explain("SELECT * FROM orders WHERE note = 'a' AND town = 'Rome'")).toEqual([
    'Index Lookup using orders_note on orders',
    "  Index Cond: note = 'a'",
    "  Filter: town = 'Rome'",
  ]);
  expect(explain("SELECT * FROM orders WHERE town IN ('Rome', 'Oslo') AND customer > 1")).toEqual([
    'Index Scan using orders_town on orders',
    "  Index Cond: (town IN ('Rome', 'Oslo')) AND (customer > 1)",
  ]);
});

test('a key that has the order wanted saves the sort, either way round', () => {
  expect(explain('SELECT * FROM orders ORDER BY customer DESC, number DESC')).toEqual([
    'Primary Key Scan Backward on orders',
  ]);
  expect(explain('SELECT * FROM orders ORDER BY town, customer, number LIMIT 2')).toEqual([
    'Limit (2)',
    '  ->  Index Scan using orders_town on orders',
  ]);
  expect(explain('SELECT * FROM orders WHERE customer = 1 ORDER BY number DESC LIMIT 1')).toEqual([
    'Limit (1)',
    '  ->  Primary Key Scan Backward on orders',
    '        Primary Key Cond: customer = 1',
  ]);
  expect(explain('SELECT * FROM orders ORDER BY total DESC NULLS LAST, town LIMIT 2 OFFSET 1')).toEqual([
    'Limit (2, offset 1)',
    '  ->  Sort',
    '        Sort Key: total DESC NULLS LAST, town',
    '        ->  Seq Scan on orders',
  ]);
});

test('a count of all rows is known, a count of some is counted', () => {
  expect(explain('SELECT count(*) FROM orders')).toEqual([
    'Aggregate: count(*)',
    '  ->  Row Count of orders',
  ]);
  expect(explain('SELECT count(*) FROM orders WHERE customer = 1')).toEqual([
    'Aggregate: count(*)',
    '  ->  Primary Key Scan on orders',
    '        Primary Key Cond: customer = 1',
  ]);
});

test('the past by a secondary index says what it costs, and where it stands', () => {
  const position = world.commits[3]!.sequence;
  const lines = asker.explain(
    snapshot,
    `SELECT * FROM orders AS OF POSITION ${position} WHERE town = 'Rome'`,
    { end: world.commits.at(-1)! },
  );
  expect(lines).toEqual([
    'Index Scan using orders_town on orders',
    "  Index Cond: town = 'Rome'",
    '  Cost: by a secondary index, the versions that matched as of the position',
    `Position: ${position} (as of)`,
    'Runs: in the pool of readers',
  ]);
});

test('EXPLAIN ANALYZE counts what was read and what came of it', () => {
  const lines = asker
    .ask(snapshot, 'EXPLAIN ANALYZE SELECT * FROM orders WHERE total > 5')
    .rows.map(([line]) => String(line));
  expect(lines).toContain('Rows Examined: 3');
  expect(lines).toContain('Rows Returned: 2');
  expect(lines.at(-1)).toMatch(/^Execution Time: \d+\.\d{3} ms$/);
});

test('EXPLAIN shows how UPDATE and DELETE find their rows, and does not carry them out', () => {
  expect(explain("UPDATE orders SET total = 0 WHERE town = 'Rome'")).toEqual([
    'Update on orders',
    '  ->  Index Scan using orders_town on orders',
    "        Index Cond: town = 'Rome'",
  ]);
  expect(() => asker.ask(snapshot, 'EXPLAIN ANALYZE DELETE FROM orders')).toThrow(/would change the tables/);
});

test.each([
  [
    'SELECT town, sum(total) FROM orders GROUP BY town ORDER BY town',
    /cannot use GROUP BY.*CREATE PROJECTION my_groups AS SELECT town, sum\(total\) FROM orders GROUP BY town, then SELECT \* FROM my_groups/,
  ],
  [
    'SELECT o.town FROM orders o JOIN orders p ON o.number = p.number',
    /cannot use JOIN.*CREATE PROJECTION my_projection AS SELECT o\.town FROM orders o JOIN orders p ON/,
  ],
  [
    'EXPLAIN SELECT town, min(total) FROM orders WHERE total > 1 GROUP BY town',
    /AS SELECT town, min\(total\) FROM orders WHERE total > 1 GROUP BY town, then/,
  ],
  ['SELECT max(total) FROM orders', /aggregate max\(total\).*CREATE PROJECTION my_projection AS SELECT max/],
  ['SELECT count(*), town FROM orders', /only by itself/],
  ['SELECT * FROM (SELECT 1 AS one) AS sub', /a subquery in FROM/],
  ['SELECT count(DISTINCT town) FROM orders', /not count\(DISTINCT town\)/],
])('%s is refused with the projection that answers it', (text, message) => {
  expect(() => asker.ask(snapshot, text)).toThrow(message);
  expect(refusalOf(text)).toBe('0A000');
});

test.each([
  ['SELECT * FROM nobody', '42P01'],
  ['SELECT nothing FROM orders', '42703'],
  ['SELECT orders.town FROM orders o', '42P01'],
  ['SELECT * FROM orders WHERE total', '42804'],
  ['SELECT * FROM orders ORDER BY 6', '42P10'],
  ['SELECT * FROM orders LIMIT customer', '42P10'],
  ["SELECT * FROM orders ORDER BY 'town'", '42601'],
  ['SELECT town AS x, total AS x FROM orders ORDER BY x', '42702'],
  ['SELECT DISTINCT town FROM orders ORDER BY total', '42P10'],
  ['SELECT * FROM orders LIMIT -1', '2201W'],
  ['SELECT * FROM orders OFFSET -1', '2201X'],
  ['SELECT *', '42601'],
])('%s is refused as PostgreSQL does: %s', (text, sqlstate) => {
  expect(refusalOf(text)).toBe(sqlstate);
});

function refusalOf(text: string): unknown {
  try {
    asker.ask(snapshot, text);
  } catch (error) {
    return (error as { details: { sqlstate: unknown } }).details.sqlstate;
  }
  return null;
}

test('parameters fill a plan that is made once; NULL finds nothing', () => {
  const text = 'SELECT town FROM orders WHERE customer = $1 AND number >= $2';
  const ask = (...values: (string | null)[]): unknown =>
    asker.ask(snapshot, text, {
      parameters: values.map((value) => ({ given: 'text' as const, text: value })),
    }).rows;
  expect(ask('1', '1')).toEqual([['Rome'], ['Oslo']]);
  expect(ask('2', '1')).toEqual([['Rome']]);
  expect(ask('1', null)).toEqual([]);
  expect(() => ask('1')).toThrow(/\$2/);
  const paged = asker.ask(snapshot, 'SELECT town FROM orders ORDER BY total LIMIT $1 OFFSET $2', {
    parameters: [
      { given: 'value', value: 1 },
      { given: 'text', text: '1' },
    ],
  });
  expect(paged.rows).toEqual([['Rome']]);
  const end = world.commits[2]!;
  const then = asker.ask(snapshot, 'SELECT count(*) FROM orders AS OF POSITION $1', {
    parameters: [{ given: 'text', text: String(end.sequence) }],
    end,
  });
  expect(then).toMatchObject({ rows: [[0n]], position: end.sequence });
});

test('DISTINCT keeps the first of equal rows', () => {
  expect(asker.ask(snapshot, 'SELECT DISTINCT town FROM orders ORDER BY town').rows).toEqual([
    ['Oslo'],
    ['Rome'],
  ]);
});

test('a query without a table is about one row', () => {
  expect(asker.ask(snapshot, "SELECT 1 + 1 AS two, 'a' || 'b', NULL::integer WHERE true").rows).toEqual([
    [2, 'ab', null],
  ]);
  expect(asker.ask(snapshot, 'SELECT count(*)').rows).toEqual([[1n]]);
});

test.each([
  ['rows of the answer', { rowsMax: 2 }],
  ['rows read', { examinedMax: 100 }],
  ['bytes', { bytesMax: 50 }],
])('a query that goes beyond its %s ends with an error of its own', (_, limits) => {
  const more = Array.from({ length: 200 }, (__, number) => `(9, ${number}, 'Bern', 1, NULL)`);
  world.write(`INSERT INTO orders VALUES ${more.join(', ')} ON CONFLICT DO NOTHING`);
  const fresh = world.view.snapshot(TENANT_DEFAULT);
  try {
    const ask = (): unknown => asker.ask(fresh, 'SELECT * FROM orders ORDER BY total', { limits });
    expect(ask).toThrow(expect.objectContaining({ code: 'TOO_LARGE', details: { sqlstate: '54000' } }));
  } finally {
    fresh.close();
  }
});
