/** What a signal costs all views, by view, in CPU of the thread; and what items, users and signals take of memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Micros } from '../../../db/ranking/ground.ts';
import { atMost, median } from '../bench.ts';
import { type Finding, figure, type PartResult, type RankingPlan } from './findings.ts';
import { filled, type InMemoryRanking, signalLists } from './in-memory.ts';
import { DistinctPairs } from './pairs.ts';
import { DAYS, type MadeSignal, World } from './world.ts';

const PART = 'write';
const SLICES = 5;
const SEED = 11;
/** A thousand signals a second. */
const MICROS_BETWEEN = 1_000;
const MICROS_A_SIGNAL_MOST = 10;

export async function write({ size, signal, progress }: RankingPlan, end: World['end']): Promise<PartResult> {
  const world = new World(size.written, end);
  const ranking = filled(world, (line) => progress(`${PART}: ${line}`));
  const { measured } = size.written;
  const pairs = new DistinctPairs(world);
  progress(`${PART}: ${world.size.signals} signals of ${DAYS} days, then ${measured} of now`);
  for (const made of world.signals()) pairs.add(made);
  for (const signals of signalLists(world.signals())) {
    signal.throwIfAborted();
    ranking.signals(signals);
  }
  const slices: ReadonlyMap<string, number>[] = [];
  let now: number = end;
  const later = world.later(SEED, () => {
    now += MICROS_BETWEEN;
    return now as Micros;
  });
  for (let slice = 0; slice < SLICES; slice++) {
    const counted = Math.floor(measured / SLICES);
    const before = new Map(ranking.micros);
    for (const signals of signalLists(taken(later, counted, (made) => pairs.add(made)))) {
      signal.throwIfAborted();
      ranking.moveTo(now as Micros);
      ranking.signals(signals);
    }
    slices.push(
      new Map(
        [...ranking.micros].map(([view, micros]) => [view, (micros - (before.get(view) ?? 0)) / counted]),
      ),
    );
  }
  const result = costs(world, ranking, slices);
  const bytes = memory(world, ranking, pairs);
  return { findings: [...result.findings, ...bytes], aims: result.aims };
}

function costs(
  world: World,
  ranking: InMemoryRanking,
  slices: readonly ReadonlyMap<string, number>[],
): PartResult {
  const load = `a signal; ${loadOf(world)}`;
  const micros = (view: string) => median(slices.map((each) => each.get(view) ?? 0));
  const findings = ranking.viewNames.map((view) =>
    figure(PART, load, `view ${view}`, 'µs of CPU', micros(view)),
  );
  const total = median(
    slices.map((each) => ranking.viewNames.reduce((sum, view) => sum + (each.get(view) ?? 0), 0)),
  );
  return {
    findings: [
      ...findings,
      figure(PART, load, 'all views', 'µs of CPU', total),
      figure(PART, load, 'decided', 'µs of CPU', micros('decide')),
    ],
    aims: [atMost('a signal through all views: µs of CPU', MICROS_A_SIGNAL_MOST, total)],
  };
}

/** Each view is let go, one after the other; what that gives back is what it took. */
function memory(world: World, ranking: InMemoryRanking, pairs: DistinctPairs): readonly Finding[] {
  const bytes = new Map<string, number>();
  let used = usedBytes();
  for (const view of ranking.viewNames) {
    ranking.forget(view);
    const now = usedBytes();
    bytes.set(view, used - now);
    used = now;
  }
  const { items, users } = world.size;
  const of = (view: string) => bytes.get(view) ?? Number.NaN;
  const all = [...bytes.values()].reduce((sum, each) => sum + each, 0);
  const load = loadOf(world);
  return [
    figure('memory', load, 'all views', 'bytes', all),
    ...ranking.viewNames.map((view) => figure('memory', load, `view ${view}`, 'bytes', of(view))),
    figure('memory', load, 'an (item, signal) in view signals', 'bytes', of('signals') / pairs.itemSignals),
    figure(
      'memory',
      load,
      'a cell (item, signal, tuple) in view cohorts',
      'bytes',
      of('cohorts') / pairs.cells,
    ),
    figure(
      'memory',
      load,
      'a user in view audience',
      'bytes',
      of('audience') / users,
      `${Math.round(pairs.signals / users)} signals each`,
    ),
    figure(
      'memory',
      load,
      'an item in views entities and text',
      'bytes',
      (of('entities') + of('text')) / items,
    ),
  ];
}

function loadOf({ size: { items, vectors, users, signals } }: World): string {
  const number = (value: number) => value.toLocaleString('en-US');
  return `${number(items)} items, ${number(vectors)} vectors, ${number(users)} users, ${number(signals)} signals`;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** On the heap and beside it, garbage not counted. */
function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function* taken(
  signals: Iterator<Readonly<MadeSignal>>,
  count: number,
  seen: (signal: Readonly<MadeSignal>) => void,
): Generator<Readonly<MadeSignal>> {
  for (let at = 0; at < count; at++) {
    const made = signals.next().value as Readonly<MadeSignal>;
    seen(made);
    yield made;
  }
}
