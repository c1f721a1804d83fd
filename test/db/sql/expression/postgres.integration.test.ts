import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type { CallExpression, Expression, SelectItem, SelectStatement } from '../../../../db/sql/ast.ts';
import {
  bind,
  bindAggregate,
  type EvaluationContext,
  ParameterTypes,
  type Scope,
  tableScope,
} from '../../../../db/sql/expression/index.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';
import {
  formatText,
  parseText,
  type Row,
  type SqlType,
  type SqlValue,
  typeName,
} from '../../../../db/sql/types/index.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { FORMS } from './forms.ts';
import { printExpression } from './print-expression.ts';
import { COLUMNS, ExpressionMaker } from './random-expression.ts';
import { Random, randomText } from './random-values.ts';

const EXPRESSIONS = Number(process.env['TRUTHDB_SQL_EXPRESSIONS'] ?? 32_000);
const BATCH = 3_000;
const ROWS = 200;
const SEED = Number(process.env['TRUTHDB_SQL_SEED'] ?? 20_261_130);

const CONTEXT: EvaluationContext = {
  parameters: [],
  now: 0n,
  randomUuid: () => '00000000-0000-0000-0000-000000000000',
  user: 'postgres',
  database: 'postgres',
};

/** What one side says: type and text of the value, or the sqlstate. */
const EVALUATE = `
create function evaluate(expression text, row_number int) returns text language plpgsql as $$
declare answer text;
begin
  execute 'select pg_typeof(x)::text || '':'' || coalesce(x::text, ''<null>'') from (select ' || expression ||
    ' as x from samples where id = $1 offset 0) q' into answer using row_number;
  return answer;
exception when others then
  return 'E' || sqlstate;
end $$`;

const AGGREGATE = `
create function aggregate(expression text, row_numbers int[]) returns text language plpgsql as $$
declare answer text;
begin
  execute 'select pg_typeof(x)::text || '':'' || coalesce(x::text, ''<null>'') from (select ' || expression ||
    ' as x from samples where id = any($1)) q' into answer using row_numbers;
  return answer;
exception when others then
  return 'E' || sqlstate;
end $$`;

let postgres: Postgres;
let client: pg.Client;
const random = new Random(SEED);
const rows = Array.from({ length: ROWS }, (): (string | null)[] =>
  COLUMNS.map((column) => (random.upTo(6) === 0 ? null : valueFor(column))),
);

beforeAll(async () => {
  postgres = await startPostgres();
  client = new pg.Client({
    host: postgres.host,
    port: postgres.port,
    user: postgres.user,
    database: postgres.database,
  });
  await client.connect();
  const columns = COLUMNS.map(({ name, type }) => `${name} ${typeName(type)}`).join(', ');
  await client.query(`create table samples (id int primary key, ${columns})`);
  await client.query(EVALUATE);
  await client.query(AGGREGATE);
  const places = COLUMNS.map((_, index) => `$${index + 2}`).join(', ');
  for (const [id, row] of rows.entries()) {
    await client.query(`insert into samples values ($1, ${places})`, [id, ...row]);
  }
});

afterAll(async () => {
  await client?.end();
  await postgres?.stop();
});

test(`${EXPRESSIONS} random expressions have the type, value or error that they have in PostgreSQL`, async () => {
  const maker = new ExpressionMaker(random);
  const scope = tableScope([{ name: 'samples', columns: COLUMNS }]);
  const parsed = rows.map(
    (row): Row => row.map((text, index) => (text === null ? null : parseText(COLUMNS[index]!.type, text))),
  );
  const differences: string[] = [];
  let failed = 0;
  for (let done = 0; done < EXPRESSIONS; done += BATCH) {
    const batch = Array.from({ length: BATCH }, () => ({ expression: maker.any(), row: random.upTo(ROWS) }));
    const texts = batch.map(({ expression }) => printExpression(expression));
    const asked = client.query<{ answer: string }>(
      'select evaluate(e, r) as answer from unnest($1::text[], $2::int[]) with ordinality as q(e, r, o) order by o',
      [texts, batch.map(({ row }) => row)],
    );
    const ours = batch.map(({ expression, row }) => evaluate(expression, scope, parsed[row]!));
    const theirs = (await asked).rows.map(({ answer }) => answer);
    for (const [index, mine] of ours.entries()) {
      if (mine.startsWith('E')) failed++;
      if (!agree(texts[index]!, mine, theirs[index]!)) {
        differences.push(
          `${texts[index]} [row ${batch[index]!.row}]\n  ours ${mine}\n  PostgreSQL ${theirs[index]}`,
        );
      }
    }
  }
  expect(differences.slice(0, 40)).toEqual([]);
  // Both kinds of answers must be there in numbers.
  expect(failed).toBeGreaterThan(EXPRESSIONS / 20);
  expect(failed).toBeLessThan(EXPRESSIONS / 2);
});

