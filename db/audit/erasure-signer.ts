/** Signs certificates of erasure with the key that signs checkpoints, and names the entry that each rests on. */
import { sign } from 'node:crypto';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { type Sequence, sequence } from '../types.ts';
import { forEachEntry, RawGroups } from '../wal/raw-groups.ts';
import {
  type ErasureContent,
  type ErasureSignature,
  erasureMessage,
  type SignedErasure,
} from './erasure-verifier.ts';
import { SigningKeys } from './signing-keys.ts';
import { hashEntry } from './tree-hash.ts';
import { hex } from './verifier.ts';

/** While a checkpoint is being signed the keys are taken. */
const TRIES = 1000;

export interface ErasureSignerOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Hex. */
  readonly logId: string;
  /** Whether keys are made where there are none yet; otherwise the certificate stays unsigned. */
  readonly makesKeys: boolean;
  readonly nowNanos: () => bigint;
  readonly pause: () => Promise<void>;
  readonly report: (line: string) => void;
}

export class ErasureSigner {
  readonly #options: ErasureSignerOptions;
  readonly #keys: SigningKeys;

  constructor(options: ErasureSignerOptions) {
    const { disk, directory, logId } = options;
    this.#options = options;
    this.#keys = new SigningKeys(disk, directory, logId);
  }

  /**
   * The erasure has happened, whatever becomes of the signature: where there can be none, that is reported and said in the
   * certificate. Errors: those of reading the log.
   */
  async certify(erasure: Omit<ErasureContent, 'format' | 'logId' | 'leaf'>): Promise<SignedErasure> {
    const { disk, directory, logId, report } = this.#options;
    const leaf = hex(leafOf(disk, directory, sequence(erasure.position)));
    const content: ErasureContent = { format: 2, logId, leaf, ...erasure };
    try {
      return { ...content, signed: await this.#signed(content) };
    } catch (error) {
      if (!(error instanceof TruthError)) throw error;
      report(`the certificate of the erasure at ${erasure.position} is not signed: ${error.message}`);
      return { ...content, signed: null };
    }
  }

  async #signed(content: ErasureContent): Promise<ErasureSignature> {
    const { pause, makesKeys } = this.#options;
    if (!makesKeys && this.#keys.certificates.length === 0)
      throw new TruthError('NOT_FOUND', 'this database has no signing keys');
    for (let tries = 0; tries < TRIES; tries++) {
      const signed = this.#keys.alone(() => this.#sign(content));
      if (signed !== null) return signed;
      await pause();
    }
    throw new TruthError('LOCKED', 'the signing keys were in use all the time');
  }

  #sign(content: ErasureContent): ErasureSignature {
    if (this.#options.makesKeys) this.#keys.prepare(this.#options.nowNanos());
    const { keyId, key } = this.#keys.signerFor(content.size);
    return {
      keyId,
      certificates: this.#keys.certificates.map(hex),
      signature: hex(sign(null, erasureMessage(content), key)),
    };
  }
}

/** Leaf of an entry as it lies in the log. Errors: NOT_FOUND, PRUNED, CORRUPT. */
function leafOf(disk: Disk, directory: string, at: Sequence): Uint8Array {
  const groups = new RawGroups(disk, directory);
  for (const piece of groups.read(groups.placeOf(at), at)) {
    if (piece.kind === 'gap' || piece.sequence < at) continue;
    let leaf: Uint8Array | null = null;
    forEachEntry(piece.bytes, ({ offset, sequence: found, payloadAt, payloadBytes }) => {
      if (found === at) leaf = hashEntry(piece.bytes, offset, payloadAt, payloadBytes);
    });
    if (leaf !== null) return leaf;
  }
  throw new TruthError('NOT_FOUND', `the entry at ${at} is not in the log’s files`, { sequence: at });
}
