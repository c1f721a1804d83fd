/** PostgreSQL 15 as a judge: a server of its own on a unix socket, ended and removed when the tests are over. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

const BIN = '/usr/lib/postgresql/15/bin';
const ACCOUNT = ['--reuid=postgres', '--regid=postgres', '--init-groups'];
const START_MILLIS_MAX = 30_000;

/** What it says to a statement, values in its own text. */
export type Verdict =
  | { readonly tag: string; readonly rows: readonly (readonly (string | null)[])[] }
  | {
      readonly sqlstate: string;
      readonly message: string;
      readonly constraint: string | null;
      readonly detail: string | null;
    };

export class PostgresOracle {
  readonly #client: pg.Client;
  readonly #stop: () => Promise<void>;

  private constructor(client: pg.Client, stop: () => Promise<void>) {
    this.#client = client;
    this.#stop = stop;
  }

  static async start(): Promise<PostgresOracle> {
    const folder = mkdtempSync(join(tmpdir(), 'truthdb-oracle-'));
    const [uid, gid] = ['3', '4'].map((field) => Number(accountField(Number(field))));
    chownSync(folder, uid!, gid!);
    const data = join(folder, 'data');
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
    await promisify(execFile)('setpriv', [...ACCOUNT, `${BIN}/initdb`, ...init], { cwd: folder });
    const options = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`, '-c', 'fsync=off'];
    const server = spawn('setpriv', [...ACCOUNT, `${BIN}/postgres`, '-D', data, ...options], {
      cwd: folder,
      stdio: 'ignore',
    });
    const stop = async (): Promise<void> => {
      if (server.exitCode === null) {
        server.kill('SIGINT');
        await once(server, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    };
    for (const deadline = performance.now() + START_MILLIS_MAX; ; ) {
      const client = new pg.Client({ host: folder, user: 'postgres', database: 'postgres' });
      // Ending the server ends its connections.
      client.on('error', () => undefined);
      try {
        await client.connect();
        return new PostgresOracle(client, stop);
      } catch (error) {
        await client.end().catch(() => undefined);
        if (server.exitCode !== null || performance.now() > deadline) {
          await stop();
          throw error;
        }
        await sleep(50);
      }
    }
  }

  async run(text: string): Promise<Verdict> {
    try {
      const types = { getTypeParser: () => (value: string | null) => value };
      const found = await this.#client.query({ text, rowMode: 'array', types } as pg.QueryArrayConfig);
      const { command, rowCount, rows } = found;
      const counted = ['INSERT', 'UPDATE', 'DELETE', 'SELECT'].includes(command);
      const tag =
        command === 'INSERT' ? `INSERT 0 ${rowCount}` : counted ? `${command} ${rowCount}` : command;
      return { tag, rows };
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      const { code, message, constraint, detail } = error;
      return { sqlstate: code ?? '', message, constraint: constraint ?? null, detail: detail ?? null };
    }
  }

  async stop(): Promise<void> {
    await this.#client.end().catch(() => undefined);
    await this.#stop();
  }
}

function accountField(field: number): string {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith('postgres:'));
  return line?.split(':')[field - 1] ?? '0';
}
