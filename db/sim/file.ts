/**
 * One file as a page cache and a disk below it see it. Pages are never changed once they are in place: a write puts new
 * ones there, so copies of whole disks cost little. A page that is not in a map is all zeros.
 */
import type { Random } from './random.ts';

export const PAGE_BYTES = 4096;
export const SECTOR_BYTES = 512;
const SECTORS = PAGE_BYTES / SECTOR_BYTES;
const ZEROS = new Uint8Array(PAGE_BYTES);

/** A page as some write left it, since the last sync. `order` counts the disk's writes. */
interface Version {
  readonly order: number;
  readonly page: Uint8Array;
}

/** What a sync put in place of what: where a disk that errs can err. */
export interface Overwrite {
  readonly file: SimFile;
  readonly page: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** How writes that no sync covered reach the disk when power fails. */
export type Reach =
  /** None of them; all of them; those before some moment. */
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'until'; readonly order: number }
  /** Each sector for itself, in any version it had; with what probability a written one is missing. */
  | { readonly kind: 'mixed'; readonly missing: number; readonly sectorBytes: number };

export class SimFile {
  /** Space taken. */
  allocated = 0;
  size = 0;
  #durableSize = 0;
  #cache: Map<number, Uint8Array>;
  #durable: Map<number, Uint8Array>;
  #dirty = new Map<number, Version[]>();
  #truncated = false;
  /** Sectors the disk cannot read, by number. */
  readonly #unreadable: Set<number>;

  constructor(
    pages: ReadonlyMap<number, Uint8Array> = new Map(),
    size = 0,
    unreadable: Iterable<number> = [],
  ) {
    this.#cache = new Map(pages);
    this.#durable = new Map(pages);
    this.#unreadable = new Set(unreadable);
    this.size = size;
    this.#durableSize = size;
  }

