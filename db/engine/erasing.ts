/**
 * Brings an erasure about: the entry that says so, then the keys, then everything computed from what they sealed. Nothing is
 * written meanwhile, and views cannot be read; afterwards they are what a replay without those entries gives, because they are
 * one. Whatever stops it half-way is finished by the next start.
 */
import { join } from 'node:path';
import type { ErasureSigner } from '../audit/index.ts';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Registry } from '../materializer/index.ts';
import type { SnapshotKeeper } from '../snapshot/index.ts';
import type {
  ErasureCertificate,
  ErasureRequest,
  KeyRing,
  SealedLog,
  SystemEntry,
} from '../tenancy/index.ts';
import { type Sequence, sequence } from '../types.ts';

export interface ErasingOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly ring: KeyRing;
  readonly log: SealedLog;
  readonly registry: Registry;
  readonly snapshots: SnapshotKeeper;
  readonly signer: ErasureSigner;
  /** Where the log begins, archives counted. */
  readonly first: () => Sequence;
  /** Names of copies and the position each has. */
  readonly followers: () => readonly { readonly name: string }[];
  readonly nowMillis: () => number;
  readonly report: (line: string) => void;
}

/** What the database does while one goes on. */
export interface ErasingHost {
  /** Lets nothing more in and resolves when nothing is in flight. The error is what is answered meanwhile. */
  hold(error: TruthError): Promise<void>;
  append(entry: SystemEntry): Promise<Sequence>;
  /** What was kept in memory is forgotten; the views are new ones. */
  forget(): void;
  release(): void;
}

export class Erasing {
  readonly #options: ErasingOptions;

  constructor(options: ErasingOptions) {
    this.#options = options;
  }

  /**
   * Errors: PRUNED, where views could not be computed again. Nothing is destroyed then, unless the log says already that it is:
   * keys go in any case.
   */
  async run(host: ErasingHost, request: ErasureRequest): Promise<ErasureCertificate> {
    if (request.position === null) this.#checkComplete();
    const { tenant, erasure } = request;
    const { registry, ring, log, report } = this.#options;
    const what = erasure.of === 'tenant' ? `tenant "${tenant.name}"` : `a subject of tenant "${tenant.name}"`;
    report(`erasing ${what}`);
    await host.hold(erasing(what));
    try {
      const position = request.position ?? (await host.append(request.entry));
      const snapshots = await this.#options.snapshots.clear();
      ring.destroy(erasure.keys);
      log.forget();
      this.#checkComplete();
      await registry.rebuild();
      host.forget();
      const certificate = await this.#certificate(request, position, snapshots);
      this.#keep(certificate);
      report(`erased ${what} as of ${position}: ${erasure.keys.length} keys destroyed, views computed again`);
      return certificate;
    } finally {
      host.release();
    }
  }

  isCertified(position: Sequence): boolean {
    const { disk, directory } = this.#options;
    return readSmallFile(disk, certificatePath(directory, position)) !== null;
  }

  /** For views that went on from a copy older than an erasure whose keys are gone. Errors: PRUNED. */
  async recompute(host: ErasingHost): Promise<void> {
    this.#checkComplete();
    const { registry, log, report, snapshots } = this.#options;
    report('views are older than an erasure: they are computed again');
    await host.hold(erasing('what a view still had'));
    try {
      await snapshots.clear();
      log.forget();
      await registry.rebuild();
      host.forget();
    } finally {
      host.release();
    }
  }

  #checkComplete(): void {
    const first = this.#options.first();
    if (first <= 1) return;
    throw new TruthError(
      'PRUNED',
      `the log begins at ${first}: views cannot be computed again without what was erased. Name the archive of what was pruned in log.archives and try again`,
      { first },
    );
  }

  #certificate(
    { tenant, erasure }: ErasureRequest,
    position: Sequence,
    snapshots: readonly string[],
  ): Promise<ErasureCertificate> {
    return this.#options.signer.certify({
      ...{ of: erasure.of, tenant: tenant.id, name: tenant.name, position, size: this.#options.log.stable },
      handle: erasure.of === 'subject' ? erasure.handle : null,
      at: new Date(this.#options.nowMillis()).toISOString(),
      destroyed: {
        keys: erasure.keys,
        keyEncryptionKey: this.#options.ring.kekFate,
        snapshots,
        views: this.#options.registry.status().map(({ name }) => name),
      },
      unconfirmed: [
        ...this.#options.followers().map(({ name }) => ({
          holder: `follower "${name}"`,
          why: 'a copy that was given keys destroys its own as soon as the erasure reaches it, which nobody has confirmed; without keys it never could read them',
        })),
        {
          holder: 'backups and archives made before',
          why: 'their log is sealed under keys that are gone; a backup of a pruned database also carries snapshots, which are plaintext: delete those',
        },
        {
          holder: 'exports of keys made before',
          why: 'whoever has one and its recovery key can still open the destroyed keys',
        },
        {
          holder: 'the blocks of deleted files on the disk',
          why: 'views are plaintext where the data partition is not encrypted',
        },
      ],
    });
  }

  #keep(certificate: ErasureCertificate): void {
    const { disk, directory } = this.#options;
    disk.mkdir(certificatesFolder(directory));
    disk.fsyncDirectory(join(directory, 'metadata'));
    const path = certificatePath(directory, sequence(certificate.position));
    writeSmallFile(disk, path, Buffer.from(`${JSON.stringify(certificate, null, 2)}\n`));
  }
}

function certificatesFolder(directory: string): string {
  return join(directory, 'metadata', 'erasures');
}

function certificatePath(directory: string, position: Sequence): string {
  return join(certificatesFolder(directory), `${String(position).padStart(20, '0')}.json`);
}

function erasing(what: string): TruthError {
  return new TruthError(
    'VIEW_UNAVAILABLE',
    `${what} is being erased: views are computed again and nothing is written meanwhile; try again soon`,
  );
}
