/**
 * A word for each entity number, 0 where there is none. Numbers are dense, so they are indexes; pages are made as they are
 * needed and the first grows, so that a tenant with one user, or a damaged checkpoint with one large number, takes little.
 */
import { invariant } from '../../kernel/index.ts';
import { type HeldPages, SharedPages } from './shared-pages.ts';

/** Numbers of entities are below it. */
export const NUMBERS_END = 1 << 28;

const PAGE_SHIFT = 20;
const PAGE_NUMBERS = 1 << PAGE_SHIFT;
const NUMBER_IN_PAGE = PAGE_NUMBERS - 1;
const FIRST_PAGE_NUMBERS = 1 << 4;
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
    if ((number & NUMBER_IN_PAGE) >= this.#pages.pages[page]!.length) this.#lengthen(number);
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
    this.#pages.put(page, new Uint32Array(page === 0 ? FIRST_PAGE_NUMBERS : PAGE_NUMBERS));
  }

  /** Only the first page is ever too short. */
  #lengthen(number: number): void {
    const longer = new Uint32Array(2 << (31 - Math.clz32(number)));
    longer.set(this.#pages.pages[0]!);
    this.#pages.put(0, longer);
  }
}

export function wordOf(pages: readonly Uint32Array[], number: number): number {
  const page = pages[number >>> PAGE_SHIFT];
  if (page === undefined) return 0;
  const at = number & NUMBER_IN_PAGE;
  return at < page.length ? page[at]! : 0;
}

/** Numbers from `from` to before `to` that have a word, ascending. */
export function* numbersWithWord(pages: readonly Uint32Array[], from: number, to: number): Generator<number> {
  const end = Math.min(to, pages.length << PAGE_SHIFT);
  for (let first = from; first < end; first = ((first >>> PAGE_SHIFT) + 1) << PAGE_SHIFT) {
    const page = pages[first >>> PAGE_SHIFT]!;
    if (page === NOTHING) continue;
    const pageFirst = (first >>> PAGE_SHIFT) << PAGE_SHIFT;
    const last = Math.min(end, pageFirst + page.length);
    for (let number = first; number < last; number++) if (page[number & NUMBER_IN_PAGE] !== 0) yield number;
  }
}
