/** Takes the key-encryption key of a database whose server is stopped from one source to another. */
import { isSameSource, type KekSource } from './kek-source.ts';
import { KeyRing, type KeyRingOptions } from './key-ring.ts';

/**
 * A new key, from `after`, takes the place of the one from `before`; a key file is destroyed. Stopped half-way it goes on when it
 * is run again with the same two. False where nothing is encrypted, so that there is no key yet. Errors: KEY_UNAVAILABLE,
 * CONFIG, CORRUPT.
 */
export function moveKek(
  options: Omit<KeyRingOptions, 'source'>,
  before: KekSource,
  after: KekSource,
): boolean {
  const ring = new KeyRing({ ...options, source: { from: 'move', before, after } });
  if (ring.empty) return false;
  if (!isSameSource(ring.kekSource, after)) ring.replaceKek(after);
  return true;
}
