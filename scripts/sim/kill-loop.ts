/**
 * The real server under load, killed again and again with SIGKILL: what it had acknowledged must be there after each restart,
 * in the order in which it was sent, and nothing else.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connect } from '../../db/client/index.ts';
import { Random } from '../../db/sim/random.ts';
import { repositoryRoot } from '../version.ts';

const BIN = join(repositoryRoot, 'db', 'bin.ts');
const IN_FLIGHT = 64;
const STREAMS = 5;
/** Small, so that kills also fall into rollovers. */
const SEGMENT_BYTES = 1024 * 1024;
const START_MILLIS_MAX = 30_000;

export interface KillOptions {
  readonly kills: number;
  /** An empty directory of its own. */
  readonly directory: string;
  readonly seed: number;
  readonly onProgress?: (report: KillReport) => void;
}

export interface KillReport {
  kills: number;
  /** Kills before the server said that it serves. */
  killedStarting: number;
  sent: number;
  acknowledged: number;
  /** Sent and there, though no answer had come. */
  undecided: number;
  lost: number;
  invented: number;
  segments: number;
}

/** Throws when the server does not start, or the first wrong thing is found, with what it was. */
export async function runKills({
  kills,
  directory,
  seed,
  onProgress = () => {},
}: KillOptions): Promise<KillReport> {
  const report: KillReport = {
    kills: 0,
    killedStarting: 0,
    sent: 0,
    acknowledged: 0,
    undecided: 0,
    lost: 0,
    invented: 0,
    segments: 0,
  };
  const random = new Random(seed, 'kills');
  const data = join(directory, 'data');
  mkdirSync(directory, { recursive: true });
  const connection = await initialise(data);
  const book = new Book(report);
  while (report.kills < kills) {
    const server = new Server(data);
    try {
      if (random.chance(0.15)) {
        await pause(random.between(20, 400));
        report.killedStarting += 1;
      } else {
        const client = await server.client(connection);
        await book.check(client);
        const load = book.load(client, random);
        await pause(random.pick([1, 20, 60, 150]) + random.below(60));
        server.kill();
        await load;
        await client.close();
      }
    } finally {
      server.kill();
      await server.ended;
    }
    report.kills += 1;
    onProgress(report);
  }
  const server = new Server(data);
  try {
    const client = await server.client(connection);
    await book.check(client);
    await book.checkAll(client);
    await client.close();
  } finally {
    server.kill();
    await server.ended;
  }
  report.segments = readdirSync(join(data, 'wal')).filter((name) => /^\d/.test(name)).length;
  return report;
}

export function killsText(report: KillReport): string {
  const { kills, killedStarting, sent, acknowledged, undecided, lost, invented, segments } = report;
  return (
    `${kills} kills (${killedStarting} while starting), ${sent} events sent, ${acknowledged} acknowledged, ` +
    `${undecided} there without an answer, ${lost} lost, ${invented} invented, ${segments} segments`
  );
}

/** What was sent, what was answered, and what the server shows. */
class Book {
  readonly #report: KillReport;
  /** Events of this life in the order in which they were sent, with the position they were acknowledged at. */
  #sent: { readonly number: number; position: number | null; refused: boolean }[] = [];
  /** Numbers known to be in the log, in order. */
  readonly #settled: number[] = [];
  #settledTo = 0;
  #next = 1;

  constructor(report: KillReport) {
    this.#report = report;
  }

  /** Keeps so many appends in flight until the connection breaks. */
  async load(client: Client, random: Random): Promise<void> {
    let over = false;
    const produce = async (): Promise<void> => {
      while (!over) {
        const entry = { number: this.#next, position: null as number | null, refused: false };
        this.#next += 1;
        this.#sent.push(entry);
        this.#report.sent += 1;
        const data = { number: entry.number, padding: 'x'.repeat(random.pick([10, 300, 2000, 20_000])) };
        try {
          const stream = `stream-${random.below(STREAMS)}`;
          entry.position = (
            await client.append(stream, { type: 'sent', data }, { ack: random.pick(['applied', 'durable']) })
          ).position;
          this.#report.acknowledged += 1;
        } catch (error) {
          entry.refused = codeOf(error) === 'BUSY';
          over ||= !entry.refused;
        }
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, produce));
  }

  /** Everything behind what is settled must be this life's, in order, acknowledged ones at their position, and no gap. */
  async check(client: Client): Promise<void> {
    const there = new Map<number, number>();
    for await (const event of client.readAll({ from: this.#settledTo + 1 })) {
      const { number } = event.json() as { number: number };
      const expected = this.#sent.find((entry) => entry.number === number);
      if (expected === undefined || there.has(number)) {
        this.#report.invented += 1;
        throw new Error(`event ${number} at ${event.position} was not sent, or is there twice`);
      }
      there.set(number, event.position);
      this.#settledTo = event.position;
      this.#settled.push(number);
    }
    let gap: number | null = null;
    for (const { number, position, refused } of this.#sent) {
      const found = there.get(number) ?? null;
      if (position !== null && found !== position) {
        this.#report.lost += 1;
        throw new Error(`event ${number} was acknowledged at ${position} and is at ${found}`);
      }
      if (found === null && !refused) gap ??= number;
      if (found !== null && gap !== null)
        throw new Error(`event ${number} is there, ${gap} sent before it is not`);
      if (found !== null && position === null) this.#report.undecided += 1;
    }
    this.#sent = [];
  }

  /** The whole log once more, from its start. */
  async checkAll(client: Client): Promise<void> {
    let at = 0;
    for await (const event of client.readAll()) {
      const { number } = event.json() as { number: number };
      if (number !== this.#settled[at])
        throw new Error(`event ${number} stands where ${this.#settled[at]} was`);
      at += 1;
    }
    if (at !== this.#settled.length) throw new Error(`${at} events are there, ${this.#settled.length} were`);
  }
}

class Server {
  readonly #child: ChildProcess;
  readonly ended: Promise<void>;
  #out = '';
  #err = '';

  constructor(data: string) {
    const place = ['--data', data, '--host', '127.0.0.1', '--port', '0', '--http-port', '0'];
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

function initialise(data: string): Promise<string> {
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

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
