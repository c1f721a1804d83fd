/**
 * The signals one tenant has sent lately, by their hashes, and how many there ever were: what decisions need to know about
 * signals without knowing what views made of them. The window is the last 1,048,576 signals or 24 hours of recorded time,
 * whichever is less far back.
 */
import { MICROS_PER_DAY, type Micros, type RelationshipId, type SignalId } from '../ground.ts';
import { HASH_WORDS, HashWindow, type SignalHash, SignalRecords, WINDOW_PAGE_ROWS } from '../kernel/index.ts';
import { corruptEntities } from './corrupt.ts';
import { digestOf, type Piece, smallPiece } from './piece.ts';

export const WINDOW_MICROS = MICROS_PER_DAY;
/** Rows in one piece, counted from the first there ever was. */
const PIECE_ROWS = 64 * WINDOW_PAGE_ROWS;
const MARK_BYTES = 8;
/** A window has 17 pieces at most. */
const DIGESTS_MAX = 64;
const ROW_BYTES = HASH_WORDS * 4 + MARK_BYTES;
const COUNT_BYTES = 8;
/** Of what stands in the piece with where the window begins. */
const FIRST_ROW = 0;
const NEWEST = 1;

export class TenantSignatures {
  #window = new HashWindow(0);
  /** By id. */
  readonly #signals = new Map<SignalId, number>();
  readonly #edges = new Map<RelationshipId, number>();
  /** Of pieces, by their first and last row. */
  readonly #digests = new Map<string, string>();
  #newest = 0;

  /** A batch of signals that was recorded then. Errors: CORRUPT. */
  add(payload: Uint8Array, recorded: Micros): void {
    const records = SignalRecords.of(payload);
    this.#window.removeThrough(recorded - WINDOW_MICROS);
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      count(this.#signals, records.signal);
      if (records.at > this.#newest) this.#newest = records.at;
      if (hasHash(records)) this.#window.add(records, recorded);
    }
  }

  addEdge(relationship: RelationshipId): void {
    count(this.#edges, relationship);
  }

  /** Whether the signal is in the window as it is at `now`. */
  seen(hash: SignalHash, now: Micros): boolean {
    return this.#window.has(hash, now - WINDOW_MICROS);
  }

  /** Time of the newest signal, or 0. */
  get newest(): Micros {
    return this.#newest as Micros;
  }

  signals(signal: SignalId): number {
    return this.#signals.get(signal) ?? 0;
  }

  edges(relationship: RelationshipId): number {
    return this.#edges.get(relationship) ?? 0;
  }

  get bytes(): number {
    return this.#window.bytes;
  }

  pieces(name: string): readonly Piece[] {
    const pieces = [
      smallPiece(`${name}.signals`, countsOf(this.#signals)),
      smallPiece(`${name}.edges`, countsOf(this.#edges)),
      smallPiece(
        `${name}.first`,
        countsOf(
          new Map([
            [FIRST_ROW, this.#window.first],
            [NEWEST, this.#newest],
          ]),
        ),
      ),
    ];
    const { first, end } = this.#window;
    for (let from = first; from < end; ) {
      const to = Math.min(end, (Math.floor(from / PIECE_ROWS) + 1) * PIECE_ROWS);
      pieces.push(this.#rowsPiece(name, from, to));
      from = to;
    }
    return pieces;
  }

  /** `place` is what follows the tenant's name in that of a piece; rows come in their order, behind `first`. Errors: CORRUPT. */
  restore(place: string, bytes: Uint8Array): void {
    const [part] = place.split('.');
    if (part === 'signals') restoreCounts(this.#signals, bytes);
    else if (part === 'edges') restoreCounts(this.#edges, bytes);
    else if (part === 'first') {
      const first = new Map<number, number>();
      restoreCounts(first, bytes);
      this.#window = new HashWindow(first.get(FIRST_ROW) ?? 0);
      this.#newest = first.get(NEWEST) ?? 0;
    } else this.#restoreRows(bytes);
  }

  #rowsPiece(name: string, from: number, to: number): Piece {
    const chunks: Uint8Array[] = [];
    // Rows never change in their pages, so these are not copies.
    for (let row = from; row < to; ) {
      const at = row % WINDOW_PAGE_ROWS;
      const rows = Math.min(to - row, WINDOW_PAGE_ROWS - at);
      const { words, marks } = this.#window.pageOf(row);
      chunks.push(bytesOf(words.subarray(at * HASH_WORDS, (at + rows) * HASH_WORDS)));
      chunks.push(bytesOf(marks.subarray(at, at + rows)));
      row += rows;
    }
    return {
      name: `${name}.rows.${from}.${to}`,
      digest: () => this.#digest(`${from}.${to}`, chunks),
      chunks: () => chunks,
    };
  }

  /** Rows never change, so those of the same numbers have the same digest for good. */
  #digest(rows: string, chunks: readonly Uint8Array[]): string {
    let digest = this.#digests.get(rows);
    if (digest === undefined) {
      digest = digestOf(chunks);
      if (this.#digests.size > DIGESTS_MAX) this.#digests.clear();
      this.#digests.set(rows, digest);
    }
    return digest;
  }

  #restoreRows(bytes: Uint8Array): void {
    if (bytes.length % ROW_BYTES !== 0)
      throw corruptEntities(`a window of signals has ${bytes.length} bytes`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let left = bytes.length / ROW_BYTES;
    for (let at = 0; left > 0; ) {
      const rows = Math.min(left, WINDOW_PAGE_ROWS - (this.#window.end % WINDOW_PAGE_ROWS));
      const marks = at + rows * HASH_WORDS * 4;
      for (let row = 0; row < rows; row++) {
        const word = at + row * HASH_WORDS * 4;
        const hash: SignalHash = {
          hashHigh: view.getUint32(word, true),
          hashLow: view.getUint32(word + 4, true),
          checkHigh: view.getUint32(word + 8, true),
          checkLow: view.getUint32(word + 12, true),
        };
        this.#window.add(hash, view.getFloat64(marks + row * MARK_BYTES, true));
      }
      at += rows * ROW_BYTES;
      left -= rows;
    }
  }
}

export function hasHash({ hashHigh, hashLow, checkHigh, checkLow }: SignalHash): boolean {
  return (hashHigh | hashLow | checkHigh | checkLow) !== 0;
}

function count<Id>(counts: Map<Id, number>, id: Id): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

/** Ids and counts as doubles, ascending by id. */
function countsOf(counts: ReadonlyMap<number, number>): Uint8Array {
  return bytesOf(Float64Array.from([...counts].sort(([a], [b]) => a - b).flat()));
}

function restoreCounts<Id extends number>(into: Map<Id, number>, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length % (2 * COUNT_BYTES) !== 0) throw corruptEntities('counts of signals are cut off');
  for (let at = 0; at < bytes.length; at += 2 * COUNT_BYTES) {
    const [id, value] = [view.getFloat64(at, true), view.getFloat64(at + COUNT_BYTES, true)];
    if (!Number.isSafeInteger(value) || value < 0)
      throw corruptEntities(`there are ${value} signals of a type`);
    into.set(id as Id, value);
  }
}

function bytesOf(values: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
