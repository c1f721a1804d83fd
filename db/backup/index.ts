/**
 * `backup/` copies the log of a live database to somewhere else and brings it back, whole or up to a sequence or moment. A
 * backup holds the stable bytes of the log as they are, what was signed of them, and nothing that follows from them; secrets only
 * where asked for. It may import ground, wal, snapshot and audit. Bytes come in from the segment files, read without a lock up to what durable marks cover; they go
 * out to a directory or, as a tar archive, to a stream.
 *
 *     manifest, tar        the formats (docs/metadata.md)
 *     plan → create        what is to be copied, and copying it, into a target
 *     signed-files         checkpoints, certificates of erasure and keys that go along
 *     chain, backup-disk   a backup and those it builds on, seen as the data directory they stand for
 *     verify, restore      everything the log itself can be asked, asked of a backup
 */
export { type CreatedBackup, createBackup } from './create.ts';
export { type RestoredBackup, type RestoreUntil, restoreBackup } from './restore.ts';
export { type BackupTarget, DirectoryTarget, TarTarget } from './target.ts';
export { type BackupCheck, verifyBackup } from './verify.ts';
