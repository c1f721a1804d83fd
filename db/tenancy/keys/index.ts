/**
 * `keys/` holds the keys that seal entries, and nothing but this room ever sees one. A key-encryption key comes from outside
 * (a file, a passphrase, a TPM); under it lie, wrapped, each tenant's data keys, its secret for handles, and a key for each
 * person its data is about. Wrapped keys live in `metadata/keys/` and nowhere else: not in the log, in snapshots or in backups.
 * They leave only sealed to a recovery key. Imports ground only.
 *
 *     kek, kek-source, kek-file, unlocked, kek-move
 *                           the key-encryption key, where it comes from, how it is replaced
 *     tpm/                  one sealed to this machine's TPM
 *     key-file              one tenant's wrapped keys on disk
 *     key-ring              all of them, opened
 *     given-keys            the same for a thread that only opens entries
 *     entry-cipher          what seals and opens an entry with a key
 *     recovery              keys sealed to somebody who keeps them elsewhere
 */
export { GivenKeys } from './given-keys.ts';
export type { Kek } from './kek.ts';
export { moveKek } from './kek-move.ts';
export { type KekSource, readKekSource } from './kek-source.ts';
export { type KeyId, KeyRing, type KeyState } from './key-ring.ts';
