import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextIndex } from '../../../../../db/ranking/indexes/text/text-index.ts';

const TITLES = [
  'Spider-Man: Homecoming',
  'The Amazing Spiderman Returns',
  'A Man and a Spider',
  'Come Home, Man',
  'It',
  'The Thing',
  'Thing',
  'Crème Brûlée for Beginners',
  'Straße nach Süden',
  '東京物語',
  '東京の京都',
  "Ocean's Eleven",
  'readFile and writeFile in fs.promises',
  'Русский ковчег',
  'Dune: Part Two',
  'Part One of Two Dunes',
];

function indexOf(titles: readonly string[]): TextIndex {
  const index = new TextIndex(1n);
  index.configure([{ attribute: 1, weight: 1 }]);
  for (const [at, title] of titles.entries()) index.put(at + 1, [{ attribute: 1, texts: [title] }], true);
  return index;
}

const index = indexOf(TITLES);

function found(query: string): readonly string[] {
  return [...index.search(query, 20, null).items].map((number) => TITLES[number - 1]!);
}

describe('a text query', () => {
  test.each([
    ['spiderman', ['Spider-Man: Homecoming', 'The Amazing Spiderman Returns']],
    ['+spider +man', ['Spider-Man: Homecoming', 'A Man and a Spider']],
    ['man -spider', ['Come Home, Man']],
    ['+man -"spider man"', ['Come Home, Man', 'A Man and a Spider']],
    ['"spider man"', ['Spider-Man: Homecoming']],
    ['home*', ['Spider-Man: Homecoming', 'Come Home, Man']],
    ['creme brulee', ['Crème Brûlée for Beginners']],
    ['STRASSE', ['Straße nach Süden']],
    ['sud', []],
    ['東京', ['東京物語', '東京の京都']],
    ['京都', ['東京の京都']],
    ['語', ['東京物語']],
    ['ocean eleven', ["Ocean's Eleven"]],
    ['readfile', ['readFile and writeFile in fs.promises']],
    ['fs.promises', ['readFile and writeFile in fs.promises']],
    ['read', ['readFile and writeFile in fs.promises']],
    ['русский', ['Русский ковчег']],
    ['+dune +"part two"', ['Dune: Part Two']],
    ['dunes "part one"', ['Part One of Two Dunes', 'Dune: Part Two']],
    ['-dune', []],
    ['+nothinglikeit man', []],
    ['"', []],
    ['', []],
  ])('%s finds %j', (query, titles) => {
    const items = found(query);
    expect(items.toSorted()).toEqual(titles.toSorted());
    if (titles.length > 0) expect(items[0]).toBe(titles[0]);
  });

  test('made of stop words finds titles made of them', () => {
    expect(found('it')[0]).toBe('It');
    expect(found('the thing')[0]).toBe('The Thing');
    expect(found('thing')[0]).toBe('Thing');
  });

  test('forgives a typo and a missing space in words that nothing has', () => {
    expect(found('homecomming')[0]).toBe('Spider-Man: Homecoming');
    expect(found('comehome')[0]).toBe('Come Home, Man');
  });

  test('puts words that stand together first, and a title that is the query before all', () => {
    const titles = [
      'star of the wars',
      'wars and the star',
      'star wars and more star',
      'star wars',
      'wars star',
    ];
    const hits = [...indexOf(titles).search('star wars', 9, null).items].map((number) => titles[number - 1]);
    expect(hits[0]).toBe('star wars');
    expect(hits.indexOf('star of the wars')).toBeLessThan(hits.indexOf('wars and the star'));
  });

  test('of any characters is answered', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '+',
        '-',
        '"',
        '*',
        ' ',
        'man',
        'spider',
        '\ud800',
        '\u0301',
        "'",
        '.',
        '東',
        '\u00ad',
        'ß',
        '_',
        'X',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 0, max: 5 }), (pieces, limit) => {
        const query = pieces.join('');
        const { items, scores, total } = index.search(query, limit, null);
        expect(items.length).toBeLessThanOrEqual(limit);
        expect(total).toBeGreaterThanOrEqual(items.length);
        expect(scores.every((score) => score > 0 && Number.isFinite(score))).toBe(true);
        index.suggest(query, limit);
      }),
      { numRuns: 200 },
    );
  });

  test('of great length is answered too', () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `w${at}*`).join(' ');
    expect(found(many)).toEqual([]);
    expect(found(`${'a'.repeat(100_000)} man`)).toEqual([]);
  });
});
