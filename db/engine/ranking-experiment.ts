/** Reports on an experiment from the exposures and signals of a log, read as files. */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { type ExperimentReport, ExperimentTally } from '../ranking/evaluate/index.ts';
import { decodeExposure, type ExposureEntry, SignalRecords } from '../ranking/kernel/index.ts';
import { SchemaHistory } from '../ranking/schema/index.ts';
import type { RankingSchema } from '../ranking/schema/model.ts';
import { LogPass, type PassOptions } from './log-pass.ts';

export interface ExperimentsOptions extends PassOptions {
  readonly progress: (line: string) => void;
}

export interface ExperimentOptions extends ExperimentsOptions {
  readonly experiment: string;
}

/** Errors: NOT_FOUND where nothing was shown in an experiment of this name, those of `LogPass`. */
export async function reportExperiment(options: ExperimentOptions): Promise<ExperimentReport> {
  const tally = new ExperimentTally(options.experiment);
  const course = await tallied(options, {
    exposure: (exposure) => tally.exposure(exposure),
    all: () => [tally],
  });
  const report = tally.report(course);
  if (report.arms.length === 0 && report.complete) throw unknownExperiment(report);
  return report;
}

/** All there are, in the order in which the log came to know them. Errors: those of `LogPass`. */
export async function reportExperiments(options: ExperimentsOptions): Promise<readonly ExperimentReport[]> {
  const tallies = new Map<string, ExperimentTally>();
  const course = await tallied(options, {
    exposure: (exposure) => {
      const { experiment } = exposure;
      const tally = tallies.get(experiment) ?? new ExperimentTally(experiment);
      tallies.set(experiment, tally);
      tally.exposure(exposure);
    },
    all: () => [...tallies.values()],
  });
  return [...tallies.values()].map((tally) => tally.report(course));
}

interface Tallies {
  readonly exposure: (exposure: ExposureEntry) => void;
  readonly all: () => readonly ExperimentTally[];
}

async function tallied(
  options: ExperimentsOptions,
  { exposure, all }: Tallies,
): Promise<Pick<ExperimentReport, 'position' | 'complete'>> {
  const { until, progress } = options;
  const history = new SchemaHistory();
  let kinds = positiveKinds(history.current);
  const pass = new LogPass(options, (position) =>
    progress(`reading exposures: ${Math.floor((100 * position) / Math.max(1, until))} %`),
  );
  for await (const { entries } of pass.commits()) {
    for (const { type, payload } of entries) {
      if (type === KERNEL_ENTRY.rankingExposure) exposure(decodeExposure(payload));
      else if (type === KERNEL_ENTRY.rankingSignals)
        for (const tally of all()) countSignals(payload, kinds, tally);
      else if (type === KERNEL_ENTRY.rankingSchema) kinds = positiveKinds(history.apply(payload).schema);
    }
  }
  return { position: pass.position, complete: !pass.interrupted };
}

function countSignals(payload: Uint8Array, kinds: ReadonlyMap<number, number>, tally: ExperimentTally): void {
  const records = SignalRecords.of(payload);
  for (let index = 0; index < records.count; index++) {
    records.moveTo(index);
    const kind = kinds.get(records.signal);
    if (kind !== undefined) tally.went(kind, records);
  }
}

/** Kinds that positive signals are about, by signal. */
function positiveKinds({ signals }: RankingSchema): ReadonlyMap<number, number> {
  const positive = signals.filter(({ polarity }) => polarity === 'positive');
  return new Map(positive.map(({ id, target }) => [id, target]));
}

function unknownExperiment({ experiment, others }: ExperimentReport): TruthError {
  const known =
    others.length === 0 ? 'nothing was shown in any' : `there are ${others.slice(0, 20).join(', ')}`;
  return new TruthError(
    'NOT_FOUND',
    `nothing was shown in an experiment ${JSON.stringify(experiment)}; ${known}. What is shown is told with ranking.expose of the SDK`,
  );
}
