/** How long questions take through the SDK, one after the other on one connection: while nothing else goes on, and while signals stream in. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RankingParameters } from '../../../db/client/index.ts';
import { atMost, type BenchAim, median } from '../bench.ts';
import { CpuOfQuestions, type Finding, figure, type PartResult, type RankingPlan } from './findings.ts';
import { type Times, timesOf } from './latency.ts';
import { Random, Zipf } from './random.ts';
import type { ServedWorld } from './served.ts';
import { DIMENSIONS } from './size.ts';
import type { StreamData } from './stream-thread.ts';
import { makeVectors } from './vectors-made.ts';
import { AGE_GROUPS, COUNTRIES } from './world.ts';

const PART = 'queries';
const RATE = 50_000;
const BATCH = 200;
const UNDER_WAY = 8;
const SEED = 51;
const TOPICS = 100;
const MIXED_MILLIS = 400;
const TIMES_IDLE_MOST = 2;
const IDLE = 'idle';
const STREAMING = `${RATE.toLocaleString('en-US')} signals/s asked for`;

interface Kind {
  readonly name: string;
  readonly text: (random: Random) => readonly [text: string, parameters: RankingParameters];
  /** Milliseconds at most, by the share below which they are. */
  readonly aims: { readonly p50?: number; readonly p99?: number };
}

export async function queries(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  const { client, serving } = await served.open();
  const { world } = served;
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const data: StreamData = {
    ...{ url: serving.url, size: world.size, end: world.end, seed: SEED, rate: RATE, batch: BATCH },
    ...{ underWay: UNDER_WAY, shared },
  };
  const thread = new Worker(join(import.meta.dirname, 'stream-thread.ts'), { workerData: data });
  let failure: Error | null = null;
  thread.on('error', (error: Error) => {
    failure = error;
  });
  try {
    await once(thread, 'message');
    const all = kinds(served);
    const times = new Map<string, { idle: Times[]; streaming: Times[] }>(
      all.map(({ name }) => [name, { idle: [], streaming: [] }]),
    );
    const rates: number[] = [];
    const cpu: number[] = [];
    const spent = new CpuOfQuestions();
    for (let round = -1; round < plan.rounds; round++) {
      for (const state of ['idle', 'streaming'] as const) {
        plan.progress(`${PART}: round ${round + 1} of ${plan.rounds}, ${state}`);
        const began = { at: performance.now(), answered: Atomics.load(shared, 1), cpu: serving.cpuMicros() };
        if (state === 'streaming') {
          Atomics.store(shared, 0, 1);
          await sleep(MIXED_MILLIS);
        }
        for (const { name, text } of all) {
          const random = new Random(SEED + round);
          const ask = async (): Promise<void> => {
            const [question, parameters] = text(random);
            await client.ranking.retrieve(question, parameters);
          };
          const { questions } = plan.size;
          const isCounted = round >= 0 && state === 'idle';
          const asked = await spent.counted(name, isCounted, serving.cpuMicros, questions, () =>
            timesOf(ask, questions, plan.signal),
          );
          if (round >= 0) times.get(name)![state].push(asked);
        }
        if (state === 'idle') continue;
        Atomics.store(shared, 0, 0);
        if (failure !== null) throw failure;
        if (round < 0) continue;
        rates.push((Atomics.load(shared, 1) - began.answered) / ((performance.now() - began.at) / 1000));
        cpu.push((serving.cpuMicros() - began.cpu) / 1000 / (performance.now() - began.at));
      }
    }
    return judged(all, times, { rate: median(rates), cores: median(cpu), spent }, plan.size.questions);
  } finally {
    Atomics.store(shared, 0, 2);
    await thread.terminate();
  }
}

