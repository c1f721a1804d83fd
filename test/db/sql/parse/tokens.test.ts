import fc from 'fast-check';
import { loadModule, scanSync } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { nextToken, type Token } from '../../../../db/sql/parse/tokens.ts';
import { REFUSED, TAKEN } from './examples/index.ts';

beforeAll(loadModule);

/** Everything the lexical rules tell apart, and what they fall over. Without `?`, which is ours. */
const FRAGMENTS = [
  ...[
    'select',
    'a',
    'é',
    '_x',
    'A$1',
    'n',
    'e',
    'E',
    'b',
    'x',
    'X',
    'u',
    'U&',
    'uescape',
    '_',
    '😀',
    '\u00a0',
  ],
  ...["'", '"', "''", '""', "E'", "x'", "b'", "N'", "u&'", 'U&"', '\\', "'a'", '"b"', "''''"],
  ...['$', '$$', '$a$', '$é$', '$1', '$12', '$1a'],
  ...[
    '0',
    '1',
    '12',
    '1_0',
    '1__0',
    '0x',
    '0xf',
    '0b1',
    '0o7',
    '1e',
    '1e5',
    '1e+',
    '2E-3',
    '.',
    '..',
    '.5',
    '1.',
  ],
  ...'+-*/<>=~!@#%^&|`:;,()[]{}'.split(''),
  ...[
    '--',
    '-- c',
    '/*',
    '*/',
    '/* c */',
    '::',
    ':=',
    '=>',
    '<=',
    '>=',
    '<>',
    '!=',
    '->',
    '->>',
    '@>',
    '||',
    '+-',
    '*-',
  ],
  ...[' ', ' ', '\n', '\t', '\r', '\f', '\v', '\u007f'],
];

describe('tokens', () => {
  test('begin and end where PostgreSQL says', () => {
    const soup = fc.array(fc.constantFrom(...FRAGMENTS), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(soup, (fragments) => expectSameTokens(fragments.join(''))),
      { numRuns: 6000 },
    );
  });

  test('begin and end where PostgreSQL says, in statements people write', () => {
    for (const sql of [...TAKEN, ...REFUSED].map(([text]) => text))
      expectSameTokens(sql.replaceAll('?', '$1'));
  });

  test.each([
    ['a=?', ['a', '=', '?']],
    ['?||?', ['?', '||', '?']],
    ['a?-1', ['a', '?', '-', '1']],
    ['x @>?::json', ['x', '@>', '?', '::', 'json']],
    ['? ?? ?|', ['?', '?', '?', '?', '|']],
    ['=?--c', ['=', '?']],
  ])('a question mark is a parameter by itself: %s', (text, tokens) => {
    expect(ours(text)).toEqual(tokens);
  });

  test('words are folded as PostgreSQL folds them: only the letters of ASCII', () => {
    expect(words('SELECT Größe İ "Ab" É')).toEqual(['select', 'größe', 'İ', '', 'É']);
  });

  test.each([
    ["'abc", 'syntax error at 1:1: a quoted string never ends; close it with a single quote'],
    ['a "b', 'syntax error at 1:3: a quoted name never ends; close it with a double quote'],
    ['a\n""', 'syntax error at 2:1: a quoted name is empty; put a name between the double quotes'],
    ['a /* b /* c */', 'syntax error at 1:3: a comment that begins with /* never ends; close it with */'],
    ['$a$ b $b$', 'syntax error at 1:1: a string that begins with $a$ never ends; close it with $a$'],
    ['12abc', 'syntax error at 1:3: the number 12 runs into a word; put a space between them'],
    ['$1x', 'syntax error at 1:3: the parameter $1 runs into a word; put a space between them'],
    [
      'n'.repeat(64),
      'syntax error at 1:1: the name "nnnnnnnnnnnnnnnnnnnn…" is longer than 63 bytes; choose a shorter one',
    ],
  ])('what is no token says so: %s', (text, message) => {
    expect(() => ours(text)).toThrow(message);
  });

  test('a name of 63 bytes is still one', () => {
    expect(ours(`"${'é'.repeat(31)}x"`)).toHaveLength(1);
  });
});

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) found.push(token);
  return found;
}

function ours(text: string): string[] {
  return tokens(text).map(({ start, end }) => text.slice(start, end));
}

function words(text: string): string[] {
  return tokens(text).map(({ word }) => word);
}

/** PostgreSQL also looks into strings; where it finds a bad escape there, the token ends where it does all the same. */
const INSIDE_STRINGS = /Unicode|escape|surrogate|byte sequence|UESCAPE/i;

function expectSameTokens(text: string): void {
  const theirs = scanned(text);
  // Its scanner writes control characters into JSON as they are.
  if (theirs instanceof SyntaxError) return;
  if (theirs instanceof Error || theirs.some((token) => runsIntoWord(text, token))) {
    if (theirs instanceof Error && INSIDE_STRINGS.test(theirs.message)) return;
    expect(() => tokens(text), `${JSON.stringify(text)} is refused`).toThrow(TruthError);
    return;
  }
  const bytes = tokens(text).map(({ start, end }) => [byteAt(text, start), byteAt(text, end)]);
  expect(bytes, JSON.stringify(text)).toEqual(theirs);
}

/** PostgreSQL refuses `$1a`; libpg-query's scanner alone does not. */
function runsIntoWord(text: string, [start, end]: readonly [number, number]): boolean {
  const bytes = Buffer.from(text);
  return (
    /^\$[0-9]+$/.test(bytes.toString('utf8', start, end)) &&
    /^[\w\u0080-\uffff]/.test(bytes.toString('utf8', end))
  );
}

function byteAt(text: string, unit: number): number {
  return Buffer.byteLength(text.slice(0, unit));
}

function scanned(text: string): (readonly [number, number])[] | Error {
  try {
    return scanSync(text)
      .tokens.filter(({ tokenName }) => tokenName !== 'SQL_COMMENT' && tokenName !== 'C_COMMENT')
      .map(({ start, end }) => [start, end] as const);
  } catch (error) {
    return error as Error;
  }
}
