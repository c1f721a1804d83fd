/** A view that remembers what it was given, so that one commit too few, too many or out of order changes its digest. */
import { createHash } from 'node:crypto';
import type { CheckpointReader, CheckpointWriter, Materializer, ViewCommit } from '../materializer/index.ts';

export class ProbeView implements Materializer {
  #digest = Buffer.alloc(32);

  onCommit(commit: ViewCommit): void {
    for (const { sequence, ordinal, type, payload } of commit.entries) {
      const hash = createHash('sha256').update(this.#digest);
      hash
        .update(`${sequence} ${ordinal} ${commit.recordedAt} ${commit.epoch} ${type} ${payload.length}\n`)
        .update(payload);
      this.#digest = hash.digest();
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    const bytes = this.#digest;
    writer.part(`digest-${bytes.toString('hex', 0, 8)}`, () => [bytes]);
  }

  restore(reader: CheckpointReader): void {
    for (const name of reader.parts) this.#digest = Buffer.from(reader.read(name));
  }

  digest(): string {
    return this.#digest.toString('hex');
  }
}
