import { TruthError } from '../../errors.ts';

/** What PostgreSQL's drivers go by. The classes: 22 data, 42 the statement itself, 0A not supported, 54 a limit. */
export type SqlState =
  | '0A000'
  | '22001'
  | '22003'
  | '22007'
  | '22008'
  | '22011'
  | '22012'
  | '22021'
  | '22023'
  | '22025'
  | '2201F'
  | '22P02'
  | '22P03'
  | '22P05'
  | '42601'
  | '42701'
  | '42712'
  | '42P10'
  | '42P17'
  | '54011'
  | '42702'
  | '42703'
  | '42725'
  | '42803'
  | '42804'
  | '42809'
  | '42846'
  | '42883'
  | '42P01'
  | '42P18'
  | '42P02'
  | '54000'
  | '54001';

/** A refusal of SQL: INVALID_ARGUMENT, for the limits TOO_LARGE. `at` is the offset in the statement's text, null where no place is to blame. */
export function sqlError(sqlstate: SqlState, message: string, at: number | null = null): TruthError {
  const code = sqlstate.startsWith('54') ? 'TOO_LARGE' : 'INVALID_ARGUMENT';
  return new TruthError(code, message, at === null ? { sqlstate } : { sqlstate, at });
}
