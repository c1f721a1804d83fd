/** Writes a captured state as a snapshot, in pieces, so that whoever runs the steps is never held up for long. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { TruthError } from '../errors.ts';
import type { Capture, SaveRunner } from '../materializer/index.ts';
import {
  aligned,
  encodeEnd,
  encodeFront,
  type SnapshotManifest,
  type SnapshotPart,
  type SnapshotView,
  snapshotName,
} from './format.ts';

/** Hashed and handed over at once: about a millisecond. */
const PIECE_BYTES = 512 * 1024;
export const TEMPORARY = '.tmp';

/** Returns once the new snapshot is durable. A failure leaves at most a temporary file. Errors: CLOSED, those of the disk. */
export async function writeSnapshot(options: {
  readonly folder: string;
  readonly logId: string;
  readonly capture: Capture;
  readonly runner: SaveRunner;
  /** Gives up between two pieces. */
  readonly signal: AbortSignal;
}): Promise<{ readonly name: string; readonly manifest: SnapshotManifest; readonly bytes: number }> {
  const { folder, logId, capture, runner, signal } = options;
  const { sequence, ordinal, epoch, recordedAt, chain } = capture.commit;
  const name = snapshotName({ sequence, epoch });
  const path = join(folder, `${name}.snapshot`);
  await runner.run({ kind: 'folder', path: dirname(path) });
  const file = new SequentialFile(path + TEMPORARY, runner, signal);
  try {
    await file.begin();
    const views: SnapshotView[] = [];
    for (const { name, version, digest, parts } of capture.views) {
      const written: SnapshotPart[] = [];
      for (const part of parts) written.push(await file.part(part.name, part.chunks()));
      views.push({ name, version, digest, parts: written });
    }
    const manifest = {
      logId,
      sequence,
      ordinal,
      epoch,
      recordedAt: String(recordedAt),
      chain: Buffer.from(chain).toString('hex'),
      views,
      missing: [...capture.missing],
    };
    await file.append(encodeEnd(manifest, file.size));
    await runner.run({ kind: 'publish', from: path + TEMPORARY, to: path });
    return { name, manifest, bytes: file.size };
  } catch (error) {
    // The failure that brought us here is what counts; a file that stays behind is removed at the next opening.
    await runner.run({ kind: 'remove', path: path + TEMPORARY }).catch(() => {});
    throw error;
  }
}

class SequentialFile {
  readonly #path: string;
  readonly #runner: SaveRunner;
  readonly #signal: AbortSignal;
  size = 0;

  constructor(path: string, runner: SaveRunner, signal: AbortSignal) {
    this.#path = path;
    this.#runner = runner;
    this.#signal = signal;
  }

  async begin(): Promise<void> {
    await this.#runner.run({ kind: 'begin', path: this.#path });
    await this.append(encodeFront());
  }

  async part(name: string, chunks: Iterable<Uint8Array>): Promise<SnapshotPart> {
    const offset = this.size;
    const hash = createHash('sha256');
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        // A copy in memory of its own: what crosses to another thread takes all of its buffer along.
        const piece = chunk.slice(at, at + PIECE_BYTES);
        hash.update(piece);
        await this.append(piece);
      }
    }
    const bytes = this.size - offset;
    const padding = aligned(this.size) - this.size;
    if (padding > 0) await this.append(new Uint8Array(padding));
    return { name, offset, bytes, sha256: hash.digest('hex') };
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#signal.aborted)
      throw new TruthError('CLOSED', 'the database was closed before the snapshot was complete');
    await this.#runner.run({ kind: 'append', path: this.#path, position: this.size, bytes });
    this.size += bytes.length;
  }
}
