/** Which parameters a statement names: `$1`, `$2` … by number, or `?` by place; not both in one statement. */
import { invalid, syntaxError, tooLarge } from './refusal.ts';
import type { StatementSource } from './statements.ts';

const PARAMETERS_MAX = 65_535;

export interface Parameters {
  /** The highest number. */
  readonly count: number;
  /** Number of the parameter that a `?` at an offset is, in the order of the text. */
  readonly questionMarks: ReadonlyMap<number, number>;
}

/** Errors: INVALID_ARGUMENT (42601, 42P02), TOO_LARGE (54000). */
export function parametersOf({ text, tokens }: StatementSource): Parameters {
  const questionMarks = new Map<number, number>();
  let numbered: number | null = null;
  let count = 0;
  for (const { kind, start, end } of tokens) {
    if (kind !== 'parameter') continue;
    if (text[start] === '?') questionMarks.set(start, questionMarks.size + 1);
    else {
      numbered ??= start;
      count = Math.max(count, numberOf(text, start, end));
    }
    if (numbered !== null && questionMarks.size > 0) {
      throw syntaxError(
        text,
        start,
        'parameters are written both as ? and as $1',
        'use one of the two throughout',
      );
    }
  }
  return { count: Math.max(count, questionMarks.size), questionMarks };
}

function numberOf(text: string, start: number, end: number): number {
  const number = Number(text.slice(start + 1, end));
  if (number === 0) throw invalid(text, start, 'there is no parameter $0: the first is $1', '42P02');
  if (number > PARAMETERS_MAX) {
    throw tooLarge(text, start, `a statement has at most ${PARAMETERS_MAX} parameters`, '54000');
  }
  return number;
}
