/** How the arms of an experiment did, and how a person reads it. */
import { aligned } from './report.ts';

export interface ArmReport {
  readonly arm: string;
  readonly users: number;
  /** Times that something was shown. */
  readonly exposures: number;
  /** Items in all of them, to users who are known. */
  readonly shown: number;
  /** Items of those that their user went for within 24 hours. */
  readonly went: number;
  /** Of what was shown, what was gone for. */
  readonly rate: number;
  /** Holds the true rate 95 times of 100. */
  readonly interval: readonly [low: number, high: number];
  /** Against the first arm, 0.1: a tenth better; null for the first arm, and where that one has nothing. */
  readonly lift: { readonly lift: number; readonly interval: readonly [low: number, high: number] } | null;
}

export interface ExperimentReport {
  readonly experiment: string;
  /** Position that the log was read to. */
  readonly position: number;
  readonly complete: boolean;
  /** In the order in which the log came to know them. */
  readonly arms: readonly ArmReport[];
  /** Who was in more than one arm: such users blur what is between arms. */
  readonly usersInSeveralArms: number;
  /** Other experiments there are in the log. */
  readonly others: readonly string[];
}

export function* experimentLines(report: ExperimentReport): Generator<string> {
  const { experiment, position, complete, arms, usersInSeveralArms } = report;
  yield `experiment ${experiment}, up to position ${position}${complete ? '' : ' (interrupted)'}`;
  const rows = arms.map(({ arm, users, exposures, shown, went, rate, interval, lift }) => [
    arm,
    ...[users, exposures, shown, went].map(String),
    ...[percent(rate), range(interval)],
    ...(lift === null ? ['', ''] : [percent(lift.lift), range(lift.interval)]),
  ]);
  const head = ['arm', 'users', 'exposures', 'shown', 'went for', 'rate', '95 % interval'];
  yield* aligned([[...head, 'lift', '95 % interval'], ...rows]);
  if (usersInSeveralArms > 0)
    yield `note: ${usersInSeveralArms} users were in several arms, which blurs what is between them`;
}

function range([low, high]: readonly [number, number]): string {
  return `${percent(low)} to ${percent(high)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
