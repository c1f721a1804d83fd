/** Rows of a projection as they are written: what really changes, each row once. */
import type { Sequence } from '../../types.ts';
import type { StoreWriter } from '../store/contract.ts';
import type { Row } from '../types/index.ts';
import type { CompiledTarget } from './compile.ts';
import { hex, type SourceChange } from './source-rows.ts';

export class OutputRows {
  readonly #target: CompiledTarget;
  /** As they will be; null: gone. */
  readonly #rows = new Map<string, { readonly key: Uint8Array; readonly row: Row | null }>();

  constructor(target: CompiledTarget) {
    this.#target = target;
  }

  set(key: Uint8Array, row: Row | null): void {
    this.#rows.set(hex(key), { key, row });
  }

  /** Writes what differs from what is there, in the order of keys, and tells what it was. */
  write(store: StoreWriter, at: Sequence): SourceChange[] {
    const { layout, target } = this.#target;
    const changes: SourceChange[] = [];
    const wanted = [...this.#rows.values()].sort((a, b) => Buffer.compare(a.key, b.key));
    for (const { key, row } of wanted) {
      const stored = store.get(target.output, key);
      const bytes = row === null ? null : layout.bytesOf(row);
      if (stored === null && bytes === null) continue;
      if (stored !== null && bytes !== null && Buffer.compare(stored.value, bytes) === 0) continue;
      if (bytes === null) store.delete(target.output, key, at);
      else store.put(target.output, key, bytes, at);
      changes.push({ key, before: stored === null ? null : layout.rowOf(stored.value), after: row });
    }
    return changes;
  }
}
