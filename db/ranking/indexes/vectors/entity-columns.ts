/** What this view has to know of the entities of a kind: which are active, and who made them. By number. */
import type { EntityNumber } from '../../ground.ts';

export const DELETED = 255;
const NUMBERS_FIRST = 64;

export class EntityColumns {
  #states = new Uint8Array(NUMBERS_FIRST).fill(DELETED);
  #creators = new Uint32Array(NUMBERS_FIRST);
  #end = 0;

  /** One more than the largest number. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#states.byteLength + this.#creators.byteLength;
  }

  /** Index among the kind's states; 255 where it was deleted or never was. */
  stateOf(number: number): number {
    return number < this.#end ? this.#states[number]! : DELETED;
  }

  creatorOf(number: number): EntityNumber {
    return (number < this.#end ? this.#creators[number]! : 0) as EntityNumber;
  }

  set(number: number, state: number, creator: number): void {
    if (number >= this.#states.length) this.#grow(Math.max(number + 1, this.#states.length * 2));
    this.#end = Math.max(this.#end, number + 1);
    this.#states[number] = state;
    this.#creators[number] = creator;
  }

  /** As they are now, in memory of their own. */
  save(): { readonly states: Uint8Array; readonly creators: Uint32Array } {
    return { states: this.#states.slice(0, this.#end), creators: this.#creators.slice(0, this.#end) };
  }

  restore(states: Uint8Array, creators: Uint32Array): void {
    this.#end = states.length;
    this.#states = states.slice();
    this.#creators = creators.slice();
  }

  #grow(length: number): void {
    const states = new Uint8Array(length).fill(DELETED);
    const creators = new Uint32Array(length);
    states.set(this.#states);
    creators.set(this.#creators);
    this.#states = states;
    this.#creators = creators;
  }
}
