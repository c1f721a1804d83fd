/** Views made anew from the log, beside raw node:sqlite writing the same rows and indexes in as many transactions. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openEngine } from '../../../db/engine.ts';
import { atLeast, median, rounded } from '../bench.ts';
import { BATCH_ROWS, fill, newDatabase, sessionOf, threadMicros } from './embedded.ts';
import { inTurns, medianOf, ratioInTurns, type SqlPartResult, type SqlPlan } from './part.ts';

const PART = 'rebuild';
const ROWS = 500_000;
const QUICK_ROWS = 100_000;
const TOWNS = 1000;
const REBUILT = 'TruthDB, views deleted';
const RAW = 'node:sqlite';

const ORDERS =
  'CREATE TABLE orders (id bigint PRIMARY KEY, customer text NOT NULL, town text NOT NULL, amount bigint NOT NULL)';
const INDEX = 'CREATE INDEX orders_town ON orders (town)';

export async function rebuild(plan: SqlPlan): Promise<SqlPartResult> {
  const rows = plan.quick ? QUICK_ROWS : ROWS;
  const directory = join(plan.directory, 'rebuild');
  plan.progress(`rebuild: writing ${rows} rows`);
  const engine = await newDatabase(directory);
  const session = sessionOf(engine);
  await session.execute(ORDERS, []);
  await session.execute(INDEX, []);
  await fill(session, 'orders', rows, (n) => {
    const [id, customer, town, amount] = order(n);
    return [BigInt(id), customer, town, BigInt(amount)];
  });
  await engine.close();
  const cpu = new Map<string, number[]>([REBUILT, RAW].map((name) => [name, []]));
  const taker = (name: string, work: () => Promise<number>) => ({
    name,
    run: async (isCounted: boolean) => {
      const began = threadMicros();
      const rate = await work();
      if (isCounted) cpu.get(name)?.push((threadMicros() - began) / rows);
      return rate;
    },
  });
  const takers = [
    taker(REBUILT, () => reopened(directory, rows)),
    taker(RAW, async () => written(join(plan.directory, 'raw'), rows)),
  ];
  const figures = await inTurns(takers, plan);
  const ratio = ratioInTurns(figures, REBUILT, RAW);
  const common = {
    part: PART,
    load: `${rows.toLocaleString('en-US')} rows, an index`,
    unit: 'rows/s',
  };
  const note = (who: string) => `${rounded(median(cpu.get(who) ?? []))} µs of this thread's CPU a row`;
  return {
    findings: [
      { ...common, who: REBUILT, value: medianOf(figures, REBUILT), ratio, note: note(REBUILT) },
      { ...common, who: RAW, value: medianOf(figures, RAW), ratio: 1, note: note(RAW) },
    ],
    aims: [atLeast('rebuild: of node:sqlite writing the same rows and indexes', 0.5, ratio)],
  };
}

function order(n: number): readonly [number, string, string, number] {
  return [n, `customer number ${n}`, `town ${(n * 7919) % TOWNS}`, n * 10];
}

/** Rows a second. */
async function reopened(directory: string, rows: number): Promise<number> {
  rmSync(join(directory, 'views'), { recursive: true });
  const began = performance.now();
  const engine = await openEngine({ directory });
  const millis = performance.now() - began;
  const { rows: counted } = await sessionOf(engine).execute('SELECT count(*) FROM orders', []);
  await engine.close();
  if (counted[0]?.[0] !== BigInt(rows)) throw new Error(`${counted[0]?.[0]} rows were rebuilt of ${rows}`);
  return (rows / millis) * 1000;
}

/** Rows a second, with the settings of the store: a transaction for each statement's rows, synced when the WAL is moved. */
function written(directory: string, rows: number): number {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const began = performance.now();
  const database = new DatabaseSync(join(directory, 'orders.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768');
  database.exec(
    'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, town TEXT NOT NULL, amount INTEGER NOT NULL) STRICT',
  );
  database.exec(INDEX);
  const insert = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?)');
  for (let first = 0; first < rows; first += BATCH_ROWS) {
    database.exec('BEGIN');
    for (let n = first; n < Math.min(rows, first + BATCH_ROWS); n++) insert.run(...order(n));
    database.exec('COMMIT');
  }
  database.close();
  return (rows / (performance.now() - began)) * 1000;
}