function kinds(served: ServedWorld): readonly Kind[] {
  const { world } = served;
  const activity = new Zipf(world.size.users, 0.6);
  const vectors = [...makeVectors(TOPICS, DIMENSIONS, TOPICS)].map((vector) => [...vector]);
  const user = (random: Random) => `u${activity.draw(random)}`;
  const words = (random: Random) => world.words(random, 2 + random.below(2));
  const adHoc = (random: Random) => {
    const first = random.below(AGE_GROUPS.length - 1);
    const ages = AGE_GROUPS.slice(first, first + 2).map((age) => `'${age}'`);
    return `country = '${COUNTRIES[random.below(COUNTRIES.length)]}' AND age_group IN (${ages.join(', ')})`;
  };
  return [
    {
      name: 'for_you',
      text: (random) => ['RETRIEVE items FOR USER $1 USING PROFILE for_you LIMIT 50', [user(random)]],
      aims: { p50: 2, p99: 10 },
    },
    {
      name: 'trending',
      text: () => ['RETRIEVE items WITHIN TRENDING view 24h LIMIT 50', []],
      aims: { p50: 1 },
    },
    {
      name: 'trending in a declared cohort',
      text: () => ['RETRIEVE items WITHIN COHORT c0_young TRENDING view 24h LIMIT 50', []],
      aims: { p50: 2 },
    },
    {
      name: 'trending in an ad hoc cohort',
      text: (random) => [`RETRIEVE items WITHIN COHORT (${adHoc(random)}) TRENDING view 24h LIMIT 50`, []],
      aims: { p50: 15 },
    },
    {
      name: 'SEARCH',
      text: (random) => ['SEARCH items QUERY $1 LIMIT 20', [words(random)]],
      aims: { p50: 10 },
    },
    {
      name: 'SEARCH within 500 candidates',
      text: (random) => ['SEARCH items QUERY $1 WITHIN TRENDING view 24h TOP 500 LIMIT 20', [words(random)]],
      aims: { p50: 1 },
    },
    {
      name: 'hybrid of text and vector',
      text: (random) => [
        'SEARCH items QUERY $words VECTOR $vector LIMIT 20',
        { words: words(random), vector: vectors[random.below(TOPICS)]! },
      ],
      aims: { p50: 15 },
    },
  ];
}

function judged(
  all: readonly Kind[],
  times: ReadonlyMap<string, { readonly idle: readonly Times[]; readonly streaming: readonly Times[] }>,
  { rate, cores, spent }: { readonly rate: number; readonly cores: number; readonly spent: CpuOfQuestions },
  count: number,
): PartResult {
  const findings: Finding[] = [];
  const aims: BenchAim[] = [];
  for (const { name, aims: wanted } of all) {
    const { idle, streaming } = times.get(name)!;
    const note = (rounds: readonly Times[]) => {
      const stopped = rounds.reduce((sum, each) => sum + each.stopped, 0);
      return stopped === 0
        ? `${count} a round`
        : `${count} a round, ${stopped} in all stopped after a second`;
    };
    for (const share of ['p50', 'p99'] as const) {
      const [quiet, busy] = [idle, streaming].map((rounds) => rounds.map((each) => each[share])) as [
        number[],
        number[],
      ];
      const ratio = median(busy.map((micros, round) => micros / quiet[round]!));
      const common = { part: PART, load: name, unit: `µs, ${share}` };
      findings.push({
        ...common,
        who: IDLE,
        value: median(quiet),
        ratio: 1,
        note: `${note(idle)}; ${spent.note(name)}`,
      });
      findings.push({ ...common, who: STREAMING, value: median(busy), ratio, note: note(streaming) });
      const most = wanted[share];
      if (most !== undefined) aims.push(atMost(`${name}: ${share} in ms`, most, median(quiet) / 1000));
      if (share === 'p99')
        aims.push(atMost(`${name}: p99 while signals stream in, times idle`, TIMES_IDLE_MOST, ratio));
    }
  }
  findings.push(figure(PART, 'signals while questions are asked', STREAMING, 'signals/s', rate));
  findings.push(figure(PART, 'signals while questions are asked', 'the server', 'cores busy', cores));
  return { findings, aims };
}
