/** Queries on threads of their own: the same answers, limits that hold, and an ordering thread that is left alone. */
import { performance } from 'node:perf_hooks';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { initDatabase, openEngine } from '../../../../db/engine.ts';
import { realClock, realScheduler } from '../../../../db/io/index.ts';
import { Decimal } from '../../../../db/numeric/index.ts';
import {
  CatalogCache,
  encodeHeader,
  encodeTable,
  HEADER_KEY,
  type Table,
  tableKey,
} from '../../../../db/sql/catalog/index.ts';
import type { QueryStore } from '../../../../db/sql/execute/query.ts';
import { Queries } from '../../../../db/sql/pool/index.ts';
import { TableLayout } from '../../../../db/sql/rows/table-layout.ts';
import type { Space, SqliteStore } from '../../../../db/sql/store/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../../db/types.ts';
import { append, eventDraft } from '../../support/event-drafts.ts';
import { temporaryData } from '../../support/temporary.ts';
import { temporaryStore } from '../../support/temporary-store.ts';
import { Asker, type AskOptions } from '../query-world.ts';

const TABLE: Table = {
  id: 1,
  name: 'big',
  space: 16 as Space,
  columns: [
    { id: 1, name: 'id', type: { kind: 'integer' }, notNull: true, default: null, missing: null },
    {
      id: 2,
      name: 'word',
      type: { kind: 'text', lengthMax: null },
      notNull: false,
      default: null,
      missing: null,
    },
    {
      id: 3,
      name: 'price',
      type: { kind: 'decimal', precision: null, scale: null },
      notNull: false,
      default: null,
      missing: null,
    },
    { id: 4, name: 'raw', type: { kind: 'bytes' }, notNull: false, default: null, missing: null },
  ],
  primaryKey: { name: 'big_pkey', columns: [1] },
  indexes: [],
  checks: [],
  subject: null,
  nextColumn: 5,
  createdAt: 1 as Sequence,
};

let asker: Asker;
let queries: Queries;

beforeAll(async () => {
  asker = await Asker.open();
  queries = newQueries();
  return () => queries.close();
});

/** A thread starts when it is first wanted, which takes longer than the queries here: tests share it. */
function newQueries(): Queries {
  return new Queries({
    ...{ clock: realClock, scheduler: realScheduler, threads: 1, waitingMax: 2 },
    randomUuid: () => '00000000-0000-4000-8000-000000000000',
  });
}

/** A table with so many rows, written straight into a store. */
function filled(rows: number): SqliteStore {
  const store = temporaryStore();
  const layout = TableLayout.of(TABLE);
  store.begin();
  const header = { version: 1, nextTable: 2, nextIndex: 1, nextSpace: 17 };
  store.put(0 as Space, HEADER_KEY, encodeHeader(header), 1 as Sequence);
  store.put(0 as Space, tableKey(TABLE.id), encodeTable(TABLE), 1 as Sequence);
  for (let id = 0; id < rows; id++) {
    const row = [
      id,
      id % 7 === 0 ? null : `word ${id % 1000}`,
      new Decimal(BigInt(id), 2),
      Uint8Array.of(id & 0xff),
    ];
    store.put(TABLE.space, layout.keyOf(row), layout.bytesOf(row), 2 as Sequence);
  }
  store.committed({
    sequence: 3 as Sequence,
    ordinal: 1 as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: 1_700_000_000_000_000_000n as RecordedAt,
  });
  store.commit();
  return store;
}

function storeOf(store: SqliteStore, onThread: boolean): QueryStore {
  const catalogs = new CatalogCache();
  return {
    path: onThread ? store.path : null,
    snapshot: () => store.snapshot(),
    glance: () => ({ reader: store, done: () => {} }),
    catalog: () => catalogs.at(store, null),
    catalogs,
  };
}

function run(
  store: SqliteStore,
  text: string,
  options: AskOptions & { signal?: AbortSignal } = {},
): ReturnType<Queries['run']> {
  return queries.run(storeOf(store, true), asker.query(text, options), options.signal ?? null);
}

test('a thread answers what the calling thread answers', async () => {
  const store = filled(2_000);
  for (const text of [
    'SELECT * FROM big',
    'SELECT price, word FROM big WHERE word IS NOT NULL ORDER BY price DESC LIMIT 50',
    'SELECT count(*) FROM big WHERE id > 100',
    'EXPLAIN SELECT * FROM big WHERE id > 3',
    'SELECT * FROM big WHERE id < 0',
  ]) {
    const here = await queries.run(storeOf(store, false), asker.query(text));
    expect(await run(store, text)).toEqual(here);
  }
  const { rows } = await run(store, 'SELECT id FROM big WHERE price = $1 AND id >= 0', {
    parameters: [{ given: 'value', value: Decimal.parse('5.00') }],
  });
  expect(rows).toEqual([[500]]);
});

