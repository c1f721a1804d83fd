/**
 * How long a server takes from its start until it serves: on an empty directory, and on a large log it was killed on while
 * appending. What the second takes longer is the recovery.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../db/client/index.ts';
import { newUuid } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import { atMost, rounded } from '../bench.ts';
import type { Finding } from './outcome.ts';
import type { PartResult } from './part.ts';
import { payload } from './peer.ts';
import type { Plan } from './rounds.ts';
import { connectAll, startTruthdb } from './truthdb.ts';

const GIB = 2 ** 30;
const BYTES = 1024;
const BATCH = 1000;
const CLIENTS = 4;
const NOTHING = new Uint8Array(0);
/** What a start may take beyond that of an empty server. */
const SECONDS_MAX = 2;

/** `gib` of payload are written before the kill. */
export async function recovery(plan: Plan, gib: number): Promise<PartResult> {
  const directory = join(plan.directory, 'recovery');
  const began = performance.now();
  const { started, url } = await startTruthdb(directory);
  const empty = (performance.now() - began) / 1000;
  const clients = await connectAll(url, CLIENTS);
  plan.progress(`recovery: writing ${gib} GiB`);
  const rest = appendUntilKilled(clients, gib * GIB, plan.signal);
  await rest.enough;
  process.kill(started.pid, 'SIGKILL');
  while (!started.ended()) await sleep(10);
  await rest.ended;
  const killed = performance.now();
  const again = await startTruthdb(directory);
  const recovered = (performance.now() - killed) / 1000;
  await again.started.stop();
  rmSync(directory, { recursive: true, force: true });
  return {
    findings: [finding('empty', empty), finding(`${gib} GiB, killed while appending`, recovered)],
    aims: [
      atMost(
        `start after a kill on ${gib} GiB: seconds more than on an empty log`,
        SECONDS_MAX,
        recovered - empty,
      ),
    ],
  };
}

function finding(who: string, seconds: number): Finding {
  return {
    ...{ part: 'recovery', load: 'from start to serving', bytes: BYTES, who, durable: true },
    ...{ value: rounded(seconds), unit: 's', low: seconds, high: seconds, ratio: null, note: '' },
  };
}

/** Goes on appending past `bytes`, so that the kill meets appends under way. */
function appendUntilKilled(clients: readonly Client[], bytes: number, signal: AbortSignal) {
  const data = payload(BYTES);
  const enough = Promise.withResolvers<void>();
  let written = 0;
  let failed = false;
  const work = async (client: Client, stream: StreamName): Promise<void> => {
    while (!failed) {
      const events = Array.from({ length: BATCH }, () => ({
        ...{ id: newUuid(), type: 'load', contentType: 'binary' as const, data, metadata: NOTHING },
      }));
      await client.appendDrafts({ stream, expected: 'any', events, ack: 'durable' });
      written += BATCH * BYTES;
      if (written >= bytes || signal.aborted) enough.resolve();
    }
  };
  const works = clients.map((client, index) => work(client, `load-${index}` as StreamName));
  const ended = Promise.allSettled(works).then(() => {});
  // Its first failure is the kill, or the reason why nothing was written.
  Promise.all(works).catch((error: Error) => {
    failed = true;
    enough.reject(error);
  });
  return { enough: enough.promise, ended };
}
