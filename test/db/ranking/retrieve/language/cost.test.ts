/** What a text costs to read grows with its length alone, whatever stands in it: counted in characters that the lexer steps over. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import { parseScript, print } from '../../../../../db/ranking/retrieve/language/index.ts';
import { Lexer } from '../../../../../db/ranking/retrieve/language/lexer.ts';
import { statements } from './arbitrary-statements.ts';

const CHARACTERS_MAX = 65_536;
/** Each character may be looked at so often: to see what comes next, and again to read it. */
const TIMES_MAX = 12;

let steps = 0;

beforeEach(() => {
  steps = 0;
  const { next } = Lexer.prototype;
  vi.spyOn(Lexer.prototype, 'next').mockImplementation(function (this: Lexer) {
    const from = this.end;
    next.call(this);
    steps += 1 + Math.max(0, this.end - from);
  });
});

afterEach(() => void vi.restoreAllMocks());

/** Reads it or is refused with a typed error; says how often each character was stepped over. */
function costOf(text: string): number {
  steps = 0;
  try {
    parseScript(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).message.length).toBeLessThan(600);
  }
  return steps / text.length;
}

function filled(beginning: string, pattern: string, end = ''): string {
  const room = CHARACTERS_MAX - beginning.length - end.length;
  return beginning + pattern.repeat(Math.max(1, Math.floor(room / pattern.length))) + end;
}

const BEGINNINGS = [
  '',
  'RETRIEVE items FILTER ',
  'RETRIEVE items FILTER year IN (1, ',
  'RETRIEVE items WITHIN COHORT (',
  'RETRIEVE items EXCLUDE [@a, ',
  'SEARCH items VECTOR [1, ',
  'SEARCH items QUERY "',
  'DEFINE PROFILE p ON item SCORE (base ',
  'DEFINE ENTITY item (a TEXT, ',
  'UPSERT item @i SET a = [1, ',
  'SIGNAL view ON @',
];
const PATTERNS = [
  ...[
    '(',
    ')',
    '((a',
    '[',
    '-',
    '+1',
    '1+',
    '(1+',
    '1-(',
    'NOT ',
    'NOT(',
    'a AND ',
    'a OR (',
    'a, ',
    'min(',
    '-(-',
  ],
  ...[
    '1, ',
    '1.',
    '..',
    '1e9',
    '9',
    '0.1 ',
    '9e',
    '1d',
    'x',
    'x ',
    'x.',
    'x:',
    'x:[',
    '`',
    '`a` ',
    "'",
    "''",
    '"" ',
    '"a" ',
  ],
  ...[
    '@',
    '@a ',
    '@a, ',
    "@'",
    '$',
    '$1, ',
    '$a ',
    ';',
    'SHOW SCHEMA; ',
    '/*',
    '/* */',
    '--',
    '-- \n',
    '\n',
    '\t ',
    'é',
    '東',
    '\0',
    '=',
  ],
  ...[
    'a = 1 OR ',
    'a IN (1) AND ',
    'a:1..2, ',
    'FILTER a ',
    'WITHIN SAVED ',
    'a HAS ',
    'b TEXT, ',
    'view.count(1h) + ',
    'decay(1, ',
  ],
];

test.each(BEGINNINGS)('however a text goes on behind %j', (beginning) => {
  for (const pattern of PATTERNS)
    expect(costOf(filled(beginning, pattern)), `${beginning}${pattern}…`).toBeLessThan(TIMES_MAX);
});

test('whatever words are repeated, and however statements are joined', () => {
  const words = fc.array(fc.constantFrom(...PATTERNS, ...BEGINNINGS), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...BEGINNINGS), words, (beginning, pattern) => {
      expect(costOf(filled(beginning, pattern.join('') || ' '))).toBeLessThan(TIMES_MAX);
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(statements, (statement) => {
      const text = print(statement);
      if (text.length < CHARACTERS_MAX) expect(costOf(filled('', `${text};\n`))).toBeLessThan(TIMES_MAX);
    }),
    { numRuns: 30 },
  );
});

test('numbers of any size are read as what they are, or refused', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789.eE+-dhw'), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(
      digits,
      fc.constantFrom('LIMIT ', 'SEED ', 'AT ', 'FILTER year > ', 'AS OF POSITION '),
      (text, clause) => {
        costOf(`RETRIEVE items ${clause}${text.join('')}`);
      },
    ),
    { numRuns: 400 },
  );
});
