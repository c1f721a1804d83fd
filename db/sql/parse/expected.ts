/**
 * What could have stood where a syntax error is. The grammar does not say; but it can be asked: a text up to the error with one
 * more token either fails at the end of the input, then the token may stand there, or at the token itself.
 */
import type { Grammar } from './grammar.ts';

/** Each question is another parse, so only short beginnings are asked about. */
const CHARACTERS_MAX = 400;
/** A longer list helps nobody. */
const ANSWERS_MAX = 6;

/** What to call it, and what to try. */
type Candidate = readonly [name: string, text: string];

/** Where an expression may stand, so may a name, a bracket and much else: then that is all there is to say. */
const EXPRESSION: Candidate = ['an expression', '1.5'];
const CANDIDATES: readonly Candidate[] = [
  ['a name', 'name_'],
  ...[')', '(', ',', '='].map((sign): Candidate => [`"${sign}"`, sign]),
  // With what follows them: most words of SQL are names too, and only tell themselves apart by that.
  ...(
    'AS x|SELECT 1|FROM x|WHERE x|SET x = 1|VALUES (1)|INTO x|TABLE x|INDEX x ON y|ON x|BY 1|TO x|IN (1)|IS NULL|LIKE x|AND x|' +
    'THEN x|WHEN x|END|NULL|JOIN x|DO NOTHING|CONFLICT DO NOTHING|RENAME TO x|ADD x int|DROP COLUMN x|COLUMN x|ROWS ONLY'
  )
    .split('|')
    .map((words): Candidate => [words.split(' ', 1)[0]!, words]),
];

/** What may stand there, or none when that would say too much. `character`: of the token in error, from 1; null at the end. */
export function expected(grammar: Grammar, text: string, character: number | null): readonly string[] {
  const before =
    character === null
      ? text
      : Array.from(text)
          .slice(0, character - 1)
          .join('');
  if (before.length > CHARACTERS_MAX) return [];
  if (mayStand(grammar, before, EXPRESSION)) return [EXPRESSION[0]];
  const names: string[] = [];
  for (const candidate of CANDIDATES) {
    if (mayStand(grammar, before, candidate)) names.push(candidate[0]);
    if (names.length > ANSWERS_MAX) return [];
  }
  return names;
}

function mayStand(grammar: Grammar, before: string, [, text]: Candidate): boolean {
  const answer = grammar.parse(`${before} ${text}`);
  return !('problem' in answer) || answer.problem.endsWith('at end of input');
}
