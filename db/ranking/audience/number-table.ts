/**
 * A word for each entity number, 0 where there is none. Numbers are dense, so they are indexes; pages are made as they are
 * needed, so that a tenant with one user, or a damaged checkpoint with one large number, takes one small page.
 */
import { invariant } from '../../kernel/index.ts';
import { type HeldPages, SharedPages } from './shared-pages.ts';

/** Numbers of entities are below it. */
export const NUMBERS_END = 1 << 28;

const PAGE_SHIFT = 10;
const PAGE_NUMBERS = 1 << PAGE_SHIFT;
const NUMBER_IN_PAGE = PAGE_NUMBERS - 1;
/** Stands for pages that nothing was written into. */
const NOTHING = new Uint32Array(PAGE_NUMBERS);

export class NumberTable {
  readonly #pages = new SharedPages();

  get(number: number): number {
    return wordOf(this.#pages.pages, number);
  }

  set(number: number, word: number): void {
    const page = number >>> PAGE_SHIFT;
    const there = this.#pages.pages[page];
    if (there === undefined || there === NOTHING) this.#open(page);
    this.#pages.forWriting(page)[number & NUMBER_IN_PAGE] = word;
  }

  /** For reading only. */
  get pages(): readonly Uint32Array[] {
    return this.#pages.pages;
  }

  hold(): HeldPages {
    return this.#pages.hold();
  }

  get bytes(): number {
    return this.#pages.pages.reduce((sum, page) => sum + (page === NOTHING ? 0 : page.byteLength), 0);
  }

  #open(page: number): void {
    invariant(page < NUMBERS_END >>> PAGE_SHIFT, 'an entity number is below 2^28');
    for (let before = this.#pages.pages.length; before < page; before++) this.#pages.put(before, NOTHING);
    this.#pages.put(page, new Uint32Array(PAGE_NUMBERS));
  }
}

export function wordOf(pages: readonly Uint32Array[], number: number): number {
  const page = pages[number >>> PAGE_SHIFT];
  return page === undefined ? 0 : page[number & NUMBER_IN_PAGE]!;
}

/** Numbers from `from` to before `to` that have a word, ascending. */
export function* numbersWithWord(
  pages: readonly Uint32Array[],
  from: number,
  to: number,
): Generator<number> {
  const end = Math.min(to, pages.length << PAGE_SHIFT);
  for (let first = from; first < end; first = ((first >>> PAGE_SHIFT) + 1) << PAGE_SHIFT) {
    const page = pages[first >>> PAGE_SHIFT]!;
    if (page === NOTHING) continue;
    const last = Math.min(end, ((first >>> PAGE_SHIFT) + 1) << PAGE_SHIFT);
    for (let number = first; number < last; number++) if (page[number & NUMBER_IN_PAGE] !== 0) yield number;
  }
}
