/**
 * Our clauses of a SELECT, which PostgreSQL's grammar does not know: AS OF POSITION n, AS OF TIMESTAMP t, HISTORY. They are found
 * among the tokens and cut out. `AS OF POSITION` occurs nowhere in PostgreSQL's SQL; HISTORY is a name there, and `t HISTORY` an
 * alias, so a HISTORY that can be no operand is taken for the clause, or refused where the clause cannot stand.
 */
import { isBare } from './cursor.ts';
import { notSupported, syntaxError } from './refusal.ts';
import type { Range } from './rewritten.ts';
import type { StatementSource } from './statements.ts';
import type { Token } from './tokens.ts';

/** The constant behind AS OF POSITION or AS OF TIMESTAMP, or a side of DIFF's BETWEEN. */
export interface OwnPosition {
  readonly kind: 'position' | 'timestamp';
  /** Where the clause begins. */
  readonly at: number;
  readonly expression: Range;
}

export interface LiftedQuery {
  readonly asOf: OwnPosition | null;
  /** Where it stands, or null. */
  readonly history: number | null;
  /** What is left for PostgreSQL's grammar. */
  readonly rest: readonly Range[];
}

/** The query from a token on to the statement's end. Errors: INVALID_ARGUMENT (42601, 0A000). */
export function liftClauses(source: StatementSource, first: number): LiftedQuery {
  const { text, tokens } = source;
  const cut: Range[] = [];
  let asOf: OwnPosition | null = null;
  let history: number | null = null;
  let depth = 0;
  let from = false;
  for (let index = first; index < tokens.length; index += 1) {
    const token = tokens[index]!;
    if (isOpening(token)) depth += 1;
    if (isClosing(token)) depth -= 1;
    if (isAsOf(tokens, index)) {
      refuseMisplacedAsOf(source, token, { depth, from, again: asOf !== null });
      const end = endOfPosition(source, index);
      asOf = ownPosition(source, { clause: index, word: index + 2, first: index + 3, end });
      cut.push({ start: token.start, end: asOf.expression.end });
      index = end - 1;
    } else if (depth === 0 && isBare(token, 'from') && !isBare(tokens[index - 1], 'distinct')) {
      from = true;
    } else if (depth === 0 && from && isHistory(source, index)) {
      if (history !== null)
        throw syntaxError(text, token.start, 'HISTORY stands here twice', 'write it once');
      history = token.start;
      cut.push(token);
    }
  }
  return { asOf, history, rest: complement(cut, tokens[first]!.start, source.end) };
}

/** Errors: 0A000 where a statement that is no query looks at the past. */
export function refuseAsOf(source: StatementSource): void {
  const index = source.tokens.findIndex((_, at) => isAsOf(source.tokens, at));
  if (index < 0) return;
  throw notSupported(source.text, source.tokens[index]!.start, 'AS OF', 'only a SELECT looks at the past');
}

/** Tokens of a position: where its clause begins, the word for its kind, the constant from `first` to before `end`. */
interface PositionTokens {
  readonly clause: number;
  readonly word: number;
  readonly first: number;
  readonly end: number;
}

/** Errors: 42601 when no constant stands there. */
export function ownPosition(
  source: StatementSource,
  { clause, word, first, end }: PositionTokens,
): OwnPosition {
  const { text, tokens } = source;
  const kind = isBare(tokens[word], 'timestamp') ? 'timestamp' : 'position';
  const start = tokens[first]?.start ?? source.end;
  const last = tokens[end - 1];
  if (last === undefined || end <= first) {
    const example =
      kind === 'position' ? 'a number, as in POSITION 42' : "a time, as in TIMESTAMP '2026-01-31 12:00'";
    throw syntaxError(text, start, `no ${kind} stands here`, `expected ${example}`);
  }
  return { kind, at: tokens[clause]!.start, expression: { start, end: last.end } };
}

function isOpening(token: Token): boolean {
  return token.word === '(' || token.word === '[';
}

function isClosing(token: Token): boolean {
  return token.word === ')' || token.word === ']';
}

function isAsOf(tokens: readonly Token[], index: number): boolean {
  return (
    isBare(tokens[index], 'as') &&
    isBare(tokens[index + 1], 'of') &&
    (isBare(tokens[index + 2], 'position') || isBare(tokens[index + 2], 'timestamp'))
  );
}

function refuseMisplacedAsOf(
  { text }: StatementSource,
  { start }: Token,
  place: { readonly depth: number; readonly from: boolean; readonly again: boolean },
): void {
  if (place.depth > 0) {
    throw notSupported(
      text,
      start,
      'AS OF within parentheses',
      'it stands once, behind FROM or at the end, for the whole query',
    );
  }
  if (!place.from)
    throw syntaxError(text, start, 'AS OF stands before FROM', 'put it behind the table or at the end');
  if (place.again) throw syntaxError(text, start, 'AS OF stands here twice', 'a query looks at one position');
}

/** Words that begin what may follow in a query. */
const FOLLOWS = new Set(
  'where group having order limit offset fetch for window union intersect except history as'.split(' '),
);
/** Words and signs that go on with FROM, where AS OF and HISTORY have come too early. */
const GOES_ON = new Set([...'join inner left right full cross natural on using tablesample'.split(' '), ',']);

/** Index behind the last token of the constant. */
function endOfPosition(source: StatementSource, asOf: number): number {
  const { text, tokens } = source;
  let depth = 0;
  for (let index = asOf + 3; index < tokens.length; index += 1) {
    const token = tokens[index]!;
    if (isOpening(token)) depth += 1;
    if (isClosing(token)) depth -= 1;
    if (depth < 0) return index;
    if (depth > 0 || token.kind === 'quoted') continue;
    if (FOLLOWS.has(token.word)) return index;
    if (GOES_ON.has(token.word)) {
      throw syntaxError(
        text,
        tokens[asOf]!.start,
        'AS OF stands within FROM',
        'put it behind the whole FROM clause',
      );
    }
  }
  return tokens.length;
}

/** What an operand follows, in words; after a sign other than a closing bracket one always follows. */
const EXPECTS_OPERAND = new Set(
  (
    'select distinct from where and or not on having by limit offset when then else case in like ilike similar to between ' +
    'symmetric asymmetric is escape zone join lateral set using values union except intersect collate any some array with ' +
    'returning default'
  ).split(' '),
);

/** Errors: 42601 where it would silently be an alias. */
function isHistory(source: StatementSource, index: number): boolean {
  const { text, tokens } = source;
  const token = tokens[index]!;
  if (!isBare(token, 'history')) return false;
  const before = tokens[index - 1]!;
  const after = tokens[index + 1];
  if (isBare(before, 'as') || (before.kind === 'sign' && !isClosing(before))) return false;
  if (before.kind === 'word' && EXPECTS_OPERAND.has(before.word)) return false;
  if (isBare(after, '.') || isBare(after, '(')) return false;
  if (after === undefined || (after.kind === 'word' && FOLLOWS.has(after.word))) return true;
  throw syntaxError(
    text,
    token.start,
    'HISTORY stands within FROM',
    'put it behind the whole FROM clause or at the end; an alias of that name is written AS history',
  );
}

function complement(cut: readonly Range[], start: number, end: number): readonly Range[] {
  const rest: Range[] = [];
  let from = start;
  for (const range of cut) {
    rest.push({ start: from, end: range.start });
    from = range.end;
  }
  rest.push({ start: from, end });
  return rest.filter((range) => range.end > range.start);
}