  /** Bytes read; -1 when a sector cannot be. */
  read(target: Uint8Array, length: number, position: number): number {
    const end = Math.min(position + length, this.size);
    for (let at = position; at < end; ) {
      const page = Math.floor(at / PAGE_BYTES);
      const from = at - page * PAGE_BYTES;
      const to = Math.min(PAGE_BYTES, end - page * PAGE_BYTES);
      if (this.#unreadable.size > 0 && this.#cannotRead(page, from, to)) return -1;
      const content = this.#cache.get(page);
      if (content === undefined) target.fill(0, at - position, at - position + to - from);
      else target.set(content.subarray(from, to), at - position);
      at += to - from;
    }
    return Math.max(end - position, 0);
  }

  write(source: Uint8Array, position: number, order: number): void {
    if (source.length === 0) return;
    const end = position + source.length;
    for (let at = position; at < end; ) {
      const page = Math.floor(at / PAGE_BYTES);
      const from = at - page * PAGE_BYTES;
      const to = Math.min(PAGE_BYTES, end - page * PAGE_BYTES);
      this.#writePage(page, from, source.subarray(at - position, at - position + to - from), order);
      at += to - from;
    }
    this.size = Math.max(this.size, end);
  }

  /** Everything reaches the disk. Returns what was overwritten there. */
  sync(): Overwrite[] {
    const overwrites: Overwrite[] = [];
    for (const page of this.#dirty.keys()) {
      const after = this.#cache.get(page) ?? ZEROS;
      overwrites.push({ file: this, page, before: this.#durable.get(page) ?? ZEROS, after });
      this.putDurable(page, after);
    }
    if (this.#truncated)
      for (const page of this.#durable.keys()) if (!this.#cache.has(page)) this.#durable.delete(page);
    this.#truncated = false;
    this.#dirty.clear();
    this.#durableSize = this.size;
    return overwrites;
  }

  /**
   * A sync failed: what was to be written is lost to the disk, some sectors excepted, and the next sync will not try again.
   * `dropped`: the page cache forgets it too; else it goes on showing it and calls it clean, as Linux does on most file
   * systems (Rebello et al., ATC'20).
   */
  loseDirty(random: Random, dropped: boolean): void {
    for (const [page, versions] of this.#dirty) {
      const reached = mixSectors(this.#durable.get(page) ?? ZEROS, versions, random, {
        missing: 0.7,
        sectorBytes: SECTOR_BYTES,
      });
      this.#durable.set(page, reached);
      if (dropped) this.#cache.set(page, reached);
    }
    this.#dirty.clear();
    this.#durableSize = this.size;
  }

  truncate(length: number): void {
    this.size = length;
    this.#truncated = true;
    const whole = Math.ceil(length / PAGE_BYTES);
    for (const pages of [this.#cache, this.#dirty]) {
      for (const page of [...pages.keys()]) if (page >= whole) pages.delete(page);
    }
    const rest = length % PAGE_BYTES;
    const last = this.#cache.get(whole - 1);
    if (rest > 0 && last !== undefined) this.#cache.set(whole - 1, blankFrom(last, rest));
  }

  /** The file as found when power comes back. `garbage`: probability that a sector in flight holds neither old nor new. */
  afterPowerCut(random: Random, reach: Reach, garbage: number): { file: SimFile; garbageSectors: number } {
    const pages = new Map(this.#durable);
    let garbageSectors = 0;
    for (const [page, versions] of this.#dirty) {
      const before = this.#durable.get(page) ?? ZEROS;
      let content = reached(before, versions, random, reach);
      for (let sector = 0; garbage > 0 && sector < SECTORS; sector++) {
        const start = sector * SECTOR_BYTES;
        if (!random.chance(garbage) || !inFlight(before, versions, start)) continue;
        content = content.slice();
        content.set(random.bytes(SECTOR_BYTES), start);
        garbageSectors += 1;
      }
      pages.set(page, content);
    }
    const size =
      reach.kind === 'none' || (reach.kind !== 'all' && random.chance(0.5)) ? this.#durableSize : this.size;
    return { file: this.#onDisk(pages, size), garbageSectors };
  }

  /** What the disk holds, whatever the page cache shows. Both change: for damage. */
  putDurable(page: number, content: Uint8Array): void {
    this.#durable.set(page, content);
  }

  damage(page: number, content: Uint8Array): void {
    this.#durable.set(page, content);
    this.#cache.set(page, content);
  }

  makeUnreadable(sector: number): void {
    this.#unreadable.add(sector);
  }

  /** Pages that are not all zeros, or were written as zeros. */
  pages(): number[] {
    return [...this.#cache.keys()].sort((a, b) => a - b);
  }

  page(page: number): Uint8Array {
    return this.#cache.get(page) ?? ZEROS;
  }

  #onDisk(pages: ReadonlyMap<number, Uint8Array>, size: number): SimFile {
    const file = new SimFile(pages, size, this.#unreadable);
    file.allocated = this.allocated;
    return file;
  }

  #writePage(page: number, from: number, part: Uint8Array, order: number): void {
    const old = this.#cache.get(page) ?? ZEROS;
    const versions = this.#dirty.get(page);
    const clean = this.#cache.get(page) === this.#durable.get(page);
    // The same bytes again change nothing, unless the disk holds others than the page cache shows.
    if (
      (versions !== undefined || clean) &&
      Buffer.compare(old.subarray(from, from + part.length), part) === 0
    )
      return;
    const content = old.slice();
    content.set(part, from);
    this.#cache.set(page, content);
    if (versions === undefined) this.#dirty.set(page, [{ order, page: content }]);
    else versions.push({ order, page: content });
    if (this.#unreadable.size === 0) return;
    // A sector written whole is read again: the disk puts it elsewhere.
    const first = Math.ceil(from / SECTOR_BYTES);
    const end = Math.floor((from + part.length) / SECTOR_BYTES);
    for (let sector = first; sector < end; sector++) this.#unreadable.delete(page * SECTORS + sector);
  }

  #cannotRead(page: number, from: number, to: number): boolean {
    const last = Math.floor((to - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector <= last; sector++) {
      if (this.#unreadable.has(page * SECTORS + sector)) return true;
    }
    return false;
  }
}

function reached(before: Uint8Array, versions: readonly Version[], random: Random, reach: Reach): Uint8Array {
  if (reach.kind === 'none') return before;
  if (reach.kind === 'all') return versions.at(-1)?.page ?? before;
  if (reach.kind === 'until') return versions.findLast(({ order }) => order <= reach.order)?.page ?? before;
  return mixSectors(before, versions, random, reach);
}

/** Whether a write changed the sector since the last sync. */
function inFlight(before: Uint8Array, versions: readonly Version[], start: number): boolean {
  const old = before.subarray(start, start + SECTOR_BYTES);
  return versions.some(({ page }) => Buffer.compare(old, page.subarray(start, start + SECTOR_BYTES)) !== 0);
}

function mixSectors(
  before: Uint8Array,
  versions: readonly Version[],
  random: Random,
  { missing, sectorBytes }: { readonly missing: number; readonly sectorBytes: number },
): Uint8Array {
  const content = before.slice();
  for (let start = 0; start < PAGE_BYTES; start += sectorBytes) {
    if (random.chance(missing)) continue;
    // Mostly the newest: a disk that keeps an old one of many is rare.
    const at = random.chance(0.8) ? versions.length - 1 : random.below(versions.length);
    const from = versions[at]?.page ?? before;
    content.set(from.subarray(start, start + sectorBytes), start);
  }
  return content;
}

function blankFrom(page: Uint8Array, from: number): Uint8Array {
  const content = page.slice();
  content.fill(0, from);
  return content;
}
