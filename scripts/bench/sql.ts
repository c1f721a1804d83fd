/**
 * `bench sql`: tables against PostgreSQL 15 on the same disk and against raw node:sqlite, ratios of one run, in turns.
 *
 *     npm run bench -- sql [--quick] [--part=network,as-of] [--rounds=5] [--seconds=2] [--profile=DIR] [--json]
 *
 * Parts lie in sql/, each with what it measures and how. `--profile` leaves a CPU profile of the network part's server in DIR. Verification has
 * a benchmark of its own: `bench verify`.
 */
import { parseArgs } from 'node:util';
import type { Bench, BenchAim, BenchContext, BenchResult, BenchRow } from './bench.ts';
import { installPeers } from './peers/debian.ts';
import { asOf } from './sql/as-of.ts';
import { network } from './sql/network.ts';
import { rowOf, type SqlPartResult, type SqlPlan } from './sql/part.ts';
import { projections } from './sql/projections.ts';
import { rebuild } from './sql/rebuild.ts';
import { scan } from './sql/scan.ts';
import { sealing } from './sql/sealing.ts';

export const sql: Bench = {
  name: 'sql',
  summary:
    'Tables against PostgreSQL 15 and raw node:sqlite: statements, the past, projections, rebuild, encryption.',
  run,
};

interface Options {
  readonly plan: SqlPlan;
  readonly parts: readonly string[];
  /** Folder for profiles of servers; null: none. */
  readonly profile: string | null;
}

const PARTS: Readonly<Record<string, (options: Options) => Promise<SqlPartResult>>> = {
  network: ({ plan, profile }) => network(plan, profile),
  'as-of': ({ plan }) => asOf(plan),
  projections: ({ plan }) => projections(plan),
  rebuild: ({ plan }) => rebuild(plan),
  encryption: ({ plan }) => sealing(plan),
  scan: ({ plan }) => scan(plan),
};

async function run(context: BenchContext): Promise<BenchResult> {
  const options = optionsOf(context);
  if (options.parts.includes('network')) installPeers(context.progress);
  const rows: BenchRow[] = [];
  const aims: BenchAim[] = [];
  for (const name of options.parts) {
    const part = PARTS[name];
    if (part === undefined)
      throw new Error(`there is no part "${name}"; known are: ${Object.keys(PARTS).join(', ')}`);
    const result = await part(options);
    rows.push(...result.findings.map(rowOf));
    aims.push(...result.aims);
  }
  return { rows, aims };
}

function optionsOf({ args, directory, signal, progress }: BenchContext): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      part: { type: 'string', default: Object.keys(PARTS).join(',') },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const { quick } = values;
  return {
    plan: {
      ...{ quick, directory, signal, progress },
      rounds: Number(values.rounds ?? (quick ? 3 : 5)),
      seconds: Number(values.seconds ?? (quick ? 1 : 3)),
    },
    parts: values.part.split(','),
    profile: values.profile ?? null,
  };
}
