/** Totals of one signal by item: as many pages as there are items that something happened to. */
import {
  type Best,
  ITEM_IN_PAGE,
  ITEM_PAGE_BITS,
  ITEM_PAGE_ROWS,
  type PartReader,
  type PartWriter,
  type Section,
  type SectionKey,
} from '../counting/index.ts';
import type { EntityNumber } from '../ground.ts';
import { type PageColumns, TotalsPage } from './totals-page.ts';

/** What an item's value is: its decayed score as the landmark sees it, or the sum of its weights. */
export type TotalsValue = 'scores' | 'weights';

export type TotalsMeasure = 'value' | 'count' | 'weight';

/** Pages of a section. */
const SECTION_PAGES = 16;
const NUMBER_BYTES = 8;

export class ItemTotals {
  #values: TotalsValue;
  readonly #pages: TotalsPage[] = [];
  /** Numbers of the pages there are, ascending. */
  readonly #numbers: number[] = [];

  constructor(values: TotalsValue) {
    this.#values = values;
  }

  get memoryBytes(): number {
    return this.#numbers.reduce((sum, number) => sum + this.#pages[number]!.memoryBytes, 0);
  }

  /** Adds an event; `score` is what it adds to the value where that is a score. */
  add(item: EntityNumber, weight: number, score: number, second: number): void {
    const number = item >>> ITEM_PAGE_BITS;
    const page = this.#pages[number] ?? this.#put(number, TotalsPage.empty());
    const row = item & ITEM_IN_PAGE;
    if (this.#values === 'scores') page.addScored(row, score, weight, second);
    else page.add(row, weight, second);
  }

  value(item: number): number {
    return this.#pages[item >>> ITEM_PAGE_BITS]?.value(item & ITEM_IN_PAGE) ?? 0;
  }

  count(item: number): number {
    return this.#pages[item >>> ITEM_PAGE_BITS]?.count(item & ITEM_IN_PAGE) ?? 0;
  }

  weight(item: number): number {
    if (this.#values === 'weights') return this.value(item);
    return this.#pages[item >>> ITEM_PAGE_BITS]?.weight(item & ITEM_IN_PAGE) ?? 0;
  }

  /** Second of the first event; 0 where there was none. */
  firstSecond(item: number): number {
    return this.#pages[item >>> ITEM_PAGE_BITS]?.firstSecond(item & ITEM_IN_PAGE) ?? 0;
  }

  /** One of the three above, for `Ranked`. */
  measure(measure: TotalsMeasure, item: number): number {
    if (measure === 'count') return this.count(item);
    return measure === 'weight' ? this.weight(item) : this.value(item);
  }

  /** Offers all items by a measure, those above 0. */
  offerAll(measure: TotalsMeasure, best: Best): void {
    const isWeight = measure === 'weight' && this.#values === 'scores';
    for (const number of this.#numbers) {
      const page = this.#pages[number]!;
      const first = number * ITEM_PAGE_ROWS;
      if (measure === 'count') offerRows(best, first, (row) => page.count(row));
      else if (isWeight) offerRows(best, first, (row) => page.weight(row));
      else offerRows(best, first, (row) => page.value(row));
    }
  }

  /** Calls `visit` for each item that something happened to, in order, with how often and in which second first. */
  forEach(visit: (item: number, count: number, firstSecond: number) => void): void {
    for (const number of this.#numbers) {
      const page = this.#pages[number]!;
      const first = number * ITEM_PAGE_ROWS;
      for (let row = 0; row < ITEM_PAGE_ROWS; row++) {
        const count = page.count(row);
        if (count > 0) visit(first + row, count, page.firstSecond(row));
      }
    }
  }

  /** Multiplies all values. */
  scale(factor: number): void {
    for (const number of this.#numbers) this.#pages[number]!.scale(factor);
  }

  /** Values become scores, as `valueAt` says, or weights. */
  become(values: TotalsValue, valueAt: (item: number) => number): void {
    if (values === this.#values) return;
    for (const number of this.#numbers) {
      const first = number * ITEM_PAGE_ROWS;
      const weights = values === 'weights' ? this.#weightsOf(number) : null;
      this.#pages[number]!.become(values, (row) => (weights === null ? valueAt(first + row) : weights[row]!));
    }
    this.#values = values;
  }

  sections(key: SectionKey): Section[] {
    const sections = new Map<number, number[]>();
    for (const number of this.#numbers) {
      const section = Math.floor(number / SECTION_PAGES);
      sections.set(section, [...(sections.get(section) ?? []), number]);
    }
    return [...sections].map(([section, numbers]) => this.#section(key, section, numbers));
  }

  /** Puts the pages of a section back. Errors: CORRUPT. */
  restore(reader: PartReader): void {
    const count = reader.u32();
    for (let at = 0; at < count; at++) {
      const number = reader.u32();
      if (this.#pages[number] !== undefined || number >= 1 << (32 - ITEM_PAGE_BITS))
        throw reader.corrupt(`has page ${number} twice, or too far behind`);
      this.#put(number, new TotalsPage(readPage(reader)));
    }
  }

  /** Of each page, in order. */
  *digests(): Generator<Uint8Array> {
    for (const number of this.#numbers) {
      yield new Uint8Array(Uint32Array.of(number).buffer);
      yield this.#pages[number]!.digest();
    }
  }

  #weightsOf(number: number): Float64Array {
    const first = number * ITEM_PAGE_ROWS;
    return Float64Array.from({ length: ITEM_PAGE_ROWS }, (_, row) => this.weight(first + row));
  }

  #section(key: SectionKey, section: number, numbers: readonly number[]): Section {
    const pages = numbers.map((number) => ({ number, columns: this.#pages[number]!.lend() }));
    const version = pages.reduce((sum, { columns }) => sum + columns.version, 0);
    return {
      ...key,
      name: `s${key.owner}-totals-${section}-${version}`,
      place: 'body',
      bytes: numbers.reduce((sum, number) => sum + this.#pages[number]!.memoryBytes, 0),
      write: (writer) => {
        writer.u32(pages.length);
        for (const { number, columns } of pages) {
          writer.u32(number);
          writePage(writer, columns);
        }
      },
    };
  }

  #put(number: number, page: TotalsPage): TotalsPage {
    this.#pages[number] = page;
    this.#numbers.push(number);
    this.#numbers.sort((a, b) => a - b);
    return page;
  }
}

function offerRows(best: Best, first: number, valueAt: (row: number) => number): void {
  for (let row = 0; row < ITEM_PAGE_ROWS; row++) {
    const value = valueAt(row);
    if (value > 0) best.offer(value, first + row);
  }
}

function writePage(writer: PartWriter, { numbers, unit, version }: PageColumns): void {
  writer.f64(version);
  writer.u8(Number.isNaN(unit) ? 0 : 1);
  writer.f64(Number.isNaN(unit) ? 0 : unit);
  writer.u8(numbers.length / ITEM_PAGE_ROWS);
  writer.raw(new Uint8Array(numbers.buffer));
}

function readPage(reader: PartReader): PageColumns {
  const version = reader.count();
  const hasUnit = reader.u8() !== 0;
  const unit = reader.f64();
  const stride = reader.u8();
  if (stride < 2 || stride > 3) throw reader.corrupt(`has records of ${stride} numbers`);
  const numbers = new Float64Array(reader.raw(ITEM_PAGE_ROWS * stride * NUMBER_BYTES).buffer);
  // The second number of each is two words, and may look like anything.
  for (let at = 0; at < numbers.length; at += stride)
    if (!Number.isFinite(numbers[at]!) || (stride === 3 && !Number.isFinite(numbers[at + 2]!)))
      throw reader.corrupt('has a value that is no number');
  return { numbers, unit: hasUnit ? unit : Number.NaN, version };
}
