/** Transactions that run beside each other: those that committed read and wrote what they would have, one after the other. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SqlSession } from '../../../../db/sql/contract.ts';
import { type OpenSql, openSql, sessionOf, told } from './open-sql.ts';

let sql: OpenSql;
beforeAll(async () => {
  sql = await openSql();
});
afterAll(() => sql.close());

const id = fc.integer({ min: 1, max: 5 });
const statement = fc.oneof(
  id.map((key) => `SELECT * FROM t WHERE id = ${key}`),
  fc.constantFrom(
    'SELECT * FROM t WHERE n > 1 ORDER BY id',
    'SELECT count(*) FROM t',
    'SELECT id FROM t ORDER BY id LIMIT 2',
  ),
  id.map((key) => `INSERT INTO t VALUES (${key}, ${key}) ON CONFLICT DO NOTHING RETURNING id`),
  fc.tuple(id, id).map(([key, other]) => `UPDATE t SET n = n + ${other} WHERE id = ${key} RETURNING n`),
  fc.constantFrom(
    'UPDATE t SET n = n - 1 WHERE n > 2 RETURNING id',
    'DELETE FROM t WHERE n = 1 RETURNING id',
  ),
  id.map((key) => `DELETE FROM t WHERE id = ${key} RETURNING n`),
);
const transaction = fc.array(statement, { minLength: 1, maxLength: 4 });
const TRANSACTIONS = 3;
const plan = fc.record({
  transactions: fc.array(transaction, { minLength: TRANSACTIONS, maxLength: TRANSACTIONS }),
  /** Whose turn it is, over and over. */
  turns: fc.array(fc.nat(TRANSACTIONS - 1), { minLength: 4, maxLength: 12 }),
});

interface Running {
  readonly session: SqlSession;
  readonly texts: string[];
  readonly answers: unknown[];
}

async function tables(): Promise<SqlSession[]> {
  const tenant = await sql.newTenant();
  const sessions = Array.from({ length: TRANSACTIONS + 1 }, (_, number) =>
    sessionOf(sql.engine, { tenant, actor: actorOf(number - 1) }),
  );
  await told(sessions[0]!, 'CREATE TABLE t (id integer PRIMARY KEY, n integer)');
  await told(sessions[0]!, 'CREATE INDEX ON t (n)');
  await told(sessions[0]!, 'INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)');
  return sessions;
}

test('committed transactions are as if they had run in the order of their commits', async () => {
  let conflicts = 0;
  await fc.assert(
    fc.asyncProperty(plan, async ({ transactions, turns }) => {
      const [reader, ...sessions] = await tables();
      const running: Running[] = transactions.map((texts, index) => ({
        session: sessions[index]!,
        texts: ['BEGIN', ...texts, 'COMMIT'],
        answers: [],
      }));
      const committed: Running[] = [];
      for (let turn = 0; running.some(({ texts, answers }) => answers.length < texts.length); turn++) {
        const whose =
          running[(turns[turn % turns.length]! + Math.floor(turn / turns.length)) % TRANSACTIONS]!;
        const text = whose.texts[whose.answers.length];
        if (text === undefined) continue;
        const answer = await told(whose.session, text);
        whose.answers.push(answer);
        if (text === 'COMMIT' && answer === 'COMMIT') committed.push(whose);
        if (answer === '40001') conflicts += 1;
      }
      const [again, ...others] = await tables();
      const serial = committed.map(({ texts }, index) => ({ session: others[index]!, texts }));
      // One that has left everything as it was stands where it was pinned, wherever it is committed.
      const writing: Running[] = [];
      for (const each of committed) {
        const own = `SELECT id FROM t HISTORY WHERE _actor = '${actorOf(running.indexOf(each))}'`;
        if ((await told(reader!, own)).length > 0) writing.push(each);
      }
      for (const [index, { texts }] of serial.entries()) {
        if (!writing.includes(committed[index]!)) continue;
        const answers: unknown[] = [];
        for (const text of texts) answers.push(await told(serial[index]!.session, text));
        expect({ texts, answers }).toEqual({ texts, answers: committed[index]!.answers });
      }
      const all = 'SELECT * FROM t ORDER BY id';
      expect(await told(again!, all)).toEqual(await told(reader!, all));
    }),
    { numRuns: 25 },
  );
  // Otherwise nothing was tried.
  expect(conflicts).toBeGreaterThan(3);
});

function actorOf(number: number): string {
  return `transaction ${number}`;
}
