import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A step of the image build failed for a reason a person can act on; the message says what, why and the way out. */
export class BuildError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BuildError';
  }
}

export interface RunOptions {
  readonly cwd?: string;
  /** Bytes for standard input; none: it is empty. */
  readonly input?: Iterable<Uint8Array>;
  /** Seconds since 1970 that tools honouring SOURCE_DATE_EPOCH stamp instead of now. */
  readonly epoch?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every line the program prints, for steps long enough to need a sign of life. */
  readonly onLine?: (line: string) => void;
}

/**
 * Everything a tool may learn from its surroundings, fixed: language, time zone and home would otherwise leak into what it
 * writes and make two builds differ.
 */
const BARE_ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  HOME: '/nonexistent',
  DEBIAN_FRONTEND: 'noninteractive',
} as const;

const STDERR_LINES_SHOWN = 20;

const BROKEN_PIPE = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

/**
 * Runs a host program to its end in {@link BARE_ENVIRONMENT}.
 *
 * @returns what it wrote to standard output.
 * @throws BuildError with the end of its standard error when it cannot be started or does not exit with 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Buffer> {
  const { stdout, stderr, status } = await start(program, args, options);
  if (status !== 0) {
    const tail = stderr.toString().trimEnd().split('\n').slice(-STDERR_LINES_SHOWN).join('\n');
    throw new BuildError(
      `${program} failed (${status}):\n${tail}\nIt was started as: ${program} ${args.join(' ')}`,
    );
  }
  return stdout;
}

interface Finished {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly status: number | string;
}

function start(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const epoch = options.epoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(options.epoch) };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...BARE_ENVIRONMENT, ...epoch, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    if (options.onLine !== undefined) {
      eachLine(child.stdout, options.onLine);
      eachLine(child.stderr, options.onLine);
    }
    child.on('error', (error) =>
      reject(new BuildError(`${program} cannot be started: ${error.message}; install it`, { cause: error })),
    );
    child.on('close', (code, signal) =>
      resolve({
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr),
        status: code ?? `signal ${signal}`,
      }),
    );
    // A program that dies early breaks the pipe; its exit status tells the story better than EPIPE does.
    pipeline(Readable.from(options.input ?? []), child.stdin).catch((error: NodeJS.ErrnoException) => {
      if (!BROKEN_PIPE.includes(error.code ?? '')) reject(error);
    });
  });
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split(/[\r\n]+/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
}
