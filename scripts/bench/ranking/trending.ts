/**
 * What trends among everybody, beside Redis with a sorted set for each hour: ZINCRBY for a signal, and for a question the union of 24
 * of them and its 50 best. Both over the loopback on one connection, both with every acknowledged write on the disk.
 */
import { join } from 'node:path';
import type { Micros } from '../../../db/ranking/ground.ts';
import { atLeast, type BenchAim, median, rounded } from '../bench.ts';
import { startRedis } from '../peers/redis.ts';
import { cpuMicros } from '../serving.ts';
import { inTurns, medianOf } from '../sql/part.ts';
import { CpuOfQuestions, type Finding, type PartResult, percentile, type RankingPlan } from './findings.ts';
import { needPackage } from './peers-needed.ts';
import { encodeCommand, RedisLink } from './redis-link.ts';
import type { ServedWorld } from './served.ts';
import { batched, draftOf, type MadeSignal, SIGNALS } from './world.ts';

const PART = 'trending';
const TRUTHDB = 'TruthDB';
const REDIS = 'Redis';
const BATCH = 1_000;
const LARGE_BATCH = 10_000;
const UNDER_WAY = 8;
const LARGE_UNDER_WAY = 3;
const HOURS = 24;
const MICROS_PER_HOUR = 3_600_000_000;
const KEPT_SECONDS = '90000';
const SEED = 21;
/** Signals a second that are made ready before they are sent. */
const RATE_MOST = 250_000;
const FRESH = 100;
const SIGNALS_A_SECOND_LEAST = 100_000;
const QUESTION = 'RETRIEVE items WITHIN TRENDING view 24h LIMIT 50';

export async function trending(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  needPackage('redis-server', plan.progress);
  const { client, serving } = await served.open();
  const redis = await startRedis(join(plan.directory, 'redis'));
  const link = await RedisLink.open(redis.port);
  try {
    await fill(link, served);
    const truthdb = { name: TRUTHDB, cpu: serving.cpuMicros };
    const written = await writing(plan, served, [
      {
        ...truthdb,
        batch: BATCH,
        underWay: UNDER_WAY,
        send: (list) => client.ranking.signals(list.map(draft)),
      },
      {
        ...{
          ...truthdb,
          name: `${TRUTHDB}, batches of ${LARGE_BATCH}`,
          batch: LARGE_BATCH,
          underWay: LARGE_UNDER_WAY,
        },
        send: (list) => client.ranking.signals(list.map(draft)),
      },
      {
        ...{ name: REDIS, batch: BATCH, underWay: UNDER_WAY, cpu: () => cpuMicros(redis.pid) },
        send: (list) => link.send(list.map(increment).join(''), list.length),
      },
    ]);
    const asked = await asking(plan, served, link, () => cpuMicros(redis.pid));
    return { findings: [...written.findings, ...asked.findings], aims: [...written.aims, ...asked.aims] };
  } finally {
    link.close();
    await redis.stop();
  }
}

interface Writer {
  readonly name: string;
  readonly batch: number;
  readonly underWay: number;
  readonly send: (signals: readonly MadeSignal[]) => Promise<unknown>;
  /** CPU of the server so far, in microseconds. */
  readonly cpu: () => number;
}

async function writing(
  plan: RankingPlan,
  served: ServedWorld,
  writers: readonly Writer[],
): Promise<PartResult> {
  plan.progress(`${PART}: signals of now`);
  const cpu = new Map<string, number[]>(writers.map(({ name }) => [name, []]));
  let round = 0;
  const takers = writers.map((writer) => ({
    name: writer.name,
    run: async (isCounted: boolean) => {
      const lists = made(served, SEED + round++, RATE_MOST * plan.seconds, writer.batch);
      const before = writer.cpu();
      const { count, rate } = await sent(writer, lists, plan.seconds);
      if (isCounted) cpu.get(writer.name)?.push((writer.cpu() - before) / count);
      return rate;
    },
  }));
  const figures = await inTurns(takers, plan);
  const ratios = (name: string) =>
    median(figures.get(name)!.map((rate, at) => rate / figures.get(REDIS)![at]!));
  const findings = writers.map(({ name, batch }): Finding => {
    const note = `${rounded(median(cpu.get(name)!))} µs of the server's CPU each; batches of ${batch}`;
    return {
      ...{ part: PART, load: 'signals written, durable', who: name, unit: 'signals/s' },
      ...{ value: medianOf(figures, name), ratio: ratios(name), note },
    };
  });
  const best = Math.max(
    ...writers.filter(({ name }) => name !== REDIS).map(({ name }) => medianOf(figures, name)),
  );
  return {
    findings,
    aims: [
      atLeast('durable signals a second over the network', SIGNALS_A_SECOND_LEAST, best),
      atLeast('signals written: times Redis', 1, ratios(TRUTHDB)),
    ],
  };
}

