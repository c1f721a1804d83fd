/**
 * Keeps the proofs of one log: grows the trees, signs checkpoints, answers what is asked. Synchronous and without threads or
 * timers; proof-thread.ts runs it beside a server, the command line over a directory, tests over any disk.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { type Sequence, sequence } from '../types.ts';
import { EPOCH_REASON } from '../wal/format.ts';
import { readGaps } from '../wal/gaps.ts';
import { RawGroups } from '../wal/raw-groups.ts';
import { bundlePieces } from './bundle.ts';
import { signCheckpoint } from './checkpoint.ts';
import { entryRecords, type RecordsWanted } from './entry-records.ts';
import { CHECKPOINT_VERSION, HASH_BYTES } from './format.ts';
import { rootOf } from './merkle.ts';
import { checkRangeProof } from './proof-check.ts';
import type { ProofCommand } from './proof-commands.ts';
import { base64, proofToJson } from './proof-json.ts';
import { Prover, type RangeProof, type RangeRequest } from './prover.ts';
import { SignedCheckpoints } from './signed-checkpoints.ts';
import { SigningKeys } from './signing-keys.ts';
import { TreeBuilder } from './tree-builder.ts';
import { TreeStore, tenantsTree } from './tree-store.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  EMPTY_ROOT,
  hex,
  ProofError,
  verifyConsistency,
} from './verifier.ts';

/** When checkpoints are signed by themselves; both 0: only by command. */
export interface ProofPolicy {
  readonly checkpointCommits: number;
  readonly checkpointSeconds: number;
}

/** JSON-safe. */
export interface ProofStatus {
  /** Entries in the trees. */
  readonly sequence: number;
  /** Entries the newest checkpoint covers; 0 without one. */
  readonly signed: number;
  readonly checkpoints: number;
  /** Why nothing is signed, or null. */
  readonly problem: string | null;
}

/** Taken in between two looks at what is asked. */
const STEP_BYTES = 1024 * 1024;
/** Of records in one answer; one larger than that goes alone. */
const ANSWER_BYTES = 512 * 1024;

export interface ProofServiceOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Hex. */
  readonly logId: string;
  /** Nanoseconds since 1970. */
  readonly nowNanos: () => bigint;
  readonly report: (line: string) => void;
}

export class ProofService {
  readonly store: TreeStore;
  readonly checkpoints: SignedCheckpoints;
  readonly keys: SigningKeys;
  readonly prover: Prover;
  readonly #options: ProofServiceOptions;
  readonly #builder: TreeBuilder;
  /** Whether the trees were compared with the last checkpoint. */
  #compared: boolean;
  #problem: string | null = null;
  /** Records of an export that goes on, and the next one's number. */
  #export: { key: string; at: number; records: Iterator<Uint8Array> } | null = null;

  constructor(options: ProofServiceOptions) {
    const { disk, directory, logId, report } = options;
    this.#options = options;
    this.store = new TreeStore(disk, directory, logId);
    this.checkpoints = new SignedCheckpoints(disk, directory);
    this.keys = new SigningKeys(disk, directory, logId);
    this.prover = new Prover(this.store, this.checkpoints, () => this.keys.certificates);
    this.#builder = new TreeBuilder(disk, directory, this.store);
    const last = this.#last;
    this.#compared = last === null || last.logId !== logId;
    if (last !== null && !this.#compared && this.store.sequence >= last.size && !this.#leadsTo(last)) {
      report(`the stored trees do not lead to the checkpoint of size ${last.size}: they are computed again`);
      this.store.clear();
    }
    if (this.store.erasures === null && this.#beginningIsThere()) {
      report('the stored trees have none over the erasures: they are computed again');
      this.store.clear();
    }
  }

  status(): ProofStatus {
    return {
      sequence: this.store.sequence,
      signed: this.#last?.size ?? 0,
      checkpoints: this.checkpoints.count,
      problem: this.#problem,
    };
  }

