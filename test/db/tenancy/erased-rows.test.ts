/** What answers about the past say of rows that were erased since: where, how much, and nothing else. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import type { SqlResult, SqlSession } from '../../../db/sql/contract.ts';
import type { TenantId } from '../../../db/types.ts';
import { filesWith, newDatabase, type TestDatabase } from './support.ts';

const TABLES = [
  "CREATE TABLE people (id INTEGER PRIMARY KEY, who TEXT, word TEXT) WITH (subject = 'who')",
  "CREATE TABLE notes (id INTEGER PRIMARY KEY, who TEXT, word TEXT) WITH (subject = 'who')",
];

interface Opened {
  readonly database: TestDatabase;
  readonly tenant: TenantId;
  engine: Engine;
  /** Position of the answer. */
  run(text: string): Promise<number>;
  ask(text: string): Promise<SqlResult>;
  reopen(): Promise<void>;
}

async function opened(...statements: readonly string[]): Promise<Opened> {
  const database = newDatabase();
  let session: SqlSession | null = null;
  const engine = await database.open();
  const { id: tenant } = await engine.tenants.create('a', { encrypted: true });
  const all: Opened = {
    ...{ database, tenant, engine },
    ask: (text) => {
      session ??= all.engine.sql.session({ tenant, actor: 'tester', mayWrite: true, mayDefine: true });
      return session.execute(text, []);
    },
    run: async (text) => (await all.ask(text)).position,
    reopen: async () => {
      session = null;
      await all.engine.close();
      all.engine = await database.open();
    },
  };
  for (const statement of [...TABLES, ...statements]) await all.run(statement);
  return all;
}

const messages = ({ notices = [] }: SqlResult): string[] => notices.map(({ message }) => message);

test('AS OF and DIFF say what was erased since, and HISTORY has a line for each entry', async () => {
  const { run, ask, engine } = await opened();
  const none = await run("INSERT INTO people VALUES (1, 'bob', 'b')");
  const first = await run("INSERT INTO people VALUES (2, 'alice', 'secret'), (3, 'alice', 'secret')");
  const last = await run("UPDATE people SET word = 'changed' WHERE id = 2");
  expect(messages(await ask(`SELECT * FROM people AS OF POSITION ${last}`))).toEqual([]);
  const { position: erasedAt } = await engine.tenants.eraseSubject('a', 'alice');

  const past = await ask(`SELECT * FROM people AS OF POSITION ${last}`);
  expect(past.rows).toEqual([[1, 'bob', 'b']]);
  expect(past.notices).toEqual([
    {
      message: `rows of 2 entries of table "people", written up to position ${last}, were erased at position ${erasedAt} and are not shown`,
      ...{ table: 'people', entries: 2, erasedAt: [erasedAt] },
    },
  ]);
  expect(messages(await ask(`SELECT id FROM people AS OF POSITION ${first}`))).toEqual([
    `rows of 1 entry of table "people", written up to position ${first}, were erased at position ${erasedAt} and are not shown`,
  ]);
  // By its key a row is there, or it may have been hers.
  expect(messages(await ask(`SELECT * FROM people AS OF POSITION ${last} WHERE id = 1`))).toEqual([]);
  expect(messages(await ask(`SELECT * FROM people AS OF POSITION ${last} WHERE id = 2`))).toHaveLength(1);
  expect(messages(await ask(`SELECT count(*) FROM people AS OF POSITION ${last}`))).toHaveLength(1);

  // Before her first row, after the erasure, in the present, and in other tables nothing is missing.
  const now = await run("INSERT INTO notes VALUES (1, 'carol', 'c')");
  for (const text of [
    `SELECT * FROM people AS OF POSITION ${none}`,
    `SELECT * FROM people AS OF POSITION ${now}`,
    'SELECT * FROM people',
    `SELECT * FROM notes AS OF POSITION ${last}`,
    'SELECT * FROM notes HISTORY',
    `DIFF TABLE people BETWEEN ${first} AND ${first}`,
    `DIFF TABLE people BETWEEN ${none - 1} AND ${none}`,
    `EXPLAIN SELECT * FROM people AS OF POSITION ${last}`,
  ])
    expect([text, messages(await ask(text))]).toEqual([text, []]);

  const history = await ask(
    'SELECT _sequence, _until, _actor, _operation, _recorded_at IS NULL, id, who FROM people HISTORY',
  );
  expect(history.rows.map((row) => row.slice(1))).toEqual([
    [null, 'tester', 'insert', false, 1, 'bob'],
    [BigInt(erasedAt), null, 'erased', false, null, null],
    [BigInt(erasedAt), null, 'erased', false, null, null],
  ]);
  const places = history.rows.slice(1).map(([sequence]) => Number(sequence));
  expect(places[0]).toBeGreaterThan(none);
  expect(places[0]).toBeLessThan(first);
  expect(places[1]).toBeGreaterThan(first);
  expect(places[1]).toBeLessThan(last);
  expect(messages(history)).toEqual([
    `rows of 2 entries of table "people" were erased at position ${erasedAt} and are not shown`,
  ]);
  const only = await ask(
    `SELECT _sequence FROM people AS OF POSITION ${first} HISTORY WHERE _operation = 'erased'`,
  );
  expect(only.rows).toEqual([[BigInt(places[0] as number)]]);
  // Which row a line was of nobody knows: conditions on columns find none, and the notice stays.
  const byKey = await ask('SELECT * FROM people HISTORY WHERE id = 2');
  expect([byKey.rows, messages(byKey).length]).toEqual([[], 1]);

  for (const [from, to, entries] of [
    [none, last, 2],
    [first, last, 1],
    [first, now, 1],
    [last, now, 2],
  ] as const) {
    const { notices = [] } = await ask(`DIFF TABLE people BETWEEN ${from} AND ${to}`);
    expect(notices.map((notice) => notice.entries)).toEqual([entries]);
  }
});

