/** How costs grow with the number of items and with the number of users, all else equal, in this process. */
import { median } from '../bench.ts';
import { type Finding, figure, type PartResult, percentile, type RankingPlan } from './findings.ts';
import { filled, type InMemoryRanking, signalLists } from './in-memory.ts';
import { Random } from './random.ts';
import type { ServedWorld } from './served.ts';
import { World } from './world.ts';

const PART = 'curves';
const SEED = 71;
/** A curve of vectors would show how the graph is built; the part of vectors has that. */
const VECTORS_MOST = 10_000;
const MICROS_BETWEEN = 1_000;
/** Share of the signals that are timed: the last ones. */
const TIMED_SHARE = 0.5;

export const CURVES = ['items', 'users'] as const;
export type Curve = (typeof CURVES)[number];

export async function curves(plan: RankingPlan, served: ServedWorld): Promise<PartResult> {
  const { items, users, signals } = plan.size.curves;
  const findings: Finding[] = [];
  for (const curve of CURVES) {
    for (const count of plan.size.curves[curve]) {
      const size = { items: items[0]!, users: users[0]!, [curve]: count };
      plan.progress(`${PART}: ${count} ${curve}`);
      const world = new World(
        {
          ...size,
          vectors: Math.min(VECTORS_MOST, size.items),
          signals: Math.floor(signals * (1 - TIMED_SHARE)),
        },
        served.world.end,
      );
      findings.push(...point(plan, world, curve, count, Math.floor(signals * TIMED_SHARE)));
    }
  }
  return { findings, aims: [] };
}

function point(plan: RankingPlan, world: World, curve: Curve, count: number, timed: number): Finding[] {
  const ranking = filled(world, () => {});
  for (const signals of signalLists(world.signals())) {
    plan.signal.throwIfAborted();
    ranking.signals(signals);
  }
  ranking.micros.clear();
  let now: number = world.end;
  const later = world.later(SEED, () => {
    now += MICROS_BETWEEN;
    return now as World['end'];
  });
  const list = Array.from({ length: timed }, () => ({ ...later.next().value }));
  for (const signals of signalLists(list)) {
    plan.signal.throwIfAborted();
    ranking.moveTo(now as World['end']);
    ranking.signals(signals);
  }
  const total = ranking.viewNames.reduce((sum, view) => sum + (ranking.micros.get(view) ?? 0), 0);
  const load = (what: string) => `${what}: ${count} ${curve}`;
  return [
    figure(PART, load('a signal in all views'), curve, 'µs of CPU', total / timed),
    ...questions(world).map(({ name, ask }) =>
      figure(PART, load(name), curve, 'µs, p50', asked(plan, ranking, ask, now as World['end'])),
    ),
  ];
}

type Ask = (random: Random) => readonly [text: string, parameters: readonly string[]];

function questions(world: World): readonly { readonly name: string; readonly ask: Ask }[] {
  return [
    {
      name: 'for_you',
      ask: (random) => [
        'RETRIEVE items FOR USER $1 USING PROFILE for_you LIMIT 50',
        [`u${random.below(world.size.users)}`],
      ],
    },
    { name: 'trending', ask: () => ['RETRIEVE items WITHIN TRENDING view 24h LIMIT 50', []] },
    {
      name: 'trending in a cohort',
      ask: () => ['RETRIEVE items WITHIN COHORT c0_young TRENDING view 24h LIMIT 50', []],
    },
    { name: 'SEARCH', ask: (random) => ['SEARCH items QUERY $1 LIMIT 20', [world.words(random, 2)]] },
  ];
}

function asked(plan: RankingPlan, ranking: InMemoryRanking, ask: Ask, now: World['end']): number {
  const rounds = Array.from({ length: plan.rounds }, (_, round) => {
    const random = new Random(SEED + round);
    const micros = Array.from({ length: plan.size.questions }, () => {
      plan.signal.throwIfAborted();
      const [text, parameters] = ask(random);
      const began = performance.now();
      ranking.ask(text, parameters, now);
      return (performance.now() - began) * 1000;
    });
    return percentile(micros, 0.5);
  });
  return median(rounds);
}
