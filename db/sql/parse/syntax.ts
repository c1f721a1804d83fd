/** What PostgreSQL's grammar says about a text it does not take, in our words: where, what was found, what could stand there. */
import { expected } from './expected.ts';
import type { Grammar } from './grammar.ts';
import { syntaxError, tooLarge } from './refusal.ts';
import type { Rewritten } from './rewritten.ts';
import type { StatementSource } from './statements.ts';
import type { Token } from './tokens.ts';

interface Problem {
  readonly problem: string;
  readonly character: number;
}

/** Always an error to throw: INVALID_ARGUMENT (42601), TOO_LARGE where the grammar has no room left. */
export function grammarProblem(
  grammar: Grammar,
  source: StatementSource,
  rewritten: Rewritten,
  { problem, character }: Problem,
): Error {
  const { text } = source;
  const at = character > 0 ? rewritten.offsetOfCharacter(character) : source.start;
  if (problem.startsWith('memory exhausted') || problem.startsWith('out of memory')) {
    return tooLarge(text, at, 'the statement is more than the parser has room for; split it', '54001');
  }
  if (!problem.startsWith('syntax error')) return syntaxError(text, at, problem, 'write it another way');
  const index = problem.endsWith('at end of input')
    ? -1
    : source.tokens.findIndex((token) => token.start >= at);
  const tokens = index < 0 ? source.tokens : source.tokens.slice(0, index + 1);
  const token = index < 0 ? undefined : source.tokens[index];
  const found = token === undefined ? 'the end of the statement' : `"${excerpt(text, token)}"`;
  const names = expected(grammar, rewritten.text, token === undefined ? null : character);
  return syntaxError(
    text,
    token === undefined ? source.end : at,
    `found ${found}`,
    wayOut(tokens, token, names),
  );
}

const EXCERPT_MAX = 40;

function excerpt(text: string, { start, end }: Token): string {
  const written = text.slice(start, end);
  return written.length <= EXCERPT_MAX ? written : `${written.slice(0, EXCERPT_MAX)}…`;
}

/** `tokens` up to the one that cannot stand there, `token`, if it is one. */
function wayOut(tokens: readonly Token[], token: Token | undefined, names: readonly string[]): string {
  const habit = tokens.find(({ word }) => word.includes('`')) ?? token;
  const advice = habit === undefined ? undefined : HABITS[habit.word];
  if (advice !== undefined) return advice;
  const before = token === undefined ? tokens.at(-1) : tokens.at(-2);
  const hints = [
    ...(names.length === 0 ? [] : [`expected ${enumeration(names)}`]),
    ...(quoteReserved(before, WORDS_BEFORE) ?? quoteReserved(token, WORDS_FOUND) ?? []),
  ];
  return hints.length === 0 ? 'docs/sql.md says what can stand there' : hints.join('; ');
}

function enumeration(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** Words of SQL that people also like as names: at the error, and just before it, where the grammar still took them. */
const WORDS_FOUND = new Set(
  'user order group table column check default desc references primary end limit offset all'.split(' '),
);
const WORDS_BEFORE = new Set('user order group table column'.split(' '));

function quoteReserved(token: Token | undefined, words: ReadonlySet<string>): readonly string[] | null {
  if (token === undefined || token.kind !== 'word' || !words.has(token.word)) return null;
  return [`as a name it is written "${token.word}"`];
}

const HABITS: Readonly<Record<string, string>> = {
  '`': 'names are quoted with "double quotes"',
  auto_increment: 'give the value in the INSERT, or use UUID',
  autoincrement: 'give the value in the INSERT, or use UUID',
  replace: 'write INSERT … ON CONFLICT (key) DO UPDATE SET …',
  describe: "ask psql's \\d, or information_schema",
  use: 'a connection sees one database, its tenant',
  top: 'write LIMIT at the end',
};
