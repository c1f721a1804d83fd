/** The two servers of `bench sql`, each with the same table, and the doors to them that a load can go through. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../../db/client/index.ts';
import { type Address, parseConnectionString } from '../../../db/protocol/index.ts';
import { POSTGRESQL, startPostgresql } from '../peers/postgresql.ts';
import type { Dialect } from '../peers/wire-load.ts';
import { cpuMicros, startServing } from '../serving.ts';
import { PgStatementDialect } from './pg-statement-dialect.ts';
import type { LoadStatement } from './statement.ts';
import { TruthdbStatementDialect } from './truthdb-statement-dialect.ts';

export const TRUTHDB_PG = 'TruthDB, PostgreSQL’s protocol';
export const TRUTHDB_OWN = 'TruthDB, its own protocol';
export { POSTGRESQL };

/** Rows a statement of many carries. */
const LOAD_ROWS = 500;

const ACCOUNTS =
  'CREATE TABLE accounts (id bigint PRIMARY KEY, owner text NOT NULL, balance bigint NOT NULL)';

/** A way to a server. */
export interface Door {
  readonly name: string;
  readonly port: number;
  readonly dialect: (statement: LoadStatement) => Dialect;
  /** CPU time of all the server's processes and threads so far, in microseconds. */
  readonly cpuMicros: () => number;
}

export interface Served {
  readonly doors: readonly Door[];
  readonly stop: () => Promise<void>;
}

/** PostgreSQL with `rows` accounts. */
export async function servePostgresql(directory: string, rows: number): Promise<Served> {
  const { pid, port, user, sql, stop } = await startPostgresql(directory);
  await sql(ACCOUNTS);
  await sql(
    `INSERT INTO accounts SELECT n, 'owner ' || n, n * 100 FROM generate_series(0, ${rows - 1}) AS n`,
  );
  await sql('VACUUM ANALYZE accounts');
  await sql('CHECKPOINT');
  const door: Door = {
    name: POSTGRESQL,
    port,
    dialect: (statement) => new PgStatementDialect({ user, database: 'postgres', password: '' }, statement),
    cpuMicros: () => familyOf(pid).reduce((sum, each) => sum + cpuMicros(each), 0),
  };
  return { doors: [door], stop };
}

/** TruthDB with `rows` accounts, audit at its default, behind both of its doors. */
export async function serveTruthdb(directory: string, rows: number, profile: string | null): Promise<Served> {
  const nodeOptions = profile === null ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const serving = await startServing({ data: directory, pg: 'on', nodeOptions });
  const { port, token } = parseConnectionString(serving.url) as Extract<Address, { kind: 'tcp' }>;
  const client = await connect(parseConnectionString(serving.url), { reconnect: false });
  await client.query(ACCOUNTS);
  for (let first = 0; first < rows; first += LOAD_ROWS) {
    const values = Array.from({ length: Math.min(LOAD_ROWS, rows - first) }, (_, at) => first + at);
    await client.query(
      `INSERT INTO accounts VALUES ${values.map((n) => `(${n}, 'owner ${n}', ${n * 100})`)}`,
    );
  }
  await client.close();
  const login = { user: 'admin', database: 'truthdb', password: token };
  const doors: Door[] = [
    {
      ...{ name: TRUTHDB_PG, port: serving.pgPort ?? 0, cpuMicros: serving.cpuMicros },
      dialect: (statement) => new PgStatementDialect(login, statement),
    },
    {
      ...{ name: TRUTHDB_OWN, port, cpuMicros: serving.cpuMicros },
      dialect: (statement) => new TruthdbStatementDialect(token, statement),
    },
  ];
  return { doors, stop: serving.stop };
}

/** A process and its children, which PostgreSQL has one of for each connection. */
export function familyOf(pid: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return [pid, ...all.map(Number).filter((each) => parentOf(each) === pid)];
}

function parentOf(pid: number): number | null {
  try {
    return Number(
      readFileSync(join('/proc', String(pid), 'stat'), 'utf8')
        .split(') ')[1]
        ?.split(' ')[1],
    );
  } catch {
    // It has ended since the folder was read.
    return null;
  }
}
