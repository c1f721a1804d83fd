import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextIndex } from '../../../../../db/ranking/indexes/text/text-index.ts';

const TITLES = [
  'The Matrix',
  'The Matrix Reloaded',
  'Star Wars',
  'Star Trek: First Contact',
  'A Star Is Born',
  'Stargate',
  'Amélie',
  'Interstellar',
];

function indexOf(titles: readonly string[]): TextIndex {
  const index = new TextIndex(1n);
  index.configure([
    { attribute: 1, weight: 3 },
    { attribute: 2, weight: 1 },
  ]);
  for (const [at, title] of titles.entries()) {
    const changes = [
      { attribute: 1, texts: [title] },
      { attribute: 2, texts: ['a bodyword that no title has'] },
    ];
    index.put(at + 1, changes, true);
  }
  return index;
}

const texts = (index: TextIndex, typed: string, limit = 10): string[] =>
  index.suggest(typed, limit).map(({ text }) => text);

describe('suggestions', () => {
  const index = indexOf(TITLES);

  test('are words of titles and whole titles that begin so', () => {
    expect(texts(index, 'star')).toEqual([
      'star',
      'Stargate',
      'Star Wars',
      'Star Trek: First Contact',
      'A Star Is Born',
    ]);
    expect(texts(index, 'the mat')).toEqual(['The Matrix', 'The Matrix Reloaded']);
    expect(texts(index, 'matrix rel')).toEqual(['The Matrix Reloaded']);
    expect(texts(index, 'amel')).toEqual(['Amélie']);
  });

  test('forgive one typo in four letters and two in eight', () => {
    expect(texts(index, 'matirx')).toContain('The Matrix');
    expect(texts(index, 'star wras')).toEqual(['Star Wars']);
    expect(texts(index, 'intersetlalr')).toEqual(['Interstellar']);
    expect(texts(index, 'stx')).toEqual([]);
  });

  test('are titles only, and only those of documents that may be shown', () => {
    expect(texts(index, 'bodyw')).toEqual([]);
    const some = indexOf(TITLES);
    some.put(3, [], false);
    some.remove(6);
    expect(texts(some, 'star')).toEqual(['star', 'Star Trek: First Contact', 'A Star Is Born']);
    some.put(3, [], true);
    expect(texts(some, 'star w')).toEqual(['Star Wars']);
  });

  test('say how often a title is there, the most frequent first', () => {
    const twice = indexOf(['Blue Note', 'Blue Train', 'Blue Train', 'Kind of Blue']);
    expect(twice.suggest('blue', 3)).toEqual([
      { text: 'blue', weight: 4, typos: 0 },
      { text: 'Blue Train', weight: 2, typos: 0 },
      { text: 'Blue Note', weight: 1, typos: 0 },
    ]);
  });

  test('find a title by any of its words with any one typo', () => {
    const many = indexOf([...TITLES, ...Array.from({ length: 600 }, (_, at) => `filler number${at} thing`)]);
    const title = fc.constantFrom('Interstellar', 'Stargate', 'The Matrix Reloaded', 'Amélie');
    fc.assert(
      fc.property(
        title,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('drop', 'swap', 'other', 'more'),
        (text, where, letter, what) => {
          const word = text.split(' ').at(-1)!.toLowerCase();
          const at = 1 + (where % (word.length - 2));
          const sign = String.fromCharCode(97 + (letter % 26));
          const typed = {
            drop: word.slice(0, at) + word.slice(at + 1),
            swap: word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2),
            other: word.slice(0, at) + sign + word.slice(at + 1),
            more: word.slice(0, at) + sign + word.slice(at),
          }[what];
          expect(texts(many, typed)).toContain(text);
        },
      ),
    );
  });

  test('are as many as were asked for, in order', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.integer({ min: 0, max: 6 }), (typed, limit) => {
        const found = index.suggest(typed, limit);
        expect(found.length).toBeLessThanOrEqual(limit);
        for (const [at, { typos }] of found.entries())
          expect(typos).toBeGreaterThanOrEqual(found[at - 1]?.typos ?? 0);
        expect(new Set(found.map(({ text }) => text)).size).toBe(found.length);
      }),
    );
  });
});
