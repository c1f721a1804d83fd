/**
 * Questions:
 *
 *     [EXPLAIN] RETRIEVE kind clause*
 *     [EXPLAIN] SEARCH kind clause*            with QUERY, VECTOR or both among them
 *     SUGGEST kind PREFIX text [LIMIT n]
 *
 * Clauses come in any order, each once but WITHIN and RELATED TO.
 */
import type { Moment, ProfileName, QueryStatement, SuggestStatement, VectorOperand } from './ast.ts';
import { conditions } from './conditions.ts';
import { diversityRules } from './diversity.ts';
import type { Reader } from './reader.ts';
import { invalid } from './refusal.ts';
import { related, within } from './within.ts';
import { QUERY_CLAUSES, SORT_MODES } from './words.ts';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };
type Clauses = Writable<Omit<QueryStatement, 'statement' | 'kind' | 'explain'>>;

export const NO_CLAUSES: Omit<QueryStatement, 'statement' | 'kind' | 'explain'> = Object.freeze({
  text: null,
  vector: null,
  user: null,
  context: null,
  profile: null,
  sort: null,
  filter: null,
  within: [],
  exclude: [],
  diversity: [],
  window: null,
  limit: null,
  cursor: null,
  moment: null,
  seed: null,
  select: [],
});

/** Errors: INVALID_ARGUMENT, TOO_LARGE. The reader stands behind the verb. */
export function query(reader: Reader, statement: 'retrieve' | 'search', explain: boolean): QueryStatement {
  const kind = reader.name('the name of a kind, such as items');
  const clauses: Clauses = { ...NO_CLAUSES };
  const { start } = reader;
  while (!reader.isA('end') && !reader.isSign(';')) {
    const word = clauseWord(reader);
    if (word === 'query' && statement === 'retrieve') {
      const message = 'RETRIEVE has no QUERY; write SEARCH … QUERY "…", or WITHIN SEARCH "…"';
      throw invalid(reader.text, reader.start, message);
    }
    clause(reader, word, clauses);
  }
  if (statement === 'search' && clauses.text === null && clauses.vector === null) {
    throw invalid(reader.text, start, 'SEARCH looks for something: give it QUERY "…", VECTOR $v, or both');
  }
  return { statement, kind, ...clauses, explain };
}

type ClauseWord = (typeof QUERY_CLAUSES)[number];

/** By first letter, because this is asked for each clause of each query. */
const BY_LETTER: readonly (readonly ClauseWord[])[] = Array.from({ length: 26 }, (_, letter) =>
  QUERY_CLAUSES.filter((word) => word.charCodeAt(0) === 0x61 + letter),
);
const NO_WORDS: readonly ClauseWord[] = [];

function clauseWord(reader: Reader): ClauseWord {
  const letter = (reader.text.charCodeAt(reader.start) | 0x20) - 0x61;
  for (const word of BY_LETTER[letter] ?? NO_WORDS) if (reader.is(word)) return word;
  return reader.fail(...QUERY_CLAUSES.map((known) => known.toUpperCase()));
}

function clause(reader: Reader, word: ClauseWord, into: Clauses): void {
  const { start } = reader;
  reader.next();
  switch (word) {
    case 'within':
      into.within = [...into.within, within(reader)];
      return;
    case 'related':
      into.within = [...into.within, related(reader)];
      return;
    case 'for':
      forWhom(reader, start, into);
      return;
  }
  const isThere = into[FIELDS[word]];
  if (isThere !== null && isThere !== NO_CLAUSES[FIELDS[word]])
    throw twice(reader, start, word.toUpperCase());
  single(reader, word, into);
}

type SingleWord = Exclude<ClauseWord, 'within' | 'related' | 'for'>;

