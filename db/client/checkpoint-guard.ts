/**
 * Remembers the last signed checkpoint it saw and refuses a server whose history does not extend it: one that was rolled back,
 * rewritten, or shows different histories to different clients. Trusts the pinned root key and nothing else.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { verifyBundle } from '../audit/bundle-verifier.ts';
import { checkpointText, type KeptCheckpoint, parseCheckpointText } from '../audit/checkpoint.ts';
import {
  type Checkpoint,
  headerOf,
  ProofError,
  unhex,
  verifyCertificates,
  verifyCheckpoint,
  verifyConsistency,
} from '../audit/verifier.ts';
import { TruthError } from '../errors.ts';

export interface CheckpointGuardOptions {
  /** The log's public root key, 64 hexadecimal digits: `truthdb signing show` prints it. */
  readonly rootKey: string;
  /** Where the checkpoint is kept from one run to the next; without it only in memory. */
  readonly file?: string;
}

/** Where a history was left for another one, as an epoch of the new one says that is signed with it. */
export interface Branch {
  readonly epoch: number;
  /** Last sequence that both histories have. */
  readonly sequence: number;
  readonly reason: 'view change' | 'restore' | 'isolate';
}

/** Whoever can be asked; a Client can. */
export interface Asked {
  administer(command: object): Promise<Record<string, unknown>>;
}

/** What of an epoch entry is read, as docs/wal-format.md has it. */
const ENTRY_TYPE_EPOCH = 3;
const EPOCH = { epoch: 0, parentSequence: 8, reason: 16 } as const;
const REASONS = { 2: 'view change', 3: 'restore', 4: 'isolate' } as const;

interface Seen {
  readonly kept: KeptCheckpoint;
  readonly checkpoint: Checkpoint;
}

export class CheckpointGuard {
  readonly #rootKey: Uint8Array;
  readonly #file: string | null;
  #seen: Seen | null;
  #offered: { readonly branch: Branch; readonly seen: Seen } | null = null;

