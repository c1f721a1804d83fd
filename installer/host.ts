/**
 * The only file that runs programs. Everything the installer does to the machine beyond reading and writing files goes through a
 * {@link Host}: one program, its arguments as a list, a clean environment, a time limit, and a line in the log.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { InstallError } from './errors.ts';

/** Every program the installer may run. */
export type Program =
  | 'blkid'
  | 'blockdev'
  | 'efibootmgr'
  | 'flock'
  | 'mkfs.ext4'
  | 'mkfs.vfat'
  | 'mkfs.xfs'
  | 'mount'
  | 'partx'
  | 'sfdisk'
  | 'ssh-keygen'
  | 'systemctl'
  | 'truthdb'
  | 'udevadm'
  | 'umount'
  | 'veritysetup'
  | 'wipefs';

export interface RunOptions {
  /** Text for standard input; without it the program reads the end of file. */
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Exit codes besides 0 that are answers, not failures. */
  readonly accept?: readonly number[];
  /** Output that holds a secret or would flood the log. */
  readonly quiet?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An exclusive lock on a block device; udev leaves a locked device alone. */
export interface DeviceLock {
  release(): Promise<void>;
}

export interface Host {
  /** @throws InstallError PROGRAM_FAILED with the end of stderr, or STALLED after the time limit. */
  run(program: Program, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** @throws InstallError DISK_BUSY when another process holds the lock. */
  lock(device: string): Promise<DeviceLock>;
}

export interface HostOptions {
  /** Where programs are looked for. The caller's environment is not passed on. */
  readonly path?: string;
  readonly log: (line: string) => void;
}

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 60_000;
const STDERR_LINES = 12;
/** `flock --conflict-exit-code`: any number the program itself does not use. */
const FLOCK_CONFLICT = 75;

export function createHost({ path = PATH, log }: HostOptions): Host {
  const environment = { PATH: path, LC_ALL: 'C', HOME: '/' };
  return {
    run: (program, args, options = {}) => runProgram(program, args, options, environment, log),
    lock: (device) => holdLock(device, environment, log),
  };
}

async function runProgram(
  program: Program,
  args: readonly string[],
  options: RunOptions,
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<RunResult> {
  const { timeoutMs = TIMEOUT_MS, accept = [], quiet = false } = options;
  const command = [program, ...args].join(' ');
  if (!quiet) log(`run ${command}`);
  const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.stdin.on('error', () => undefined); // A program that ends without reading its input says so by its exit code.
  child.stdin.end(options.input ?? '');
  const exitCode = await exitOf(child, program, timeoutMs);
  const result = { exitCode, stdout: stdout(), stderr: stderr() };
  if (!quiet) for (const line of lastLines(result.stderr)) log(`  ${program}: ${line}`);
  if (exitCode !== 0 && !accept.includes(exitCode)) {
    const reason = lastLines(result.stderr).join('; ') || 'it said nothing';
    throw new InstallError(
      'PROGRAM_FAILED',
      `${quiet ? program : command} ended with ${exitCode}: ${reason}`,
    );
  }
  return result;
}

function exitOf(child: ChildProcess, program: string, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Not waiting for the end: a program stuck in the kernel on a dead disk does not even die.
      child.kill('SIGKILL');
      reject(new InstallError('STALLED', `${program} did not end within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new InstallError('PROGRAM_FAILED', `${program} cannot be run: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== null) resolve(code);
      else reject(new InstallError('PROGRAM_FAILED', `${program} was ended by ${signal}`));
    });
  });
}

/**
 * Node has no flock(2), so util-linux's `flock` holds the lock: it opens the device, takes LOCK_EX and runs `cat`, which lives
 * exactly as long as our end of its standard input. Should this process die, the pipe closes and the lock falls with it.
 * The block device locking protocol of systemd (https://systemd.io/BLOCK_DEVICE_LOCKING) asks for this very lock.
 */
async function holdLock(
  device: string,
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<DeviceLock> {
  log(`lock ${device}`);
  const script = ['--exclusive', '--nonblock', '--conflict-exit-code', String(FLOCK_CONFLICT), device];
  const child = spawn('flock', [...script, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stderr = collect(child.stderr);
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('error', (error) =>
      reject(new InstallError('PROGRAM_FAILED', `flock cannot be run: ${error.message}`)),
    );
    child.once('close', (code) =>
      reject(
        code === FLOCK_CONFLICT
          ? new InstallError(
              'DISK_BUSY',
              `${device} is locked by another program; end it, rescan and choose again`,
            )
          : new InstallError('PROGRAM_FAILED', `flock ${device} ended with ${code}: ${stderr().trim()}`),
      ),
    );
  });
  return {
    release: async () => {
      child.stdin.end();
      await ended;
      log(`unlock ${device}`);
    },
  };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

function lastLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-STDERR_LINES);
}
