/** A projection is selected from as a table is; one that is not ready says so. */
import { expect, test } from 'vitest';
import { tableToJson } from '../../../../db/sql/catalog/catalog-store.ts';
import {
  encodeHeader,
  encodeProjection,
  HEADER_KEY,
  type Projection,
  projectionKey,
  type Table,
} from '../../../../db/sql/catalog/index.ts';
import { TableLayout } from '../../../../db/sql/rows/table-layout.ts';
import type { Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { temporaryStore } from '../../support/temporary-store.ts';
import { Asker } from '../query-world.ts';

const SPACE = 20 as Space;
const ROWS: Table = {
  id: 4,
  name: 'towns',
  space: SPACE,
  columns: [
    {
      id: 1,
      name: 'town',
      type: { kind: 'text', lengthMax: null },
      notNull: false,
      default: null,
      missing: null,
    },
    { id: 2, name: 'orders', type: { kind: 'bigint' }, notNull: true, default: null, missing: null },
  ],
  primaryKey: { name: null, columns: [1] },
  indexes: [],
  checks: [],
  subject: null,
  nextColumn: 3,
  createdAt: 1 as Sequence,
};

function storeWith(state: Projection['state']): SqliteStore {
  const store = temporaryStore();
  const layout = TableLayout.of(ROWS);
  const projection: Projection = {
    id: ROWS.id,
    name: ROWS.name,
    space: SPACE,
    text: 'SELECT town, count(*) AS orders FROM orders GROUP BY town',
    state,
    detail: JSON.stringify({ table: tableToJson(ROWS), staleSince: state === 'stale' ? 2 : null }),
    createdAt: 1 as Sequence,
  };
  store.begin();
  const header = { version: 1, nextTable: 5, nextIndex: 1, nextSpace: 21 };
  store.put(0 as Space, HEADER_KEY, encodeHeader(header), 1 as Sequence);
  store.put(0 as Space, projectionKey(projection.id), encodeProjection(projection), 1 as Sequence);
  for (const row of [
    ['Oslo', 2n],
    ['Rome', 5n],
    [null, 1n],
  ])
    store.put(SPACE, layout.keyOf(row), layout.bytesOf(row), 2 as Sequence);
  store.committed({
    sequence: 3 as Sequence,
    ordinal: 1 as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: 1n as RecordedAt,
  });
  store.commit();
  return store;
}

test('a projection is looked up, filtered and sorted like a table', async () => {
  const asker = await Asker.open();
  const store = storeWith('live');
  expect(asker.ask(store, "SELECT orders FROM towns WHERE town = 'Rome'").rows).toEqual([[5n]]);
  expect(asker.ask(store, 'SELECT * FROM towns ORDER BY town').rows).toEqual([
    ['Oslo', 2n],
    ['Rome', 5n],
    [null, 1n],
  ]);
  expect(asker.explain(store, "SELECT * FROM towns WHERE town > 'P'")).toEqual([
    'Primary Key Scan on towns',
    "  Primary Key Cond: town > 'P'",
    '  Projection: live',
    'Position: 3 (present)',
    'Runs: in the pool of readers',
  ]);
});

test('one that is behind answers as of the position up to which it is current', async () => {
  const asker = await Asker.open();
  const store = storeWith('stale');
  expect(asker.ask(store, 'SELECT count(*) FROM towns')).toMatchObject({ rows: [[3n]], position: 2 });
  expect(asker.explain(store, 'SELECT * FROM towns')).toContain(
    '  Projection: stale, current up to position 2',
  );
});

test('one that is being built, or has failed, is refused', async () => {
  const asker = await Asker.open();
  expect(() => asker.ask(storeWith('building'), 'SELECT * FROM towns')).toThrow(/still being built/);
  expect(() => asker.ask(storeWith('failed'), 'SELECT * FROM towns')).toThrow(/has failed/);
  expect(() => asker.ask(storeWith('live'), 'DIFF TABLE towns BETWEEN POSITION 0 AND POSITION 3')).toThrow(
    /DIFF compares tables/,
  );
});
