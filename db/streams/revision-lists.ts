/**
 * The rows of each stream by revision. A list is a chain of chunks, each twice the one before up to a limit, cut from
 * shared pages: a stream of one event takes three words, a stream of a hundred million wastes less than a thousandth.
 *
 * Since sizes double by rule, the chunk that holds a revision is computed, not searched; only the way back to it from the
 * newest chunk is walked.
 */
import { invariant } from '../kernel/index.ts';
import { PagedColumn, u32 } from './paged-column.ts';

const CHUNK_FIRST = 2;
const CHUNK_MAX = 1 << 16;
/** Chunks that double: 2, 4, … 65,536; every later one has the greatest size. */
const DOUBLING = 15;
const REVISIONS_DOUBLING = CHUNK_MAX * 2 - CHUNK_FIRST;
const HEADER_WORDS = 1;
const PAGE_SHIFT = 20;
const PAGE_WORDS = 1 << PAGE_SHIFT;
const FIRST_PAGE_WORDS = 1 << 12;
const WORDS_MAX = 0x1_0000_0000;
const NO_CHUNK = 0xffff_ffff;

export class RevisionLists {
  readonly #counts = new PagedColumn(u32);
  /** Word address of the newest chunk of each stream. */
  readonly #newest = new PagedColumn(u32);
  readonly #pages: Uint32Array[] = [];
  #end = 0;

  get streams(): number {
    return this.#counts.length;
  }

  /** Begins the list of the next stream. */
  addStream(): void {
    this.#counts.push(0);
    this.#newest.push(NO_CHUNK);
  }

  count(stream: number): number {
    return this.#counts.get(stream);
  }

  append(stream: number, row: number): void {
    const revision = this.#counts.get(stream);
    const first = chunkFirst(chunkOf(revision));
    let chunk = this.#newest.get(stream);
    if (revision === first) {
      chunk = this.#allocate(HEADER_WORDS + chunkSize(chunkOf(revision)), chunk);
      this.#newest.set(stream, chunk);
    }
    const word = chunk + HEADER_WORDS + revision - first;
    this.#pages[word >>> PAGE_SHIFT]![word & (PAGE_WORDS - 1)] = row;
    this.#counts.set(stream, revision + 1);
  }

  /** Row of the stream's last event; the stream has one. */
  lastRow(stream: number): number {
    const revision = this.#counts.get(stream) - 1;
    invariant(revision >= 0, 'a stream in the index has events');
    return this.#word(this.#newest.get(stream) + HEADER_WORDS + revision - chunkFirst(chunkOf(revision)));
  }

  /** Rows of revisions `from` to before `to`, ascending. */
  rows(stream: number, from: number, to: number): Uint32Array {
    invariant(from >= 0 && from <= to && to <= this.count(stream), 'revisions asked for are in the stream');
    const rows = new Uint32Array(to - from);
    if (rows.length === 0) return rows;
    let chunk = this.#newest.get(stream);
    let number = chunkOf(this.count(stream) - 1);
    for (let end = to; end > from; number--) {
      const first = chunkFirst(number);
      if (first < end) {
        const start = Math.max(first, from);
        const page = this.#pages[chunk >>> PAGE_SHIFT]!;
        const place = (chunk & (PAGE_WORDS - 1)) + HEADER_WORDS - first;
        rows.set(page.subarray(place + start, place + end), start - from);
        end = start;
      }
      chunk = this.#word(chunk);
    }
    return rows;
  }

  get bytes(): number {
    const words = this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
    return words + this.#counts.bytes + this.#newest.bytes;
  }

  #word(word: number): number {
    return this.#pages[word >>> PAGE_SHIFT]![word & (PAGE_WORDS - 1)]!;
  }

  /** Cuts a chunk that lies in one page and points back to `previous`. */
  #allocate(words: number, previous: number): number {
    const room = PAGE_WORDS - (this.#end & (PAGE_WORDS - 1));
    if (room < words) this.#end += room;
    const at = this.#end;
    invariant(
      at + words < WORDS_MAX,
      'the stream index holds fewer than four thousand million words of rows',
    );
    this.#end = at + words;
    this.#makeRoom(at >>> PAGE_SHIFT, (at & (PAGE_WORDS - 1)) + words);
    this.#pages[at >>> PAGE_SHIFT]![at & (PAGE_WORDS - 1)] = previous;
    return at;
  }

  /** The first page grows from small to full size, so that a database of few events takes little memory. */
  #makeRoom(page: number, words: number): void {
    const there = this.#pages[page];
    if (there === undefined) {
      this.#pages.push(
        new Uint32Array(page === 0 ? Math.max(FIRST_PAGE_WORDS, powerOfTwo(words)) : PAGE_WORDS),
      );
    } else if (there.length < words) {
      const larger = new Uint32Array(powerOfTwo(words));
      larger.set(there);
      this.#pages[page] = larger;
    }
  }
}

/** Number of the chunk that holds a revision: chunk k begins at revision 2^(k+1) − 2 while chunks double. */
function chunkOf(revision: number): number {
  if (revision >= REVISIONS_DOUBLING)
    return DOUBLING + 1 + Math.floor((revision - REVISIONS_DOUBLING) / CHUNK_MAX);
  return 31 - Math.clz32(revision + CHUNK_FIRST) - 1;
}

function chunkFirst(chunk: number): number {
  if (chunk > DOUBLING) return REVISIONS_DOUBLING + (chunk - DOUBLING - 1) * CHUNK_MAX;
  return (1 << (chunk + 1)) - CHUNK_FIRST;
}

function chunkSize(chunk: number): number {
  return chunk > DOUBLING ? CHUNK_MAX : CHUNK_FIRST << chunk;
}

function powerOfTwo(words: number): number {
  return 1 << (32 - Math.clz32(words - 1));
}
