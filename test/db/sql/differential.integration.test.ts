/**
 * The same rows and the same random queries in TruthDB and in PostgreSQL 15: both must answer the same, or refuse with the
 * same sqlstate. Each query follows from a seed and its number; both are in the message of a failure.
 *
 *     TRUTHDB_SQL_SEED=7 TRUTHDB_SQL_QUERIES=1000000 npx vitest run --project integration test/db/sql/differential
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueryAnswer } from '../../../db/sql/execute/query.ts';
import type { StoreSnapshot } from '../../../db/sql/store/index.ts';
import { formatText, type SqlType, type SqlValue } from '../../../db/sql/types/index.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { Asker } from './query-world.ts';
import { Dice, RANDOM_TABLES, randomDistinct, randomRow, randomSelect } from './random-tables.ts';
import { TableWorld } from './table-world.ts';

const SEED = Number(process.env['TRUTHDB_SQL_SEED'] ?? 20_261_130);
const QUERIES = Number(process.env['TRUTHDB_SQL_QUERIES'] ?? 50_000);
const BATCH = 1_000;
const ROWS = 40;
/** Numbers of queries are far apart from those of another seed. */
const SEED_STEP = 0x9e37_79b1;

/** Carries out each query of a list; one text for each: its rows as PostgreSQL prints them, or E and the sqlstate. */
const ANSWER = `
create function answers(queries text[]) returns setof text language plpgsql as $$
declare query text; rows text[];
begin
  foreach query in array queries loop
    begin
      execute 'select array_agg(q::text) from (' || query || ') q' into rows;
      return next coalesce(array_to_string(rows, E'\\n'), '');
    exception when others then
      return next 'E' || sqlstate;
    end;
  end loop;
end $$`;

let postgres: Postgres;
let client: pg.Client;
let asker: Asker;
let snapshot: StoreSnapshot;

beforeAll(async () => {
  postgres = await startPostgres();
  const { host, port, user, database } = postgres;
  client = new pg.Client({ host, port, user, database });
  await client.connect();
  await client.query(ANSWER);
  asker = await Asker.open();
  const world = await TableWorld.open();
  const dice = new Dice(SEED);
  for (const table of RANDOM_TABLES) {
    const rows = Array.from({ length: ROWS }, (_, id) => randomRow(dice, id, table.name));
    for (const statement of [...table.create, `INSERT INTO ${table.name} VALUES ${rows.join(', ')}`]) {
      await client.query(statement);
      expect(world.write(statement).error).toBeNull();
    }
  }
  snapshot = world.view.snapshot(TENANT_DEFAULT);
});

afterAll(async () => {
  snapshot?.close();
  await client?.end();
  await postgres?.stop();
});

test(`${QUERIES} random queries have the same answers`, async () => {
  let refused = 0;
  let rows = 0;
  let next = ask(0);
  for (let first = 0; first < QUERIES; first += BATCH) {
    const { texts, theirs } = next;
    // PostgreSQL works on the next ones meanwhile.
    next = ask(first + BATCH);
    const ours = texts.map(answer);
    const wanted = await theirs;
    for (const [index, text] of texts.entries()) {
      const [our, their] = [inOrder(ours[index]!, text), inOrder(wanted[index]!, text)];
      if (our.startsWith('E')) refused += 1;
      rows += our === '' ? 0 : our.split('\n').length;
      if (our === their) continue;
      const number = first + index;
      expect({ seed: SEED, number, text, answer: our }).toEqual({ seed: SEED, number, text, answer: their });
    }
  }
  await next.theirs;
  // A comparison of refusals and of nothing would say nothing.
  expect(refused).toBeLessThan(QUERIES / 10);
  expect(rows).toBeGreaterThan(QUERIES);
}, 600_000);

interface Batch {
  readonly texts: readonly string[];
  readonly theirs: Promise<readonly string[]>;
}

function ask(first: number): Batch {
  const texts = Array.from({ length: Math.max(0, Math.min(BATCH, QUERIES - first)) }, (_, index) =>
    randomQuery(first + index),
  );
  const theirs = client
    .query<[string]>({ text: 'select answers($1)', values: [texts], rowMode: 'array' })
    .then((result) => result.rows.map(([text]) => text));
  return { texts, theirs };
}

function randomQuery(number: number): string {
  const dice = new Dice(SEED + Math.imul(number + 1, SEED_STEP));
  const { name } = dice.pick(RANDOM_TABLES);
  return dice.chance(0.1) ? randomDistinct(dice, name) : randomSelect(dice, name);
}

function answer(text: string): string {
  try {
    return printed(asker.ask(snapshot, text));
  } catch (error) {
    const { details } = error as { details?: { sqlstate?: unknown } };
    if (details?.sqlstate === undefined) throw error;
    return `E${String(details.sqlstate)}`;
  }
}

/** Rows as PostgreSQL prints records. */
function printed({ rows, columns }: QueryAnswer): string {
  const types = (columns ?? []).map(({ type }) => type);
  return rows
    .map((row) => `(${row.map((value, place) => field(value, types[place]!)).join(',')})`)
    .join('\n');
}

function field(value: SqlValue, type: SqlType): string {
  if (value === null) return '';
  const text = formatText(type, value);
  if (text !== '' && !/[\s"(),\\]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, (special) => special + special)}"`;
}

/** Without ORDER BY rows come as they like. */
function inOrder(answered: string, text: string): string {
  return text.includes(' ORDER BY ') ? answered : answered.split('\n').sort().join('\n');
}
