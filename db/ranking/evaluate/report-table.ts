/** Reports as one table, for doors that answer with tables: a row for each ranker, and for each with each cohort. */
import type { ShownTable } from '../schema/index.ts';
import type { ExperimentReport } from './experiment-report.ts';
import { METRICS } from './metrics.ts';
import { courseLine, differenceLines, type EvaluationReport } from './report.ts';

export interface NotedTable extends ShownTable {
  /** What a person should know beside the table, a line each. */
  readonly notes: readonly string[];
}

export function evaluationTable(report: EvaluationReport): NotedTable {
  const notes = [courseLine(report), ...report.warnings, ...differenceLines(report)];
  if (report.days !== null)
    return { columns: ['ranker', 'NDCG@20'], rows: Object.entries(report.days.ndcg20), notes };
  const { rankers, moments } = report;
  const attributes = [...new Set(rankers.flatMap(({ diversity }) => Object.keys(diversity)))];
  const variety = attributes.map((of) => `variety: ${of}`);
  const rows = rankers.flatMap(({ ranker, metrics, recall, coverage, diversity, cohorts }) => [
    [
      ...[ranker, null, moments, ...METRICS.map((metric) => metrics[metric]), recall, coverage],
      ...attributes.map((of) => diversity[of] ?? null),
    ],
    ...cohorts.map((each) => [
      ...[ranker, each.cohort, each.moments, ...METRICS.map((metric) => each.metrics[metric])],
      ...[null, null, ...attributes.map(() => null)],
    ]),
  ]);
  const columns = ['ranker', 'cohort', 'moments', ...METRICS, 'recall', 'coverage', ...variety];
  return { columns, rows, notes };
}

export function experimentsTable(reports: readonly ExperimentReport[]): NotedTable {
  const columns = [
    ...['experiment', 'arm', 'users', 'exposures', 'shown', 'went for', 'rate', 'rate low', 'rate high'],
    ...['lift', 'lift low', 'lift high'],
  ];
  const rows = reports.flatMap(({ experiment, arms }) =>
    arms.map(({ arm, users, exposures, shown, went, rate, interval, lift }) => [
      ...[experiment, arm, users, exposures, shown, went, rate, ...interval],
      ...(lift === null ? [null, null, null] : [lift.lift, ...lift.interval]),
    ]),
  );
  const notes = reports.flatMap(({ experiment, complete, position, usersInSeveralArms }) => [
    ...(complete ? [] : [`${experiment}: ended before all of the log was read, at position ${position}`]),
    ...(usersInSeveralArms === 0
      ? []
      : [
          `${experiment}: ${usersInSeveralArms} users were in several arms, which blurs what is between them`,
        ]),
  ]);
  return { columns, rows, notes };
}
