/**
 * What somebody typed into a search field, taken apart: words, `+must`, `-not`, `"a phrase"`, `prefix*`. Every text is a query:
 * a sign that makes no sense where it stands is one more character between words.
 */

export type Role = 'should' | 'must' | 'not';

export interface Clause {
  readonly role: Role;
  readonly form: 'text' | 'phrase' | 'prefix';
  readonly text: string;
}

/** What is beyond is not read. */
const UNITS_MAX = 4_096;
const CLAUSES_MAX = 128;

const SPACE = /\s/;
const QUOTES = '"\u201c\u201d\u201e';
const WORD = /[\p{L}\p{N}]/u;

export function parseTextQuery(query: string): readonly Clause[] {
  const text = query.slice(0, UNITS_MAX);
  const clauses: Clause[] = [];
  let at = 0;
  while (at < text.length && clauses.length < CLAUSES_MAX) {
    if (SPACE.test(text[at]!)) {
      at += 1;
      continue;
    }
    const role = roleAt(text, at);
    const start = role === 'should' ? at : at + 1;
    const isPhrase = QUOTES.includes(text[start]!);
    const end = isPhrase ? phraseEnd(text, start + 1) : chunkEnd(text, start);
    const clause = isPhrase ? phrase(role, text.slice(start + 1, end)) : chunk(role, text.slice(start, end));
    if (WORD.test(clause.text)) clauses.push(clause);
    at = isPhrase ? end + 1 : end;
  }
  return clauses;
}

/** A sign is one where a word or a phrase begins right behind it. */
function roleAt(text: string, at: number): Role {
  const sign = text[at];
  const next = text[at + 1];
  if ((sign !== '+' && sign !== '-') || next === undefined) return 'should';
  // The second half of a pair is no letter by itself.
  const isBegun = QUOTES.includes(next) || WORD.test(String.fromCodePoint(text.codePointAt(at + 1)!));
  if (!isBegun) return 'should';
  return sign === '+' ? 'must' : 'not';
}

function phrase(role: Role, text: string): Clause {
  return { role, form: 'phrase', text };
}

function chunk(role: Role, text: string): Clause {
  return text.endsWith('*')
    ? { role, form: 'prefix', text: text.replace(/\*+$/, '') }
    : { role, form: 'text', text };
}

/** The closing quote, or the end: who is still typing has not closed it. */
function phraseEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !QUOTES.includes(text[at]!)) at += 1;
  return at;
}

function chunkEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && !SPACE.test(text[at]!) && !QUOTES.includes(text[at]!)) at += 1;
  return at;
}
