/** Queries that PostgreSQL has and this database has not, with what is said about them. */

export const REFUSED_QUERIES: readonly (readonly [sql: string, sqlstate: string, message: string])[] = [
  [
    'WITH x AS (SELECT 1) SELECT * FROM x',
    '0A000',
    'a common table expression (WITH) at 1:1 is not supported: write it as a subquery in CREATE PROJECTION p AS SELECT …',
  ],
  [
    'SELECT a FROM t UNION SELECT b FROM u',
    '0A000',
    'UNION at 1:17 is not supported: run the queries one after the other',
  ],
  [
    'SELECT a FROM t INTERSECT SELECT b FROM u',
    '0A000',
    'INTERSECT at 1:17 is not supported: run the queries one after the other',
  ],
  [
    'SELECT a FROM t EXCEPT ALL SELECT b FROM u',
    '0A000',
    'EXCEPT at 1:17 is not supported: run the queries one after the other',
  ],
  ['VALUES (1), (2)', '0A000', 'VALUES as a query at 1:1 is not supported: write SELECT'],
  [
    'SELECT a INTO u FROM t',
    '0A000',
    'SELECT INTO at 1:10 is not supported: CREATE PROJECTION p AS SELECT … keeps such an answer up to date; then SELECT from p',
  ],
  [
    'SELECT * FROM t FOR UPDATE',
    '0A000',
    'a row lock (FOR UPDATE, FOR SHARE) at 1:17 is not supported: COMMIT refuses when rows read have changed',
  ],
  [
    'SELECT DISTINCT ON (a) * FROM t',
    '0A000',
    'DISTINCT ON at 1:17 is not supported: write DISTINCT, or GROUP BY in a projection',
  ],
  [
    'SELECT a FROM t GROUP BY ROLLUP (a)',
    '0A000',
    'GROUPING SETS, ROLLUP and CUBE at 1:26 is not supported: make one projection for each grouping',
  ],
  [
    'SELECT a FROM t WINDOW w AS (PARTITION BY a)',
    '0A000',
    'a WINDOW clause at 1:17 is not supported: there are no window functions',
  ],
  [
    'SELECT row_number() OVER (ORDER BY a) FROM t',
    '0A000',
    'a window function (OVER) at 1:21 is not supported: number or sum the rows in the program that reads them',
  ],
  [
    'SELECT sum(a) FILTER (WHERE b) FROM t',
    '0A000',
    'FILTER at 1:15 is not supported: write the condition as CASE WHEN … THEN … END in the argument',
  ],
  [
    "SELECT string_agg(a, ',' ORDER BY a) FROM t",
    '0A000',
    'ORDER BY in an aggregate at 1:32 is not supported: aggregates here do not depend on an order',
  ],
  [
    'SELECT * FROM t WHERE a IN (SELECT b FROM u)',
    '0A000',
    'IN (SELECT …) at 1:25 is not supported: read its rows first, or join in a CREATE PROJECTION p AS SELECT …',
  ],
  [
    'SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u)',
    '0A000',
    'EXISTS (SELECT …) at 1:23 is not supported: read its rows first, or join in a CREATE PROJECTION p AS SELECT …',
  ],
  [
    'SELECT (SELECT max(b) FROM u) FROM t',
    '0A000',
    'a subquery in an expression at 1:8 is not supported: read its rows first, or join in a CREATE PROJECTION p AS SELECT …',
  ],
  [
    'SELECT * FROM t WHERE a = ANY ($1)',
    '0A000',
    'ANY of an array at 1:25 is not supported: write IN (…) with the values as parameters',
  ],
  [
    'SELECT * FROM t WHERE a = ANY (SELECT b FROM u)',
    '0A000',
    'IN (SELECT …) at 1:25 is not supported: read its rows first, or join in a CREATE PROJECTION p AS SELECT …',
  ],
  ["SELECT * FROM t WHERE a SIMILAR TO 'x'", '0A000', 'SIMILAR TO at 1:25 is not supported: use LIKE'],
  [
    'SELECT * FROM t WHERE a BETWEEN SYMMETRIC 1 AND 2',
    '0A000',
    'BETWEEN SYMMETRIC at 1:25 is not supported: put the smaller one first',
  ],
  ["SELECT * FROM t WHERE a ~ 'x'", '0A000', 'the operator ~ at 1:25 is not supported: use LIKE or ILIKE'],
  [
    "SELECT a ->> 'x' FROM t",
    '0A000',
    'the operator ->> at 1:10 is not supported: keep what you search by in a column of its own',
  ],
  ['SELECT a ^ 2 FROM t', '0A000', 'the operator ^ at 1:10 is not supported: multiply'],
  ['SELECT a == b FROM t', '0A000', 'the operator == at 1:10 is not supported: write ='],
  [
    'SELECT a[1] FROM t',
    '0A000',
    'a part of a value ([…] or .field) at 1:8 is not supported: there are no arrays and composite types',
  ],
  [
    'SELECT ARRAY[1, 2]',
    '0A000',
    'an array at 1:8 is not supported: use JSON, or IN (…) to compare with several values',
  ],
  [
    'SELECT (1, 2) = (3, 4)',
    '0A000',
    'a row in an expression at 1:8 is not supported: compare the columns one by one with AND',
  ],
  ['SELECT a COLLATE "C" FROM t', '0A000', 'COLLATE at 1:10 is not supported: text is compared byte by byte'],
  [
    'SELECT a OPERATOR(pg_catalog.+) 1 FROM t',
    '0A000',
    'OPERATOR(…) at 1:10 is not supported: write the operator itself',
  ],
  [
    "SELECT X'ff'",
    '0A000',
    "a bit string (B'…', X'…') at 1:8 is not supported: write bytes as '\\x00ff'::bytes",
  ],
  [
    'SELECT CURRENT_TIMESTAMP(3)',
    '0A000',
    'a precision of CURRENT_TIMESTAMP at 1:8 is not supported: leave it out: times have microseconds',
  ],
  [
    'SELECT f(x => 1)',
    '0A000',
    'an argument by name at 1:10 is not supported: give the arguments in their order',
  ],
  ['SELECT * FROM t, u', '0A000', 'a comma in FROM at 1:18 is not supported: write a JOIN b ON …'],
  ['SELECT * FROM t CROSS JOIN u', '0A000', 'CROSS JOIN at 1:23 is not supported: write JOIN … ON'],
  ['SELECT * FROM t NATURAL JOIN u', '0A000', 'NATURAL JOIN at 1:25 is not supported: write JOIN … ON'],
  [
    'SELECT * FROM t JOIN u USING (a)',
    '0A000',
    'JOIN … USING at 1:24 is not supported: write JOIN … ON a.x = b.x',
  ],
  [
    'SELECT * FROM t RIGHT JOIN u ON a = b',
    '0A000',
    'RIGHT JOIN at 1:23 is not supported: turn it round: LEFT JOIN',
  ],
  ['SELECT * FROM t FULL JOIN u ON a = b', '0A000', 'FULL JOIN at 1:22 is not supported: use LEFT JOIN'],
  [
    'SELECT * FROM generate_series(1, 3)',
    '0A000',
    'a function in FROM at 1:15 is not supported: FROM takes tables and projections',
  ],
  ['SELECT * FROM t TABLESAMPLE SYSTEM (1)', '0A000', 'TABLESAMPLE at 1:29 is not supported: use LIMIT'],
  ['SELECT * FROM ONLY t', '0A000', 'ONLY at 1:15 is not supported: tables have no children: leave it out'],
  [
    'SELECT * FROM t AS u (a, b)',
    '0A000',
    'a list of columns behind an alias at 1:15 is not supported: name them in the SELECT with AS',
  ],
  [
    'SELECT * FROM (SELECT 1)',
    '0A000',
    'a subquery without a name at 1:23 is not supported: give it one: FROM (SELECT …) AS s',
  ],
  [
    'SELECT * FROM LATERAL (SELECT 1) AS s',
    '0A000',
    'LATERAL at 1:15 is not supported: CREATE PROJECTION p AS SELECT … keeps such an answer up to date; then SELECT from p',
  ],
  [
    'SELECT FROM t',
    '0A000',
    'a SELECT without columns at 1:13 is not supported: name at least one, or write *',
  ],
  [
    'SELECT a FROM t ORDER BY a USING <',
    '0A000',
    'ORDER BY … USING at 1:28 is not supported: write ASC or DESC',
  ],
  [
    'SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES',
    '0A000',
    'WITH TIES at 1:52 is not supported: write ONLY',
  ],
  [
    'SELECT a::int[] FROM t',
    '0A000',
    'an array type at 1:11 is not supported: use JSON or a table of its own',
  ],
  ['SELECT a::interval FROM t', '0A000', 'type INTERVAL at 1:11 is not supported: use a number of seconds'],
  ["SELECT DATE '2026-01-01'", '0A000', 'type DATE at 1:8 is not supported: use TIMESTAMP'],
];
