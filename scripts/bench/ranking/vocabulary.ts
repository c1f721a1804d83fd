/** Words that no language has: pronounceable, all different, as frequent as 1 / rank. */
import { type Random, Zipf } from './random.ts';

const WORDS = 30_000;
const CONSONANTS = 'bdfgklmnprstvz';
const VOWELS = 'aeiou';
/** Ranks of words that somebody searches for. */
const SEARCHED_FROM = 100;
const SEARCHED_TO = 3_000;
/** Stemming would take the end of most words off, and make two of them one. */
const END = 'k';

export class Vocabulary {
  readonly #words: readonly string[] = Array.from({ length: WORDS }, (_, rank) => word(rank));
  readonly #frequency = new Zipf(WORDS, 1);

  text(random: Random, words: number): string {
    let text = '';
    for (let at = 0; at < words; at++) {
      if (at > 0) text += ' ';
      text += this.#words[this.#frequency.draw(random)]!;
    }
    return text;
  }

  query(random: Random, words: number): string {
    const ranks = Array.from(
      { length: words },
      () => SEARCHED_FROM + random.below(SEARCHED_TO - SEARCHED_FROM),
    );
    return ranks.map((rank) => this.#words[rank]!).join(' ');
  }
}

function word(rank: number): string {
  let text = '';
  const syllables = CONSONANTS.length * VOWELS.length;
  for (let rest = rank + syllables; rest > 0; rest = Math.floor(rest / syllables)) {
    const syllable = rest % syllables;
    text += CONSONANTS[syllable % CONSONANTS.length]! + VOWELS[Math.floor(syllable / CONSONANTS.length)]!;
  }
  return text + END;
}
