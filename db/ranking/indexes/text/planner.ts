/**
 * From a query to a plan. Words that nothing has are taken for two that were not kept apart, or for their neighbours with a
 * typo less; stop words beside others only tell apart.
 */
import { log } from '../../../numeric/index.ts';
import { Splitter, TOKEN } from './splitter.ts';
import { STOP_WORDS } from './stop-words.ts';
import type { Atom, PlanWord, TextPlan } from './text-plan.ts';
import { type Clause, parseTextQuery, type Role } from './text-query.ts';
import { NO_WORD, type Vocabulary } from './vocabulary.ts';
import { typosAllowed, type WordFinder } from './word-finder.ts';

const ATOMS_MAX = 128;
/** Stems asked of each part of the index at most. */
const TERMS_MAX = 512;
const EXPANSIONS_MAX = 64;
const ALTERNATIVES_MAX = 3;
/** What the parts are worth beside the whole, when a capital tells them apart (`readFile`); and the whole beside its pieces. */
const PART_FACTOR = 0.3;
const ALTERNATIVE_FACTOR = 0.4;
/** Beside so many words or fewer, stop words count in full; beside more, the less the more there are: `the` says much of a title, and nothing of a question. */
const MAJORS_FOR_FULL = 2;
const HALF_LETTERS_LEAST = 3;

interface Draft {
  readonly role: Role;
  readonly form: Atom['form'];
  readonly terms: readonly number[];
  weight: number;
  readonly isStop: boolean;
}

interface DraftWord {
  readonly draft: Draft;
  readonly word: number;
  readonly position: number;
}

export class Planner {
  readonly #vocabulary: Vocabulary;
  readonly #finder: WordFinder;
  readonly #splitter = new Splitter();
  #documents = 0;
  #places = new Map<number, number>();
  #drafts: Draft[] = [];
  #byTerm = new Map<number, Draft>();
  #words: DraftWord[] = [];
  #position = 0;

  constructor(vocabulary: Vocabulary, finder: WordFinder) {
    this.#vocabulary = vocabulary;
    this.#finder = finder;
  }

  /** `documents`: how many there are. */
  plan(query: string, documents: number): TextPlan {
    this.#documents = documents;
    this.#places = new Map();
    this.#drafts = [];
    this.#byTerm = new Map();
    this.#words = [];
    this.#position = 0;
    for (const clause of parseTextQuery(query)) if (!this.#isFull) this.#clause(clause);
    return this.#finished();
  }

  get #isFull(): boolean {
    return this.#drafts.length >= ATOMS_MAX || this.#places.size >= TERMS_MAX;
  }

