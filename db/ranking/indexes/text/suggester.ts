/**
 * What somebody may be about to type: words of titles, and whole titles that have all the words typed so far, the last of them
 * begun. A word of four letters may have one typo, one of eight two. Only documents that may be shown are looked at, and no
 * more than a thousand, whatever is typed.
 */
import { folded } from './letters.ts';
import { SHARD_DOCUMENTS_MAX, type Shard, STATE } from './shard.ts';
import { Splitter } from './splitter.ts';
import { BREAK, wordOf } from './token-codes.ts';
import { NO_WORD, type Vocabulary } from './vocabulary.ts';
import { type FoundWord, typosAllowed, type WordFinder } from './word-finder.ts';

const TYPED_UNITS_MAX = 200;
const TYPED_WORDS_MAX = 10;
const WHOLE_WORDS_MAX = 8;
const BEGUN_WORDS_MAX = 48;
const DOCUMENTS_MAX = 1_000;
const LETTER = /[\p{L}\p{N}\p{M}]$/u;

export interface Suggestion {
  readonly text: string;
  /** Titles that have the word, or are this one. */
  readonly weight: number;
  readonly typos: number;
}

interface Ranked extends Suggestion {
  /** Begins as it was typed. */
  readonly isStart: boolean;
}

/** Words that one of those typed may stand for. */
type Meant = ReadonlyMap<number, number>;

export class Suggester {
  readonly #vocabulary: Vocabulary;
  readonly #finder: WordFinder;
  readonly #splitter = new Splitter();
  #title = 0;

  constructor(vocabulary: Vocabulary, finder: WordFinder) {
    this.#vocabulary = vocabulary;
    this.#finder = finder;
  }

  /** Best first. `title`: the attribute that titles are in. */
  suggest(shards: readonly Shard[], title: number, typed: string, limit: number): readonly Suggestion[] {
    this.#title = title;
    const text = typed.slice(0, TYPED_UNITS_MAX);
    const words = this.#typedWords(text);
    if (words.length === 0 || limit <= 0) return [];
    const found = words.map((word, index) =>
      this.#meant(word, index === words.length - 1 && LETTER.test(text)),
    );
    if (found.some(({ length }) => length === 0)) return [];
    const titles = this.#titles(shards, found);
    const single = words.length === 1 ? this.#singleWords(found[0]!, titles) : [];
    return mixed(single, titles, limit);
  }

  #typedWords(text: string): string[] {
    const tokens = this.#splitter.split(text);
    const words: string[] = [];
    for (let index = 0; index < tokens.count && words.length < TYPED_WORDS_MAX; index++)
      if (!tokens.isOverlay(index)) words.push(tokens.words[index]!);
    return words;
  }

  #meant(word: string, isBegun: boolean): FoundWord[] {
    const ranges = this.#finder.find(word, isBegun ? 'prefix' : 'whole', typosAllowed(word));
    const limit = isBegun ? BEGUN_WORDS_MAX : WHOLE_WORDS_MAX;
    return this.#finder.heaviest(ranges, limit, (each) => this.#vocabulary.shown(each));
  }

  #singleWords(found: readonly FoundWord[], titles: readonly Ranked[]): Ranked[] {
    const known = new Set(titles.filter(({ text }) => !text.includes(' ')).map(({ text }) => folded(text)));
    return found
      .filter(({ word }) => !this.#vocabulary.isStop(word) && !known.has(this.#vocabulary.word(word)))
      .map(({ word, weight, typos }) => ({
        text: this.#vocabulary.word(word),
        weight,
        typos,
        isStart: true,
      }));
  }

  /** Titles with all words, each once. */
  #titles(shards: readonly Shard[], found: readonly (readonly FoundWord[])[]): Ranked[] {
    const meant: Meant[] = found.map((words) => new Map(words.map(({ word, typos }) => [word, typos])));
    const rarest = found.toSorted((one, other) => this.#documents(one) - this.#documents(other))[0]!;
    const stems = [...new Set(rarest.map(({ word }) => this.#vocabulary.stem(word)))];
    const titles = new Map<string, Ranked>();
    const postings = shards.map((shard) => shard.postings(stems));
    const seen = new Set<number>();
    for (let place = 0; place < stems.length; place++) {
      for (const [at, shard] of shards.entries()) {
        const list = postings[at]![place];
        for (let each = 0; each < (list?.count ?? 0) && seen.size < DOCUMENTS_MAX; each++) {
          const local = list!.docs[each]!;
          // Two of the stems may lead to the same document.
          if (seen.has(at * SHARD_DOCUMENTS_MAX + local)) continue;
          seen.add(at * SHARD_DOCUMENTS_MAX + local);
          if (shard.states[local] === STATE.shown) this.#offer(shard, local, meant, titles);
        }
      }
    }
    return [...titles.values()];
  }

  #documents(found: readonly FoundWord[]): number {
    return found.reduce((sum, { word }) => sum + this.#vocabulary.documents(this.#vocabulary.stem(word)), 0);
  }

  #offer(shard: Shard, local: number, meant: readonly Meant[], titles: Map<string, Ranked>): void {
    const match = this.#match(shard.field(local, this.#title), meant);
    if (match === null) return;
    const text = shard.title(local);
    if (text === '') return;
    const known = titles.get(text);
    titles.set(text, { text, weight: (known?.weight ?? 0) + 1, ...match });
  }

  /** Null: a word is missing from the title. */
  #match(codes: Uint32Array, meant: readonly Meant[]): Pick<Ranked, 'typos' | 'isStart'> | null {
    const least = meant.map(() => Number.POSITIVE_INFINITY);
    let first = NO_WORD;
    for (const code of codes) {
      if (code === BREAK) continue;
      const word = wordOf(code);
      if (first === NO_WORD) first = word;
      for (let index = 0; index < meant.length; index++) {
        const typos = meant[index]!.get(word);
        if (typos !== undefined && typos < least[index]!) least[index] = typos;
      }
    }
    const typos = least.reduce((sum, each) => sum + each, 0);
    return Number.isFinite(typos) ? { typos, isStart: meant[0]!.has(first) } : null;
  }
}

/** Half of the places for words and half for titles, as far as there are so many of both. */
function mixed(words: readonly Ranked[], titles: readonly Ranked[], limit: number): readonly Suggestion[] {
  const half = Math.floor(limit / 2);
  const wordCount = Math.min(words.length, Math.max(half, limit - titles.length));
  return [
    ...words.toSorted(byRank).slice(0, wordCount),
    ...titles.toSorted(byRank).slice(0, limit - wordCount),
  ]
    .sort(byRank)
    .map(({ text, weight, typos }) => ({ text, weight, typos }));
}

function byRank(one: Ranked, other: Ranked): number {
  if (one.typos !== other.typos) return one.typos - other.typos;
  if (one.weight !== other.weight) return other.weight - one.weight;
  if (one.isStart !== other.isStart) return one.isStart ? -1 : 1;
  if (one.text.length !== other.text.length) return one.text.length - other.text.length;
  return one.text < other.text ? -1 : 1;
}
