/** A file's bytes as pages that are shared between states and never changed, with a digest that tells equal ones. */
import { xxh64 } from '../../../db/hash/index.ts';
import { PAGE_BYTES, SECTOR_BYTES } from '../../../db/sim/file.ts';
import type { Operation } from './strace-log.ts';

export interface Content {
  /** Those that are not all zeros. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly size: number;
}

const ZEROS = Buffer.alloc(PAGE_BYTES);

export const EMPTY: Content = { pages: new Map(), size: 0 };

type Change = Extract<Operation, { kind: 'write' | 'size' }>;

export function contentOf(bytes: Uint8Array): Content {
  return written(EMPTY, 0, Uint8Array.from(bytes));
}

/** The change as a whole. */
export function changed(content: Content, change: Change): Content {
  if (change.kind === 'write') return written(content, change.position, change.bytes);
  if (!change.cuts) return { ...content, size: Math.max(content.size, change.length) };
  throw new Error('files that are cut are not known here');
}

/** Writes of more sectors are torn at every 64th: all would be tens of thousands of states that differ in nothing else. */
const SECTORS_EACH = 512;
const SECTORS_STEP = 64;

/**
 * What of a change may be on the disk besides nothing and all of it. Sectors reach it whole: a write within one sector is
 * there or not. `thorough`: cut off after every sector, and every one missing alone; else a few of each.
 */
export function tornParts(change: Change, thorough: boolean): ((content: Content) => Content)[] {
  if (change.kind !== 'write') return [];
  const { position, bytes } = change;
  const bounds = sectorBounds(position, bytes.length);
  if (bounds.length === 0) return [];
  const edges = [0, ...bounds, bytes.length];
  const part = (content: Content, from: number, to: number): Content =>
    written(content, position, bytes, from, to);
  return chosen(bounds.length + 1, thorough).flatMap((sector) => {
    const from = edges[sector]!;
    const to = edges[sector + 1]!;
    // The file ends where the write does, whichever of its sectors is missing.
    const size = (content: Content): number => Math.max(content.size, position + bytes.length);
    const hole = (content: Content): Content => ({
      ...part(part(content, 0, from), to, bytes.length),
      size: size(content),
    });
    const prefix = (content: Content): Content => part(content, 0, from);
    return from === 0 ? [hole] : [prefix, hole];
  });
}

function chosen(sectors: number, thorough: boolean): number[] {
  const all = Array.from({ length: sectors }, (_, sector) => sector);
  const few = [0, 1, sectors >> 1, sectors - 1];
  if (!thorough) return [...new Set(few)];
  return sectors <= SECTORS_EACH
    ? all
    : all.filter((sector) => sector % SECTORS_STEP === 0 || few.includes(sector));
}

const digests = new WeakMap<Uint8Array, bigint>();

export function digestOf({ pages, size }: Content): string {
  let sum = BigInt(size);
  for (const [number, page] of pages) {
    let digest = digests.get(page);
    if (digest === undefined) {
      digest = xxh64(page);
      digests.set(page, digest);
    }
    sum += BigInt.asUintN(64, digest * BigInt(2 * number + 1));
  }
  return sum.toString(36);
}

/** Of a write, what lies from `from` to before `to`. */
function written(
  content: Content,
  position: number,
  bytes: Uint8Array,
  from = 0,
  to = bytes.length,
): Content {
  if (to <= from) return content;
  const pages = new Map(content.pages);
  const end = position + to;
  for (let at = position + from; at < end; ) {
    const number = Math.floor(at / PAGE_BYTES);
    const start = at - number * PAGE_BYTES;
    const stop = Math.min(PAGE_BYTES, end - number * PAGE_BYTES);
    const part = (): Uint8Array => bytes.subarray(at - position, at - position + stop - start);
    const page =
      start === 0 && stop === PAGE_BYTES
        ? wholePage(bytes, number, part)
        : withPart(pages.get(number), start, part());
    if (ZEROS.equals(page)) pages.delete(number);
    else pages.set(number, page);
    at += stop - start;
  }
  return { pages, size: Math.max(content.size, end) };
}

function withPart(page: Uint8Array | undefined, start: number, part: Uint8Array): Uint8Array {
  const changedPage = new Uint8Array(PAGE_BYTES);
  if (page !== undefined) changedPage.set(page);
  changedPage.set(part, start);
  return changedPage;
}

const wholePages = new WeakMap<Uint8Array, Map<number, Uint8Array>>();

/** The same object each time: thousands of torn parts of one write have most of their pages in common. */
function wholePage(bytes: Uint8Array, number: number, part: () => Uint8Array): Uint8Array {
  const known = wholePages.get(bytes) ?? new Map<number, Uint8Array>();
  wholePages.set(bytes, known);
  const page = known.get(number) ?? part();
  known.set(number, page);
  return page;
}

/** Places within a write where a sector of the file begins, from its start on. */
function sectorBounds(position: number, length: number): number[] {
  const bounds: number[] = [];
  const first = SECTOR_BYTES - (position % SECTOR_BYTES);
  for (let at = first; at < length; at += SECTOR_BYTES) bounds.push(at);
  return bounds;
}