async function sent(
  { send, underWay }: Writer,
  lists: readonly (readonly MadeSignal[])[],
  seconds: number,
): Promise<{ readonly count: number; readonly rate: number }> {
  const began = performance.now();
  const until = began + seconds * 1000;
  let [next, count] = [0, 0];
  const work = async (): Promise<void> => {
    while (performance.now() < until && next < lists.length) {
      const list = lists[next++]!;
      await send(list);
      count += list.length;
    }
  };
  await Promise.all(Array.from({ length: underWay }, work));
  return { count, rate: (count / (performance.now() - began)) * 1000 };
}

/** A question after nothing, and one after signals that change what it is about. */
async function asking(
  plan: RankingPlan,
  served: ServedWorld,
  link: RedisLink,
  redisCpu: () => number,
): Promise<PartResult> {
  const { client, serving } = await served.open();
  const findings: Finding[] = [];
  const aims: BenchAim[] = [];
  let round = 0;
  for (const fresh of [0, FRESH]) {
    const load =
      fresh === 0 ? '50 best of 24 h, asked again' : `50 best of 24 h, ${fresh} signals before each`;
    plan.progress(`${PART}: ${load}`);
    const cpu = new CpuOfQuestions();
    const ask = async (
      write: (list: readonly MadeSignal[]) => Promise<unknown>,
      read: () => Promise<number>,
    ) => {
      const lists = fresh === 0 ? [] : made(served, SEED + 1000 + round++, fresh * plan.size.slowly, fresh);
      const micros: number[] = [];
      for (let at = 0; at < plan.size.slowly; at++) {
        plan.signal.throwIfAborted();
        if (fresh > 0) await write(lists[at]!);
        const began = performance.now();
        if ((await read()) === 0) throw new Error(`nobody is trending: ${load}`);
        micros.push((performance.now() - began) * 1000);
      }
      return percentile(micros, 0.5);
    };
    const takers = [
      {
        name: TRUTHDB,
        run: (isCounted: boolean) =>
          cpu.counted(TRUTHDB, isCounted, serving.cpuMicros, plan.size.slowly, () =>
            ask(
              (list) => client.ranking.signals(list.map(draft)),
              async () => (await client.ranking.retrieve(QUESTION)).hits.length,
            ),
          ),
      },
      {
        name: REDIS,
        run: (isCounted: boolean) =>
          cpu.counted(REDIS, isCounted, redisCpu, plan.size.slowly, () =>
            ask(
              (list) => link.send(list.map(increment).join(''), list.length),
              async () => {
                const now = nowMicros();
                const hours = Array.from({ length: HOURS }, (_, at) =>
                  keyOf('view', now - at * MICROS_PER_HOUR),
                );
                const union = encodeCommand('ZUNIONSTORE', 'union', String(HOURS), ...hours);
                await link.send(union + encodeCommand('ZREVRANGE', 'union', '0', '49', 'WITHSCORES'), 2);
                return link.lastLength;
              },
            ),
          ),
      },
    ];
    const figures = await inTurns(takers, plan);
    const ratio = median(figures.get(TRUTHDB)!.map((ours, at) => figures.get(REDIS)![at]! / ours));
    for (const who of [TRUTHDB, REDIS])
      findings.push({
        ...{
          part: PART,
          load,
          who,
          unit: 'µs, p50',
          value: medianOf(figures, who),
          note: cpu.note(who),
        },
        ratio: who === REDIS ? 1 : ratio,
      });
    aims.push(atLeast(`${load}: times as fast as Redis`, 1, ratio));
  }
  return { findings, aims };
}

/** The last day of the world, as TruthDB has it. */
async function fill(link: RedisLink, { world }: ServedWorld): Promise<void> {
  const from = world.end - HOURS * MICROS_PER_HOUR;
  const last = (function* () {
    for (const made of world.signals()) if (made.at >= from) yield made;
  })();
  for (const commands of batched(last, BATCH, increment)) await link.send(commands.join(''), commands.length);
  const keys = Array.from({ length: HOURS + 1 }, (_, at) => keyOf('view', from + at * MICROS_PER_HOUR));
  await link.send(keys.map((key) => encodeCommand('EXPIRE', key, KEPT_SECONDS)).join(''), keys.length);
}

function made(served: ServedWorld, seed: number, count: number, batch: number): readonly MadeSignal[][] {
  const lists: MadeSignal[][] = [];
  const signals = served.world.later(seed, nowMicros);
  for (let left = count; left > 0; left -= batch)
    lists.push(Array.from({ length: Math.min(batch, left) }, () => ({ ...signals.next().value })));
  return lists;
}

function nowMicros(): Micros {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000) as Micros;
}

function draft(signal: MadeSignal) {
  const { target, user, at, ...rest } = draftOf(signal);
  return { signal: rest.signal, target, user: user!, at: at! };
}

function increment({ signal, item, at }: Readonly<MadeSignal>): string {
  return encodeCommand('ZINCRBY', keyOf(SIGNALS[signal]!, at), '1', `i${item}`);
}

function keyOf(signal: string, at: number): string {
  return `${signal}:${Math.floor(at / MICROS_PER_HOUR)}`;
}
