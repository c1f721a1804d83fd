/** Statements at random over few tables, columns and values, so that they meet each other. */
import fc from 'fast-check';

const table = fc.constantFrom('a', 'b', 'c');
const column = fc.constantFrom('id', 'n', 's', 'x');
const id = fc.integer({ min: 0, max: 6 });
const number = fc.oneof(
  fc.integer({ min: -2, max: 5 }).map(String),
  fc.constantFrom('NULL', 'DEFAULT', '1 / 0', "'z'"),
);
const text = fc.constantFrom("'one'", "'two'", 'NULL', "'far too long'", "'s' || 1");
const condition = fc.oneof(
  id.map((value) => `id = ${value}`),
  fc.constantFrom('id > 2', 'n IS NULL', "s = 'one'", 'n < 3 AND id <> 1', 'true', 'nope = 1', 'x = 4'),
);

const row = fc.tuple(id, number, text).map(([key, n, s]) => `(${key}, ${n}, ${s})`);

export const randomStatement: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(table, fc.constantFrom(' PRIMARY KEY', ''))
      .map(
        ([name, key]) =>
          `CREATE TABLE ${name} (id integer${key}, n integer DEFAULT 7 CHECK (n < 5 OR n = 7), s varchar(8) UNIQUE)`,
      ),
  },
  { weight: 1, arbitrary: table.map((name) => `DROP TABLE ${name}`) },
  { weight: 1, arbitrary: table.map((name) => `ALTER TABLE ${name} ADD COLUMN x bigint DEFAULT 4`) },
  {
    weight: 1,
    arbitrary: fc.tuple(table, column).map(([name, dropped]) => `ALTER TABLE ${name} DROP COLUMN ${dropped}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(table, column)
      .map(([name, from]) => `ALTER TABLE ${name} RENAME COLUMN ${from} TO x`),
  },
  { weight: 1, arbitrary: fc.tuple(table, table).map(([name, to]) => `ALTER TABLE ${name} RENAME TO ${to}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(table, column, fc.constantFrom('', 'UNIQUE '))
      .map(([name, on, unique]) => `CREATE ${unique}INDEX ON ${name} (${on})`),
  },
  { weight: 1, arbitrary: table.map((name) => `DROP INDEX ${name}_n_idx`) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(table, fc.array(row, { minLength: 1, maxLength: 3 }))
      .map(([name, rows]) => `INSERT INTO ${name} (id, n, s) VALUES ${rows.join(', ')}`),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(table, row, fc.constantFrom('NOTHING', 'UPDATE SET n = excluded.n, s = NULL'))
      .map(
        ([name, values, action]) =>
          `INSERT INTO ${name} (id, n, s) VALUES ${values} ON CONFLICT (id) DO ${action}`,
      ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(table, number, condition)
      .map(([name, value, where]) => `UPDATE ${name} SET n = ${value} WHERE ${where}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(table, condition)
      .map(([name, where]) => `UPDATE ${name} SET id = id + 1, s = DEFAULT WHERE ${where}`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(table, condition).map(([name, where]) => `DELETE FROM ${name} WHERE ${where}`),
  },
);
