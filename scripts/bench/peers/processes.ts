/**
 * Processes of peers: each is started by us, watched, and stopped by its own id. `setpriv --pdeathsig` lets the kernel end
 * a server whose starter has died, however it died; an ordinary end stops each in order and waits for it.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const READY_MILLIS = 30_000;
const STOP_MILLIS = 10_000;
const OUTPUT_BYTES_SHOWN = 2000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface StartOptions {
  /** User to run as; only root can choose one. */
  readonly user?: string;
  /** Signal that ends it in order. */
  readonly stopSignal?: NodeJS.Signals;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly pid: number;
  readonly stop: () => Promise<void>;
  /** What it wrote last, for an error message. */
  readonly output: () => string;
  readonly ended: () => boolean;
  /** Lines of standard output as they come. */
  readonly onLine: (listener: (line: string) => void) => void;
}

/** Starts a process of its own process group, so that Ctrl-C reaches it only through us. */
export function startProcess(program: string, args: readonly string[], options: StartOptions = {}): Started {
  const guard = ['--pdeathsig', 'KILL'];
  if (options.user !== undefined && process.getuid?.() === 0) {
    guard.push(`--reuid=${options.user}`, `--regid=${options.user}`, '--init-groups');
  }
  const child = spawn('setpriv', [...guard, '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...options.environment },
  });
  running.add(child);
  const listeners = new Set<(line: string) => void>();
  let output = '';
  let partial = '';
  child.stdout.on('data', (chunk: Buffer) => {
    keep(chunk);
    const lines = (partial + chunk.toString()).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) for (const listener of listeners) listener(line);
  });
  child.stderr.on('data', keep);
  function keep(chunk: Buffer): void {
    output = (output + chunk.toString()).slice(-OUTPUT_BYTES_SHOWN);
  }
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
    child.once('error', (error) => {
      output += error.message;
      running.delete(child);
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    output: () => output.trim(),
    ended: () => !running.has(child),
    onLine: (listener) => listeners.add(listener),
    stop: async () => {
      if (!running.has(child)) return;
      child.kill(options.stopSignal ?? 'SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
      await exited;
      clearTimeout(late);
    },
  };
}

/** Ends what a contender that failed on the way has left running. */
export async function stopLeftovers(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }),
  );
}

/** Waits until `ready` says so; throws what the process said if it ends before, and stops it if it takes too long. */
export async function untilReady(
  started: Started,
  what: string,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + READY_MILLIS;
  while (!(await ready())) {
    if (started.ended()) throw new Error(`${what} ended while starting: ${started.output()}`);
    if (performance.now() > deadline) {
      await started.stop();
      throw new Error(`${what} was not ready within ${READY_MILLIS} ms: ${started.output()}`);
    }
    await sleep(20);
  }
}

/** Whether something on the loopback takes connections at this port. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A port on the loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Runs a program to its end and returns its standard output. Throws what it wrote when it failed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { user }: StartOptions = {},
): Promise<string> {
  const guard =
    user !== undefined && process.getuid?.() === 0
      ? [`--reuid=${user}`, `--regid=${user}`, '--init-groups']
      : [];
  try {
    const { stdout } = await promisify(execFile)(
      'setpriv',
      ['--pdeathsig', 'KILL', ...guard, '--', program, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout;
  } catch (cause) {
    const { message, stderr } = cause as { message: string; stderr?: string };
    throw new Error(`${program} failed: ${(stderr ?? message).trim().slice(-OUTPUT_BYTES_SHOWN)}`, { cause });
  }
}

/** First line of what a program says its version is. */
export function versionLine(program: string, args: readonly string[]): string {
  const asked = spawnSync(program, args, { encoding: 'utf8' });
  return `${asked.stdout ?? ''}${asked.stderr ?? ''}`.trim().split('\n')[0] ?? '';
}

/** Why a program cannot be run, or null. */
export function missingProgram(path: string, packageName: string): string | null {
  return existsSync(path) ? null : `${path} is missing: Debian package ${packageName} is not installed`;
}
