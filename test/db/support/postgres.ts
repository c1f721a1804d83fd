/** PostgreSQL 15 as a judge: a server of the test's own in a temporary directory, on a unix socket, ended when the test file is. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages, POSTGRES_BIN } from '../../../scripts/bench/peers/debian.ts';
import { runProgram, startProcess, untilReady } from '../../../scripts/bench/peers/processes.ts';

const USER = 'postgres';
const PORT = 5432;
/** Bytes order text, and letters beyond ASCII have two cases: as the database has it. */
const LOCALE = ['--encoding=UTF8', '--locale=C', '--lc-ctype=C.UTF-8'];
const SETTINGS = {
  listen_addresses: '',
  fsync: 'off',
  full_page_writes: 'off',
  timezone: 'UTC',
  autovacuum: 'off',
} as const;

export interface Postgres {
  /** What `pg` and psql take as host: the directory of the socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  stop(): Promise<void>;
}

/** Installs it first where it is missing and this is root on Debian. The caller stops it. */
export async function startPostgres(): Promise<Postgres> {
  requirePostgres();
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-postgres-'));
  const isRoot = process.getuid?.() === 0;
  // It refuses to run as root.
  if (isRoot) chownSync(directory, idOf('-u'), idOf('-g'));
  const account = isRoot ? { user: USER } : {};
  const data = join(directory, 'data');
  await runProgram(
    `${POSTGRES_BIN}/initdb`,
    ['-D', data, '-U', USER, '-A', 'trust', '--no-sync', ...LOCALE],
    account,
  );
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: directory, port: String(PORT) });
  const server = startProcess(
    `${POSTGRES_BIN}/postgres`,
    ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // SIGINT is its fast shutdown: SIGTERM would wait for clients.
    { ...account, stopSignal: 'SIGINT' },
  );
  await untilReady(server, 'postgres', async () => isAccepting(directory));
  return {
    ...{ host: directory, port: PORT, user: USER, database: 'postgres' },
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function isAccepting(directory: string): boolean {
  return spawnSync(`${POSTGRES_BIN}/pg_isready`, ['-q', '-h', directory, '-p', String(PORT)]).status === 0;
}

function requirePostgres(): void {
  const problems: string[] = [];
  if (!existsSync(`${POSTGRES_BIN}/postgres`))
    installPackages(['postgresql-15'], (line) => problems.push(line));
  if (existsSync(`${POSTGRES_BIN}/postgres`)) return;
  throw new Error(`PostgreSQL 15 is not at ${POSTGRES_BIN}: ${problems.join('; ')}`);
}

function idOf(flag: '-u' | '-g'): number {
  const asked = spawnSync('id', [flag, USER], { encoding: 'utf8' });
  if (asked.status !== 0) throw new Error(`there is no user ${USER} on this machine: ${asked.stderr.trim()}`);
  return Number(asked.stdout.trim());
}
