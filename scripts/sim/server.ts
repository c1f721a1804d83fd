/** The server as a process of its own, with small segments, so that whatever happens also happens at rollovers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Client, connect } from '../../db/client/index.ts';
import { repositoryRoot } from '../version.ts';

const BIN = join(repositoryRoot, 'db', 'bin.ts');
const SEGMENT_BYTES = 1024 * 1024;
const START_MILLIS_MAX = 30_000;

export class Server {
  readonly #child: ChildProcess;
  readonly ended: Promise<void>;
  #out = '';
  #err = '';

  constructor(data: string) {
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
    this.#child = spawn(process.execPath, [BIN, 'serve', '--json', ...place], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk;
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk;
    });
    this.ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the server could not be spawned');
    return this.#child.pid;
  }

  /** A client, once it serves. */
  async client(connection: string): Promise<Client> {
    const late = Date.now() + START_MILLIS_MAX;
    while (!this.#out.includes('\n')) {
      if (this.#child.exitCode !== null || Date.now() > late)
        throw new Error(`the server did not start: ${this.#err}`);
      await pause(5);
    }
    const { port } = JSON.parse(this.#out.split('\n')[0] ?? '') as { port: number };
    return connect(connection.replace(/:\d+\?/, `:${port}?`), {
      reconnect: false,
      timeoutMillis: START_MILLIS_MAX,
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Makes an empty database. Returns how to connect to it, but for the port. */
export function initialise(data: string): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      BIN,
      'init',
      '--json',
      '--data',
      data,
      '--host-names',
      '127.0.0.1',
      '--segment-bytes',
      String(SEGMENT_BYTES),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve((JSON.parse(out) as { connection: string }).connection);
      else reject(new Error(`init ended with ${code}`));
    });
  });
}

export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
