/** `truthdb follow` as a process of its own, and what it says of itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ran } from './program.ts';

const BIN = join(import.meta.dirname, '..', '..', '..', 'db', 'bin.ts');

/** A line it prints with --json. */
export interface FollowedTo {
  readonly sequence: number;
  readonly lag: { readonly entries: number } | null;
}

export class FollowerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  #out = '';
  #err = '';

  constructor(url: string, data: string, args: readonly string[] = []) {
    this.child = spawn(process.execPath, [BIN, 'follow', '--data', data, '--json', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', TRUTHDB_URL: url },
      cwd: '/',
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk;
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, out: this.#out, err: this.#err }));
    });
  }

  /** Whole lines of standard output, parsed. */
  get lines(): readonly Record<string, unknown>[] {
    const whole = this.#out.slice(0, this.#out.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The first line it prints. Throws with all it said when it has ended without one, or after `millis`. */
  async firstLine(millis = 60_000): Promise<Record<string, unknown>> {
    const deadline = performance.now() + millis;
    for (;;) {
      const [line] = this.lines;
      if (line !== undefined) return line;
      const { exitCode, signalCode } = this.child;
      const ended = exitCode ?? signalCode;
      if (ended !== null) throw new Error(`the follower ended (${ended}) without a line: ${this.#err}`);
      if (performance.now() > deadline)
        throw new Error(`no line of the follower within ${millis} ms: ${this.#err}`);
      await sleep(50);
    }
  }

  get err(): string {
    return this.#err;
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    this.child.kill(signal);
    return this.ended;
  }
}
