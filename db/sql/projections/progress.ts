/** How far a target is, as it stands in its own space: what is built, and whether it is kept current. */
import type { Sequence } from '../../types.ts';
import { canonicalJson } from '../catalog/canonical-json.ts';
import type { StoreReader, StoreWriter } from '../store/contract.ts';
import type { Target } from './definition.ts';

export type Progress =
  /** Rows of a source are put into an arrangement; `cursor` is the last one's key, hex, or null. */
  | { readonly phase: 'arranging'; readonly arrangement: number; readonly cursor: string | null }
  /** Rows of the first source up to the cursor are taken in, and changes of those are followed. */
  | { readonly phase: 'building'; readonly cursor: string | null }
  /** Everything is taken in and followed. */
  | { readonly phase: 'current' }
  /** A change reached too many rows: as of `since` it was current. */
  | { readonly phase: 'behind'; readonly since: Sequence }
  /** An expression of it cannot be computed for some row. */
  | { readonly phase: 'failed'; readonly reason: string };

const KEY = Uint8Array.of(0);
const BEGINNING: Progress = Object.freeze({ phase: 'arranging', arrangement: 0, cursor: null });

export function progressOf(store: StoreReader, { progress }: Target): Progress {
  const stored = store.get(progress, KEY);
  if (stored === null) return BEGINNING;
  return JSON.parse(Buffer.from(stored.value).toString()) as Progress;
}

export function noteProgress(store: StoreWriter, { progress }: Target, now: Progress, at: Sequence): void {
  store.replace(progress, KEY, Buffer.from(canonicalJson(now)), at);
}
