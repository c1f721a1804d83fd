/** Errors that were found after parsing get the place of what they are about. */
import { TruthError } from '../../../errors.ts';
import { Lexer } from './lexer.ts';
import { placed } from './refusal.ts';

/**
 * An error whose details name a `name` or a `parameter` that stands in the text, with line, column and position added; any other
 * as it is.
 */
export function located(error: unknown, text: string): unknown {
  if (!(error instanceof TruthError) || 'line' in error.details) return error;
  const { name, parameter } = error.details;
  const offset =
    typeof parameter === 'string'
      ? find(text, 'parameter', parameter)
      : typeof name === 'string'
        ? find(text, 'word', name)
        : null;
  return offset === null ? error : placed(error, text, offset);
}

function find(text: string, kind: 'word' | 'parameter', value: string): number | null {
  try {
    for (const lexer = new Lexer(text); lexer.kind !== 'end'; lexer.next()) {
      if (lexer.kind !== kind) continue;
      if ((kind === 'word' ? lexer.spelling() : lexer.value) === value) return lexer.start;
    }
  } catch (error) {
    // What it cannot read was not bound either.
    if (!(error instanceof TruthError)) throw error;
  }
  return null;
}
