/**
 * The stem of an English word: Porter's second algorithm ("Porter2"), as Snowball publishes it since version 3.1
 * (snowballstem.org/algorithms/english/stemmer.html). The steps have the numbers they have there.
 *
 * A `y` that is a consonant is written `Y` on the way. R1 and R2, the regions that most suffixes must lie in, are the places
 * where they begin.
 */

const VOWELS = 'aeiouy';
const DOUBLES = ['bb', 'dd', 'ff', 'gg', 'mm', 'nn', 'pp', 'rr', 'tt'];
const LI_ENDINGS = 'cdeghkmnrt';
/** Words that begin so have R1 behind it. */
const R1_PREFIXES = ['gener', 'commun', 'arsen', 'past', 'univers', 'later', 'emerg', 'organ', 'inter'];
const KEPT_BEFORE_ING = ['inn', 'out', 'cann', 'herr', 'earr', 'even'];
const KEPT_BEFORE_EED = ['proc', 'exc', 'succ'];

const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ['skis', 'ski'],
  ['skies', 'sky'],
  ['idly', 'idl'],
  ['gently', 'gentl'],
  ['ugly', 'ugli'],
  ['early', 'earli'],
  ['only', 'onli'],
  ['singly', 'singl'],
  ...['sky', 'news', 'howe', 'atlas', 'cosmos', 'bias', 'andes'].map((word) => [word, word] as const),
]);

/** A suffix and what takes its place. */
type Rule = readonly [suffix: string, replacement: string];

