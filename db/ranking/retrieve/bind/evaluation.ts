/** EVALUATE with its values; the profiles are looked up where the replay is, in the schema of its time. */
import type { Micros } from '../../ground.ts';
import { refusedAt } from '../../schema/names.ts';
import {
  type EvaluateStatement,
  numberValue,
  type Parameters,
  type ProfileName,
  timeValue,
} from '../language/index.ts';

export interface Evaluation {
  readonly profile: ProfileName;
  readonly against: ProfileName | null;
  readonly from: Micros;
  /** Does not belong to it. */
  readonly to: Micros;
  /** Moments that are asked about; null: all. */
  readonly sample: number | null;
}

const SAMPLE_MAX = 10_000_000;

/** Errors: INVALID_ARGUMENT. */
export function evaluationOf(statement: EvaluateStatement, parameters: Parameters): Evaluation {
  const { profile, against } = statement;
  const from = timeValue(statement.from, parameters);
  const to = timeValue(statement.to, parameters);
  if (from >= to) throw refusedAt('EVALUATE', 'nothing lies between its times', 'FROM is the earlier one');
  const sample = statement.sample === null ? null : numberValue(statement.sample, parameters);
  if (sample !== null && !(Number.isInteger(sample) && sample >= 1 && sample <= SAMPLE_MAX)) {
    throw refusedAt(
      'SAMPLE',
      `${sample} is no number of moments`,
      `give a whole one from 1 to ${SAMPLE_MAX}`,
    );
  }
  return { profile, against, from, to, sample };
}
