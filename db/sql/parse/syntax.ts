/** What PostgreSQL's grammar says about a text it does not take, in our words: where, what was found, what could stand there. */
import { expected } from './expected.ts';
import type { Grammar } from './grammar.ts';
import { placeOf, syntaxError, tooLarge } from './refusal.ts';
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
  if (!problem.startsWith('syntax error')) return otherProblem(text, at, problem);
  const index = problem.endsWith('at end of input')
    ? -1
    : source.tokens.findIndex((token) => token.start >= at);
  const tokens = index < 0 ? source.tokens : source.tokens.slice(0, index);
  const token = index < 0 ? undefined : source.tokens[index];
  const found = token === undefined ? 'the end of the statement' : `"${excerpt(text, token)}"`;
  const names = expected(grammar, rewritten.text, token === undefined ? null : character);
  const error = { text, tokens, token, names };
  return syntaxError(text, token === undefined ? source.end : at, `found ${found}`, wayOut(error));
}

/** What the grammar says in sentences of its own. */
function otherProblem(text: string, at: number, problem: string): Error {
  if (problem.startsWith('LIMIT #,#'))
    return syntaxError(text, at, 'LIMIT has a comma', 'write LIMIT 10 OFFSET 5');
  if (problem.includes('byte sequence')) return syntaxError(text, at, problem, 'send UTF-8', '22021');
  return syntaxError(text, at, problem, 'write it another way');
}

const EXCERPT_MAX = 40;

function excerpt(text: string, { start, end }: Token): string {
  const written = text.slice(start, end);
  return written.length <= EXCERPT_MAX ? written : `${written.slice(0, EXCERPT_MAX)}…`;
}

interface Found {
  readonly text: string;
  /** Those before the one that cannot stand there. */
  readonly tokens: readonly Token[];
  /** That one; undefined at the end. */
  readonly token: Token | undefined;
  /** What could stand there. */
  readonly names: readonly string[];
}

/** The best that can be said: a known habit, then what the grammar would take, then a bracket left open. */
function wayOut(found: Found): string {
  const { tokens, token, names } = found;
  const before = tokens.at(-1);
  const habit = habitOf(found);
  if (habit !== null) return habit;
  if (before === undefined)
    return 'expected a statement, such as SELECT, INSERT, UPDATE, DELETE or CREATE TABLE';
  const hints = [
    ...(names.length === 0 ? [] : [`expected ${enumeration(names)}`]),
    ...(quoteReserved(before, WORDS_BEFORE) ?? quoteReserved(token, WORDS_FOUND) ?? []),
    ...(names.length === 0 ? bracketHint(found) : []),
  ];
  return hints.length === 0 ? 'docs/sql.md says what can stand there' : hints.join('; ');
}

function habitOf({ tokens, token }: Found): string | null {
  const before = tokens.at(-1);
  if (before?.word === 'of' && tokens.at(-2)?.word === 'as') {
    return "AS OF is followed by POSITION and a number, or by TIMESTAMP and a 'time'";
  }
  const suspect =
    [...tokens, token].find((one) => one?.word.includes('`')) ?? (before?.word === 'top' ? before : token);
  return HABITS.get(suspect?.word ?? '') ?? null;
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

/** What is open where a statement's end or a new clause comes; or a bracket that closes nothing. */
function bracketHint({ text, tokens, token }: Found): readonly string[] {
  const open: Token[] = [];
  for (const one of tokens) {
    if (one.word === '(' || one.word === '[' || one.word === 'case') open.push(one);
    if (one.word === ')' || one.word === ']' || one.word === 'end') open.pop();
  }
  const last = open.at(-1);
  if (last === undefined) return token?.word === ')' ? ['it closes nothing'] : [];
  const { line, column } = placeOf(text, last.start);
  if (last.word === 'case') return [`the CASE at ${line}:${column} has no END`];
  return [`the "${last.word}" at ${line}:${column} is not closed`];
}

const HABITS: ReadonlyMap<string, string> = new Map([
  ['`', 'names are quoted with "double quotes"'],
  ['auto_increment', 'give the value in the INSERT, or use UUID'],
  ['autoincrement', 'give the value in the INSERT, or use UUID'],
  ['replace', 'write INSERT … ON CONFLICT (key) DO UPDATE SET …'],
  ['describe', "ask psql's \\d, or information_schema"],
  ['use', 'a connection sees one database, its tenant'],
  ['top', 'write LIMIT at the end'],
  ['diff', 'write DIFF TABLE t BETWEEN 5 AND 9'],
]);
