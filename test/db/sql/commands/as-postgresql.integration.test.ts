/** The same statements to us and to PostgreSQL 15, one after the other: the same tags, rows, SQLSTATEs and constraints. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgresOracle } from '../../support/postgres-oracle.ts';
import { TableWorld, textRows } from '../table-world.ts';

let oracle: PostgresOracle;
beforeAll(async () => {
  oracle = await PostgresOracle.start();
});
afterAll(() => oracle.stop());

const SCRIPTS: Readonly<Record<string, string>> = {
  'defining tables': `
    CREATE TABLE a (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'none', born timestamp)
    CREATE TABLE a (id integer)
    CREATE TABLE IF NOT EXISTS a (id integer)
    CREATE TABLE b (x integer, x text)
    CREATE TABLE b (x integer PRIMARY KEY, y integer PRIMARY KEY)
    CREATE TABLE b (x integer PRIMARY KEY, y integer, PRIMARY KEY (y))
    CREATE TABLE b (x integer, PRIMARY KEY (z))
    CREATE TABLE b (x integer, PRIMARY KEY (x, x))
    CREATE TABLE b (x integer, UNIQUE (z))
    CREATE TABLE b (x json PRIMARY KEY)
    CREATE TABLE b (x integer DEFAULT y, y integer)
    CREATE TABLE b (x integer DEFAULT 'word')
    CREATE TABLE b (x integer DEFAULT true)
    CREATE TABLE b (x integer CHECK (x))
    CREATE TABLE b (x integer CHECK (y > 0))
    CREATE TABLE b (x integer CHECK (c.x > 0))
    CREATE TABLE b (x integer, CONSTRAINT k CHECK (x > 0), CONSTRAINT k CHECK (x > 1))
    CREATE TABLE b (x integer, CONSTRAINT a UNIQUE (x))
    CREATE TABLE b (x integer, y numeric(5,2) CHECK (b.y > 0), UNIQUE (x, y), CHECK (x < 10), CHECK (x + y < 100))
    CREATE INDEX ON b (z)
    CREATE INDEX ON c (z)
    CREATE INDEX a ON b (x)
    CREATE INDEX i ON b (x)
    CREATE INDEX i ON b (y)
    CREATE INDEX IF NOT EXISTS i ON b (y)
    DROP INDEX j
    DROP INDEX IF EXISTS j
    DROP INDEX b_x_y_key
    DROP INDEX a
    DROP INDEX a_pkey
    DROP TABLE i
    DROP TABLE zz
    DROP TABLE IF EXISTS zz
    DROP TABLE a, zz
    INSERT INTO a VALUES (1)
    DROP TABLE a, b
    SELECT * FROM a
    CREATE TABLE a (a integer)
    DROP TABLE a`,
  'altering tables': `
    CREATE TABLE t (id integer PRIMARY KEY, a integer, b text, CHECK (a < 100), CONSTRAINT two CHECK (a > 0 OR b = 'x'))
    CREATE UNIQUE INDEX t_b ON t (b)
    CREATE INDEX t_ab ON t (a, b)
    INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two')
    ALTER TABLE t ADD COLUMN c integer
    ALTER TABLE t ADD COLUMN c integer
    ALTER TABLE t ADD COLUMN IF NOT EXISTS c integer
    ALTER TABLE t ADD COLUMN d integer NOT NULL
    ALTER TABLE t ADD COLUMN d integer NOT NULL DEFAULT 7
    ALTER TABLE t ADD COLUMN e text DEFAULT 'same' UNIQUE
    ALTER TABLE t ADD COLUMN e text UNIQUE
    ALTER TABLE t ADD COLUMN f integer CHECK (f > a)
    ALTER TABLE t ADD COLUMN g integer DEFAULT 5 CHECK (g > a)
    ALTER TABLE t ADD COLUMN p integer PRIMARY KEY
    SELECT * FROM t ORDER BY id
    ALTER TABLE t RENAME COLUMN a TO b
    ALTER TABLE t RENAME COLUMN zz TO y
    ALTER TABLE t RENAME COLUMN a TO amount
    UPDATE t SET amount = 100 WHERE id = 1
    UPDATE t SET amount = 0 WHERE id = 1
    UPDATE t SET a = 1
    ALTER TABLE t DROP COLUMN zz
    ALTER TABLE t DROP COLUMN IF EXISTS zz
    ALTER TABLE t DROP COLUMN b
    UPDATE t SET amount = 0 WHERE id = 1
    UPDATE t SET amount = 100 WHERE id = 1
    DROP INDEX t_b
    DROP INDEX t_ab
    ALTER TABLE t ADD COLUMN b integer DEFAULT 3
    SELECT * FROM t ORDER BY id
    ALTER TABLE t RENAME TO u
    SELECT * FROM t
    INSERT INTO u (id, amount) VALUES (3, 3)
    SELECT id, amount, b FROM u ORDER BY id
    CREATE TABLE t (id integer)
    ALTER TABLE u RENAME TO t
    ALTER TABLE nothing ADD COLUMN x integer
    ALTER TABLE IF EXISTS nothing ADD COLUMN x integer
    CREATE UNIQUE INDEX u_b ON u (b)
    CREATE UNIQUE INDEX u_amount ON u (amount)
    INSERT INTO u (id, amount) VALUES (4, 3)
    DROP TABLE t
    DROP TABLE u`,
  'inserting rows': `
    CREATE TABLE t (id integer PRIMARY KEY, name varchar(5) NOT NULL, price numeric(6,2) DEFAULT 9.99, at timestamp DEFAULT '2026-01-02 03:04:05', ok boolean DEFAULT true, tag text UNIQUE)
    INSERT INTO t VALUES (1, 'one')
    INSERT INTO t VALUES (1, 'again')
    INSERT INTO t VALUES (2, NULL)
    INSERT INTO t (id) VALUES (2)
    INSERT INTO t VALUES (2, 'too long')
    INSERT INTO t VALUES (2, 'pad      ')
    INSERT INTO t VALUES (3, 'three', 12345.67)
    INSERT INTO t VALUES (3, 'three', 1234.567, DEFAULT, 'no', 'x') RETURNING *
    INSERT INTO t VALUES (4, 'four', 1, '2026-02-30', true)
    INSERT INTO t VALUES (4, 'four', 1, 'yesterdayish', true)
    INSERT INTO t VALUES (4, 'four', DEFAULT, DEFAULT, DEFAULT, 'x')
    INSERT INTO t VALUES ('four', 'four')
    INSERT INTO t VALUES (true, 'four')
    INSERT INTO t VALUES (2147483648, 'four')
    INSERT INTO t VALUES (4, 4)
    INSERT INTO t VALUES (5, 'five', 1, NULL, NULL, NULL, 7)
    INSERT INTO t (id, name) VALUES (5)
    INSERT INTO t (id) VALUES (5, 'five')
    INSERT INTO t (id, id) VALUES (5, 5)
    INSERT INTO t (id, nope) VALUES (5, 5)
    INSERT INTO nope VALUES (1)
    INSERT INTO t (id, name) VALUES (id, 'x')
    INSERT INTO t (id, name) VALUES (6, 'six'), (7, 'seven'), (6, 'dup')
    INSERT INTO t (id, name) VALUES (6, 'six'), (7, 'seven') RETURNING id, upper(name), id * 2 AS twice, price::text
    INSERT INTO t (name, id) VALUES ('e' || 'ight', 4 + 4) RETURNING id, name
    INSERT INTO t DEFAULT VALUES
    INSERT INTO t (id, name) VALUES (9, 'nine') ON CONFLICT DO NOTHING
    INSERT INTO t (id, name) VALUES (9, 'nine'), (10, 'ten'), (10, 'tenth') ON CONFLICT DO NOTHING RETURNING id
    INSERT INTO t (id, name, tag) VALUES (11, 'x', 'x') ON CONFLICT DO NOTHING
    INSERT INTO t (id, name, tag) VALUES (11, 'x', 'x') ON CONFLICT (id) DO NOTHING
    INSERT INTO t (id, name, tag) VALUES (11, 'x', 'x') ON CONFLICT (tag) DO UPDATE SET name = excluded.name, price = t.price + 1 RETURNING id, name, price
    INSERT INTO t (id, name) VALUES (9, 'no') ON CONFLICT (id) DO UPDATE SET name = 'upd' WHERE t.id > 9 RETURNING id
    INSERT INTO t (id, name) VALUES (9, 'yes') ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE t.id <= 9 RETURNING id, name
    INSERT INTO t (id, name) VALUES (20, 'a'), (20, 'b') ON CONFLICT (id) DO UPDATE SET name = excluded.name
    INSERT INTO t (id, name) VALUES (9, 'a') ON CONFLICT (name) DO NOTHING
    INSERT INTO t (id, name) VALUES (9, 'a') ON CONFLICT (nope) DO NOTHING
    INSERT INTO t (id, name) VALUES (9, 'a') ON CONFLICT (id) DO UPDATE SET name = name
    INSERT INTO t (id, name) VALUES (9, NULL) ON CONFLICT (id) DO NOTHING
    INSERT INTO t (id, name, tag) VALUES (9, 'a', 'x') ON CONFLICT (id) DO UPDATE SET tag = excluded.tag
    INSERT INTO t (id, name) VALUES (9, 'a') ON CONFLICT (id) DO UPDATE SET id = 100, name = DEFAULT
    INSERT INTO t (id, name) VALUES (9, 'a') ON CONFLICT (id) DO UPDATE SET id = 100, price = DEFAULT RETURNING *
    INSERT INTO t (id, name, price) VALUES (21, 'a', 1 / 0)
    SELECT * FROM t ORDER BY id
    DROP TABLE t`,
  'updating and deleting rows': `
    CREATE TABLE t (id bigint PRIMARY KEY, a integer, b text, CONSTRAINT positive CHECK (a >= 0), CONSTRAINT t_b UNIQUE (b))
    INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, NULL), (4, 4, NULL), (5, NULL, 'five')
    UPDATE t SET a = a + 10 WHERE id = 1 RETURNING *
    UPDATE t SET a = a + 10 WHERE id > 2 AND a IS NOT NULL RETURNING id, a
    UPDATE t SET a = -1 WHERE id = 2
    UPDATE t SET a = -1 WHERE id = 99
    UPDATE t SET b = 'one' WHERE id = 2
    UPDATE t SET b = 'one' WHERE id = 1
    UPDATE t SET b = NULL
    UPDATE t SET b = 'n' || id WHERE a > 5 RETURNING b
    UPDATE t SET id = 3 WHERE id = 4
    UPDATE t SET id = 40 WHERE id = 4 RETURNING id
    UPDATE t SET id = NULL WHERE id = 1
    UPDATE t SET id = 2147483648 WHERE id = 1 RETURNING id
    UPDATE t SET a = 'x' WHERE id = 2
    UPDATE t SET a = '5' WHERE id = 2
    UPDATE t SET a = 5.6 WHERE id = 2 RETURNING a
    UPDATE t SET a = DEFAULT WHERE id = 2 RETURNING a
    UPDATE t SET a = 1, a = 2
    UPDATE t SET nope = 1
    UPDATE nope SET a = 1
    UPDATE t SET a = nope
    UPDATE t SET a = 1 WHERE a
    UPDATE t SET a = 1 WHERE t.id = 2 RETURNING t.a
    UPDATE t AS x SET a = x.a + 1 WHERE x.id = 2 RETURNING x.a, x.*
    UPDATE t AS x SET a = 1 WHERE t.id = 2
    UPDATE t SET a = 1 WHERE id IN (2, 3, 77)
    UPDATE t SET a = 2147483647 WHERE id = 2
    UPDATE t SET a = a + 1 WHERE id = 2
    SELECT * FROM t ORDER BY id
    DELETE FROM t WHERE id = 2 RETURNING *
    DELETE FROM t WHERE id = 2
    DELETE FROM t WHERE b LIKE 'n%' AND a < 14 RETURNING id
    DELETE FROM t AS x WHERE x.a IS NULL RETURNING x.id
    DELETE FROM nope
    DELETE FROM t WHERE nope = 1
    SELECT count(*) FROM t
    INSERT INTO t VALUES (2, 2, 'two')
    DELETE FROM t
    SELECT count(*) FROM t
    DROP TABLE t`,
  'rows without a key': `
    CREATE TABLE t (a integer, b text)
    INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, 'y')
    UPDATE t SET a = a + 1 WHERE b = 'x'
    DELETE FROM t WHERE a = 2 AND b = 'y'
    INSERT INTO t DEFAULT VALUES
    SELECT * FROM t ORDER BY a, b
    CREATE UNIQUE INDEX u ON t (b)
    DELETE FROM t WHERE b = 'x'
    CREATE UNIQUE INDEX u ON t (b)
    INSERT INTO t VALUES (1, NULL), (2, NULL), (3, 'z')
    INSERT INTO t VALUES (4, 'z')
    SELECT * FROM t ORDER BY a, b
    DROP TABLE t`,
};

test.each(Object.entries(SCRIPTS))('%s', async (_name, script) => {
  await oracle.run('DROP SCHEMA public CASCADE');
  await oracle.run('CREATE SCHEMA public');
  const world = await TableWorld.open();
  const lines = script.split('\n').map((line) => line.trim());
  const ours: unknown[] = [];
  const theirs: unknown[] = [];
  for (const text of lines.filter((line) => line !== '')) {
    const verdict = await oracle.run(text);
    ours.push({ text, ...(await ourVerdict(world, text)) });
    theirs.push(
      'tag' in verdict
        ? { text, tag: tagOf(verdict.tag, text), rows: sorted(text, verdict.rows) }
        : { text, ...refused(verdict) },
    );
  }
  expect(ours).toEqual(theirs);
});

async function ourVerdict(world: TableWorld, text: string) {
  if (text.startsWith('SELECT')) {
    const { rows, sqlstate } = await world.read(text);
    return sqlstate === null ? { tag: 'SELECT', rows: sorted(text, rows) } : { sqlstate, constraint: null };
  }
  const outcome = world.write(text);
  if (outcome.error !== null) {
    return refused(outcome.error);
  }
  const types = outcome.columns?.map(({ type }) => type) ?? [];
  return { tag: outcome.tag, rows: sorted(text, textRows(outcome.rows, types)) };
}

/** Of broken constraints, what is shown to people too. */
function refused({ sqlstate, constraint, message, detail }: Refusal): object {
  return sqlstate.startsWith('23') ? { sqlstate, constraint, message, detail } : { sqlstate, constraint };
}

interface Refusal {
  readonly sqlstate: string;
  readonly constraint: string | null;
  readonly message: string;
  readonly detail: string | null;
}

/** node-postgres gives only the first word of what has no count. */
function tagOf(tag: string, text: string): string {
  if (/^(INSERT|UPDATE|DELETE)/.test(tag)) return tag;
  if (tag.startsWith('SELECT')) return 'SELECT';
  const [first, second = ''] = text.split(' ');
  return second === 'UNIQUE' ? `${first} INDEX` : `${first} ${second}`;
}

/** Without ORDER BY rows come as they like. */
function sorted(text: string, rows: readonly (readonly (string | null)[])[]) {
  const keyed = rows.map((row) => JSON.stringify(row));
  return text.includes('ORDER BY') ? keyed : keyed.sort();
}
