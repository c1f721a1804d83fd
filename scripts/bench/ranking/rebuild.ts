/** How long a server takes until it answers again: with a checkpoint, with signals behind it that no checkpoint has, and without any views. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Micros } from '../../../db/ranking/ground.ts';
import { atLeast, atMost } from '../bench.ts';
import { figure, type PartResult, type RankingPlan } from './findings.ts';
import type { ServedWorld } from './served.ts';
import { draftOf } from './world.ts';

const PART = 'rebuild';
const BATCH = 5_000;
const SEED = 61;
const SECONDS_MOST = 10;
const SIGNALS_A_SECOND_LEAST = 200_000;

export async function rebuild(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  await served.open();
  const { items, users, signals } = served.world.size;
  const load = `${items.toLocaleString('en-US')} items, ${users.toLocaleString('en-US')} users, ${signals.toLocaleString('en-US')} signals`;
  await served.stop();
  plan.progress(`${PART}: from a checkpoint`);
  const { opened, millis: whole } = await served.start();
  plan.progress(`${PART}: ${plan.size.tail} signals behind the checkpoint, then SIGKILL`);
  const later = served.world.later(
    SEED,
    () => Math.floor((performance.timeOrigin + performance.now()) * 1000) as Micros,
  );
  for (let left = plan.size.tail; left > 0; left -= BATCH) {
    plan.signal.throwIfAborted();
    const list = Array.from({ length: Math.min(BATCH, left) }, () => {
      const { signal, target, user, at } = draftOf(later.next().value);
      return { signal, target, user: user!, at: at! };
    });
    await opened.client.ranking.signals(list);
  }
  await served.stop('killed');
  const { millis: tail } = await served.start();
  await served.stop();
  plan.progress(`${PART}: all views from the log`);
  rmSync(join(served.data, 'views'), { recursive: true });
  const { millis: all } = await served.start();
  const rate = (signals + plan.size.tail) / (all / 1000);
  const common = `until it answers; ${load}`;
  return {
    findings: [
      figure(PART, common, 'from a checkpoint', 'seconds', whole / 1000),
      figure(
        PART,
        common,
        `… and ${plan.size.tail.toLocaleString('en-US')} signals behind it`,
        'seconds',
        tail / 1000,
      ),
      figure(PART, common, 'all views from the log', 'seconds', all / 1000, 'items, text and vectors too'),
      figure(PART, load, 'all views from the log', 'signals/s', rate, 'items, text and vectors in the time'),
      figure(PART, load, 'written at first, durable, in this process', 'signals/s', served.buildRate),
    ],
    aims: [
      atLeast('rebuild of all views: signals/s', SIGNALS_A_SECOND_LEAST, rate),
      atMost('a checkpoint and the signals behind it: seconds', SECONDS_MOST, tail / 1000),
    ],
  };
}
