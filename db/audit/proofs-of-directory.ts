/** Proofs from a data directory, beside a server or without one. Changes nothing. */
import type { Disk } from '../io/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { entryRecords } from './entry-records.ts';
import { Prover, type RangeProof } from './prover.ts';
import { SignedCheckpoints } from './signed-checkpoints.ts';
import { SigningKeys } from './signing-keys.ts';
import { TreeStore } from './tree-store.ts';

export class DirectoryProofs {
  readonly prover: Prover;
  readonly checkpoints: SignedCheckpoints;
  readonly keys: SigningKeys;
  readonly #place: { readonly disk: Disk; readonly directory: string };
  readonly #store: TreeStore;

  constructor(disk: Disk, directory: string) {
    const logId = readLogId(disk, directory) ?? '';
    this.#place = { disk, directory };
    this.#store = new TreeStore(disk, directory, logId);
    this.checkpoints = new SignedCheckpoints(disk, directory);
    this.keys = new SigningKeys(disk, directory, logId);
    this.prover = new Prover(this.#store, this.checkpoints, () => this.keys.certificates);
  }

  /** As entryRecords. */
  records(proof: RangeProof, payloads: boolean): Generator<Uint8Array, void, undefined> {
    return entryRecords(this.#place, this.#store, proof, payloads);
  }

  close(): void {
    this.#store.close();
  }
}
