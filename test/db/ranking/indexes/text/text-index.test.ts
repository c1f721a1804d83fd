import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SortedNumbers } from '../../../../../db/ranking/indexes/bitmaps/index.ts';
import { TextIndex } from '../../../../../db/ranking/indexes/text/text-index.ts';
import { type OracleDocument, rank } from './bm25-oracle.ts';
import { chance } from './text-log.ts';

const WEIGHTS = [2, 1];
const FIELDS = WEIGHTS.map((weight, attribute) => ({ attribute, weight }));
const STEMS = 40;

/** Documents say it in one form and queries in another, so that the form makes no difference; the stem is the letters before. */
function stemOf(place: number): string {
  const letters = 'bcdfghjklm';
  return `${letters[Math.floor(place / 10)]}a${letters[place % 10]}k`;
}
const said = (stem: string): string => `${stem}ing`;
const asked = (stem: string): string => `${stem}s`;

function indexOf(documents: readonly OracleDocument[]): TextIndex {
  const index = new TextIndex(1n);
  index.configure(FIELDS);
  for (const document of documents) put(index, document);
  return index;
}

/** Each word is a value of its own: none is near another. */
function put(index: TextIndex, { number, fields }: OracleDocument): void {
  const changes = fields.map((terms, attribute) => ({ attribute, texts: terms.map(said) }));
  index.put(number, changes, true);
}

function randomDocument(random: (below: number) => number, number: number): OracleDocument {
  // Frequent stems are far more frequent than rare ones.
  const term = (): string => stemOf(Math.floor((random(STEMS) * (random(STEMS) + 1)) / STEMS));
  const field = (most: number): string[] => Array.from({ length: random(most + 1) }, term);
  return { number, fields: [['zuzuk', ...field(3)], field(12)] };
}

function expectRanking(
  index: TextIndex,
  documents: readonly OracleDocument[],
  terms: readonly string[],
  limit: number,
): void {
  const expected = rank(documents, WEIGHTS, terms);
  const { items, scores, total } = index.search(terms.map(asked).join(' '), limit, null);
  expect(items.length).toBe(Math.min(limit, expected.length));
  const scoreOf = new Map(expected.map(({ number, score }) => [number, score]));
  for (const [place, number] of items.entries()) {
    expect(scores[place]).toBeCloseTo(expected[place]!.score, 9);
    expect(scores[place]).toBeCloseTo(scoreOf.get(number)!, 9);
    if (place === 0) continue;
    const isOrdered = scores[place]! < scores[place - 1]! || number > items[place - 1]!;
    expect(isOrdered, `${number} behind ${items[place - 1]}`).toBe(true);
  }
  expect(total).toBeLessThanOrEqual(expected.length);
  expect(total).toBeGreaterThanOrEqual(items.length);
}

