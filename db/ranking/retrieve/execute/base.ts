import { intersect, NO_NUMBERS } from '../../indexes/bitmaps/index.ts';
import type { NumberSet } from '../../reading.ts';
import type { UserItemState } from '../../schema/model.ts';
import type { Plan } from '../plan/index.ts';
import { Batch } from '../score/batch.ts';
import { fillMask } from '../score/mask.ts';
import type { Scope } from '../score/scope.ts';

/**
 * What passes the conditions that sets can be made of: attributes, states that the user must have, being active. The set is made
 * only when somebody needs it as one; lists are otherwise asked entity by entity.
 */
export class Base {
  readonly #plan: Plan;
  readonly #scope: Scope;
  #set: NumberSet | null = null;

  constructor(plan: Plan, scope: Scope) {
    this.#plan = plan;
    this.#scope = scope;
  }

  /** Whether there is any condition but being active. */
  get restricted(): boolean {
    const { attributes, owned } = this.#plan.conditions;
    return attributes !== null || owned.length > 0;
  }

  /** Of the active ones, the share that passes, about: never 0. */
  get selectivity(): number {
    const { entities } = this.#scope.readers;
    const active = Math.max(1, entities.active(this.#scope.kind.id).size);
    const passing = this.#set === null ? this.#plan.estimate : this.#set.size;
    return Math.max(1, Math.min(passing, active)) / active;
  }

  /** Of what a text is looked for in: null where nothing is inactive, since texts are kept of everything. */
  get shown(): NumberSet | null {
    const { entities } = this.#scope.readers;
    const { id } = this.#scope.kind;
    return this.restricted || entities.active(id).size < entities.last(id) ? this.set : null;
  }

  /** Null: everything that is active, which views know by themselves. */
  get within(): NumberSet | null {
    return this.restricted ? this.set : null;
  }

  /** The set, if there is a condition and no more than so many fulfil it. */
  small(most: number): NumberSet | null {
    return this.restricted && this.#plan.estimate <= most ? this.set : null;
  }

  get set(): NumberSet {
    this.#set ??= this.#made();
    return this.#set;
  }

  /** Those of a list that pass, in its order. */
  keep(items: Uint32Array): Uint32Array {
    return this.#set === null ? this.#kept(items) : inSet(items, this.#set);
  }

  #made(): NumberSet {
    const { readers, kind, budget } = this.#scope;
    const { attributes, owned } = this.#plan.conditions;
    const sets = owned.map((state: UserItemState) => this.#scope.owned(state) ?? NO_NUMBERS);
    if (attributes !== null) sets.push(readers.entities.matching(kind.id, attributes));
    const set = [...sets, readers.entities.active(kind.id)]
      .sort((one, other) => one.size - other.size)
      .reduce(intersect);
    budget.charge(set.size);
    return set;
  }

  #kept(items: Uint32Array): Uint32Array {
    const { readers, kind, memory } = this.#scope;
    const { attributes, owned } = this.#plan.conditions;
    let kept = inSet(items, readers.entities.active(kind.id));
    for (const state of owned) kept = inSet(kept, this.#scope.owned(state) ?? NO_NUMBERS);
    if (attributes === null || kept.length === 0) return kept;
    if (kept.length > memory.capacity) return inSet(kept, this.set);
    const batch = new Batch(kept);
    const mask = memory.mask();
    fillMask(attributes, batch, this.#scope, mask);
    batch.keep(mask);
    memory.giveMask(mask);
    return batch.ids.subarray(0, batch.count);
  }
}

export function inSet(items: Uint32Array, set: NumberSet): Uint32Array {
  const kept = new Uint32Array(items.length);
  let count = 0;
  for (let at = 0; at < items.length; at++) if (set.has(items[at]!)) kept[count++] = items[at]!;
  return kept.subarray(0, count);
}
