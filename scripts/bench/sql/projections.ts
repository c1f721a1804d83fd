/**
 * What keeping a projection costs for each of its rows that changes, with few rows and with many: updates of a table that
 * feeds one, beside the same updates of a table that feeds none. The difference is the projection's.
 */
import { join } from 'node:path';
import type { Engine } from '../../../db/engine.ts';
import { atMost, type BenchAim, median } from '../bench.ts';
import { fill, newDatabase, prepared, sessionOf, threadMicros } from './embedded.ts';
import { inTurns, type SqlFinding, type SqlPartResult, type SqlPlan } from './part.ts';

const PART = 'projections';
const SMALL = 10_000;
const LARGE = 1_000_000;
const QUICK_LARGE = 100_000;
const ROWS_A_GROUP = 10;
const UPDATES = 400;
const ROUNDS = 15;
const WAIT_MILLIS = 20;

interface Kind {
  readonly name: string;
  readonly table: string;
  readonly projection: string | null;
}

/** Each table has a projection of its own, or none: what an update costs beside it is the same for all. */
const KINDS: readonly Kind[] = [
  { name: 'no projection', table: 'bare', projection: null },
  {
    name: 'GROUP BY with sums',
    table: 'grouped',
    projection: 'SELECT town, count(*) AS number, sum(amount) AS total FROM grouped GROUP BY town',
  },
  {
    name: 'join',
    table: 'joined',
    projection: 'SELECT j.id, j.amount, t.name FROM joined j JOIN towns t ON t.id = j.town',
  },
];

export async function projections(plan: SqlPlan): Promise<SqlPartResult> {
  const sizes = [SMALL, plan.quick ? QUICK_LARGE : LARGE];
  const findings: SqlFinding[] = [];
  const costs = new Map<string, number[]>();
  for (const size of sizes) {
    const figures = await measure(plan, size);
    const bare = figures.get('no projection') ?? [];
    for (const { name, projection } of KINDS) {
      const own = figures.get(name) ?? [];
      const cost =
        projection === null ? median(own) : median(own.map((value, at) => value - (bare[at] ?? 0)));
      costs.set(name, [...(costs.get(name) ?? []), cost]);
      const unit = projection === null ? 'µs of CPU an update' : 'µs of CPU more a changed row';
      const load = `${size.toLocaleString('en-US')} rows`;
      findings.push({ part: PART, load, who: name, unit, value: cost, ratio: null, note: '' });
    }
  }
  const aims: BenchAim[] = KINDS.filter(({ projection }) => projection !== null).map(({ name }) => {
    const [small = 0, large = 0] = costs.get(name) ?? [];
    return atMost(`${name}, a changed row: ${sizes[1]} rows, times ${sizes[0]}`, 2, large / small);
  });
  return { findings, aims };
}

async function measure(plan: SqlPlan, size: number): Promise<ReadonlyMap<string, readonly number[]>> {
  plan.progress(`projections: ${size} rows in each table`);
  const engine = await newDatabase(join(plan.directory, `projections-${size}`));
  try {
    const session = sessionOf(engine);
    const towns = size / ROWS_A_GROUP;
    await session.execute('CREATE TABLE towns (id bigint PRIMARY KEY, name text)', []);
    await fill(session, 'towns', towns, (n) => [BigInt(n), `town ${n}`]);
    for (const { table, projection } of KINDS) {
      await session.execute(`CREATE TABLE ${table} (id bigint PRIMARY KEY, town bigint, amount bigint)`, []);
      await fill(session, table, size, (n) => [BigInt(n), BigInt(n % towns), 1n]);
      if (projection === null) continue;
      await session.execute(`CREATE PROJECTION ${table}_view AS ${projection}`, []);
      await untilBuilt(engine, `${table}_view`, plan.signal);
    }
    return await inTurns(
      KINDS.map(({ name, table }) => ({ name, run: updates(engine, table, size) })),
      { rounds: ROUNDS, signal: plan.signal },
    );
  } finally {
    await engine.close();
  }
}

/** Updates of rows far apart, each of another group: every one changes one row of the projection. */
function updates(engine: Engine, table: string, size: number): () => Promise<number> {
  const session = () => prepared(sessionOf(engine), `UPDATE ${table} SET amount = amount + $2 WHERE id = $1`);
  const sessions = Array.from({ length: UPDATES }, session);
  let turn = 0;
  return async () => {
    const began = threadMicros();
    const ids = sessions.map((_, at) => ((turn + at) * 7919) % size);
    turn += UPDATES;
    const done = await Promise.all(sessions.map((update, at) => update(BigInt(ids[at] ?? 0), 1n)));
    const micros = threadMicros() - began;
    if (done.some(({ count }) => count !== 1)) throw new Error(`an update of ${table} found no row`);
    return micros / UPDATES;
  };
}

async function untilBuilt(engine: Engine, projection: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await sessionOf(engine).execute(`SELECT * FROM ${projection} LIMIT 1`, []);
      return;
    } catch (error) {
      if ((error as { details?: { sqlstate?: string } }).details?.sqlstate !== '55000') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MILLIS));
  }
}
