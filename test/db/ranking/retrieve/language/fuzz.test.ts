import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import { parse, parseScript, print } from '../../../../../db/ranking/retrieve/language/index.ts';
import { statements } from './arbitrary-statements.ts';

/** Read, it is a statement that prints to one that is the same; else it is refused with a typed error. */
function taken(text: string): void {
  try {
    for (const statement of parseScript(text)) expect(parse(print(statement))).toEqual(statement);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    expect(['INVALID_ARGUMENT', 'TOO_LARGE']).toContain(error.code);
    expect(error.message).toMatch(/^at \d+:\d+: /);
    expect(error.message.length).toBeLessThan(600);
    expect(error.message.isWellFormed()).toBe(true);
  }
}

const VOCABULARY =
  `RETRIEVE SEARCH SUGGEST EXPLAIN SIGNAL UPSERT DELETE RELATE UNRELATE DEFINE DROP SHOW EVALUATE items item QUERY VECTOR
  FOR USER CONTEXT USING PROFILE SORT BY FILTER WITHIN RELATED TO EXCLUDE DIVERSITY WINDOW LIMIT CURSOR AT AS OF POSITION TIMESTAMP
  SEED SELECT TRENDING COHORT FOLLOWING CREATOR ITEMS TOP ENTITY RELATIONSHIP ON POSITIVE DECAY EXPONENTIAL HALF LIFE WINDOWS
  WEIGHT DEFAULT LATE EFFECTS STATE PREFERENCE CLAMP CANDIDATES SCORE GATES EXPLORATION COMPOSE SUM PIN BOOST BURY DRY RUN CASCADE
  AND OR NOT IN BETWEEN HAS ANY TRUE FALSE NULL unseen seen view count score age_hours neighbours base recency signals top new
  max_per_creator format_mix PREFIX FROM VS SAMPLE SET STATES KEYWORD TEXT KEYWORDS COMPUTED REFERENCES METRIC cosine DIMENSION
  ( ) [ ] , : . .. ; = <> < <= > >= + - * / @u1 @'a b' $1 $name 'text' "text" 'it''s' 1 0.5 2e3 24h 7d 1700000000s \`odd name\``.split(
    /\s+/,
  );

test('any sequence of words of the language is read or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...VOCABULARY), { maxLength: 30 }), (words) =>
      taken(words.join(' ')),
    ),
    { numRuns: 1_500 },
  );
});

test('any text is read or refused', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 80 }), taken), { numRuns: 1_000 });
});

const VERB = fc.constantFrom(
  'RETRIEVE items FILTER ',
  'SIGNAL v ON @i ',
  'DEFINE PROFILE p ON item ',
  'UPSERT item @i SET a = ',
);

test('any text behind a good beginning is read or refused', () => {
  const tail = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
  fc.assert(
    fc.property(VERB, tail, (verb, rest) => taken(verb + rest)),
    { numRuns: 1_000 },
  );
});

test('statements that were cut, mixed up and spelt wrongly are read or refused', () => {
  const slip = fc.record({
    kind: fc.constantFrom('cut', 'drop', 'double', 'swap', 'insert'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    what: fc.constantFrom("'", '"', '`', '(', ')', ',', '@', '$', '-', '\0', '\ud800', 'é', '/*', '1e', ' '),
  });
  fc.assert(
    fc.property(statements, fc.array(slip, { minLength: 1, maxLength: 3 }), (statement, slips) => {
      let text = print(statement);
      for (const { kind, at, what } of slips) {
        const place = Math.floor(at * text.length);
        if (kind === 'cut') text = text.slice(0, place);
        else if (kind === 'drop') text = text.slice(0, place) + text.slice(place + 1);
        else if (kind === 'double') text = text.slice(0, place) + text.slice(Math.max(0, place - 7));
        else if (kind === 'swap') text = text.slice(place) + text.slice(0, place);
        else text = text.slice(0, place) + what + text.slice(place);
      }
      taken(text);
    }),
    { numRuns: 1_000 },
  );
});
