import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Vocabulary } from '../../../../../db/ranking/indexes/text/vocabulary.ts';
import { WordFinder } from '../../../../../db/ranking/indexes/text/word-finder.ts';

/** Optimal string alignment, by its definition. */
function distance(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, row) =>
    Array.from({ length: other.length + 1 }, (_, column) => (row === 0 ? column : column === 0 ? row : 0)),
  );
  for (let row = 1; row <= one.length; row++)
    for (let column = 1; column <= other.length; column++) {
      const cost = one[row - 1] === other[column - 1] ? 0 : 1;
      let least = Math.min(
        rows[row - 1]![column]! + 1,
        rows[row]![column - 1]! + 1,
        rows[row - 1]![column - 1]! + cost,
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1])
        least = Math.min(least, rows[row - 2]![column - 2]! + 1);
      rows[row]![column] = least;
    }
  return rows[one.length]![other.length]!;
}

function prefixDistance(typed: string, word: string): number {
  return Math.min(
    ...Array.from({ length: word.length + 1 }, (_, end) => distance(typed, word.slice(0, end))),
  );
}

const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 7 }), {
  maxLength: 60,
});
const typedWord = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 7 });

describe('finding words', () => {
  test.each(['whole', 'prefix'] as const)(
    'by the %s finds all that are near enough, and says how near',
    (match) => {
      fc.assert(
        fc.property(words, typedWord, fc.integer({ min: 0, max: 2 }), (given, typed, most) => {
          // As it is asked: fewer typos than letters.
          const typos = Math.min(most, typed.length - 1);
          const vocabulary = new Vocabulary();
          for (const word of given) vocabulary.intern(word);
          const finder = new WordFinder(vocabulary);
          const found = finder.heaviest(finder.find(typed, match, typos), 1_000, () => 1);
          const measure = match === 'whole' ? distance : prefixDistance;
          const expected = new Map<string, number>();
          for (let id = 0; id < vocabulary.size; id++) {
            const word = vocabulary.word(id);
            const away = measure(typed, word);
            if (away > typos || (away === 2 && word[0] !== typed[0])) continue;
            expected.set(word, away);
          }
          expect(new Map(found.map(({ word, typos: away }) => [vocabulary.word(word), away]))).toEqual(
            expected,
          );
        }),
        { numRuns: 300 },
      );
    },
  );

  test('keeps words sorted as they come', () => {
    fc.assert(
      fc.property(words, words, (first, second) => {
        const vocabulary = new Vocabulary();
        for (const word of first) vocabulary.intern(word);
        vocabulary.sorted();
        for (const word of second) vocabulary.intern(word);
        const sorted = Array.from(vocabulary.sorted(), (id) => vocabulary.word(id));
        expect(sorted).toEqual(sorted.toSorted());
        expect(sorted.length).toBe(vocabulary.size);
      }),
    );
  });
});