  /** Takes in about a megabyte of what is stable. Returns how many bytes; 0 when there is nothing more. */
  step(stable: Sequence): number {
    const last = this.#last;
    const stop = this.#compared || last === null ? Number.POSITIVE_INFINITY : last.size;
    const taken = this.#builder.advance(stable, STEP_BYTES, () => this.store.sequence >= stop);
    if (this.store.sequence >= stop && !this.#compared) this.#compare(last!);
    return taken;
  }

  /** Commits that no checkpoint covers yet. */
  get unsignedCommits(): number {
    const { commit } = this.store;
    if (commit === null || commit.sequence <= (this.#last?.size ?? 0)) return 0;
    return commit.ordinal - (this.#last?.ordinal ?? 0);
  }

  /**
   * Signs a checkpoint at the last commit in the trees; the newest one where that is signed already.
   * Errors: CORRUPT (the log does not lead to what was signed before), NOT_FOUND (nothing to sign, or no key), LOCKED.
   */
  checkpoint(): Uint8Array {
    const { commit } = this.store;
    const last = this.#last;
    if (!this.#compared && last !== null && this.store.sequence < last.size) {
      throw new TruthError(
        'VIEW_UNAVAILABLE',
        `the trees have ${this.store.sequence} entries and the last checkpoint covers ${last.size}: nothing is signed before they have been compared`,
      );
    }
    if (this.#problem !== null) throw new TruthError('CORRUPT', this.#problem);
    if (commit === null) throw new TruthError('NOT_FOUND', 'there is no commit that could be signed');
    if (last !== null && last.size >= commit.sequence) return this.checkpoints.last!;
    this.store.save();
    const record = this.keys.alone(() => {
      this.keys.prepare(this.#options.nowNanos());
      return this.#sign();
    });
    if (record !== null) return record;
    throw new TruthError('LOCKED', 'the signing keys are being changed: try again', {
      retryAfterMillis: 100,
    });
  }

  /** Makes what was computed durable. */
  save(): void {
    this.store.save();
  }

  close(): void {
    this.store.close();
  }

  /** Answers a command but `checkpoint-create`, which wants what is stable to be taken in first. Errors: those of the command. */
  async answer(command: ProofCommand): Promise<object> {
    switch (command.command) {
      case 'checkpoint-create':
        return { created: base64(this.checkpoint()), certificates: this.keys.certificates.map(base64) };
      case 'checkpoint-latest': {
        const { checkpoint, certificates } = this.prover.latest();
        return { checkpoint: base64(checkpoint), certificates: certificates.map(base64) };
      }
      case 'checkpoint-list': {
        const found = this.checkpoints.range(this.checkpoints.indexOf(command.from), command.limit);
        return { checkpoints: found.map(base64), count: this.checkpoints.count };
      }
      case 'proof-consistency': {
        const { checkpoint, certificates } = this.prover.latest();
        const signed = decodeCheckpoint(checkpoint);
        const path = this.#sound(() => {
          const made = this.prover.consistency(command.size, signed.size);
          const old = hex(rootOf(this.store.entries, command.size));
          verifyConsistency([command.size, old], [signed.size, signed.root], made);
          return made;
        });
        return {
          checkpoint: base64(checkpoint),
          certificates: certificates.map(base64),
          path: path.map(base64),
        };
      }
      case 'proof-branch':
        return { bundle: base64(await this.#branch(command.epoch, command.size)) };
      case 'proof-range':
        return proofToJson(this.#range(command));
      case 'proof-entries':
        return this.#entries(command, command.at, command.payloads);
    }
  }

  #range(request: RangeRequest): RangeProof {
    return this.#sound(() => {
      const proof = this.prover.range(request);
      checkRangeProof(proof, this.store);
      return proof;
    });
  }

  /** What `make` gives; where the stored trees turn out to be damaged they are computed again instead. */
  #sound<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      this.#options.report(`the stored trees are damaged (${error.message}): they are computed again`);
      this.store.clear();
      this.#compared = this.#last === null;
      throw new TruthError(
        'VIEW_UNAVAILABLE',
        'the trees were damaged and are being computed again: ask again later',
      );
    }
  }

  get #last(): Checkpoint | null {
    const { last } = this.checkpoints;
    return last === null ? null : decodeCheckpoint(last);
  }

  #sign(): Uint8Array {
    const { store, keys, checkpoints } = this;
    const commit = store.commit!;
    const last = this.#last;
    const size = commit.sequence;
    if (last !== null && this.#leads && hex(store.root(last.size)) !== last.root)
      throw new TruthError(
        'CORRUPT',
        `the trees no longer lead to the checkpoint of size ${last.size}; restart`,
      );
    const tenants = tenantsTree(store.tenantsAt(size));
    const erasures = store.erasuresAt(size);
    const { keyId, key } = keys.signerFor(size);
    const record = signCheckpoint(
      {
        version: erasures === null ? 1 : CHECKPOINT_VERSION,
        logId: this.#options.logId,
        epoch: commit.epoch,
        size,
        ordinal: commit.ordinal,
        recordedAt: BigInt(commit.recordedAt),
        chain: commit.chain,
        root: hex(store.root(size)),
        tenants: tenants.size,
        tenantsRoot: hex(tenants.root()),
        erased: erasures?.count ?? 0,
        erasures: erasures === null ? EMPTY_ROOT : hex(erasures.root),
        previous: last?.hash ?? '00'.repeat(HASH_BYTES),
        keyId,
      },
      key,
    );
    checkpoints.append(record);
    this.#leads = true;
    return record;
  }

  /** False where a lost range keeps the trees from leading to what was signed before it was lost. */
  #leads = true;

  #compare(last: Checkpoint): void {
    this.#compared = true;
    if (this.#leadsTo(last)) return;
    const { disk, directory, report } = this.#options;
    const gap = readGaps(disk, directory).find(({ from }) => from <= last.size);
    if (gap === undefined) {
      this.#problem =
        `the log does not lead to the checkpoint of size ${last.size} that was signed: entries were changed afterwards, or ` +
        'this is another history. Nothing is signed. `truthdb verify` says more';
      report(this.#problem);
      return;
    }
    this.#leads = false;
    report(
      `sequences ${gap.from} to ${gap.to} are lost and so are their leaves: checkpoints from here on are not shown to extend ` +
        `those before, and clients have to accept that`,
    );
  }

  #leadsTo({ version, size, root, tenants, tenantsRoot, erased, erasures }: Checkpoint): boolean {
    try {
      const own = tenantsTree(this.store.tenantsAt(size));
      const gone = this.store.erasuresAt(size);
      const same = version === 1 || gone === null || (gone.count === erased && hex(gone.root) === erasures);
      return (
        same && hex(this.store.root(size)) === root && own.size === tenants && hex(own.root()) === tenantsRoot
      );
    } catch (error) {
      // A file that is too short, or gone.
      if (error instanceof ProofError) return false;
      throw error;
    }
  }

  /** A tree over the erasures can only be computed from the log's first entry on. */
  #beginningIsThere(): boolean {
    const { disk, directory } = this.#options;
    try {
      return new RawGroups(disk, directory).placeOf(sequence(1)) !== null;
    } catch (error) {
      if (error instanceof TruthError) return false;
      throw error;
    }
  }

