/** Queries and expressions the parser takes, with what it makes of them. */
import type { Statement } from '../../../../../db/sql/ast.ts';
import {
  arm,
  BIGINT,
  BOOLEAN,
  BYTES,
  between,
  bin,
  bool,
  call,
  cast,
  col,
  countStar,
  DOUBLE,
  dec,
  decimal,
  INTEGER,
  int,
  is,
  isIn,
  item,
  JSON_,
  join,
  like,
  not,
  nothing,
  order,
  par,
  select,
  selectOf,
  sign,
  star,
  str,
  TEXT,
  TIMESTAMP,
  table,
  UUID,
  varchar,
} from './build.ts';

export const TAKEN_QUERIES: readonly (readonly [sql: string, statement: Statement])[] = [
  ['SELECT * FROM t', select()],
  ['select * from T', select()],
  ['SELECT * FROM "T"', select({ from: table('T') })],
  ['TABLE t', select()],
  ['(SELECT * FROM t)', select()],
  ['SELECT ALL * FROM t', select()],
  ['SELECT a, t.b FROM public.t', select({ items: [item(col('a')), item(col('t.b'))] })],
  ['SELECT public.t.a FROM t', select({ items: [item(col('t.a'))] })],
  ['SELECT t.*, 1 FROM t', select({ items: [{ item: 'star', table: 't' }, item(int(1))] })],
  [
    'SELECT a AS x, b y, c "Z" FROM t AS u',
    select({ items: [item(col('a'), 'x'), item(col('b'), 'y'), item(col('c'), 'Z')], from: table('t', 'u') }),
  ],
  ['SELECT count(*) FROM t u', select({ items: [item(countStar)], from: table('t', 'u') })],
  ['SELECT * FROM t WHERE id = 1', select({ where: bin(col('id'), '=', int(1)) })],
  [
    'SELECT * FROM t WHERE id = $1 AND b = $2',
    select({ where: bin(bin(col('id'), '=', par(1)), 'and', bin(col('b'), '=', par(2))) }),
  ],
  [
    'SELECT * FROM t WHERE id=?AND b=?',
    select({ where: bin(bin(col('id'), '=', par(1)), 'and', bin(col('b'), '=', par(2))) }),
  ],
  [
    'SELECT * FROM t WHERE a <> 1 OR b != 2',
    select({ where: bin(bin(col('a'), '<>', int(1)), 'or', bin(col('b'), '<>', int(2))) }),
  ],
  [
    'SELECT * FROM t WHERE a AND b AND c',
    select({ where: bin(bin(col('a'), 'and', col('b')), 'and', col('c')) }),
  ],
  [
    'SELECT * FROM t WHERE a AND (b AND (c AND d))',
    select({ where: bin(bin(col('a'), 'and', col('b')), 'and', bin(col('c'), 'and', col('d'))) }),
  ],
  [
    'SELECT * FROM t WHERE a OR b AND c',
    select({ where: bin(col('a'), 'or', bin(col('b'), 'and', col('c'))) }),
  ],
  ['SELECT * FROM t WHERE NOT a = 1', select({ where: not(bin(col('a'), '=', int(1))) })],
  ['SELECT * FROM t WHERE a IN (1, 2)', select({ where: isIn(col('a'), [int(1), int(2)]) })],
  ["SELECT * FROM t WHERE a NOT IN ('x')", select({ where: isIn(col('a'), [str('x')], true) })],
  [
    'SELECT * FROM t WHERE a BETWEEN 1 AND 2 AND b',
    select({ where: bin(between(col('a'), int(1), int(2)), 'and', col('b')) }),
  ],
  ['SELECT * FROM t WHERE a NOT BETWEEN ? AND ?', select({ where: between(col('a'), par(1), par(2), true) })],
  ["SELECT * FROM t WHERE a LIKE 'x%'", select({ where: like(col('a'), str('x%')) })],
  [
    "SELECT * FROM t WHERE a NOT LIKE 'x!_%' ESCAPE '!'",
    select({ where: like(col('a'), str('x!_%'), { escape: str('!'), negated: true }) }),
  ],
  ["SELECT * FROM t WHERE a ILIKE 'x'", select({ where: like(col('a'), str('x'), { insensitive: true }) })],
  ['SELECT * FROM t WHERE a IS NULL', select({ where: is(col('a'), 'null') })],
  ['SELECT * FROM t WHERE a NOTNULL', select({ where: is(col('a'), 'null', true) })],
  ['SELECT * FROM t WHERE a IS NOT TRUE', select({ where: is(col('a'), 'true', true) })],
  ['SELECT * FROM t WHERE a IS UNKNOWN', select({ where: is(col('a'), 'unknown') })],
  [
    'SELECT * FROM t WHERE a IS DISTINCT FROM b',
    select({ where: bin(col('a'), 'is distinct from', col('b')) }),
  ],
  [
    'SELECT * FROM t WHERE a IS NOT DISTINCT FROM NULL',
    select({ where: bin(col('a'), 'is not distinct from', nothing) }),
  ],
  ['SELECT * FROM t ORDER BY a', select({ orderBy: [order(col('a'))] })],
  ['SELECT * FROM t ORDER BY a DESC, 2 ASC', select({ orderBy: [order(col('a'), true), order(int(2))] })],
  [
    'SELECT * FROM t ORDER BY a NULLS FIRST, b DESC NULLS LAST',
    select({ orderBy: [order(col('a'), false, true), order(col('b'), true, false)] }),
  ],
  ['SELECT * FROM t LIMIT 10 OFFSET $1', select({ limit: int(10), offset: par(1) })],
  ['SELECT * FROM t OFFSET 2 ROWS FETCH FIRST 3 ROWS ONLY', select({ limit: int(3), offset: int(2) })],
  ['SELECT * FROM t FETCH NEXT ROW ONLY', select({ limit: int(1) })],
  ['SELECT * FROM t LIMIT ALL', select()],
  ['SELECT DISTINCT a FROM t', select({ distinct: true, items: [item(col('a'))] })],
  [
    'SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1',
    select({
      items: [item(col('a')), item(countStar)],
      groupBy: [col('a')],
      having: bin(countStar, '>', int(1)),
    }),
  ],
  [
    'SELECT * FROM t JOIN u ON t.a = u.a LEFT OUTER JOIN v AS w ON w.b = u.b',
    select({
      from: join(
        'left',
        join('inner', table('t'), table('u'), bin(col('t.a'), '=', col('u.a'))),
        table('v', 'w'),
        bin(col('w.b'), '=', col('u.b')),
      ),
    }),
  ],
  [
    'SELECT * FROM (SELECT a FROM t) AS s',
    select({ from: { from: 'subquery', query: select({ items: [item(col('a'))] }), alias: 's' } }),
  ],
  // Literals.
  [
    "SELECT 1, -2, 99999999999, 1.5, -.5, 1e3, 'it''s', TRUE, NULL",
    selectOf(
      int(1),
      int(-2),
      int(99999999999),
      dec('1.5'),
      dec('-.5'),
      dec('1e3'),
      str("it's"),
      bool(true),
      nothing,
    ),
  ],
  ['SELECT -2147483648, -9223372036854775808', selectOf(int(-2147483648), int(-9223372036854775808n))],
  [
    'SELECT 0x1F, 0o17, 0b11, 1_000_000, 0xFF_FFFF_FFFF',
    selectOf(int(31), int(15), int(3), int(1000000), int(0xffffffffff)),
  ],
  ["SELECT E'a\\tb\\'', $$it's$$, $q$a$$b$q$", selectOf(str("a\tb'"), str("it's"), str('a$$b'))],
  ["SELECT 'a'\n  'b'", selectOf(str('ab'))],
  ["SELECT U&'d\\0061t\\+000061', U&'d!0061' UESCAPE '!'", selectOf(str('data'), str('da'))],
  ["SELECT 'Größe 😀'", selectOf(str('Größe 😀'))],
  // Operators: precedences are PostgreSQL's.
  ['SELECT a + b * -c', selectOf(bin(col('a'), '+', bin(col('b'), '*', sign('-', col('c')))))],
  ['SELECT (a + b) / 2 % 3', selectOf(bin(bin(bin(col('a'), '+', col('b')), '/', int(2)), '%', int(3)))],
  ["SELECT a || 'x' || +b", selectOf(bin(bin(col('a'), '||', str('x')), '||', sign('+', col('b'))))],
  [
    'SELECT a < b, a <= b, a >= b',
    selectOf(bin(col('a'), '<', col('b')), bin(col('a'), '<=', col('b')), bin(col('a'), '>=', col('b'))),
  ],
  ['SELECT - -5, -(5), - a', selectOf(int(5), int(-5), sign('-', col('a')))],
  // Casts.
  [
    "SELECT '1'::int, CAST(a AS TEXT), -1::bigint",
    selectOf(cast(str('1'), INTEGER), cast(col('a'), TEXT), sign('-', cast(int(1), BIGINT))),
  ],
  [
    "SELECT TIMESTAMP '2026-01-31 12:00', BOOLEAN 't'",
    selectOf(cast(str('2026-01-31 12:00'), TIMESTAMP), cast(str('t'), BOOLEAN)),
  ],
  [
    'SELECT a::double precision, a::float8, a::double, a::float',
    selectOf(...Array.from({ length: 4 }, () => cast(col('a'), DOUBLE))),
  ],
  [
    'SELECT a::numeric, a::decimal(5), a::dec(10, 2)',
    selectOf(cast(col('a'), decimal()), cast(col('a'), decimal(5, 0)), cast(col('a'), decimal(10, 2))),
  ],
  [
    'SELECT a::bytea, a::bytes, a::json, a::jsonb, a::uuid',
    selectOf(
      cast(col('a'), BYTES),
      cast(col('a'), BYTES),
      cast(col('a'), JSON_),
      cast(col('a'), JSON_),
      cast(col('a'), UUID),
    ),
  ],
  [
    'SELECT a::varchar(3), a::varchar, a::string, a::bool',
    selectOf(cast(col('a'), varchar(3)), cast(col('a'), TEXT), cast(col('a'), TEXT), cast(col('a'), BOOLEAN)),
  ],
  // Calls.
  [
    'SELECT LOWER(a), "Lower"(a), now()',
    selectOf(call('lower', col('a')), call('Lower', col('a')), call('now')),
  ],
  [
    'SELECT count(DISTINCT a), pg_catalog.abs(b)',
    selectOf(
      { node: 'call', name: 'count', args: [col('a')], star: false, distinct: true, at: 0 },
      call('abs', col('b')),
    ),
  ],
  [
    'SELECT COALESCE(a, 1), NULLIF(a, b), GREATEST(1, 2), LEAST(1, 2)',
    selectOf(
      call('coalesce', col('a'), int(1)),
      call('nullif', col('a'), col('b')),
      call('greatest', int(1), int(2)),
      call('least', int(1), int(2)),
    ),
  ],
  [
    "SELECT EXTRACT(YEAR FROM a), EXTRACT('epoch' FROM a)",
    selectOf(call('extract', str('year'), col('a')), call('extract', str('epoch'), col('a'))),
  ],
  [
    "SELECT POSITION('x' IN a), SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a, 2)",
    selectOf(
      call('position', col('a'), str('x')),
      call('substring', col('a'), int(2), int(3)),
      call('substring', col('a'), int(2)),
    ),
  ],
  [
    "SELECT TRIM(a), TRIM(LEADING 'x' FROM a), OVERLAY(a PLACING b FROM 1)",
    selectOf(
      call('btrim', col('a')),
      call('ltrim', col('a'), str('x')),
      call('overlay', col('a'), col('b'), int(1)),
    ),
  ],
  [
    'SELECT CURRENT_TIMESTAMP, current_date, CURRENT_USER',
    selectOf(call('current_timestamp'), call('current_date'), call('current_user')),
  ],
  ["SELECT a AT TIME ZONE 'utc'", selectOf(call('timezone', str('utc'), col('a')))],
  [
    'SELECT CASE WHEN a THEN 1 ELSE 2 END, CASE a WHEN 1 THEN b END',
    selectOf(
      { node: 'case', operand: null, whens: [arm(col('a'), int(1))], otherwise: int(2), at: 0 },
      { node: 'case', operand: col('a'), whens: [arm(int(1), col('b'))], otherwise: null, at: 0 },
    ),
  ],
  // Ours.
  ['SELECT * FROM t AS OF POSITION 42', select({ asOf: { kind: 'position', value: int(42) } })],
  [
    'SELECT * FROM t AS OF POSITION $1 WHERE id = $2',
    select({ where: bin(col('id'), '=', par(2)), asOf: { kind: 'position', value: par(1) } }),
  ],
  [
    'SELECT * FROM t AS OF POSITION ? WHERE id = ?',
    select({ where: bin(col('id'), '=', par(2)), asOf: { kind: 'position', value: par(1) } }),
  ],
  [
    "SELECT * FROM t u WHERE a ORDER BY a AS OF TIMESTAMP '2026-01-31'",
    select({
      from: table('t', 'u'),
      where: col('a'),
      orderBy: [order(col('a'))],
      asOf: { kind: 'timestamp', value: str('2026-01-31') },
    }),
  ],
  [
    'SELECT * FROM t as of position (40 + 2) limit 1',
    select({ limit: int(1), asOf: { kind: 'position', value: bin(int(40), '+', int(2)) } }),
  ],
  ['SELECT * FROM t HISTORY', select({ history: true })],
  [
    'SELECT * FROM t history WHERE id = 1 ORDER BY a',
    select({ where: bin(col('id'), '=', int(1)), orderBy: [order(col('a'))], history: true }),
  ],
  [
    'SELECT * FROM t u WHERE id = 1 HISTORY',
    select({ from: table('t', 'u'), where: bin(col('id'), '=', int(1)), history: true }),
  ],
  [
    'SELECT * FROM t ORDER BY a DESC HISTORY LIMIT 3',
    select({ orderBy: [order(col('a'), true)], limit: int(3), history: true }),
  ],
  [
    'SELECT * FROM t LIMIT ALL HISTORY AS OF POSITION 7',
    select({ history: true, asOf: { kind: 'position', value: int(7) } }),
  ],
  [
    'SELECT * FROM t AS OF POSITION 7 HISTORY',
    select({ history: true, asOf: { kind: 'position', value: int(7) } }),
  ],
  // Names that only look like ours.
  ['SELECT history FROM history', select({ items: [item(col('history'))], from: table('history') })],
  ['SELECT * FROM history HISTORY', select({ from: table('history'), history: true })],
  ['SELECT * FROM t AS history', select({ from: table('t', 'history') })],
  ['SELECT * FROM t "history"', select({ from: table('t', 'history') })],
  ['SELECT * FROM t WHERE NOT history', select({ where: not(col('history')) })],
  [
    'SELECT * FROM t WHERE a = history ORDER BY history',
    select({ where: bin(col('a'), '=', col('history')), orderBy: [order(col('history'))] }),
  ],
  ['SELECT a history FROM t', select({ items: [item(col('a'), 'history')] })],
  [
    'SELECT a AS of, b AS position FROM t',
    select({ items: [item(col('a'), 'of'), item(col('b'), 'position')] }),
  ],
  [
    'SELECT t.history, history.a FROM t AS history',
    select({ items: [item(col('t.history')), item(col('history.a'))], from: table('t', 'history') }),
  ],
  [
    "SELECT * FROM t -- AS OF POSITION 3\n /* HISTORY */ WHERE a = 'HISTORY'",
    select({ where: bin(col('a'), '=', str('HISTORY')) }),
  ],
  ['SELECT diff, projection FROM t', select({ items: [item(col('diff')), item(col('projection'))] })],
  ['EXPLAIN SELECT * FROM t', { statement: 'explain', analyze: false, of: select({ items: [star] }) }],
  [
    'EXPLAIN ANALYZE SELECT * FROM t HISTORY',
    { statement: 'explain', analyze: true, of: select({ history: true }) },
  ],
  ['EXPLAIN (ANALYZE, COSTS off) SELECT * FROM t', { statement: 'explain', analyze: true, of: select() }],
  ['EXPLAIN (ANALYZE false) SELECT * FROM t', { statement: 'explain', analyze: false, of: select() }],
  [
    'DIFF TABLE t BETWEEN 5 AND 9',
    {
      statement: 'diff',
      table: 't',
      from: { kind: 'position', value: int(5) },
      to: { kind: 'position', value: int(9) },
    },
  ],
  [
    'diff table public."T" between timestamp \'2026-01-01\' and position $1',
    {
      statement: 'diff',
      table: 'T',
      from: { kind: 'timestamp', value: str('2026-01-01') },
      to: { kind: 'position', value: par(1) },
    },
  ],
  [
    'EXPLAIN DIFF TABLE t BETWEEN ? AND ?',
    {
      statement: 'explain',
      analyze: false,
      of: {
        statement: 'diff',
        table: 't',
        from: { kind: 'position', value: par(1) },
        to: { kind: 'position', value: par(2) },
      },
    },
  ],
];
