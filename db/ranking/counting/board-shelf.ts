/**
 * The boards that were asked for lately. One that stands a little before what is asked for is moved there, one of nearly the
 * same groups is changed to them; otherwise one is made. Those that take too much memory, or that nobody asks for any more
 * while many events come in, are dropped.
 */
import { Board, type BoardRequest, type CellSource, EVERYTHING } from './board.ts';
import type { GroupSet } from './group-set.ts';
import { GRAIN_INDEX } from './window.ts';

/** Events between two looks at which boards were asked for since the last. */
const EVENTS_PER_LOOK = 1 << 21;
/** A board is changed to other groups if no more than this share of them differ. */
const REGROUP_SHARE = 0.25;

export class BoardShelf {
  readonly #source: CellSource;
  readonly #bytesMax: number;
  /** Those asked for last are at the end. */
  #boards: Board[] = [];
  readonly #asked = new Set<Board>();
  #events = 0;

  constructor(source: CellSource, bytesMax: number) {
    this.#source = source;
    this.#bytesMax = bytesMax;
  }

  get memoryBytes(): number {
    return this.#boards.reduce((sum, board) => sum + board.memoryBytes, 0);
  }

  /** An event has happened: its bucket, and how often it counts, by grain. */
  feed(buckets: Float64Array, amounts: Float64Array, group: number, item: number, weight: number): void {
    for (const board of this.#boards) {
      const grain = GRAIN_INDEX[board.window.grain];
      if (amounts[grain]! > 0) board.feed(buckets[grain]!, group, item, amounts[grain]!, weight);
    }
    this.#events += 1;
    if (this.#events >= EVENTS_PER_LOOK) this.#dropUnasked();
  }

  board(request: BoardRequest): Board {
    const board = this.#ready(request) ?? this.#made(request);
    this.#boards = [...this.#boards.filter((other) => other !== board), board];
    this.#asked.add(board);
    this.#dropTooMany();
    return board;
  }

  /** Cells have changed without it being told. */
  clear(): void {
    for (const board of this.#boards) board.release();
    this.#boards = [];
    this.#asked.clear();
  }

  #made(request: BoardRequest): Board {
    const board = new Board(request);
    board.fill(this.#source);
    return board;
  }

  /** A board that stands where it is asked for, or was brought there. */
  #ready(request: BoardRequest): Board | null {
    const near = this.#boards.filter((board) => this.#canStandAt(board, request));
    const found = nearest(near.filter((board) => haveSameGroups(board.groups, request.groups)));
    if (found !== null) return this.#moved(found, request);
    if (request.groups === null) return null;
    const groups = request.groups;
    const similar = nearest(near.filter((board) => areSimilar(board.groups!, groups)));
    if (similar === null) return null;
    similar.regroup(groups, this.#source);
    return this.#moved(similar, request);
  }

  #moved(board: Board, { end }: BoardRequest): Board {
    if (board.end !== end) board.moveTo(end, this.#source);
    return board;
  }

  #canStandAt(board: Board, { measure, window, end }: BoardRequest): boolean {
    if (board.measure !== measure || board.window.buckets !== window.buckets) return false;
    if (window === EVERYTHING) return true;
    const distance = end - board.end;
    if (board.window.grain !== window.grain || distance < 0 || distance >= window.buckets) return false;
    return this.#source.reachesBackTo(window.grain, board.begin);
  }

  #dropTooMany(): void {
    let bytes = this.memoryBytes;
    while (bytes > this.#bytesMax && this.#boards.length > 1) {
      const dropped = this.#boards.shift()!;
      bytes -= dropped.memoryBytes;
      dropped.release();
    }
  }

  #dropUnasked(): void {
    this.#events = 0;
    for (const board of this.#boards) if (!this.#asked.has(board)) board.release();
    this.#boards = this.#boards.filter((board) => this.#asked.has(board));
    this.#asked.clear();
  }
}

/** The one that stands at the latest end. */
function nearest(boards: readonly Board[]): Board | null {
  return boards.reduce<Board | null>(
    (best, board) => (best === null || board.end > best.end ? board : best),
    null,
  );
}

function haveSameGroups(one: GroupSet | null, other: GroupSet | null): boolean {
  return one === null || other === null ? one === other : one.isSameAs(other);
}

function areSimilar(one: GroupSet, other: GroupSet): boolean {
  const different = one.without(other).numbers.length + other.without(one).numbers.length;
  return different <= other.numbers.length * REGROUP_SHARE;
}
