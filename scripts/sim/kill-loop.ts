/**
 * The real server under load, killed again and again with SIGKILL: what it had acknowledged must be there after each restart,
 * in the order in which it was sent, and nothing else.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../db/sim/random.ts';
import { Book, type BookCounts, newCounts } from './book.ts';
import { initialise, pause, Server } from './server.ts';

const ANSWER_MILLIS_MAX = 5000;

export interface KillOptions {
  readonly kills: number;
  /** An empty directory of its own. */
  readonly directory: string;
  readonly seed: number;
  readonly onProgress?: (report: KillReport) => void;
}

export interface KillReport extends BookCounts {
  kills: number;
  /** Kills before the server said that it serves. */
  killedStarting: number;
  segments: number;
}

/** Throws when the server does not start, or the first wrong thing is found, with what it was. */
export async function runKills({
  kills,
  directory,
  seed,
  onProgress = () => {},
}: KillOptions): Promise<KillReport> {
  const report: KillReport = { kills: 0, killedStarting: 0, segments: 0, ...newCounts() };
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
        // On a busy machine the first answer takes a while, and a server that has answered nothing can lose nothing.
        await Promise.race([book.nextAnswer(), pause(ANSWER_MILLIS_MAX)]);
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