test.each(FORMS)('%s is what PostgreSQL makes of it', async (text) => {
  const [parsed] = (await loadParser()).parse(`select ${text}`);
  const statement = parsed!.statement as SelectStatement;
  const [item] = statement.items as [Extract<SelectItem, { item: 'expression' }>];
  const theirs = await client.query<{ answer: string }>('select evaluate($1, 0) as answer', [text]);
  const ours = evaluate(item.expression, tableScope([]), []);
  expect(agree(text, ours, theirs.rows[0]!.answer) ? theirs.rows[0]!.answer : ours).toBe(
    theirs.rows[0]!.answer,
  );
});

test('aggregates over the rows have the type and value that they have in PostgreSQL', async () => {
  const scope = tableScope([{ name: 'samples', columns: COLUMNS }]);
  // Some groups have infinities in them, some have not, one has nothing.
  const groups = [[], [0], [1, 2, 3], [4, 5, 6, 7, 8, 9], [...rows.keys()]];
  for (const { place, name, type, called, distinct } of aggregates()) {
    const text = `${called}(${distinct ? 'distinct ' : ''}${name})`;
    const call = { node: 'call' as const, name: called, args: [column(name)], star: false, distinct, at: 0 };
    for (const group of groups) {
      const asked = 'select aggregate($1, $2::int[]) as answer';
      const theirs = await client.query<{ answer: string }>(asked, [text, group]);
      const texts = group.map((id) => rows[id]![place]!);
      const values = texts.map((each) => (each === null ? null : parseText(type, each)));
      const [ours, wanted] = [aggregated(call, scope, values), rounded(theirs.rows[0]!.answer)];
      // Which steps of a sum of doubles overflow depends on their order there; here the sum itself has to.
      if (type.kind === 'double' && wanted === 'E22003') continue;
      expect([text, group.length, ours]).toEqual([text, group.length, wanted]);
    }
  }
});

function aggregates() {
  return COLUMNS.flatMap(({ name, type }, place) =>
    ['count', 'sum', 'avg', 'min', 'max'].flatMap((called) =>
      [false, true].map((distinct) => ({ place, name, type, called, distinct })),
    ),
  );
}

function column(name: string): Expression {
  return { node: 'column', table: null, name, at: 0 };
}

function aggregated(call: CallExpression, scope: Scope, values: readonly SqlValue[]): string {
  try {
    const bound = bindAggregate(call, scope, new ParameterTypes(0));
    const accumulator = bound.create();
    for (const value of values) accumulator.add(value);
    const result = accumulator.result();
    return rounded(`${nameOf(bound.type)}:${result === null ? '<null>' : textOf(bound.type, result)}`);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return `E${error.details['sqlstate']}`;
  }
}

/** PostgreSQL rounds a sum of doubles at every step, so that its last digits depend on the order; ours do not. */
function rounded(answer: string): string {
  const [type, text = ''] = answer.split(':');
  const value = Number(text);
  return type === 'double precision' && Number.isFinite(value) ? `${type}:${value.toPrecision(12)}` : answer;
}

function evaluate(expression: Expression, scope: Scope, row: Row): string {
  try {
    const bound = bind(expression, scope, new ParameterTypes(0));
    const value = bound.evaluate(row, CONTEXT);
    return `${nameOf(bound.type)}:${value === null ? '<null>' : textOf(bound.type, value)}`;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return `E${error.details['sqlstate']}`;
  }
}

function textOf(type: SqlType, value: Exclude<Row[number], null>): string {
  if (type.kind === 'boolean') return value === true ? 'true' : 'false';
  return formatText(type, value);
}

function nameOf(type: SqlType): string {
  return typeName(type).replace(/\(.*\)/, '');
}

/** Column e has finite values only, so that it can become a decimal. */
function valueFor({ name, type }: (typeof COLUMNS)[number]): string {
  const text = randomText(type, random);
  return name === 'e' && !Number.isFinite(Number(text)) ? '0.25' : text;
}

/** docs/sql.md, "Where this differs from PostgreSQL", has each of the exceptions. */
function agree(text: string, ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  // A text of limited length is still text.
  if (theirs.startsWith('character varying:')) return ours === theirs.replace('character varying', 'text');
  // It has these functions for more types than one, so that a literal of no type does not say which.
  if (theirs === 'E42725') return /trunc|date_part|extract/.test(text);
  // Decimals are finite here.
  if (ours === 'E22003') return /^numeric:(NaN|-?Infinity)$/.test(theirs);
  // PostgreSQL reads more forms of timestamps, and finds other things wrong with them.
  return ours === 'E22007' && (theirs.startsWith('E22') || theirs.startsWith('timestamp'));
}
