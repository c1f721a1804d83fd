/** Single-row INSERTs and SELECTs by primary key over the network: PostgreSQL and both doors of TruthDB under one load generator. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast, type BenchAim, median, rounded } from '../bench.ts';
import { WireLoad } from '../peers/wire-load.ts';
import {
  inTurns,
  medianOf,
  ratioInTurns,
  type SqlFinding,
  type SqlPartResult,
  type SqlPlan,
} from './part.ts';
import { type Door, POSTGRESQL, servePostgresql, serveTruthdb, TRUTHDB_OWN, TRUTHDB_PG } from './servers.ts';
import type { LoadStatement } from './statement.ts';

const ROWS = 100_000;
const QUICK_ROWS = 10_000;
const PAUSE_MILLIS = 150;
const WARM_SECONDS_TIMES = 3;
const PART = 'network';

interface Load {
  readonly name: string;
  readonly clients: number;
  readonly statement: () => LoadStatement;
  /** Of PostgreSQL's rate, at least. */
  readonly aim: number;
}

export async function network(plan: SqlPlan, profile: string | null): Promise<SqlPartResult> {
  const rows = plan.quick ? QUICK_ROWS : ROWS;
  // PostgreSQL does not run as root and must reach its directory.
  chmodSync(plan.directory, 0o755);
  const stops: (() => Promise<void>)[] = [];
  try {
    plan.progress(`network: ${rows} rows in PostgreSQL and in TruthDB`);
    const postgresql = await servePostgresql(join(plan.directory, 'postgresql'), rows);
    stops.push(postgresql.stop);
    const truthdb = await serveTruthdb(join(plan.directory, 'truthdb'), rows, profile);
    stops.push(truthdb.stop);
    const doors = [...postgresql.doors, ...truthdb.doors];
    const findings: SqlFinding[] = [];
    const aims: BenchAim[] = [];
    for (const load of loads(rows)) {
      plan.progress(`network: ${load.name}`);
      const result = await measure(load, doors, plan);
      findings.push(...result.findings);
      aims.push(...result.aims);
    }
    return { findings, aims };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function loads(rows: number): readonly Load[] {
  let next = rows;
  const insert = (): LoadStatement => ({
    text: 'INSERT INTO accounts VALUES ($1, $2, $3)',
    others: ['an owner of an account', 100n],
    nextKey: () => next++,
    rows: 0,
  });
  const select = (): LoadStatement => ({
    text: 'SELECT id, owner, balance FROM accounts WHERE id = $1',
    others: [],
    nextKey: () => Math.floor(Math.random() * rows),
    rows: 1,
  });
  return [
    { name: 'INSERT of a row, 64 clients', clients: 64, statement: insert, aim: 3 },
    { name: 'SELECT by primary key, 1 client', clients: 1, statement: select, aim: 0.7 },
    { name: 'SELECT by primary key, 64 clients', clients: 64, statement: select, aim: 1 },
  ];
}

async function measure(
  { name, clients, statement, aim }: Load,
  doors: readonly Door[],
  plan: SqlPlan,
): Promise<SqlPartResult> {
  const opened: { door: Door; load: WireLoad; cpu: number[] }[] = [];
  try {
    for (const door of doors) {
      const load = await WireLoad.open(door.port, clients, () => door.dialect(statement()));
      opened.push({ door, load, cpu: [] });
    }
    const takers = opened.map(({ door, load, cpu }) => ({
      name: door.name,
      run: async (isCounted: boolean) => {
        const before = door.cpuMicros();
        // What compiles itself while it runs needs a while.
        const seconds = isCounted ? plan.seconds : plan.seconds * WARM_SECONDS_TIMES;
        const rate = await load.run(seconds, 1);
        if (isCounted) cpu.push((door.cpuMicros() - before) / (rate * plan.seconds));
        return rate;
      },
    }));
    const figures = await inTurns(takers, plan, PAUSE_MILLIS);
    const ratio = (who: string) => ratioInTurns(figures, who, POSTGRESQL);
    const findings = opened.map(({ door, cpu }) => ({
      ...{ part: PART, load: name, who: door.name, unit: '1/s', value: medianOf(figures, door.name) },
      ...{ ratio: ratio(door.name), note: `${rounded(median(cpu))} µs of the server's CPU each` },
    }));
    const aims = [TRUTHDB_PG, TRUTHDB_OWN].map((who) =>
      atLeast(`${name}, ${who}: of PostgreSQL`, aim, ratio(who)),
    );
    return { findings, aims };
  } finally {
    for (const { load } of opened) load.close();
  }
}
