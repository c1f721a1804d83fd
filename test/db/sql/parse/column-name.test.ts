import { expect, test } from 'vitest';
import type { SelectStatement } from '../../../../db/sql/ast.ts';
import { columnName, loadParser } from '../../../../db/sql/parse/index.ts';

const parser = await loadParser();

/** What PostgreSQL 15 called them. */
const NAMES: readonly (readonly [string, string])[] = [
  ['a', 'a'],
  ['t.a', 'a'],
  ['"Q"', 'Q'],
  ['a + 1', '?column?'],
  ["'x'", '?column?'],
  ['true', '?column?'],
  ['NULL', '?column?'],
  ['a IS NULL', '?column?'],
  ['a::text', 'a'],
  ["'x'::text", 'text'],
  ["'x'::varchar(3)", 'varchar'],
  ['1::bigint', 'int8'],
  ['(a + 1)::int', 'int4'],
  ["'1'::numeric(3, 1)", 'numeric'],
  ['1::double precision', 'float8'],
  ['true::bool', 'bool'],
  ["'x'::bytea", 'bytea'],
  ["TIMESTAMP '2020-01-01'", 'timestamp'],
  ["'{}'::json", 'json'],
  ['CAST(NULL AS uuid)', 'uuid'],
  ['(1::int)::text', 'text'],
  ['lower(b)', 'lower'],
  ['upper(b)::varchar(3)', 'upper'],
  ['count(*)', 'count'],
  ['sum(a) + 1', '?column?'],
  ['coalesce(a, 1)', 'coalesce'],
  ['nullif(a, 1)', 'nullif'],
  ['greatest(a, 1)', 'greatest'],
  ['extract(year FROM ts)', 'extract'],
  ["position('a' IN b)", 'position'],
  ['substring(b FROM 1 FOR 2)', 'substring'],
  ['trim(b)', 'btrim'],
  ["trim(LEADING 'x' FROM b)", 'ltrim'],
  ['current_timestamp', 'current_timestamp'],
  ["ts AT TIME ZONE 'utc'", 'timezone'],
  ['CASE WHEN a = 1 THEN 2 END', 'case'],
  ['CASE WHEN a = 1 THEN 2 ELSE a END', 'a'],
  ['CASE WHEN a = 1 THEN 2 ELSE 3::int END', 'case'],
  ['(CASE WHEN true THEN 1 ELSE a END)::text', 'a'],
];

test.each(NAMES)('%s is called %s', (sql, name) => {
  const [item] = (parser.parse(`SELECT ${sql} FROM t`)[0]!.statement as SelectStatement).items;
  expect(item?.item === 'expression' && columnName(item.expression)).toBe(name);
});
