/** What an evaluation says, and how a person reads it. */
import type { Micros } from '../ground.ts';
import { timestampText } from '../schema/index.ts';
import { type Difference, differencesOf, figuresOf, type RankerFigures } from './figures.ts';
import { METRICS } from './metrics.ts';
import type { Tally } from './tally.ts';

/** `all`: before each thing a user goes for. `last`: before the last of each user. `next-day`: at the beginning of each day. */
export type Protocol = 'all' | 'last' | 'next-day';

/** What was asked, and how far it came. */
export interface EvaluationCourse {
  readonly kind: string;
  readonly from: Micros;
  readonly to: Micros;
  readonly protocol: Protocol;
  readonly history: number;
  /** Position that the replay came to. */
  readonly position: number;
  /** Whether it came to its end, or was interrupted. */
  readonly complete: boolean;
  /** Moments there are, and those that were chosen to be asked about. */
  readonly offered: number;
  readonly chosen: number;
  /** Chosen, and passed over because the user had seen what she went for: lists hold only what is unseen. */
  readonly repeated: number;
  readonly warnings: readonly string[];
  readonly seconds: number;
}

export interface EvaluationReport extends EvaluationCourse {
  readonly moments: number;
  readonly users: number;
  readonly rankers: readonly RankerFigures[];
  readonly differences: readonly Difference[];
  /** Of `next-day`: mean NDCG@20 over days. */
  readonly days: { readonly days: number; readonly ndcg20: Readonly<Record<string, number>> } | null;
}

const SEED = 1;

/** `items`: how many there are to recommend. */
export function reportOf(tally: Tally, items: number, course: EvaluationCourse): EvaluationReport {
  return {
    ...course,
    moments: tally.count,
    users: new Set(tally.users).size,
    rankers: figuresOf(tally, items),
    differences: differencesOf(tally, SEED),
    days: null,
  };
}

export function* evaluationLines(report: EvaluationReport): Generator<string> {
  yield courseLine(report);
  for (const warning of report.warnings) yield `note: ${warning}`;
  yield '';
  if (report.days !== null) {
    yield* aligned([
      ['', 'NDCG@20'],
      ...Object.entries(report.days.ndcg20).map(([ranker, mean]) => [ranker, mean.toFixed(4)]),
    ]);
    return;
  }
  yield* aligned(figureRows(report));
  if (report.differences.length > 0) {
    yield '';
    yield* differenceLines(report);
  }
  const cohorts = report.rankers.flatMap(({ ranker, cohorts: each }) =>
    each.map(({ cohort, moments, metrics }) => [
      ...[cohort, ranker, String(moments)],
      ...METRICS.map((metric) => metrics[metric].toFixed(4)),
    ]),
  );
  if (cohorts.length === 0) return;
  yield '';
  yield* aligned([['cohort', 'ranker', 'moments', ...METRICS], ...cohorts.sort(byName)]);
}

/** None where nothing was compared. */
export function* differenceLines({ differences }: EvaluationReport): Generator<string> {
  if (differences.length > 0) yield* aligned(differenceRows(differences));
}

export function courseLine(report: EvaluationReport): string {
  const { kind, from, to, protocol, complete, position, seconds, days } = report;
  const asked =
    days === null
      ? `${report.moments} moments of ${report.users} users (${report.offered} there are, ${report.repeated} repeated)`
      : `${days.days} days`;
  const end = complete ? '' : `; interrupted at position ${position}`;
  return `${kind}, ${timestampText(from)} to ${timestampText(to)}, ${protocol}: ${asked}${end}; ${seconds.toFixed(1)} s`;
}

function figureRows({ rankers }: EvaluationReport): readonly (readonly string[])[] {
  const attributes = [...new Set(rankers.flatMap(({ diversity }) => Object.keys(diversity)))];
  const head = ['', ...METRICS, 'recall', 'coverage', ...attributes.map((of) => `variety: ${of}`)];
  const rows = rankers.map(({ ranker, metrics, recall, coverage, diversity }) => [
    ranker,
    ...METRICS.map((metric) => metrics[metric].toFixed(4)),
    ...[recall, coverage].map((each) => each.toFixed(4)),
    ...attributes.map((of) => diversity[of]?.toFixed(4) ?? ''),
  ]);
  return [head, ...rows];
}

function differenceRows(differences: readonly Difference[]): readonly (readonly string[])[] {
  const rows = differences.map(({ ranker, against, metric, difference, low, high }) => [
    ...[`${ranker} against ${against}`, metric, signed(difference)],
    `${signed(low)} to ${signed(high)}`,
  ]);
  return [['difference', 'of', 'mean', '95 % interval'], ...rows];
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
}

function byName([cohort = '']: readonly string[], [other = '']: readonly string[]): number {
  if (cohort === other) return 0;
  return cohort < other ? -1 : 1;
}

/** The first column to the left, figures to the right. */
export function* aligned(rows: readonly (readonly string[])[]): Generator<string> {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      at === 0 || !/^[-+.\d]/.test(cell) ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!),
    );
    yield cells.join('  ').trimEnd();
  }
}