test('projections say what their tables have lost, and several erasures are told together', async () => {
  const { run, ask, engine } = await opened(
    'CREATE PROJECTION words AS SELECT p.who, count(*) AS n FROM people p JOIN notes n ON n.who = p.who GROUP BY p.who',
    'CREATE PROJECTION many AS SELECT who FROM words WHERE n > 0',
  );
  for (const [id, who] of ['alice', 'bob', 'carol'].entries()) {
    await run(`INSERT INTO people VALUES (${id}, '${who}', 'x')`);
    await run(`INSERT INTO notes VALUES (${id}, '${who}', 'x')`);
  }
  const last = await run("INSERT INTO notes VALUES (9, 'bob', 'y')");
  const erasures: number[] = [];
  for (const who of ['alice', 'bob']) erasures.push((await engine.tenants.eraseSubject('a', who)).position);
  const { rows, notices = [] } = await ask(`SELECT who FROM many AS OF POSITION ${last}`);
  expect(rows).toEqual([['carol']]);
  expect(notices.map(({ table, entries, erasedAt }) => [table, entries, erasedAt])).toEqual([
    ['people', 2, erasures],
    ['notes', 3, erasures],
  ]);
  expect(notices[0]?.message).toContain(`were erased at positions ${erasures[0]} and ${erasures[1]} and`);
});

test('what is remembered of a person is places and numbers, also where they come again and in a transaction of many', async () => {
  const { database, run, ask, engine, reopen } = await opened();
  await run('BEGIN');
  await run("INSERT INTO people VALUES (1, 'plaintext-alice', 'plaintext-word'), (2, 'bob', 'b')");
  await run("INSERT INTO notes VALUES (1, 'plaintext-alice', 'plaintext-word')");
  const { position: both } = await ask('COMMIT');
  const { position: erased } = await engine.tenants.eraseSubject('a', 'plaintext-alice');
  const again = await run("INSERT INTO people VALUES (1, 'plaintext-alice', 'again')");
  const { position: twice } = await engine.tenants.eraseSubject('a', 'plaintext-alice');
  await reopen();
  expect(filesWith(database.directory, 'plaintext-')).toEqual([]);
  const told = async (text: string) => {
    const { notices = [] } = await ask(text);
    return notices.map(({ table, entries, erasedAt }) => [table, entries, erasedAt]);
  };
  expect(await told(`SELECT * FROM people AS OF POSITION ${both}`)).toEqual([['people', 1, [erased]]]);
  expect(await told(`SELECT * FROM notes AS OF POSITION ${both}`)).toEqual([['notes', 1, [erased]]]);
  expect(await told(`SELECT * FROM people AS OF POSITION ${again}`)).toEqual([['people', 1, [twice]]]);
  expect(await told('SELECT * FROM people HISTORY')).toEqual([['people', 2, [erased, twice]]]);
});

const PEOPLE = ['alice', 'bob', 'carol'];
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
      table: fc.constantFrom('people', 'notes'),
      id: fc.nat(4),
      who: fc.nat(3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('erase' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'snapshot' as const) }) },
);

interface Entry {
  readonly table: string;
  readonly who: string | null;
  readonly at: number;
  erasedAt: number;
}