const STEP_2 = longestFirst([
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['abli', 'able'],
  ['entli', 'ent'],
  ['izer', 'ize'],
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['alli', 'al'],
  ['fulness', 'ful'],
  ['ousli', 'ous'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['bli', 'ble'],
  ['ogist', 'og'],
  ['ogi', 'og'],
  ['fulli', 'ful'],
  ['lessli', 'less'],
  ['li', ''],
]);

const STEP_3 = longestFirst([
  ['tional', 'tion'],
  ['ational', 'ate'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
  ['ative', ''],
]);

const STEP_4 = longestFirst(
  [
    ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent', 'ism', 'ate'],
    ...['iti', 'ous', 'ive', 'ize', 'ion'],
  ].map((suffix) => [suffix, ''] as const),
);

/** Of a word in lower case, of the letters a to z and apostrophes. */
export function stem(word: string): string {
  const exception = EXCEPTIONS.get(word);
  if (exception !== undefined) return exception;
  if (word.length < 3) return word;
  const marked = withConsonantY(word.startsWith("'") ? word.slice(1) : word);
  const r1 = firstRegion(marked);
  const r2 = regionBehind(marked, r1);
  let rest = withoutPlural(withoutApostrophe(marked));
  rest = withoutVerbEnding(rest, r1);
  rest = withFinalI(rest);
  rest = secondStep(rest, r1);
  rest = thirdStep(rest, r1, r2);
  rest = fourthStep(rest, r2);
  return fifthStep(rest, r1, r2).replaceAll('Y', 'y');
}

function isVowel(word: string, at: number): boolean {
  return at >= 0 && at < word.length && VOWELS.includes(word[at]!);
}

function isConsonant(word: string, at: number): boolean {
  return at >= 0 && at < word.length && !VOWELS.includes(word[at]!);
}

function hasVowel(part: string): boolean {
  for (let at = 0; at < part.length; at++) if (isVowel(part, at)) return true;
  return false;
}

function withConsonantY(word: string): string {
  if (!word.includes('y')) return word;
  let marked = '';
  for (let at = 0; at < word.length; at++) {
    const isMarked = word[at] === 'y' && (at === 0 || isVowel(marked, at - 1));
    marked += isMarked ? 'Y' : word[at]!;
  }
  return marked;
}

function firstRegion(word: string): number {
  for (const prefix of R1_PREFIXES) if (word.startsWith(prefix)) return prefix.length;
  return regionBehind(word, 0);
}

/** Behind the first consonant that follows a vowel at or behind `from`, or the end. */
function regionBehind(word: string, from: number): number {
  for (let at = from + 1; at < word.length; at++)
    if (isConsonant(word, at) && isVowel(word, at - 1)) return at + 1;
  return word.length;
}

/** Ends with a vowel between consonants, the last of which is none of w, x, Y; or is a vowel and a consonant. */
function endsShort(word: string): boolean {
  const last = word.length - 1;
  if (word.endsWith('past')) return true;
  if (!isConsonant(word, last) || !isVowel(word, last - 1)) return false;
  return last === 1 || (isConsonant(word, last - 2) && !'wxY'.includes(word[last]!));
}

/** Step 0. */
function withoutApostrophe(word: string): string {
  for (const ending of ["'s'", "'s", "'"]) if (word.endsWith(ending)) return word.slice(0, -ending.length);
  return word;
}

/** Step 1a. */
function withoutPlural(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (word.endsWith('ied') || word.endsWith('ies')) return word.slice(0, word.length > 4 ? -2 : -1);
  if (word.endsWith('us') || word.endsWith('ss') || !word.endsWith('s')) return word;
  return hasVowel(word.slice(0, -2)) ? word.slice(0, -1) : word;
}

/** Step 1b. */
function withoutVerbEnding(word: string, r1: number): string {
  const suffix = ['eedly', 'ingly', 'edly', 'eed', 'ing', 'ed'].find((each) => word.endsWith(each));
  if (suffix === undefined) return word;
  const before = word.slice(0, -suffix.length);
  if (suffix.startsWith('eed'))
    return before.length < r1 || KEPT_BEFORE_EED.includes(before) ? word : `${before}ee`;
  if (suffix === 'ing') {
    if (before.length === 2 && before[1] === 'y' && isConsonant(before, 0)) return `${before[0]}ie`;
    if (KEPT_BEFORE_ING.includes(before)) return word;
  }
  if (!hasVowel(before)) return word;
  if (before.endsWith('at') || before.endsWith('bl') || before.endsWith('iz')) return `${before}e`;
  if (DOUBLES.includes(before.slice(-2)))
    return before.length === 3 && 'aeo'.includes(before[0]!) ? before : before.slice(0, -1);
  return before.length === r1 && endsShort(before) ? `${before}e` : before;
}

/** Step 1c. */
function withFinalI(word: string): string {
  const last = word.length - 1;
  const isY = word[last] === 'y' || word[last] === 'Y';
  return isY && last > 1 && isConsonant(word, last - 1) ? `${word.slice(0, -1)}i` : word;
}

function secondStep(word: string, r1: number): string {
  const rule = ruleFor(STEP_2, word);
  if (rule === null) return word;
  const [suffix, replacement] = rule;
  const before = word.slice(0, -suffix.length);
  if (before.length < r1) return word;
  if (suffix === 'ogi' && !before.endsWith('l')) return word;
  if (suffix === 'li' && !LI_ENDINGS.includes(before.at(-1) ?? '-')) return word;
  return before + replacement;
}

function thirdStep(word: string, r1: number, r2: number): string {
  const rule = ruleFor(STEP_3, word);
  if (rule === null) return word;
  const [suffix, replacement] = rule;
  const before = word.slice(0, -suffix.length);
  return before.length < (suffix === 'ative' ? Math.max(r1, r2) : r1) ? word : before + replacement;
}

function fourthStep(word: string, r2: number): string {
  const rule = ruleFor(STEP_4, word);
  if (rule === null) return word;
  const before = word.slice(0, -rule[0].length);
  if (before.length < r2) return word;
  return rule[0] !== 'ion' || before.endsWith('s') || before.endsWith('t') ? before : word;
}

function fifthStep(word: string, r1: number, r2: number): string {
  const before = word.slice(0, -1);
  const isInR2 = before.length >= r2;
  if (word.endsWith('ll')) return isInR2 ? before : word;
  if (!word.endsWith('e')) return word;
  return isInR2 || (before.length >= r1 && !endsShort(before)) ? before : word;
}

function longestFirst(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted((one, other) => other[0].length - one[0].length);
}

function ruleFor(rules: readonly Rule[], word: string): Rule | null {
  for (const rule of rules) if (word.endsWith(rule[0])) return rule;
  return null;
}
