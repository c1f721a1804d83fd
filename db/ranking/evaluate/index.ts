/**
 * `ranking/evaluate/` is how well profiles would have done: which moments of the past are asked about, what was recommended
 * at each against what the user went for, and what that adds up to. Pure: positions, numbers of entities and lists come in
 * from a replay, a report goes out. It may import the kernel's records, the schema, ground and the database's own ground.
 *
 *     survey          finds the moments in one pass over the signals; moment-sample chooses among them
 *     tally           keeps the place that each ranker gave what was gone for; figures, bootstrap make numbers of it
 *     day-tally       lists of a day against what happened on it
 *     baselines       rankers that profiles have to be better than
 *     experiment, bucket   arms of experiments: who is in which, and how they did
 *     report, experiment-report, report-table, chart   what is shown
 */
export { Baselines } from './baselines.ts';
export { chartOf } from './chart.ts';
export { DayTally } from './day-tally.ts';
export { ExperimentTally } from './experiment.ts';
export { type ArmReport, type ExperimentReport, experimentLines } from './experiment-report.ts';
export { LIST_LENGTH } from './metrics.ts';
export { type EvaluationReport, evaluationLines, type Protocol } from './report.ts';
export { evaluationTable, experimentsTable, type NotedTable } from './report-table.ts';
export { Survey, type SurveyedMoments } from './survey.ts';
export { Tally } from './tally.ts';
