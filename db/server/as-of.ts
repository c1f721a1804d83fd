/** A query as of a moment that came beside its text rather than in it. */
import { TruthError } from '../errors.ts';
import type { AsOfMoment } from '../protocol/index.ts';
import { statementsOf } from '../sql/parse/statements.ts';
import { formatText } from '../sql/types/value-text.ts';

/** The text with its AS OF clause. Errors: INVALID_ARGUMENT (several statements), TOO_LARGE; what the clause says of no SELECT. */
export function textAsOf(text: string, at: AsOfMoment): string {
  if (at.asOf === 'now') return text;
  const [statement, another] = statementsOf(text);
  if (statement === undefined || another !== undefined) {
    throw new TruthError('INVALID_ARGUMENT', 'a moment of the past is for one SELECT; send one', {
      sqlstate: '42601',
    });
  }
  const clause =
    at.asOf === 'position'
      ? `POSITION ${at.position}`
      : `TIMESTAMP '${formatText({ kind: 'timestamp' }, BigInt(at.micros))}'`;
  // Up to its last token: a comment behind it would swallow the clause.
  return `${statement.text.slice(statement.start, statement.end)}\nAS OF ${clause}`;
}