  #clause(clause: Clause): void {
    const { role, form, text } = clause;
    const tokens = this.#splitter.split(text);
    if (form === 'phrase') this.#phrase(role);
    else if (role === 'should') this.#should(form === 'prefix');
    else if (form === 'prefix') this.#prefix(role, tokens.words[tokens.count - 1] ?? '');
    else this.#phrase(role);
  }

  /** Every word for itself. */
  #should(isPrefix: boolean): void {
    const tokens = this.#splitter;
    const factors = this.#factors();
    const last = isPrefix ? lastPlace(tokens) : -1;
    // The finder may be asked on the way, and splits nothing.
    for (let index = 0; index < tokens.count && !this.#isFull; index++) {
      const word = tokens.words[index]!;
      const position = tokens.isOverlay(index) ? -1 : this.#position++;
      if (index === last) this.#prefix('should', word);
      else if (factors[index]! > 0) this.#word(word, factors[index]!, position);
    }
  }

  /** What each of the words is worth, whole ones and parts. */
  #factors(): number[] {
    const tokens = this.#splitter;
    const factors: number[] = [];
    for (let index = 0; index < tokens.count; index++) {
      const kind = tokens.kinds[index]!;
      factors[index] = kind === TOKEN.glyph ? 0 : 1;
      if (kind !== TOKEN.parts && kind !== TOKEN.pieces) continue;
      const isKnown = this.#frequency(tokens.words[index]!) > 0;
      const below = this.#below(index);
      const isWhole = kind === TOKEN.parts || below.some((at) => this.#frequency(tokens.words[at]!) === 0);
      factors[index] = isKnown ? (isWhole ? 1 : PART_FACTOR) : 0;
      if (isKnown && kind === TOKEN.parts) for (const at of below) factors[at] = PART_FACTOR;
    }
    return factors;
  }

  /** The words that an overlay lies over. */
  #below(overlay: number): number[] {
    const { starts, ends } = this.#splitter;
    const below: number[] = [];
    for (let at = overlay - 1; at >= 0 && starts[at]! >= starts[overlay]!; at--)
      if (!this.#splitter.isOverlay(at) && ends[at]! <= ends[overlay]!) below.push(at);
    return below;
  }

  #word(word: string, factor: number, position: number): void {
    const stem = this.#vocabulary.findStem(word);
    if (this.#frequency(word) === 0) {
      this.#unknown(word, factor);
      return;
    }
    const weight = this.#worth(this.#vocabulary.documents(stem)) * factor;
    const draft = this.#term(stem, weight, STOP_WORDS.has(word));
    if (position >= 0) this.#words.push({ draft, word: this.#vocabulary.find(word), position });
  }

  #term(stem: number, weight: number, isStop: boolean): Draft {
    const known = this.#byTerm.get(stem);
    if (known !== undefined) {
      known.weight += weight;
      return known;
    }
    const draft: Draft = { role: 'should', form: 'term', terms: [this.#place(stem)], weight, isStop };
    this.#byTerm.set(stem, draft);
    this.#drafts.push(draft);
    return draft;
  }

  #unknown(word: string, factor: number): void {
    const halves = this.#halves(word);
    if (halves !== null) {
      for (const half of halves)
        this.#term(half, this.#worth(this.#vocabulary.documents(half)) * factor * ALTERNATIVE_FACTOR, false);
      return;
    }
    const ranges = this.#finder.find(word, 'whole', typosAllowed(word));
    const near = this.#finder.heaviest(ranges, ALTERNATIVES_MAX, (each) => this.#documentsOf(each));
    const fewest = near[0]?.typos ?? 0;
    const stems = near
      .filter(({ typos }) => typos === fewest)
      .map((each) => this.#vocabulary.stem(each.word));
    this.#union('should', stems, factor * ALTERNATIVE_FACTOR);
  }

  /** Stems of the two known words that the word is made of: those of which the rarer one is least rare. */
  #halves(word: string): readonly [number, number] | null {
    let best: readonly [number, number] | null = null;
    let most = 0;
    for (let at = HALF_LETTERS_LEAST; at <= word.length - HALF_LETTERS_LEAST; at++) {
      const first = this.#vocabulary.find(word.slice(0, at));
      const second = first === NO_WORD ? NO_WORD : this.#vocabulary.find(word.slice(at));
      if (second === NO_WORD) continue;
      const rarer = Math.min(this.#documentsOf(first), this.#documentsOf(second));
      if (rarer <= most) continue;
      most = rarer;
      best = [this.#vocabulary.stem(first), this.#vocabulary.stem(second)];
    }
    return best;
  }

  #prefix(role: Role, prefix: string): void {
    const ranges = this.#finder.find(prefix, 'prefix', 0);
    const words = this.#finder.heaviest(ranges, EXPANSIONS_MAX, (word) => this.#documentsOf(word));
    this.#union(
      role,
      words.map(({ word }) => this.#vocabulary.stem(word)),
      1,
    );
  }

  #union(role: Role, stems: readonly number[], factor: number): void {
    const distinct = [...new Set(stems)];
    if (distinct.length === 0 && role === 'should') return;
    const documents = distinct.reduce((sum, stem) => sum + this.#vocabulary.documents(stem), 0);
    const weight = this.#worth(Math.min(documents, this.#documents)) * factor;
    const terms = distinct.map((stem) => this.#place(stem));
    this.#drafts.push({ role, form: 'union', terms, weight, isStop: false });
  }

  /** The words of the splitter one behind the other; a single one is no phrase. */
  #phrase(role: Role): void {
    const tokens = this.#splitter;
    const stems: number[] = [];
    let weight = 0;
    for (let index = 0; index < tokens.count; index++) {
      if (tokens.isOverlay(index)) continue;
      const stem = this.#vocabulary.findStem(tokens.words[index]!);
      const documents = stem === NO_WORD ? 0 : this.#vocabulary.documents(stem);
      this.#position += 1;
      if (documents === 0) {
        if (role === 'must') this.#drafts.push({ role, form: 'term', terms: [], weight: 0, isStop: false });
        return;
      }
      stems.push(stem);
      weight += this.#worth(documents);
    }
    if (stems.length === 0) return;
    const terms = stems.map((stem) => this.#place(stem));
    this.#drafts.push({ role, form: stems.length === 1 ? 'term' : 'phrase', terms, weight, isStop: false });
  }

  #finished(): TextPlan {
    const majors = this.#drafts.filter(({ role, isStop }) => role !== 'not' && !isStop).length;
    const isMinor = (draft: Draft): boolean => draft.isStop && majors > 0;
    const weightOf = (draft: Draft): number =>
      isMinor(draft) ? draft.weight * Math.min(1, MAJORS_FOR_FULL / majors) : draft.weight;
    const atoms = this.#drafts.slice(0, ATOMS_MAX).map((draft) => ({
      ...{ role: draft.role, form: draft.form, terms: draft.terms },
      ...{ weight: weightOf(draft), isMinor: isMinor(draft) },
    }));
    const words: PlanWord[] = this.#words.map(({ draft, word, position }) => ({
      ...{ term: draft.terms[0]!, word, position },
      ...{ weight: weightOf(draft), isMinor: isMinor(draft) },
    }));
    return { terms: [...this.#places.keys()], atoms, words: words.slice(0, ATOMS_MAX) };
  }

  #place(stem: number): number {
    const known = this.#places.get(stem);
    if (known !== undefined) return known;
    this.#places.set(stem, this.#places.size);
    return this.#places.size - 1;
  }

  /** Documents that have the word's stem. */
  #frequency(word: string): number {
    const stem = this.#vocabulary.findStem(word);
    return stem === NO_WORD ? 0 : this.#vocabulary.documents(stem);
  }

  #documentsOf(word: number): number {
    return this.#vocabulary.documents(this.#vocabulary.stem(word));
  }

  #worth(documents: number): number {
    return log(1 + (this.#documents - documents + 0.5) / (documents + 0.5));
  }
}

function lastPlace(tokens: Splitter): number {
  let last = tokens.count - 1;
  while (last > 0 && tokens.isOverlay(last)) last -= 1;
  return last;
}
