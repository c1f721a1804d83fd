/** Texts of SQL as their statements, and whether somebody who types is done with one. */
import { TruthError } from '../errors.ts';
import { statementsOf } from '../sql/parse/statements.ts';
import { nextToken } from '../sql/parse/tokens.ts';

/** Each statement of a text, without its semicolon. Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function scriptStatements(text: string): readonly string[] {
  return statementsOf(text).map(({ text: whole, start, end }) => whole.slice(start, end));
}

/** Whether the text ends with a semicolon that ends a statement: not one in a string, a comment or brackets. */
export function isComplete(text: string): boolean {
  let depth = 0;
  let last = '';
  try {
    for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
      if (token.word === '(' || token.word === '[') depth += 1;
      if (token.word === ')' || token.word === ']') depth -= 1;
      last = token.word;
    }
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    // A string or comment goes on in the next line; anything else is for the server to say.
    return !error.message.includes('never ends');
  }
  return last === ';' && depth <= 0;
}