const FIELDS: Readonly<Record<SingleWord, keyof Clauses>> = {
  query: 'text',
  vector: 'vector',
  context: 'context',
  using: 'profile',
  sort: 'sort',
  filter: 'filter',
  exclude: 'exclude',
  diversity: 'diversity',
  window: 'window',
  limit: 'limit',
  cursor: 'cursor',
  at: 'moment',
  as: 'moment',
  seed: 'seed',
  select: 'select',
};

/** Clauses that are there once. */
function single(reader: Reader, word: SingleWord, into: Clauses): void {
  switch (word) {
    case 'query':
      into.text = reader.textOperand("a text in '…'");
      return;
    case 'vector':
      into.vector = vector(reader);
      return;
    case 'context':
      into.context = reader.name('a context, such as feed');
      return;
    case 'using':
      reader.accept('profile');
      into.profile = profileName(reader);
      return;
    case 'sort':
      reader.expect('by');
      into.sort = reader.oneOf('sort mode', SORT_MODES);
      return;
    case 'filter':
      into.filter = conditions(reader);
      return;
    case 'exclude':
      into.exclude = reader.enclosedOrNone('[', () => reader.key('a key, such as @i1'));
      return;
    case 'diversity':
      into.diversity = diversityRules(reader);
      return;
    case 'window':
      into.window = reader.window();
      return;
    case 'limit':
      into.limit = reader.numberOperand('a number from 1 to 1000');
      return;
    case 'cursor':
      into.cursor = reader.textOperand("the cursor of the page before, in '…'");
      return;
    case 'at':
      into.moment = { moment: 'at', time: reader.time() };
      return;
    case 'as':
      into.moment = asOf(reader);
      return;
    case 'seed':
      into.seed = reader.numberOperand('a number');
      return;
    case 'select':
      into.select = reader.list(() => reader.name('the name of an attribute'));
      return;
  }
}

function twice(reader: Reader, at: number, what: string): Error {
  return invalid(reader.text, at, `${what} is there twice; a query has one, join what they say`);
}

function forWhom(reader: Reader, at: number, into: Clauses): void {
  // A cohort is another way to say within whom something is popular.
  if (reader.is('cohort')) {
    into.within = [...into.within, within(reader)];
    return;
  }
  if (!reader.accept('user')) reader.fail('USER', 'COHORT');
  if (into.user !== null) throw twice(reader, at, 'FOR USER');
  into.user = reader.key('the key of a user, such as @u1');
}

function vector(reader: Reader): VectorOperand {
  const values = vectorValues(reader);
  const slot = reader.accept('on') ? reader.name('the name of an embedding') : null;
  return { values, slot };
}

/** A bare name is a parameter here: there is nothing else a name could mean. */
function vectorValues(reader: Reader): VectorOperand['values'] {
  if (reader.isSign('[')) return reader.enclosed('[', () => reader.list(() => reader.signed('a number')));
  if (reader.isA('parameter')) return reader.parameter();
  if (!reader.isA('word') || reader.isQuoted) reader.fail('numbers in […]', '$parameter');
  return reader.namedParameter();
}

function asOf(reader: Reader): Moment {
  reader.expect('of');
  if (reader.accept('position')) {
    return { moment: 'as of position', position: reader.numberOperand('a position of the log') };
  }
  if (!reader.accept('timestamp')) reader.fail('POSITION', 'TIMESTAMP');
  return { moment: 'as of timestamp', time: reader.time() };
}

export function profileName(reader: Reader): ProfileName {
  const name = reader.name('the name of a profile');
  const version = reader.acceptSign(':') ? reader.whole('a version', 1, Number.MAX_SAFE_INTEGER) : null;
  return { name, version };
}

/** Errors: INVALID_ARGUMENT. */
export function suggest(reader: Reader): SuggestStatement {
  const kind = reader.name('the name of a kind, such as items');
  reader.expect('prefix');
  const prefix = reader.textOperand("a text in '…'");
  const limit = reader.accept('limit') ? reader.numberOperand('a number from 1 to 1000') : null;
  return { statement: 'suggest', kind, prefix, limit };
}
