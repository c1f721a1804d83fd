/**
 * SQLite's FTS5 with Porter's stemmer is the judge of quality: queries are made from titles, and whoever puts the document they
 * were made from higher up is better. Both rank the same documents for the same queries in the same run.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { TextIndex } from '../../../../../db/ranking/indexes/text/text-index.ts';
import { chance } from './text-log.ts';

const MOVIES = resolve(import.meta.dirname, '../../../../../../shared/data/movietweetings/movies.dat');
const DEPTH = 50;

interface Item {
  readonly title: string;
  readonly body: string;
}

interface Question {
  readonly item: number;
  readonly query: string;
}

/** Mean reciprocal rank of the items that queries were made from. */
function quality(questions: readonly Question[], ask: (query: string) => readonly number[]): number {
  const sum = questions.reduce((total, { item, query }) => {
    const rank = ask(query).indexOf(item);
    return total + (rank < 0 ? 0 : 1 / (rank + 1));
  }, 0);
  return sum / questions.length;
}

function own(items: readonly Item[]): (query: string) => readonly number[] {
  const index = new TextIndex(1n);
  index.configure([
    { attribute: 1, weight: 1 },
    { attribute: 2, weight: 1 },
  ]);
  for (const [at, { title, body }] of items.entries()) {
    const changes = [
      { attribute: 1, texts: [title] },
      { attribute: 2, texts: [body] },
    ];
    index.put(at + 1, changes, true);
  }
  return (query) => [...index.search(query, DEPTH, null).items].map((number) => number - 1);
}

function judge(items: readonly Item[]): (query: string) => readonly number[] {
  const database = new DatabaseSync(':memory:');
  database.exec("CREATE VIRTUAL TABLE item USING fts5(title, body, tokenize = 'porter unicode61')");
  const insert = database.prepare('INSERT INTO item (rowid, title, body) VALUES (?, ?, ?)');
  database.exec('BEGIN');
  for (const [at, { title, body }] of items.entries()) insert.run(at + 1, title, body);
  database.exec('COMMIT');
  const select = database.prepare('SELECT rowid FROM item WHERE item MATCH ? ORDER BY rank, rowid LIMIT ?');
  return (query) => {
    const words = query.match(/[\p{L}\p{N}]+/gu) ?? [];
    if (words.length === 0) return [];
    return select
      .all(words.map((word) => `"${word}"`).join(' OR '), DEPTH)
      .map((row) => Number(row['rowid']) - 1);
  };
}

type Maker = (title: string, random: (below: number) => number) => string;

/** From the whole title, some of its words in any order, and its words in other forms. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'whole titles': (title) => title,
  'some words of titles': (title, random) => {
    const words = title.split(/\s+/);
    const kept = words.filter(() => random(3) > 0);
    return (kept.length === 0 ? words : kept).sort(() => random(3) - 1).join(' ');
  },
  'words in other forms': (title, random) =>
    title
      .split(/\s+/)
      .map((word) => (/^[A-Za-z]{4,}[^s]$/.test(word) && random(2) === 0 ? `${word}s` : word.toLowerCase()))
      .join(' '),
};

function questions(items: readonly Item[], maker: Maker, count: number): Question[] {
  const random = chance(17);
  return Array.from({ length: count }, () => {
    const item = random(items.length);
    return { item, query: maker(items[item]!.title, random) };
  });
}

/** Words by a law of frequency as texts have it; a body says some of its title again. */
function madeUp(count: number): Item[] {
  const random = chance(3);
  const syllables = ['ba', 'con', 'der', 'fi', 'gra', 'lun', 'mo', 'pel', 'tor', 'vis'];
  const word = (): string => {
    const place = Math.floor(1_500 ** (random(10_000) / 10_000));
    const stem = [...String(place)].map((digit) => syllables[Number(digit)]).join('');
    return stem + ['', '', 's', 'ing', 'ed'][random(5)];
  };
  const words = (length: number): string[] => Array.from({ length }, word);
  return Array.from({ length: count }, () => {
    const title = words(2 + random(4));
    const body = words(10 + random(50));
    for (const each of title) if (random(2) === 0) body.splice(random(body.length), 0, each);
    return { title: title.join(' '), body: body.join(' ') };
  });
}

function movies(): Item[] {
  return readFileSync(MOVIES, 'utf8')
    .split('\n')
    .filter((line) => line.includes('::'))
    .map((line) => {
      const [, title = '', genres = ''] = line.split('::');
      return { title, body: genres.replaceAll('|', ' ') };
    });
}

describe('the quality of search', () => {
  const corpora: readonly (readonly [string, () => Item[], boolean])[] = [
    ['made-up documents', () => madeUp(3_000), true],
    [`movies (skipped without ${MOVIES})`, movies, existsSync(MOVIES)],
  ];

  for (const [name, read, isThere] of corpora) {
    test.runIf(isThere)(`on ${name} is at least that of FTS5`, () => {
      const items = read();
      const ask = own(items);
      const askJudge = judge(items);
      for (const [kind, maker] of Object.entries(MAKERS)) {
        const asked = questions(items, maker, 250);
        const mine = quality(asked, ask);
        const theirs = quality(asked, askJudge);
        expect(mine, `${kind}: ${mine} against ${theirs}`).toBeGreaterThanOrEqual(theirs);
      }
    });
  }
});
