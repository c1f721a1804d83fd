/** What the database makes of a file system that a cut has left: verified, recovered, read, appended to, verified again. */
import { connect } from '../../../db/client/index.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { verifyLog } from '../../../db/wal/index.ts';
import type { FoundEvent, Ledger } from './ledger.ts';
import { PATIENT, readEvents } from './load.ts';
import type { CutKind, CutReport } from './plan.ts';
import { ServerProcess, verifyByCommand } from './server.ts';

export interface Cut {
  readonly kind: CutKind;
  readonly seed: number;
  readonly ledger: Ledger;
  /** Times on the ledger's clock. */
  readonly promisedUntil: number;
  readonly sentUntil: number;
  readonly serverExit?: number;
  readonly exposed?: readonly FoundEvent[];
  readonly shutDown?: boolean;
  readonly refusals: readonly string[];
  readonly connection: string;
  /** `performance.now()` when work on this cut began. */
  readonly started: number;
}

interface Recovered {
  readonly events: readonly FoundEvent[];
  readonly problem: string | null;
}

/** `directory` is the mount point of what the cut left. The server is stopped again when this resolves. */
export async function recover(cut: Cut, directory: string): Promise<CutReport> {
  const { ledger } = cut;
  const left = await verifyByCommand(directory);
  const { events, problem } = await serveAgain(cut, directory).catch(
    (error: Error): Recovered => ({ events: [], problem: `it does not recover: ${error.message}` }),
  );
  const recovered = verifyLog({ directory, disk: new RealDisk(), progress: () => undefined });
  const verdict = ledger.judge(events, cut);
  const problems = [
    problem,
    verdict.problem,
    findForgotten(cut.exposed ?? [], events),
    left.status === 0 ? null : `what the cut left does not verify: ${left.text}`,
    recovered.ok ? null : `what was recovered does not verify: ${JSON.stringify(recovered.problems)}`,
  ];
  const everything = { promisedUntil: Number.POSITIVE_INFINITY, sentUntil: Number.POSITIVE_INFINITY };
  return {
    kind: cut.kind,
    seed: cut.seed,
    issued: ledger.requests.length,
    acknowledged: ledger.acknowledgedBy(Number.POSITIVE_INFINITY),
    promised: verdict.promised,
    found: verdict.found,
    problem: problems.find((each) => each !== null) ?? null,
    lost: ledger.judge(events, everything).problem,
    serverExit: cut.serverExit ?? null,
    shutDown: cut.shutDown ?? false,
    refusals: cut.refusals,
    verified: left.status,
    recovered: recovered.ok,
    torn: left.torn,
    seconds: Math.round((performance.now() - cut.started) / 100) / 10,
  };
}

/** A server on what is there: all events it has, and whether it takes another and ends in order. */
async function serveAgain({ connection }: Cut, directory: string): Promise<Recovered> {
  const server = await ServerProcess.start({ directory, connection, durability: 'group_sync' });
  try {
    const client = await connect(connection, PATIENT);
    const events = await readEvents(client);
    const refused = await appendProblem(() =>
      client.append('after', { type: 'after', data: null }, { expected: 'none' }),
    );
    await client.close();
    const status = await server.stop();
    return {
      events,
      problem: refused ?? (status === 0 ? null : `asked to stop, the server ended with status ${status}`),
    };
  } finally {
    await server.kill();
  }
}

/** What was seen is the beginning of what is there. */
function findForgotten(exposed: readonly FoundEvent[], events: readonly FoundEvent[]): string | null {
  const at = exposed.findIndex((event, index) => event.id !== events[index]?.id);
  if (at < 0) return null;
  return `event ${at} of the log was shown as ${exposed[at]!.id} before the cut, and now is ${events[at]?.id ?? 'gone'}`;
}

async function appendProblem(append: () => Promise<{ readonly duplicate: boolean }>): Promise<string | null> {
  try {
    const { duplicate } = await append();
    return duplicate ? 'an event appended after recovery was taken for a known one' : null;
  } catch (error) {
    return `nothing can be appended after recovery: ${(error as Error).message}`;
  }
}
