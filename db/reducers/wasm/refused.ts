import { TruthError } from '../../errors.ts';

/** A program that is not run. `offset` is where in the file, in bytes. */
export function refused(what: string, offset: number | null = null): TruthError {
  const place = offset === null ? '' : ` (at byte ${offset})`;
  return new TruthError('INVALID_ARGUMENT', `the reducer's program is refused: ${what}${place}`, {
    sqlstate: '42P13',
    ...(offset === null ? {} : { offset }),
  });
}
