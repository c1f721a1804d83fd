/**
 * What a character is to the splitter of words, and how a word is written in the index. Unicode's tables are the runtime's:
 * a release carries one, and a checkpoint says which (text-index-parts.ts).
 */

/** Classes of characters. 0 is "not looked at yet". */
export const CLASS = Object.freeze({
  other: 1,
  /** A letter that is not upper case. */
  letter: 2,
  upper: 3,
  digit: 4,
  /** Belongs to the character before it, or is invisible. */
  mark: 5,
  /** Of a script that is written without spaces. */
  unspaced: 6,
  surrogate: 7,
});

const INVISIBLE = /[\u00ad\u200b-\u200d\u2060\ufeff]/;
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;

const classes = new Uint8Array(0x1_0000);

/** Class of a UTF-16 code unit. */
export function classOf(unit: number): number {
  const known = classes[unit]!;
  if (known !== 0) return known;
  const found = unit >= 0xd800 && unit <= 0xdfff ? CLASS.surrogate : classify(String.fromCharCode(unit));
  classes[unit] = found;
  return found;
}

/** Class of the character at a place of a text, a pair of surrogates looked at as one. */
export function classAt(text: string, at: number): number {
  const known = classes[text.charCodeAt(at)]!;
  return known !== 0 && known !== CLASS.surrogate ? known : classOfRare(text, at);
}

function classOfRare(text: string, at: number): number {
  const found = classOf(text.charCodeAt(at));
  return found === CLASS.surrogate ? classify(String.fromCodePoint(text.codePointAt(at)!)) : found;
}

function classify(character: string): number {
  if (/\p{M}/u.test(character) || INVISIBLE.test(character)) return CLASS.mark;
  if (/\p{L}/u.test(character)) {
    if (UNSPACED.test(character)) return CLASS.unspaced;
    return /\p{Lu}|\p{Lt}/u.test(character) ? CLASS.upper : CLASS.letter;
  }
  return /\p{N}/u.test(character) ? CLASS.digit : CLASS.other;
}

/** Letters that Unicode does not take apart, as those write them who do not have them. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ı: 'i', ŋ: 'n', ĸ: 'k' },
  ς: 'σ',
};
const SPELLED = new RegExp(`[${Object.keys(SPELLINGS).join('')}]`, 'g');
const ACCENTS = /[\u0300-\u036f]/g;
const NO_WORD = /[^\p{L}\p{N}\p{M}]|[\u00ad\u200b-\u200d\u2060\ufeff]/gu;
const ASCII = /^[a-zA-Z0-9]*$/;

const WORD_UNITS_MAX = 64;

/** A word as the index has it: compatible forms made one, in lower case, without accents, no longer than 64 units. */
export function folded(word: string): string {
  const plain = ASCII.test(word) ? word.toLowerCase() : foldedUnicode(word);
  return plain.length > WORD_UNITS_MAX ? shortened(plain) : plain;
}

function foldedUnicode(word: string): string {
  const parts = word.normalize('NFKC').toLowerCase().normalize('NFD').replace(ACCENTS, '');
  // Before marks are put in order: one that is taken out may have kept two apart.
  const bare = parts.replace(NO_WORD, '').normalize('NFC');
  return bare.replace(SPELLED, (letter) => SPELLINGS[letter]!);
}

function shortened(word: string): string {
  const last = word.charCodeAt(WORD_UNITS_MAX - 1);
  const isCut = last >= 0xd800 && last <= 0xdbff;
  return word.slice(0, isCut ? WORD_UNITS_MAX - 1 : WORD_UNITS_MAX);
}
