/** The product's own binary as the guest runs it: the server, and the look at a log's files. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const BINARY = '/bin/truthdb';
const PORT = 9650;
/** Small, so that cuts also come between two segments. */
const SEGMENT_BYTES = 2 ** 20;
const SAID_LINES_MAX = 20;

interface ServeOptions {
  readonly directory: string;
  /** Of a start on a directory that has been set up: what the first start said. */
  readonly connection?: string;
  readonly durability: 'group_sync' | 'async';
}

export class ServerProcess {
  /** For the client; the token in it is shown at the first start only. */
  readonly connection: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, ended: Promise<number | null>, connection: string) {
    this.#child = child;
    this.#ended = ended;
    this.connection = connection;
  }

  /** Resolves once it serves. Throws with what it said when it ends before. */
  static async start({ directory, connection, durability }: ServeOptions): Promise<ServerProcess> {
    const child = spawn(
      BINARY,
      [
        'serve',
        '--json',
        '--data',
        directory,
        '--durability',
        durability,
        '--segment-bytes',
        String(SEGMENT_BYTES),
      ].concat([
        '--host',
        '127.0.0.1',
        '--port',
        String(PORT),
        '--tls',
        'off',
        '--http',
        'off',
        '--pg',
        'off',
        '--socket',
        'off',
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      createInterface(stream).on('line', (line) => said.push(line) > SAID_LINES_MAX && said.shift());
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const serving = new Promise<string | null>((resolve) => {
      createInterface(child.stdout).on('line', (line) => {
        if (line.startsWith('{"serving":true'))
          resolve((JSON.parse(line) as { connection: string | null }).connection);
      });
    });
    const first = await Promise.race([serving, ended]);
    if (typeof first === 'number' || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`truthdb serve ended with ${child.exitCode ?? child.signalCode}: ${said.join(' | ')}`);
    const known = first ?? connection;
    if (known === undefined)
      throw new Error(`truthdb serve showed no connection string: ${said.join(' | ')}`);
    return new ServerProcess(child, ended, known);
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** As an operator would; gives the exit status. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  /** Exit status once it has ended by itself; undefined when it has not within `milliseconds`. */
  async exit(milliseconds: number): Promise<number | null | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), milliseconds);
    });
    const status = await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    return status;
  }
}

/**
 * A server on a new database. Its log lies in space that is allocated and was never written, where the file system shows a
 * write only once it is complete; or it is what a killed server left, and its next start has filled that space with zeros: of
 * a write over them any part may be there after a cut, and the file system itself has nothing to note about it.
 */
export async function startOnNew(
  directory: string,
  space: 'unwritten' | 'zeros',
  durability: ServeOptions['durability'] = 'group_sync',
): Promise<ServerProcess> {
  const server = await ServerProcess.start({ directory, durability });
  if (space === 'unwritten') return server;
  await server.kill();
  return ServerProcess.start({ directory, durability, connection: server.connection });
}

export interface Verification {
  readonly status: number;
  readonly torn: boolean;
  /** All it printed. */
  readonly text: string;
}

/** `truthdb wal verify` on a log nobody has open. */
export async function verifyByCommand(directory: string): Promise<Verification> {
  return new Promise((resolve) => {
    execFile(BINARY, ['wal', 'verify', '--json', '--data', directory], (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code);
      const report = /^\{.*\}$/m.exec(stdout)?.[0] ?? '{}';
      const { tornTail = null } = JSON.parse(report) as { tornTail?: unknown };
      resolve({ status, torn: tornTail !== null, text: `${stdout}${stderr}` });
    });
  });
}
