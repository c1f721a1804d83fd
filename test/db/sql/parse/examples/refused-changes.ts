/** Changes and definitions of tables that PostgreSQL has and this database has not, with what is said about them. */

export const REFUSED_CHANGES: readonly (readonly [sql: string, sqlstate: string, message: string])[] = [
  [
    'INSERT INTO t SELECT * FROM u',
    '0A000',
    'INSERT … SELECT at 1:15 is not supported: read the rows, then insert them with VALUES',
  ],
  [
    'INSERT INTO t AS x VALUES (1)',
    '0A000',
    "an alias in INSERT at 1:13 is not supported: use the table's name, and excluded",
  ],
  [
    'INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT k DO NOTHING',
    '0A000',
    'ON CONFLICT ON CONSTRAINT at 1:41 is not supported: name the columns: ON CONFLICT (a, b)',
  ],
  [
    'INSERT INTO t VALUES (1) ON CONFLICT (a) WHERE b DO NOTHING',
    '0A000',
    'a WHERE in the target of ON CONFLICT at 1:29 is not supported: there are no partial indexes',
  ],
  [
    'INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1)',
    '0A000',
    'OVERRIDING at 1:15 is not supported: there are no identity columns',
  ],
  [
    'INSERT INTO t (a.b) VALUES (1)',
    '0A000',
    'a part of a column (a.b, a[1]) at 1:16 is not supported: assign the whole column',
  ],
  [
    'UPDATE t SET a = u.a FROM u',
    '0A000',
    'UPDATE … FROM at 1:22 is not supported: read the values first, then update by key',
  ],
  [
    'UPDATE t SET (a, b) = (SELECT 1, 2)',
    '0A000',
    'an assignment from a subquery or another number of values at 1:23 is not supported: write a = …, b = …',
  ],
  [
    'UPDATE t SET a = 1 WHERE CURRENT OF c',
    '0A000',
    'WHERE CURRENT OF at 1:34 is not supported: there are no cursors: name the key',
  ],
  [
    'DELETE FROM t USING u WHERE t.a = u.a',
    '0A000',
    'DELETE … USING at 1:15 is not supported: read the keys first, then delete by key',
  ],
  [
    'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE',
    '0A000',
    'MERGE at 1:1 is not supported: write INSERT … ON CONFLICT',
  ],
  [
    'TRUNCATE t',
    '0A000',
    'TRUNCATE at 1:1 is not supported: write DELETE FROM: it leaves the history of each row',
  ],
  ['COPY t FROM STDIN', '0A000', 'COPY at 1:1 is not supported: write INSERT with several rows'],
  [
    'CREATE TABLE t (id SERIAL)',
    '0A000',
    'type SERIAL at 1:20 is not supported: use INTEGER and give the number in the INSERT, or UUID',
  ],
  [
    'CREATE TABLE t (id BIGSERIAL PRIMARY KEY)',
    '0A000',
    'type BIGSERIAL at 1:20 is not supported: use BIGINT and give the number in the INSERT, or UUID',
  ],
  [
    'CREATE TABLE t (id INTEGER GENERATED ALWAYS AS IDENTITY)',
    '0A000',
    'an identity column at 1:28 is not supported: give the value in the INSERT, or use UUID',
  ],
  ['CREATE TABLE t (a SMALLINT)', '0A000', 'type SMALLINT at 1:19 is not supported: use INTEGER'],
  ['CREATE TABLE t (a REAL)', '0A000', 'type REAL at 1:19 is not supported: use DOUBLE PRECISION'],
  ['CREATE TABLE t (a CHAR(3))', '0A000', 'type CHAR at 1:19 is not supported: use VARCHAR(n)'],
  ['CREATE TABLE t (a DATE)', '0A000', 'type DATE at 1:19 is not supported: use TIMESTAMP'],
  [
    'CREATE TABLE t (a TIMESTAMPTZ)',
    '0A000',
    'type TIMESTAMP WITH TIME ZONE at 1:19 is not supported: use TIMESTAMP: it is in UTC',
  ],
  [
    'CREATE TABLE t (a TIMESTAMP WITH TIME ZONE)',
    '0A000',
    'type TIMESTAMP WITH TIME ZONE at 1:19 is not supported: use TIMESTAMP: it is in UTC',
  ],
  [
    'CREATE TABLE t (a TIMESTAMP(3))',
    '0A000',
    'TIMESTAMP(3) at 1:19 is not supported: a TIMESTAMP always has microseconds',
  ],
  ['CREATE TABLE t (a MONEY)', '0A000', 'type MONEY at 1:19 is not supported: use DECIMAL(p, s)'],
  [
    'CREATE TABLE t (a INTEGER[])',
    '0A000',
    'an array type at 1:19 is not supported: use JSON or a table of its own',
  ],
  [
    'CREATE TABLE t (a TEXT COLLATE "C")',
    '0A000',
    'COLLATE at 1:24 is not supported: text is compared byte by byte',
  ],
  [
    'CREATE TABLE t (a INTEGER REFERENCES u)',
    '0A000',
    'a foreign key (REFERENCES) at 1:27 is not supported: leave it out: what a row refers to is not checked',
  ],
  [
    'CREATE TABLE t (a INTEGER, FOREIGN KEY (a) REFERENCES u (b))',
    '0A000',
    'a foreign key (REFERENCES) at 1:28 is not supported: leave it out: what a row refers to is not checked',
  ],
  [
    'CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1) STORED)',
    '0A000',
    'a generated column at 1:38 is not supported: compute it in the SELECT or in a projection',
  ],
  [
    'CREATE TABLE t (a INTEGER UNIQUE DEFERRABLE)',
    '0A000',
    'DEFERRABLE at 1:34 is not supported: constraints are checked with each statement',
  ],
  [
    'CREATE TABLE t (a INTEGER CHECK (a > 0) NOT ENFORCED)',
    '0A000',
    'NOT ENFORCED at 1:41 is not supported: constraints always hold',
  ],
  [
    'CREATE TABLE t (a INTEGER UNIQUE NULLS NOT DISTINCT)',
    '0A000',
    'NULLS NOT DISTINCT at 1:44 is not supported: declare the columns NOT NULL',
  ],
  [
    'CREATE TABLE t (a INTEGER, EXCLUDE USING gist (a WITH =))',
    '0A000',
    'EXCLUDE at 1:28 is not supported: use UNIQUE',
  ],
  [
    'CREATE TABLE t (LIKE u)',
    '0A000',
    'LIKE in CREATE TABLE at 1:22 is not supported: write the columns out',
  ],
  [
    'CREATE TABLE t (a INTEGER) INHERITS (u)',
    '0A000',
    'INHERITS at 1:28 is not supported: write the columns out',
  ],
  [
    'CREATE TABLE t (a INTEGER) PARTITION BY HASH (a)',
    '0A000',
    'PARTITION BY at 1:38 is not supported: tables here are not partitioned',
  ],
  [
    'CREATE TABLE t (a INTEGER) WITH (fillfactor = 70)',
    '0A000',
    "the table option fillfactor at 1:34 is not supported: subject = 'column' is the one there is",
  ],
  ['CREATE TABLE t (a INTEGER) TABLESPACE x', '0A000', 'TABLESPACE at 1:28 is not supported: leave it out'],
  ['CREATE TABLE t ()', '0A000', 'a table without columns at 1:14 is not supported: name at least one'],
  [
    'CREATE TEMPORARY TABLE t (a INTEGER)',
    '0A000',
    'a temporary or unlogged table at 1:24 is not supported: every table here is a view of the log',
  ],
  [
    'CREATE TABLE t AS SELECT 1',
    '0A000',
    'CREATE TABLE … AS and CREATE MATERIALIZED VIEW at 1:1 is not supported: CREATE PROJECTION p AS SELECT … keeps such an answer up to date; then SELECT from p',
  ],
  [
    'CREATE INDEX ON t (lower(a))',
    '0A000',
    'an index on an expression at 1:20 is not supported: index a column',
  ],
  [
    'CREATE INDEX ON t (a DESC)',
    '0A000',
    'DESC or NULLS in an index at 1:22 is not supported: leave it out: an index is read both ways',
  ],
  [
    'CREATE INDEX ON t (a) WHERE a > 0',
    '0A000',
    'a partial index (WHERE) at 1:23 is not supported: index the whole table',
  ],
  [
    'CREATE INDEX ON t USING hash (a)',
    '0A000',
    'an index USING hash at 1:17 is not supported: leave USING out',
  ],
  ['CREATE INDEX CONCURRENTLY ON t (a)', '0A000', 'CONCURRENTLY at 1:14 is not supported: leave it out'],
  ['CREATE INDEX ON t (a) INCLUDE (b)', '0A000', 'INCLUDE at 1:23 is not supported: leave it out'],
  [
    'ALTER TABLE t ALTER COLUMN a TYPE BIGINT',
    '0A000',
    'ALTER COLUMN … TYPE at 1:30 is not supported: add another column, copy the values, drop the old one, rename the new one',
  ],
  [
    'ALTER TABLE t ALTER a SET DEFAULT 1',
    '0A000',
    'ALTER COLUMN … DEFAULT at 1:27 is not supported: add another column, copy the values, drop the old one, rename the new one',
  ],
  [
    'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)',
    '0A000',
    'ADD CONSTRAINT at 1:19 is not supported: write it in CREATE TABLE; a unique key later is CREATE UNIQUE INDEX',
  ],
  ['ALTER TABLE t OWNER TO x', '0A000', 'OWNER TO at 1:21 is not supported: tables belong to their tenant'],
  [
    'ALTER INDEX i RENAME TO j',
    '0A000',
    'RENAME of INDEX at 1:7 is not supported: tables and columns can be renamed',
  ],
  ['DROP TABLE t CASCADE', '0A000', 'CASCADE at 1:14 is not supported: drop what depends on it first'],
  ['DROP VIEW v', '0A000', 'DROP VIEW at 1:6 is not supported: write DROP PROJECTION'],
  ['DROP SCHEMA s', '0A000', 'DROP SCHEMA at 1:6 is not supported: everything stands in schema public'],
];
