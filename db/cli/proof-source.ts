/** Where a command gets proofs from: a server, or a data directory without one. */
import { resolve } from 'node:path';
import { proofFromJson, unbase64 } from '../audit/proof-json.ts';
import { DirectoryProofs } from '../audit/proofs-of-directory.ts';
import type { RangeProof, RangeRequest } from '../audit/prover.ts';
import { decodeCheckpoint } from '../audit/verifier.ts';
import { RealDisk } from '../io/index.ts';
import { findTenant, tenantsInLog } from '../tenancy/index.ts';
import { sequence } from '../types.ts';
import type { Arguments, Option, Terminal } from './command.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

export const PROOF_SOURCE_OPTIONS: readonly Option[] = [
  { flag: 'data', value: 'DIR', help: 'directory of a database: its files, without a server' },
  ...TARGET_OPTIONS,
];

export interface ProofSource {
  range(request: RangeRequest): Promise<RangeProof>;
  /** The entries that belong to it, as entry-records.ts writes them, in pieces of whole records. */
  records(proof: RangeProof, payloads: boolean): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The newest checkpoint with its certificates. */
  latest(): Promise<{ readonly checkpoint: Uint8Array; readonly certificates: readonly Uint8Array[] }>;
  /** Number of the tenant with that name. Errors: NOT_FOUND, with names that are close. */
  tenantNamed(name: string): Promise<number>;
  close(): Promise<void>;
}

export const TENANT: Option = {
  flag: 'tenant',
  value: 'NAME|N',
  help: 'name or number of the tenant; digits alone are a number',
};

/** The number of a tenant that was given by name or number. Errors: NOT_FOUND. */
export async function tenantNumber(source: ProofSource, given: string): Promise<number> {
  return /^\d{1,10}$/.test(given) ? Number(given) : source.tenantNamed(given);
}

/** Errors: those of connecting. */
export async function proofSource(args: Arguments, terminal: Terminal): Promise<ProofSource> {
  const data = args.text('data');
  return data === undefined ? fromServer(args, terminal) : fromDirectory(resolve(data));
}

function fromDirectory(directory: string): ProofSource {
  const disk = new RealDisk();
  const proofs = new DirectoryProofs(disk, directory);
  return {
    range: async (request) => proofs.prover.range(request),
    records: (proof, payloads) => proofs.records(proof, payloads),
    latest: async () => proofs.prover.latest(),
    tenantNamed: async (name) => {
      const { size } = decodeCheckpoint(proofs.prover.latest().checkpoint);
      return findTenant(tenantsInLog(disk, directory, sequence(size)), name).id;
    },
    close: async () => proofs.close(),
  };
}

async function fromServer(args: Arguments, terminal: Terminal): Promise<ProofSource> {
  const db = await connectTo(args, terminal);
  return {
    range: async (request) => proofFromJson(await db.administer({ command: 'proof-range', ...request })),
    async *records({ kind, tenant, from, to, firstLeaf, leaves }, payloads) {
      for (let at = 0; at < leaves; ) {
        const wanted = { kind, tenant, from, to, firstLeaf, leaves, at, payloads };
        const answer = await db.administer({ command: 'proof-entries', ...wanted });
        const next = Number(answer['next']);
        if (!(next > at)) throw new Error('the server sent no entries');
        yield unbase64(answer['records']);
        at = next;
      }
    },
    latest: async () => {
      const answer = await db.administer({ command: 'checkpoint-latest' });
      const certificates = (answer['certificates'] as string[]).map(unbase64);
      return { checkpoint: unbase64(answer['checkpoint']), certificates };
    },
    tenantNamed: async (name) => Number((await db.administer({ command: 'tenant-find', name }))['id']),
    close: () => db.close(),
  };
}
