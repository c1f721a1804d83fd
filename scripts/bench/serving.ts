/** A server of its own for a load: from source, on the loopback, on any free port, without TLS unless asked. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServingOptions {
  /** Of the database; made by the first start. */
  readonly data: string;
  readonly tls?: 'on' | 'off';
  /** Connection string of an earlier start on the same data: only the first start says the operator's token. */
  readonly earlier?: string;
  /** Whether PostgreSQL's protocol is served too; `off` unless given. */
  readonly pg?: 'on' | 'off';
  /** Options of Node itself, e.g. for a profile. */
  readonly nodeOptions?: readonly string[];
  /** Settings for which there is no flag, as variables: `TRUTHDB_LIMITS_CONNECTIONS`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Serving {
  /** Connection string with the operator's token. */
  readonly url: string;
  /** Of PostgreSQL's protocol, where it is served. */
  readonly pgPort: number | null;
  /** CPU time of all its threads so far, in microseconds, which a busy machine does not distort as it does throughput. */
  cpuMicros(): number;
  residentBytes(): number;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** SIGKILL: it has no chance to save anything. */
  kill(): Promise<void>;
}

/** What `serve --json` prints once it serves. */
interface ServingLine {
  /** Null from the second start on. */
  readonly connection: string | null;
  readonly port: number;
  readonly pgPort: number | null;
}

const PROGRAM = join(import.meta.dirname, '../../db/bin.ts');
/** Of a connection string. */
const PORT = /:\d+(?=[/?]|$)/;
/** USER_HZ is 100 on Linux. */
const CLOCK_TICK_MICROS = 10_000;

export async function startServing(options: ServingOptions): Promise<Serving> {
  const { data, tls = 'off', pg = 'off', nodeOptions = [], settings = {} } = options;
  const flags = ['--host', '127.0.0.1', '--port', '0', '--http', 'off', '--socket', 'off', '--tls', tls];
  flags.push('--pg', pg, '--pg-port', '0');
  const args = [...nodeOptions, PROGRAM, 'serve', '--data', data, ...flags, '--json'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...settings },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const { connection, port, pgPort } = await new Promise<ServingLine>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const url = connection ?? options.earlier?.replace(PORT, `:${port}`);
  if (url === undefined) throw new Error(`${data} was served before: its operator's token is not known`);
  const ended = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    ...{ url, pgPort },
    cpuMicros: () => cpuMicros(child.pid as number),
    residentBytes: () => residentBytes(child.pid as number),
    stop: () => ended('SIGTERM'),
    kill: () => ended('SIGKILL'),
  };
}

/** CPU time of all threads of a process so far, in microseconds. */
export function cpuMicros(pid: number): number {
  const [user = 0, system = 0] =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
  return (user + system) * CLOCK_TICK_MICROS;
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