describe('a text index', () => {
  test('ranks as BM25 does, over new, changed and removed documents, in tail and segments', () => {
    const random = chance(1);
    const documents = new Map<number, OracleDocument>();
    const index = indexOf([]);
    for (let step = 1; step <= 3_000; step++) {
      const number = random(4) === 0 ? 1 + random(1_200) : step;
      if (random(6) === 0) {
        index.remove(number);
        documents.delete(number);
      } else {
        const document = randomDocument(random, number);
        put(index, document);
        documents.set(number, document);
      }
      if (step % 150 !== 0) continue;
      expect(index.documents).toBe(documents.size);
      const terms = Array.from({ length: 1 + random(4) }, () => stemOf(random(STEMS)));
      expectRanking(index, [...documents.values()], terms, 1 + random(30));
    }
  });

  test('gives a document the same score whether it was found or asked about', () => {
    const random = chance(2);
    const documents = Array.from({ length: 700 }, (_, at) => randomDocument(random, at * 3 + 1));
    const index = indexOf(documents);
    for (let round = 0; round < 20; round++) {
      const query = Array.from({ length: 1 + random(3) }, () => asked(stemOf(random(STEMS)))).join(' ');
      const { items, scores } = index.search(query, 50, null);
      const out = new Float64Array(items.length);
      index.score(query, items, items.length, out);
      expect([...out]).toEqual([...scores]);
    }
  });

  test('finds within a set what it would find of it among all', () => {
    const random = chance(3);
    const documents = Array.from({ length: 6_000 }, (_, at) => randomDocument(random, at + 1));
    const index = indexOf(documents);
    for (const size of [0, 1, 40, 500, 5_000]) {
      const numbers = new Set(Array.from({ length: size }, () => 1 + random(6_000)));
      const within = SortedNumbers.of(numbers);
      for (const query of ['bacs bafs', '+bads bacs', 'bacs -bads', '"bacs"', 'ba*']) {
        const all = index.search(query, 6_000, null);
        const expected = [...all.items].filter((number) => numbers.has(number)).slice(0, 10);
        const { items, total } = index.search(query, 10, within);
        expect([...items], `${query} within ${size}`).toEqual(expected);
        expect(total).toBeLessThanOrEqual(size);
      }
    }
  });

  test('a longer answer begins as a shorter one does', () => {
    const random = chance(4);
    const index = indexOf(Array.from({ length: 900 }, (_, at) => randomDocument(random, at + 1)));
    const long = index.search('bacs bads bafs', 100, null);
    for (const limit of [1, 7, 50]) {
      const short = index.search('bacs bads bafs', limit, null);
      expect([...short.items]).toEqual([...long.items.slice(0, limit)]);
    }
    expect(index.search('bacs', 0, null).items.length).toBe(0);
  });

  test('keeps the fields of a document that a change does not mention', () => {
    const index = new TextIndex(1n);
    index.configure(FIELDS);
    index.put(
      5,
      [
        { attribute: 0, texts: ['Dune'] },
        { attribute: 1, texts: ['a desert planet'] },
      ],
      true,
    );
    index.put(5, [{ attribute: 1, texts: ['an ocean planet'] }], true);
    const found = (query: string): number[] => [...index.search(query, 9, null).items];
    expect([found('dune'), found('ocean'), found('desert')]).toEqual([[5], [5], []]);
    index.put(
      5,
      [
        { attribute: 0, texts: [] },
        { attribute: 1, texts: [] },
      ],
      true,
    );
    expect([found('dune'), index.documents]).toEqual([[], 0]);
  });

  test('content alone decides the hash, not how it came to be', () => {
    const document = fc.record({
      number: fc.integer({ min: 1, max: 20 }),
      title: fc.constantFrom('', 'blue train', 'Ω', 'so what'),
    });
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 40 }),
        fc.array(document, { maxLength: 10 }),
        (passing, kept) => {
          const index = new TextIndex(9n);
          const fresh = new TextIndex(9n);
          for (const each of [index, fresh]) each.configure(FIELDS);
          const write = (to: TextIndex, { number, title }: { number: number; title: string }): void =>
            to.put(number, [{ attribute: 0, texts: [title] }], true);
          for (const each of passing) write(index, each);
          for (const each of kept) write(index, each);
          const last = new Map([...passing, ...kept].map((each) => [each.number, each]));
          for (const each of last.values()) write(fresh, each);
          expect(index.hash).toBe(fresh.hash);
          expect(index.documents).toBe(fresh.documents);
          for (let number = 1; number <= 20; number++) index.remove(number);
          expect([index.hash, index.documents]).toEqual([0n, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('other weights rank all documents anew, and what is no field any more is forgotten', () => {
    const random = chance(6);
    const documents = Array.from({ length: 600 }, (_, at) => randomDocument(random, at + 1));
    const index = indexOf(documents);
    index.configure([{ attribute: 1, weight: 3 }]);
    const fresh = new TextIndex(1n);
    fresh.configure([{ attribute: 1, weight: 3 }]);
    for (const { number, fields } of documents)
      fresh.put(number, [{ attribute: 1, texts: fields[1]!.map(said) }], true);
    for (const query of ['bacs bads', '"bafs"', 'zuzuks'])
      expect(index.search(query, 50, null)).toEqual(fresh.search(query, 50, null));
  });
});
