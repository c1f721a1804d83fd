/** What the view of vectors should have, worked out the slow way. */
import type { EmbeddingSlot } from '../../../../../db/ranking/schema/model.ts';
import { kept, shifted } from './reference.ts';
import { ACTIVE, DELETED, RATES } from './vector-log.ts';
import type { VectorChange } from './vector-world.ts';

interface Item {
  readonly state: number;
  readonly creator: number;
  readonly vector: Float32Array | null;
}

export class VectorModel {
  readonly #slot: Pick<EmbeddingSlot, 'dimensions' | 'metric'>;
  readonly #items = new Map<number, Item>();
  readonly #creators = new Map<number, number>();
  readonly #users = new Map<number, number>();
  readonly #preferences = new Map<number, Float32Array>();

  constructor(slot: Pick<EmbeddingSlot, 'dimensions' | 'metric'>) {
    this.#slot = slot;
  }

  apply(change: VectorChange): void {
    switch (change.change) {
      case 'creator':
        this.#creators.set(change.number, change.state);
        return;
      case 'user':
        this.#users.set(change.number, change.state);
        if (change.state === DELETED) this.#preferences.delete(change.number);
        return;
      case 'item':
        this.#setItem(change);
        return;
      case 'signal':
        this.#shift(change.signal);
    }
  }

  item(number: number): Float32Array | null {
    return this.#items.get(number)?.vector ?? null;
  }

  preference(number: number): Float32Array | null {
    return this.#preferences.get(number) ?? null;
  }

  catalogue(number: number): Float32Array | null {
    if ((this.#creators.get(number) ?? DELETED) === DELETED) return null;
    const sum = new Float64Array(this.#slot.dimensions);
    let works = 0;
    for (const { state, creator, vector } of this.#items.values()) {
      if (state !== ACTIVE || creator !== number || vector === null) continue;
      works += 1;
      const length = Math.hypot(...vector);
      for (let at = 0; at < sum.length; at++) sum[at]! += vector[at]! / length;
    }
    const length = Math.hypot(...sum);
    return works === 0 ? null : Float32Array.from(sum, (value) => value / length);
  }

  #setItem({ number, state, creator, vector }: Extract<VectorChange, { change: 'item' }>): void {
    const before = this.item(number);
    const given = vector === undefined ? before : vector === null ? null : kept(this.#slot, vector);
    this.#items.set(number, { state, creator, vector: state === DELETED ? null : given });
  }

  #shift({ signal, user, item, weight, late }: Extract<VectorChange, { change: 'signal' }>['signal']): void {
    const towards = this.item(item);
    const by = RATES[signal]! * weight;
    if (user === 0 || late === true || towards === null || by === 0) return;
    const before = this.#preferences.get(user);
    if (before !== undefined) this.#preferences.set(user, shifted(before, towards, by));
    else if (by > 0 && (this.#users.get(user) ?? DELETED) !== DELETED)
      this.#preferences.set(user, shifted(new Float32Array(towards.length), towards, 1));
  }
}