test('a refusal keeps its code and sqlstate on the way between threads', async () => {
  const store = filled(1);
  await expect(run(store, 'SELECT * FROM nowhere')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    details: { sqlstate: '42P01' },
  });
});

test('a query that takes too long ends by itself, one that is given up ends at once, and others go on', async () => {
  const store = filled(60_000);
  const slow = "SELECT count(*) FROM big WHERE word LIKE '%9%9%' AND upper(word) <> lower(word)";
  await expect(run(store, slow, { limits: { millisMax: 20 } })).rejects.toMatchObject({
    code: 'TIMEOUT',
    details: { sqlstate: '57014' },
  });
  const giving = new AbortController();
  const given = run(store, slow, { signal: giving.signal });
  setTimeout(() => giving.abort(), 5);
  await expect(given).rejects.toMatchObject({ code: 'CLOSED', details: { sqlstate: '57014' } });
  await expect(run(store, slow, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CLOSED' });
  expect((await run(store, 'SELECT count(*) FROM big WHERE id < 10 AND id > -1')).rows).toEqual([[10n]]);
});

test('a thread that is still busy when its time is over holds nobody up', async () => {
  const store = filled(1);
  // One row whose comparisons take seconds together and ask nobody meanwhile; each alone takes fewer steps than are allowed.
  const parameters = ['a'.repeat(20_000), `%_${'a'.repeat(2_000)}b%`].map((text) => ({
    given: 'text' as const,
    text,
  }));
  const comparisons = Array.from({ length: 30 }, () => '$1 LIKE $2').join(' OR ');
  const endless = run(store, `SELECT id FROM big WHERE ${comparisons}`, {
    parameters,
    limits: { millisMax: 200 },
  });
  await expect(endless).rejects.toMatchObject({ code: 'TIMEOUT' });
  const { rows } = await run(store, 'SELECT id FROM big WHERE id > -1', { limits: { millisMax: 60_000 } });
  expect(rows).toEqual([[0]]);
});

test('queries beyond those that may wait are refused with BUSY', async () => {
  const store = filled(20_000);
  const asked = Array.from({ length: 4 }, () => run(store, 'SELECT count(*) FROM big WHERE price > 1'));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  expect(outcomes[3]).toMatchObject({ reason: { code: 'BUSY', details: { sqlstate: '53300' } } });
  expect(queries.load).toMatchObject({ waiting: 0, running: 0 });
});

test('closing the pool tells those who wait', async () => {
  const store = filled(20_000);
  const closing = newQueries();
  const query = asker.query('SELECT count(*) FROM big WHERE price > 1');
  const outcomes = Promise.allSettled([1, 2].map(() => closing.run(storeOf(store, true), query)));
  await closing.close();
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'CLOSED' } });
});

test('a point query does not wait for the threads', async () => {
  const store = filled(20_000);
  const scan = run(store, 'SELECT count(*) FROM big WHERE price > 1');
  let scanned = false;
  void scan.then(() => {
    scanned = true;
  });
  expect((await run(store, 'SELECT id FROM big WHERE id = 7')).rows).toEqual([[7]]);
  expect((await run(store, 'SELECT count(*) FROM big')).rows).toEqual([[20_000n]]);
  expect(scanned).toBe(false);
  await scan;
});

test('appends go on while 300,000 rows are read and handed over', async () => {
  const store = filled(300_000);
  const directory = temporaryData();
  initDatabase({ directory });
  const engine = await openEngine({ directory });
  onTestFinished(() => engine.close());
  let longest = 0;
  let appends = 0;
  let reading = true;
  const appending = (async () => {
    while (reading) {
      const began = performance.now();
      await engine.append(append('s', [eventDraft('x')]));
      longest = Math.max(longest, performance.now() - began);
      appends += 1;
    }
  })();
  const began = performance.now();
  const counted = await run(store, "SELECT count(*) FROM big WHERE word <> 'word 5'");
  const all = await run(store, 'SELECT * FROM big');
  const took = performance.now() - began;
  reading = false;
  await appending;
  expect(counted.rows).toEqual([[256_885n]]);
  expect(all.count).toBe(300_000);
  // If the ordering thread had done the work, the appends would have waited for all of it.
  expect(longest).toBeLessThan(took / 3);
  expect(appends).toBeGreaterThan(20);
}, 120_000);
