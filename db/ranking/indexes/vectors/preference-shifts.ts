/**
 * Moves preferences towards what people had to do with, or away from it: v becomes (v + rate · weight · x), brought to length 1.
 * Who has none gets one with the first thing they move towards; nobody can move away from nowhere.
 *
 * Shifts are gathered and carried out together in WebAssembly, in the order they came.
 */
import { type Arena, LIST_ROWS, ROOM } from './arena.ts';
import { SHIFT_BYTES } from './kernels.ts';
import type { VectorRows } from './vector-rows.ts';

const LIST = ROOM.list >>> 2;
const SHIFT_WORDS = SHIFT_BYTES >>> 2;
/** Shorter vectors have no direction that single precision could hold. */
const LENGTH_LEAST = 1e-18;
const NO_ROW = -1;

export class PreferenceShifts {
  #preferences: VectorRows | null = null;
  #count = 0;

  /**
   * `by`: rate times weight. Nothing happens where the item has no vector. Returns the row of a preference that begins with
   * this, else -1.
   */
  add(preferences: VectorRows, user: number, items: VectorRows, item: number, by: number): number {
    const towards = items.rowOf(item);
    if (towards < 0 || by === 0 || items.norms[towards]! < LENGTH_LEAST) return NO_ROW;
    if (preferences !== this.#preferences || this.#count === LIST_ROWS) {
      this.flush();
      this.#preferences = preferences;
    }
    let row = preferences.rowOf(user);
    const begins = row < 0;
    if (begins) {
      if (by < 0) return NO_ROW;
      // Taking a row may move all of them.
      this.flush();
      row = preferences.take(user, false);
    }
    preferences.willChange(row);
    const { arena } = preferences;
    const together = items.arena === arena;
    if (!together) this.#carry(items, towards, arena);
    const at = LIST + this.#count * SHIFT_WORDS;
    arena.words[at] = preferences.address(row);
    arena.words[at + 1] = together ? items.address(towards) : ROOM.query;
    // Of the first one only the direction is left in any case.
    arena.floats[at + 2] = begins ? 1 : by;
    this.#count += 1;
    return begins ? row : NO_ROW;
  }

  /** Carries out what was gathered. */
  flush(): void {
    if (this.#count === 0) return;
    const { arena, stride } = this.#preferences!;
    arena.kernels.shift(ROOM.list, this.#count, stride);
    this.#count = 0;
  }

  /** Lays an item's vector where the preference's kernel can read it. */
  #carry(items: VectorRows, row: number, arena: Arena): void {
    this.flush();
    const from = items.address(row);
    arena.bytes.set(items.arena.bytes.subarray(from, from + items.stride), ROOM.query);
  }
}
