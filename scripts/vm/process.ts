/**
 * Child processes that cannot outlive this one: the kernel kills them when their parent dies, be it by SIGKILL.
 * They are spoken to over socket pairs that they inherit, so there are no socket files to name, race for or clean up.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

export interface BoundProcess {
  readonly process: ChildProcess;
  /** Connected to the child's descriptors 3, 4, …, in order. */
  readonly sockets: readonly Duplex[];
  /** What the child wrote to its standard error and output so far. */
  readonly output: () => string;
  /** Resolves once it is gone, with a sentence on how. */
  readonly ended: Promise<string>;
}

/** Starts `command`, giving it `sockets` connected sockets from descriptor 3 on. */
export function spawnBound(
  command: string,
  args: readonly string[],
  options: { readonly sockets: number },
): BoundProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: options.sockets }, () => 'pipe' as const)],
    // Out of the terminal's foreground group: Ctrl-C would end QEMU at once, which is a power cut for its guest.
    detached: true,
  });
  dieWithParent();
  let output = '';
  const outputs = [child.stdout, child.stderr].flatMap((stream) => stream ?? []);
  for (const stream of outputs) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const read = Promise.all(outputs.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${command} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      void read.then(() => resolve(signal ? `ended by ${signal}` : `ended with status ${code}`));
    });
  });
  const sockets = child.stdio.slice(3) as unknown as Duplex[];
  // A reset after the child's end is told by `ended`; unhandled it would take this process along.
  for (const socket of sockets) socket.on('error', () => undefined);
  return { process: child, sockets, output: () => output, ended };
}

let watching = false;

/** A test runner's worker whose main process was killed loses its IPC channel and would otherwise go on. */
function dieWithParent(): void {
  if (watching || !process.connected) return;
  watching = true;
  process.once('disconnect', () => process.exit(1));
}