  /** Errors: INVALID_ARGUMENT (key, content of the file), those of reading the file. */
  constructor({ rootKey, file }: CheckpointGuardOptions) {
    if (!/^[0-9a-f]{64}$/i.test(rootKey)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `"${rootKey}" is not a root key: 64 hexadecimal digits are needed`,
      );
    }
    this.#rootKey = unhex(rootKey);
    this.#file = file ?? null;
    this.#seen = this.#load();
  }

  /** The last checkpoint seen; null before the first. */
  get last(): Checkpoint | null {
    return this.#seen?.checkpoint ?? null;
  }

  /**
   * Asks for the newest checkpoint and remembers it if it extends the last one. Returns it; null where the server has signed
   * nothing yet. Errors: FORKED (details.branch tells whether the server shows a signed branch, which `acceptBranch` takes),
   * CORRUPT (a signature or proof that does not hold), VIEW_UNAVAILABLE (no proofs are kept there), and those of asking.
   */
  async check(server: Asked): Promise<Checkpoint | null> {
    const last = this.#seen?.checkpoint ?? null;
    const newest = await this.#newest(server);
    if (newest === null) {
      if (last === null) return null;
      throw forked(`it has signed nothing, and this client has seen its checkpoint of size ${last.size}`);
    }
    const { checkpoint } = newest;
    if (last === null || (checkpoint.size === last.size && checkpoint.hash === last.hash))
      return this.#keep(newest);
    if (checkpoint.logId !== last.logId)
      throw forked(`it has log ${checkpoint.logId}, this client knows log ${last.logId}`);
    const extending = checkpoint.size > last.size ? await this.#extending(server, last) : null;
    if (extending !== null) return this.#keep(extending);
    throw await this.#branchFrom(server, last, newest);
  }

  /** Takes the branch that the last `check` refused, by its epoch. Errors: INVALID_ARGUMENT where it is another. */
  acceptBranch(epoch: number): Checkpoint {
    if (this.#offered === null || this.#offered.branch.epoch !== epoch) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `no branch of epoch ${epoch} was refused: check the server first`,
      );
    }
    return this.#keep(this.#offered.seen);
  }

  async #newest(server: Asked): Promise<Seen | null> {
    try {
      return this.#verified(await server.administer({ command: 'checkpoint-latest' }));
    } catch (error) {
      if (error instanceof TruthError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  /** A checkpoint that is shown to extend the last one; null where it is not. */
  async #extending(server: Asked, last: Checkpoint): Promise<Seen | null> {
    const answer = await server.administer({ command: 'proof-consistency', size: last.size });
    const seen = this.#verified(answer);
    const { size, root, logId } = seen.checkpoint;
    if (logId !== last.logId) return null;
    try {
      verifyConsistency([last.size, last.root], [size, root], list(answer['path']));
      return seen;
    } catch (error) {
      if (error instanceof ProofError) return null;
      throw error;
    }
  }

  /** What to refuse with: a branch that is signed can be accepted, anything else cannot. */
  async #branchFrom(server: Asked, last: Checkpoint, newest: Seen): Promise<TruthError> {
    const plain = forked(
      `its checkpoint of size ${newest.checkpoint.size} does not extend the one of size ${last.size} that this client has seen signed: it was rolled back or rewritten, or shows different histories`,
    );
    try {
      const answer = await server.administer({ command: 'proof-branch', epoch: last.epoch, size: last.size });
      const branch = this.#signedBranch(bytes(answer['bundle']), newest.checkpoint, last);
      if (branch === null) return plain;
      this.#offered = { branch, seen: newest };
      const { epoch, sequence, reason } = branch;
      return new TruthError(
        'FORKED',
        `the server goes on from sequence ${sequence} in epoch ${epoch} (${reason}), as it has signed: entries ${sequence + 1} to ${last.size} that this client has seen are no part of its history any more. If that is meant, accept the branch of epoch ${epoch}`,
        { branch: true, epoch, sequence, reason },
      );
    } catch (error) {
      if (error instanceof ProofError || error instanceof TruthError) return plain;
      throw error;
    }
  }

  /** The epoch a bundle shows to have left the history behind; null where it shows none. */
  #signedBranch(bundle: Uint8Array, newest: Checkpoint, last: Checkpoint): Branch | null {
    const { entries, checkpoint } = verifyBundle(this.#rootKey, bundle);
    const [entry] = entries;
    if (checkpoint.hash !== newest.hash || entry?.header == null || entry.payload === null) return null;
    if (headerOf(entry.header).type !== ENTRY_TYPE_EPOCH) return null;
    const view = new DataView(entry.payload.buffer, entry.payload.byteOffset, entry.payload.length);
    const epoch = view.getUint32(EPOCH.epoch, true);
    const sequence = Number(view.getBigUint64(EPOCH.parentSequence, true));
    const reason = REASONS[view.getUint32(EPOCH.reason, true) as keyof typeof REASONS];
    // An isolation abandons entries in the middle; anything else what came behind a sequence.
    const leaves = reason === 'isolate' || (reason !== undefined && sequence < last.size);
    return leaves && epoch > last.epoch ? { epoch, sequence, reason } : null;
  }

  #verified(answer: Record<string, unknown>): Seen {
    const kept = { checkpoint: bytes(answer['checkpoint']), certificates: list(answer['certificates']) };
    return this.#seenOf(kept);
  }

  #seenOf(kept: KeptCheckpoint): Seen {
    try {
      const certificates = verifyCertificates(this.#rootKey, kept.certificates);
      return { kept, checkpoint: verifyCheckpoint(certificates, kept.checkpoint) };
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      throw new TruthError('CORRUPT', `the checkpoint cannot be trusted: ${error.message}`);
    }
  }

  #keep(seen: Seen): Checkpoint {
    this.#seen = seen;
    this.#offered = null;
    if (this.#file !== null) {
      // Whole or not at all, so that a crash leaves the one before.
      writeFileSync(`${this.#file}.tmp`, checkpointText(seen.kept), { flush: true });
      renameSync(`${this.#file}.tmp`, this.#file);
    }
    return seen.checkpoint;
  }

  #load(): Seen | null {
    if (this.#file === null) return null;
    try {
      return this.#seenOf(parseCheckpointText(readFileSync(this.#file, 'utf8')));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }
}

function forked(why: string): TruthError {
  return new TruthError('FORKED', `this server is refused: ${why}`, { branch: false });
}

function bytes(text: unknown): Uint8Array {
  return Buffer.from(String(text), 'base64');
}

function list(texts: unknown): Uint8Array[] {
  return Array.isArray(texts) ? texts.map(bytes) : [];
}
