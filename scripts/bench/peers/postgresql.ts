/**
 * PostgreSQL with synchronous commits: one prepared INSERT an event; pipelines of them, one transaction each, for many in
 * flight; one INSERT of a thousand rows from a binary array for batches.
 */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { POSTGRES_BIN } from './debian.ts';
import { type Peer, payload, type Shape } from './peer.ts';
import { PostgresDialect } from './postgres-dialect.ts';
import {
  freePort,
  listens,
  missingProgram,
  runProgram,
  startProcess,
  untilReady,
  versionLine,
} from './processes.ts';
import { WireLoad } from './wire-load.ts';

const USER = 'postgres';
/** Big enough that no checkpoint falls into a measurement; the rest is as shipped. */
const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = on
synchronous_commit = on
full_page_writes = on
ssl = off
max_connections = 100
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
`;

export const POSTGRESQL = 'PostgreSQL';

export const postgresql: Peer = {
  name: POSTGRESQL,
  setting: 'fsync on, synchronous_commit on',
  durable: true,
  checksums: 'CRC-32C in the log, page checksums on',
  load: 'own client, prepared INSERT with binary parameters',
  absent: () => missingProgram(`${POSTGRES_BIN}/postgres`, 'postgresql-15'),
  version: () => versionLine(`${POSTGRES_BIN}/postgres`, ['--version']),
  entrants: (shape) => [{ name: POSTGRESQL, open: (directory) => openPostgresql(directory, shape) }],
};

export interface PostgresServer {
  readonly pid: number;
  readonly port: number;
  readonly user: string;
  /** Runs a text of statements. */
  readonly sql: (text: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** Starts a new one in a directory that is not there yet. */
export async function startPostgresql(directory: string): Promise<PostgresServer> {
  makeOwned(directory);
  const data = join(directory, 'data');
  const port = await freePort();
  const account = { user: USER };
  await runProgram(
    `${POSTGRES_BIN}/initdb`,
    ['-D', data, '-U', USER, '-A', 'trust', '--data-checksums', '--encoding=UTF8', '--locale=C', '--no-sync'],
    account,
  );
  writeFileSync(join(data, 'postgresql.auto.conf'), `${SETTINGS}port = ${port}\n`);
  // SIGINT is its fast shutdown: SIGTERM would wait for clients.
  const server = startProcess(`${POSTGRES_BIN}/postgres`, ['-D', data], { ...account, stopSignal: 'SIGINT' });
  await untilReady(server, 'postgres', async () => (await listens(port)) && acceptsQueries(data));
  return {
    ...{ pid: server.pid, port, user: USER, stop: server.stop },
    sql: (text) => runProgram(`${POSTGRES_BIN}/psql`, [...connection(port), '-qc', text]),
  };
}

async function openPostgresql(directory: string, shape: Shape) {
  const { port, sql, stop } = await startPostgresql(directory);
  await sql(
    'create table log (position bigint generated always as identity primary key, data bytea not null)',
  );
  await sql('checkpoint');
  const load = await WireLoad.open(port, shape.clients, () => dialectOf(shape));
  return {
    run: (seconds: number) => drive(load, shape, seconds),
    close: async () => {
      load.close();
      await stop();
    },
  };
}

/** Several in flight on a connection are a pipeline of INSERTs in one transaction: generous, as none could commit alone. */
function dialectOf({ inFlight, batch, bytes }: Shape): PostgresDialect {
  const row = payload(bytes);
  return new PostgresDialect({
    ...{ user: USER, database: 'postgres' },
    rows: Array.from({ length: batch }, () => row),
    statements: batch > 1 ? 1 : inFlight,
  });
}

async function drive(load: WireLoad, { inFlight, batch }: Shape, seconds: number): Promise<number> {
  return batch > 1 ? (await load.run(seconds, inFlight)) * batch : (await load.run(seconds, 1)) * inFlight;
}

function connection(port: number): string[] {
  return ['-h', '127.0.0.1', '-p', String(port), '-U', USER, 'postgres'];
}

/** The postmaster writes `ready` into its pid file once it is; before that connections are refused with an error. */
function acceptsQueries(data: string): boolean {
  return readFileSync(join(data, 'postmaster.pid'), 'utf8').includes('ready');
}

/** PostgreSQL refuses to run as root: its directory belongs to the package's own user then. */
function makeOwned(directory: string): void {
  mkdirSync(directory, { mode: 0o755 });
  if (process.getuid?.() !== 0) return;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${USER}:`));
  const [, , uid, gid] = entry?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${USER} on this machine`);
  chownSync(directory, Number(uid), Number(gid));
}
