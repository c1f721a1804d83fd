/**
 * `bench ranking`: what signals and questions cost, beside Redis, PostgreSQL 15, SQLite's FTS5 and usearch, ratios of one run, in
 * turns.
 *
 *     npm run bench -- ranking [--size=small|medium|full] [--part=write,trending,…] [--rounds=5] [--seconds=2]
 *                              [--write] [--json]
 *
 * Missing peers are installed first, from Debian and from npm. What a part measured is kept in dist/ as soon as it is done; `--write`
 * puts the tables into docs/performance.md and the plots into docs/images/. Parts lie in ranking/, each with what it measures and
 * how; world.ts has the data, size.ts the sizes.
 */
import { parseArgs } from 'node:util';
import type { Micros } from '../../db/ranking/ground.ts';
import type { Bench, BenchAim, BenchContext, BenchResult, BenchRow } from './bench.ts';
import { describeMachine } from './machine.ts';
import { cohorts } from './ranking/cohorts.ts';
import { curves } from './ranking/curves.ts';
import type { PartResult, RankingPlan } from './ranking/findings.ts';
import { keep, kept } from './ranking/kept.ts';
import { nearest } from './ranking/nearest.ts';
import { writePage } from './ranking/page.ts';
import { queries } from './ranking/queries.ts';
import { rebuild } from './ranking/rebuild.ts';
import { ServedWorld } from './ranking/served.ts';
import { SIZE, SIZES, type SizeName } from './ranking/size.ts';
import { text } from './ranking/text.ts';
import { trending } from './ranking/trending.ts';
import { write } from './ranking/write.ts';
import { rowOf } from './sql/part.ts';

export const ranking: Bench = {
  name: 'ranking',
  summary: 'Signals and questions of the ranking layer beside Redis, PostgreSQL 15, FTS5 and usearch.',
  run,
};

const PARTS: Readonly<Record<string, (plan: RankingPlan, served: ServedWorld) => Promise<PartResult>>> = {
  write: (plan, { world }) => write(plan, world.end),
  trending,
  postgres: cohorts,
  text,
  vectors: nearest,
  queries,
  rebuild,
  curves,
};

async function run(context: BenchContext): Promise<BenchResult> {
  const { plan, parts, isWritten } = optionsOf(context);
  const end = (Date.now() * 1000) as Micros;
  const rows: BenchRow[] = [];
  const aims: BenchAim[] = [];
  const { progress, directory, size } = plan;
  const served = new ServedWorld(plan, end);
  try {
    for (const name of parts) {
      const result = await PARTS[name]!(plan, served);
      keep(name, { ...result, size: size.name, rounds: plan.rounds, machine: describeMachine(directory) });
      rows.push(...result.findings.map(rowOf));
      aims.push(...result.aims);
    }
  } finally {
    await served.stop();
  }
  if (isWritten) {
    writePage(kept());
    progress('docs/performance.md and docs/images/ are written');
  }
  return { rows, aims };
}

function optionsOf({ args, directory, signal, progress }: BenchContext) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: 'full' },
      part: { type: 'string', default: Object.keys(PARTS).join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      write: { type: 'boolean', default: false },
    },
  });
  const size = SIZE[values.size as SizeName];
  if (size === undefined)
    throw new Error(`there is no size "${values.size}"; known are: ${SIZES.join(', ')}`);
  const parts = values.part.split(',');
  for (const name of parts)
    if (PARTS[name] === undefined)
      throw new Error(`there is no part "${name}"; known are: ${Object.keys(PARTS).join(', ')}`);
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(rounds >= 1) || !(seconds > 0))
    throw new Error(
      `--rounds=${values.rounds} --seconds=${values.seconds}: give at least one round and some time`,
    );
  const plan: RankingPlan = { size, directory, signal, progress, rounds, seconds };
  return { plan, parts, isWritten: values.write };
}
