/** `truthdb follow` as a process of its own, and what it says of itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
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

  get err(): string {
    return this.#err;
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    this.child.kill(signal);
    return this.ended;
  }
}
