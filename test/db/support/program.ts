/** The program as a process of its own: what a person or a unit file starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '..', '..', '..', 'db', 'bin.ts');

/** What starts it, without a subcommand. */
export const PROGRAM = [process.execPath, BIN] as const;

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** No variable of the machine the tests run on reaches the program. */
function environmentOf(extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...extra };
}

/** Runs one command to its end. */
export async function truthdb(
  args: readonly string[],
  options: { input?: string | Buffer; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: 'pipe',
    env: environmentOf(options.env ?? {}),
    cwd: options.cwd ?? '/',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return finished(child);
}

async function finished(child: ChildProcess): Promise<Ran> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) =>
    child.once('close', (status) => resolve(status)),
  );
  return { code, out, err };
}

export interface ServingLine {
  readonly directory: string;
  readonly port: number;
  readonly httpPort: number | null;
  readonly httpTls: boolean;
  readonly pgPort: number | null;
  readonly socket: string | null;
  readonly fingerprint: string;
  readonly connection: string | null;
}

export class ServerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  #out = '';

  /** Starts `truthdb serve --json` on free ports of the loopback; `under` is a program that runs it, with its arguments. */
  constructor(
    data: string,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    under: readonly string[] = [],
  ) {
    const place = [
      '--data',
      data,
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--http-port',
      '0',
      '--pg-port',
      '0',
    ];
    const [program = '', ...rest] = [...under, process.execPath, BIN, 'serve', '--json', ...place, ...args];
    this.child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environmentOf(env),
      cwd: '/',
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk;
    });
    this.ended = finished(this.child);
  }

  /** What it says once it serves. Fails when it ends before. */
  async serving(): Promise<ServingLine> {
    const ended = this.ended.then((ran) => {
      throw new Error(`the server ended with ${ran.code}: ${ran.err}`);
    });
    const said = (async () => {
      while (!this.#out.includes('\n')) await new Promise((resolve) => setTimeout(resolve, 10));
      return JSON.parse(this.#out.split('\n')[0] as string) as ServingLine;
    })();
    return Promise.race([said, ended]);
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    this.child.kill(signal);
    return this.ended;
  }
}
