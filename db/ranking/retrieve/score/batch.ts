import type { EntityNumber } from '../../ground.ts';
import type { EntityReader } from '../../reading.ts';
import type { EntityKind } from '../../schema/model.ts';

/** Candidates side by side: their numbers, and what columns are worked out for. Shrinks in place as conditions are put. */
export class Batch {
  readonly ids: Uint32Array;
  /** Sum of 1 / (60 + rank) over the lists that an entity is in. */
  readonly fused: Float64Array;
  #count: number;
  #creators: Uint32Array | null = null;

  constructor(ids: Uint32Array, fused: Float64Array = new Float64Array(ids.length)) {
    this.ids = ids;
    this.fused = fused;
    this.#count = ids.length;
  }

  get count(): number {
    return this.#count;
  }

  /** 0 where there is none. */
  creators(entities: EntityReader, { id, creator }: EntityKind): Uint32Array {
    if (this.#creators === null) {
      const creators = new Uint32Array(this.#count);
      for (let at = 0; creator !== null && at < this.#count; at++) {
        creators[at] = entities.creatorOf(id, this.ids[at]! as EntityNumber);
      }
      this.#creators = creators;
    }
    return this.#creators;
  }

  /** Leaves out where `mask` is 0. */
  keep(mask: Uint8Array): void {
    const { ids, fused } = this;
    const creators = this.#creators;
    let kept = 0;
    for (let at = 0; at < this.#count; at++) {
      if (mask[at] === 0) continue;
      ids[kept] = ids[at]!;
      fused[kept] = fused[at]!;
      if (creators !== null) creators[kept] = creators[at]!;
      kept += 1;
    }
    this.#count = kept;
  }
}
