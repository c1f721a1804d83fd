import { describe, expect, test } from 'vitest';
import type { SlotId } from '../../../../../db/ranking/ground.ts';
import { Arena, type Arenas } from '../../../../../db/ranking/indexes/vectors/arena.ts';
import { PreferenceShifts } from '../../../../../db/ranking/indexes/vectors/preference-shifts.ts';
import { SlotIndex } from '../../../../../db/ranking/indexes/vectors/slot-index.ts';
import type { EmbeddingSlot } from '../../../../../db/ranking/schema/model.ts';
import { Random } from './random.ts';
import { kept, shifted } from './reference.ts';

const DIMENSIONS = 128;
const BLOCK_BYTES = 65_536;

/** Full after so many blocks. */
class SmallArena extends Arena {
  readonly #blocksMax: number;
  #blocks = 0;

  constructor(blocksMax: number) {
    super();
    this.#blocksMax = blocksMax;
  }

  override hasRoom(bytes: number): boolean {
    return this.#blocks + bytes / BLOCK_BYTES <= this.#blocksMax && super.hasRoom(bytes);
  }

  override allocate(bytes: number): number | null {
    const address = super.allocate(bytes);
    if (address !== null) this.#blocks += 1;
    return address;
  }
}

/** Each arena has room for so many blocks; what does not fit begins another. */
function smallArenas(...blocks: readonly number[]): Arenas {
  const all = blocks.map((count) => new SmallArena(count));
  return {
    withRoom: (bytes: number) => all.find((arena) => arena.hasRoom(bytes)) ?? all.at(-1)!,
  } as unknown as Arenas;
}

function newIndex(arenas: Arenas, source: EmbeddingSlot['source']): SlotIndex {
  const slot: EmbeddingSlot = {
    id: 1 as SlotId,
    name: 'content',
    dimensions: DIMENSIONS,
    metric: 'cosine',
    source,
  };
  const linking = source === 'given' ? { graphFrom: 100, sweptFrom: 10 } : null;
  return new SlotIndex(slot, { arenas, seed: { low: 1, high: 2 }, position: { sequence: 1 }, linking });
}

describe('vectors that no longer fit into their memory', () => {
  test('go on in another, and answer as before', () => {
    const arenas = smallArenas(2, 6);
    const index = newIndex(arenas, 'given');
    const ample = newIndex(smallArenas(100), 'given');
    const random = new Random(3);
    const first = index.rows.arena;
    for (let number = 1; number <= 600; number++) {
      const vector = random.vector(DIMENSIONS);
      for (const each of [index, ample]) {
        each.set(number, vector, true);
        each.linking!.advance(2);
      }
    }
    expect(index.rows.arena).not.toBe(first);
    const query = random.vector(DIMENSIONS);
    expect(index.nearest(query, 20, null)).toEqual(ample.nearest(query, 20, null));
    expect(index.vector(7)).toEqual(ample.vector(7));
    expect(index.rows.hash()).toBe(ample.rows.hash());
  });

  test('are refused when there is no room anywhere, with what was there', () => {
    const index = newIndex(smallArenas(1, 1), 'given');
    const random = new Random(4);
    const fill = (): void => {
      for (let number = 1; number <= 600; number++) index.set(number, random.vector(DIMENSIONS), true);
    };
    expect(fill).toThrow(/embedding "content" take more memory than there is: 128 are held/);
  });

  test('move preferences across', () => {
    const items = newIndex(smallArenas(9), 'given');
    const preferences = newIndex(smallArenas(9), 'preference');
    const random = new Random(5);
    const vectors = [random.vector(DIMENSIONS), random.vector(DIMENSIONS)];
    for (const [at, vector] of vectors.entries()) items.set(at + 1, vector, true);
    const shifts = new PreferenceShifts();
    expect(shifts.add(preferences.rows, 9, items.rows, 1, 0.5)).toBe(0);
    expect(shifts.add(preferences.rows, 9, items.rows, 2, 0.25)).toBe(-1);
    expect(shifts.add(preferences.rows, 9, items.rows, 1, -0.125)).toBe(-1);
    shifts.flush();
    const [one, other] = vectors.map((vector) => kept({ metric: 'cosine' }, vector));
    const start = shifted(new Float32Array(DIMENSIONS), one!, 1);
    expect(preferences.vector(9)).toEqual(shifted(shifted(start, other!, 0.25), one!, -0.125));
  });
});