  #entries(wanted: RecordsWanted, at: number, payloads: boolean): object {
    const { kind, tenant, from, to, firstLeaf, leaves } = wanted;
    const key = JSON.stringify([kind, tenant, from, to, firstLeaf, leaves, payloads]);
    let open = this.#export;
    if (open === null || open.key !== key || open.at !== at) {
      const rest = { ...wanted, firstLeaf: firstLeaf + at, leaves: Math.max(leaves - at, 0) };
      open = { key, at, records: entryRecords(this.#options, this.store, rest, payloads) };
    }
    this.#export = open;
    const found: Uint8Array[] = [];
    for (let bytes = 0; bytes < ANSWER_BYTES; ) {
      const { value, done } = open.records.next();
      if (done === true) break;
      found.push(value);
      bytes += value.length;
    }
    open.at += found.length;
    return { records: base64(Buffer.concat(found)), next: open.at };
  }

  /** The entry of the epoch that left a history behind, as a bundle. */
  async #branch(epoch: number, size: number): Promise<Uint8Array> {
    const found = this.store.epochs.find(
      (each) =>
        each.epoch > epoch &&
        (each.reason === EPOCH_REASON.isolate ||
          (each.reason !== EPOCH_REASON.open && each.parentSequence < size)),
    );
    if (found === undefined) {
      throw new TruthError(
        'NOT_FOUND',
        `no epoch of this log left a history of ${size} entries in epoch ${epoch} behind: it was never part of it`,
      );
    }
    const at = found.sequence;
    const request = { kind: 'entries', tenant: 0, from: at, to: at, since: null } as const;
    const proof = this.#range(request);
    const pieces: Uint8Array[] = [];
    for await (const piece of bundlePieces(proof, entryRecords(this.#options, this.store, proof, true)))
      pieces.push(piece);
    return Buffer.concat(pieces);
  }
}
