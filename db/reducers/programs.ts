/** A tenant's programs in its store: one key each, the hash of what it runs. */
import { createHash } from 'node:crypto';
import { invariant } from '../kernel/index.ts';
import type { Space, StoreReader, StoreWriter } from '../sql/store/contract.ts';
import type { Sequence } from '../types.ts';
import { ReducerInstance } from './instance.ts';

const PROGRAMS = 2 as Space;
/** Programs kept ready, over all tenants. */
const READY_MAX = 32;

export function codeHash(code: Uint8Array): string {
  return createHash('sha256').update(code).digest('hex');
}

export function hasProgram(store: StoreReader, hash: string): boolean {
  return store.get(PROGRAMS, Buffer.from(hash, 'hex')) !== null;
}

export function putProgram(store: StoreWriter, code: Uint8Array, at: Sequence): void {
  const key = createHash('sha256').update(code).digest();
  if (store.get(PROGRAMS, key) === null) store.put(PROGRAMS, key, code, at);
}

/** Instances by program; a call leaves nothing in them, so which of two reducers uses one does not matter. */
export class ReadyPrograms {
  readonly #ready = new Map<string, ReducerInstance>();

  get(store: StoreReader, hash: string): ReducerInstance {
    let instance = this.#ready.get(hash);
    if (instance === undefined) {
      const stored = store.get(PROGRAMS, Buffer.from(hash, 'hex'));
      invariant(stored !== null, 'a program stands in the log before what it runs for');
      instance = new ReducerInstance(new Uint8Array(stored.value));
    }
    this.#ready.delete(hash);
    this.#ready.set(hash, instance);
    for (const [oldest] of this.#ready) {
      if (this.#ready.size <= READY_MAX) break;
      this.#ready.delete(oldest);
    }
    return instance;
  }
}