test('whatever was written and erased, answers say it, and views live, restored and replayed are the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 16 }), async (steps) => {
      const all = await opened();
      const entries: Entry[] = [];
      const positions = [await all.run('CREATE INDEX people_word ON people (word)')];
      const owners = new Map<string, string | null>();
      const noted = (table: string, who: string | null, at: number): void => {
        entries.push({ table, who, at, erasedAt: Number.POSITIVE_INFINITY });
      };
      for (const each of steps) {
        if (each.do === 'put' || each.do === 'delete') {
          const { table, id } = each;
          const row = `${table} ${id}`;
          const who = PEOPLE[each.who] ?? null;
          const before = owners.get(row);
          if (each.do === 'delete' && before === undefined) continue;
          const moves = each.do === 'put' && before !== undefined && before !== who;
          const value = who === null ? 'NULL' : `'${who}'`;
          if (moves) await all.run('BEGIN');
          if (moves || each.do === 'delete') await all.run(`DELETE FROM ${table} WHERE id = ${id}`);
          if (each.do === 'put')
            await all.run(
              `INSERT INTO ${table} VALUES (${id}, ${value}, 'w') ON CONFLICT (id) DO UPDATE SET word = 'w'`,
            );
          const at = (await all.ask(moves ? 'COMMIT' : 'SELECT 1')).position;
          positions.push(at);
          if (before !== undefined && (moves || each.do === 'delete')) noted(table, before, at);
          if (each.do === 'put') noted(table, who, at);
          if (each.do === 'put') owners.set(row, who);
          else owners.delete(row);
        } else if (each.do === 'erase') {
          const who = PEOPLE[each.who] as string;
          const open = entries.filter((entry) => entry.who === who && entry.erasedAt === Infinity);
          if (open.length === 0) continue;
          const { position } = await all.engine.tenants.eraseSubject('a', who);
          for (const entry of open) entry.erasedAt = position;
          for (const [row, owner] of owners) if (owner === who) owners.delete(row);
        } else if (each.do === 'snapshot') await all.engine.snapshots.create();
        else await all.reopen();
      }
      positions.push((await all.ask('SELECT id FROM people')).position);
      const answers = () => answersOf(all, positions);
      const live = await answers();
      expect(live).toEqual(expectedOf(entries, positions));
      const digest = await digestOf(all.engine);
      for (const folders of [['views'], ['views', 'snapshots']]) {
        await all.engine.close();
        for (const folder of folders)
          rmSync(join(all.database.directory, folder), { recursive: true, force: true });
        rmSync(join(all.database.directory, 'metadata', 'views.json'), { force: true });
        await all.reopen();
        expect(await answers()).toEqual(live);
        expect(await digestOf(all.engine)).toBe(digest);
      }
      await all.engine.close();
    }),
    { numRuns: 4 },
  );
});

/** Entries that answers leave out: by table of each state, of the history, and between the first and each other state. */
async function answersOf({ ask }: Opened, positions: readonly number[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  const told = async (text: string): Promise<number> => (await ask(text)).notices?.[0]?.entries ?? 0;
  for (const table of ['people', 'notes']) {
    for (const at of positions) answers.push(await told(`SELECT * FROM ${table} AS OF POSITION ${at}`));
    for (const at of positions)
      answers.push(await told(`DIFF TABLE ${table} BETWEEN ${positions[0]} AND ${at}`));
    const middle = positions[Math.floor(positions.length / 2)];
    answers.push(await told(`DIFF TABLE ${table} BETWEEN ${middle} AND ${positions.at(-1)}`));
    const lines = await ask(`SELECT _until FROM ${table} HISTORY WHERE _operation = 'erased' ORDER BY 1`);
    answers.push(lines.rows.map(([until]) => Number(until)));
    answers.push(lines.notices?.[0]?.entries ?? 0);
  }
  return answers;
}

function expectedOf(entries: readonly Entry[], positions: readonly number[]): unknown[] {
  return ['people', 'notes'].flatMap((table) => {
    const own = entries.filter((entry) => entry.table === table);
    const isLost = (at: number) => (entry: Entry) =>
      entry.at <= at && at < entry.erasedAt && entry.erasedAt < Infinity;
    const lost = (at: number): number => own.filter(isLost(at)).length;
    const apart = (from: number, to: number): number =>
      own.filter((entry) => isLost(from)(entry) !== isLost(to)(entry)).length;
    const first = positions[0] as number;
    const middle = positions[Math.floor(positions.length / 2)] as number;
    const erasures = own.map(({ erasedAt }) => erasedAt).filter((at) => at < Infinity);
    return [
      ...positions.map(lost),
      ...positions.map((at) => apart(first, at)),
      apart(middle, positions.at(-1) as number),
      erasures.sort((a, b) => a - b),
      erasures.length,
    ];
  });
}

async function digestOf(engine: Engine): Promise<string | undefined> {
  const { views } = await engine.snapshots.create();
  return views.find(({ name }) => name === 'sql')?.digest;
}
