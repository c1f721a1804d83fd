/** The tables as data: entries with fixed bytes, read back as of any position, ids that are never given again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import {
  Catalog,
  type CatalogEntry,
  decodeCatalogEntry,
  encodeCatalogEntry,
  type Table,
} from '../../../../db/sql/catalog/index.ts';
import type { Space } from '../../../../db/sql/store/contract.ts';
import { SEQUENCE_NONE, type Sequence, TENANT_DEFAULT } from '../../../../db/types.ts';
import { replayed, TableWorld } from '../table-world.ts';

const AT = 40 as Sequence;
const TABLE: Table = {
  id: 1,
  name: 't',
  space: 16 as Space,
  columns: [
    { id: 1, name: 'id', type: { kind: 'bigint' }, notNull: true, default: null, missing: null },
    {
      id: 2,
      name: 'price',
      type: { kind: 'decimal', precision: 6, scale: 2 },
      notNull: false,
      default: { node: 'literal', kind: 'decimal', text: '1.50', at: 9 },
      missing: null,
    },
  ],
  primaryKey: { name: 't_pkey', columns: [1] },
  indexes: [
    {
      id: 1,
      name: 'i',
      unique: false,
      columns: [2],
      space: 17 as Space,
      constraint: false,
      createdAt: SEQUENCE_NONE,
    },
  ],
  checks: [],
  subject: null,
  nextColumn: 3,
  createdAt: SEQUENCE_NONE,
};
const ENTRY: CatalogEntry = {
  actor: 'anna',
  header: { version: 1, nextTable: 2, nextIndex: 2, nextSpace: 18 },
  changes: [
    { change: 'table', table: TABLE },
    { change: 'index built', table: 1, index: 1 },
    { change: 'table dropped', id: 9 },
  ],
};
const GOLDEN =
  '\u0001\u0004anna{"changes":[{"change":"table","table":{"checks":[],"columns":[' +
  '{"default":null,"id":1,"missing":null,"name":"id","notNull":true,"type":{"kind":"bigint"}},' +
  '{"default":{"at":9,"kind":"decimal","node":"literal","text":"1.50"},"id":2,"missing":null,"name":"price","notNull":false,' +
  '"type":{"kind":"decimal","precision":6,"scale":2}}],"createdAt":0,"id":1,"indexes":[' +
  '{"columns":[2],"constraint":false,"createdAt":0,"id":1,"name":"i","space":17,"unique":false}],"name":"t","nextColumn":3,' +
  '"primaryKey":{"columns":[1],"name":"t_pkey"},"space":16,"subject":null}},' +
  '{"change":"index built","index":1,"table":1},{"change":"table dropped","id":9}],' +
  '"header":{"nextIndex":2,"nextSpace":18,"nextTable":2,"version":1}}';

describe('an entry of the catalog', () => {
  test('has the bytes it has always had', () => {
    expect(Buffer.from(encodeCatalogEntry(ENTRY)).toString('utf8')).toBe(GOLDEN);
  });

  test('comes back with its own place where there was none', () => {
    const read = decodeCatalogEntry(Buffer.from(GOLDEN), AT);
    const indexes = TABLE.indexes.map((index) => ({ ...index, createdAt: AT }));
    const [, ...others] = ENTRY.changes;
    expect(read).toEqual({
      ...ENTRY,
      changes: [{ change: 'table', table: { ...TABLE, indexes, createdAt: AT } }, ...others],
    });
  });

  test('of other bytes is refused by a typed error', () => {
    const golden = Buffer.from(GOLDEN);
    fc.assert(
      fc.property(fc.nat(golden.length - 1), fc.nat(255), fc.nat(golden.length - 1), (at, byte, cut) => {
        const changed = Buffer.from(golden);
        changed[at] = byte;
        expect([null, 'CORRUPT', 'UNSUPPORTED_VERSION']).toContain(codeOf(changed));
        expect(codeOf(golden.subarray(0, cut))).not.toBeNull();
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(['CORRUPT', 'UNSUPPORTED_VERSION']).toContain(codeOf(bytes));
      }),
    );
  });
});

describe('the tables', () => {
  test('are read as of any position', async () => {
    const world = await TableWorld.open();
    const positions: Sequence[] = [];
    for (const text of [
      'CREATE TABLE a (id integer PRIMARY KEY)',
      'ALTER TABLE a ADD COLUMN b text',
      'ALTER TABLE a RENAME TO c',
      'CREATE INDEX i ON c (b)',
      'DROP TABLE c',
    ]) {
      expect(world.write(text).error).toBeNull();
      positions.push(world.commits.at(-1)!.sequence);
    }
    const snapshot = world.view.snapshot(TENANT_DEFAULT);
    const catalogs = world.view.catalogs(TENANT_DEFAULT);
    const shapes = positions.map((position) =>
      catalogs
        .at(snapshot, position)
        .tables.map(({ name, columns, indexes }) => [name, columns.length, indexes.length]),
    );
    snapshot.close();
    expect(shapes).toEqual([[['a', 1, 0]], [['a', 2, 0]], [['c', 2, 0]], [['c', 2, 1]], []]);
    expect(catalogs.at(world.view.snapshot(TENANT_DEFAULT), SEQUENCE_NONE)).toBe(Catalog.EMPTY);
  });

  test('never get an id or a space again', async () => {
    const world = await TableWorld.open();
    const ids = new Set<number>();
    const spaces = new Set<number>();
    for (let round = 0; round < 5; round++) {
      world.write('CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE)');
      world.write('CREATE INDEX i ON t (a)');
      const table = world.view.catalog(TENANT_DEFAULT).table('t')!;
      ids.add(table.id);
      for (const { space } of [table, ...table.indexes]) spaces.add(space);
      world.write('ALTER TABLE t DROP COLUMN a');
      world.write('ALTER TABLE t ADD COLUMN a integer');
      expect(
        world.view
          .catalog(TENANT_DEFAULT)
          .table('t')!
          .columns.map(({ id }) => id),
      ).toEqual([1, 3]);
      world.write('DROP TABLE t');
    }
    expect([ids.size, spaces.size]).toEqual([5, 15]);
  });

  test('keep the rows of before under a column that is dropped, and show them then', async () => {
    const world = await TableWorld.open();
    for (const text of [
      'CREATE TABLE t (id integer PRIMARY KEY, a text)',
      "INSERT INTO t VALUES (1, 'old')",
      'ALTER TABLE t DROP COLUMN a',
      "ALTER TABLE t ADD COLUMN a text DEFAULT 'new'",
    ])
      world.write(text);
    expect((await world.read('SELECT * FROM t')).rows).toEqual([['1', 'new']]);
    const before = world.commits[1]!.sequence;
    expect((await world.read(`SELECT * FROM t AS OF POSITION ${before}`)).rows).toEqual([['1', 'old']]);
  });

  test('an index on rows that are there is the same made live and in a replay', async () => {
    const world = await TableWorld.open();
    world.write('CREATE TABLE t (id integer PRIMARY KEY, a integer)');
    const rows = Array.from({ length: 3000 }, (_, id) => `(${id}, ${id % 7})`);
    world.write(`INSERT INTO t VALUES ${rows.join()}`);
    expect(world.write('CREATE UNIQUE INDEX u ON t (a)').error).toMatchObject({
      sqlstate: '23505',
      message: 'could not create unique index "u"',
    });
    world.write('CREATE INDEX i ON t (a)');
    expect((await world.read('SELECT count(*) FROM t WHERE a = 3')).rows).toEqual([['429']]);
    expect(replayed(world.commits).digest()).toBe(world.view.digest());
  });

  test('names that do not fit or belong to the system are refused', async () => {
    const world = await TableWorld.open();
    const sqlstates = [
      `CREATE TABLE ${'x'.repeat(64)} (id integer)`,
      `CREATE TABLE t (${'ä'.repeat(32)} integer)`,
      'CREATE TABLE t (_id integer)',
      'CREATE TABLE t (id integer) WITH (subject = person)',
      'CREATE TABLE t (id integer, at timestamp) WITH (subject = at)',
    ].map((text) => world.write(text).error?.sqlstate);
    expect(sqlstates).toEqual(['42622', '42622', '42939', '42703', '42804']);
    world.write('CREATE TABLE t (id integer PRIMARY KEY, a integer)');
    const others = [
      'ALTER TABLE t RENAME COLUMN a TO _a',
      'ALTER TABLE t ADD COLUMN _a integer',
      'ALTER TABLE t DROP COLUMN id',
    ].map((text) => world.write(text).error?.sqlstate);
    expect(others).toEqual(['42939', '42939', '0A000']);
  });
});

function codeOf(payload: Uint8Array): string | null {
  try {
    decodeCatalogEntry(payload, AT);
    return null;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return error.code;
  }
}
