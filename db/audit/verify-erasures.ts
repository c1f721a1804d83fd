/** The certificates of erasure that lie beside a log, and one that somebody was given. */
import { join } from 'node:path';
import { type Disk, isNotFound, readSmallFile } from '../io/index.ts';
import {
  decodeErasure,
  isUnsignedErasure,
  type SignedErasure,
  verifyErasure,
  verifyErasureAlone,
} from './erasure-verifier.ts';
import { type Certificate, ProofError } from './verifier.ts';

/** JSON-safe. */
export interface ErasuresReport {
  /** Erasures that the log has, as far as its entries were read. */
  readonly inLog: number;
  readonly certificates: number;
  /** Of them those whose signature holds. */
  readonly signed: number;
}

export interface ErasuresFound extends ErasuresReport {
  readonly problems: readonly { readonly sequence: number; readonly problem: string }[];
  readonly unproven: readonly string[];
}

export interface ErasuresToCheck {
  readonly disk: Disk;
  readonly directory: string;
  readonly logId: string;
  /** Null: no root key is known, so no signature can be checked. */
  readonly certificates: readonly Certificate[] | null;
  /** Leaf of each erasure in the log by its sequence, hex. */
  readonly erased: ReadonlyMap<number, string>;
  /** Whether an erasure that is not there was not missed. */
  readonly complete: boolean;
}

const NAME = /^(\d{20})\.json$/;

export function checkErasures(options: ErasuresToCheck): ErasuresFound {
  const { disk, directory, erased } = options;
  const folder = join(directory, 'metadata', 'erasures');
  const problems: { sequence: number; problem: string }[] = [];
  const unproven: string[] = [];
  const certified = new Set<number>();
  let signed = 0;
  for (const name of namesIn(disk, folder)) {
    const position = Number(NAME.exec(name)![1]);
    certified.add(position);
    const text = Buffer.from(readSmallFile(disk, join(folder, name)) ?? new Uint8Array()).toString();
    try {
      if (isSigned(options, text, position)) signed += 1;
      else unproven.push(`the certificate of the erasure at ${position} is not signed`);
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      problems.push({ sequence: position, problem: `metadata/erasures/${name}: ${error.message}` });
    }
  }
  const without = [...erased.keys()].filter((position) => !certified.has(position));
  if (without.length > 0) unproven.push(`there is no certificate here of the erasures at ${listed(without)}`);
  return { inLog: erased.size, certificates: certified.size, signed, problems, unproven };
}

/** False where it is not signed, or nobody knows by whom. Throws ProofError for one that is false. */
function isSigned(options: ErasuresToCheck, text: string, position: number): boolean {
  const { logId, certificates, erased, complete } = options;
  if (isUnsignedErasure(text)) return false;
  const erasure = decodeErasure(text);
  if (erasure.position !== position || erasure.logId !== logId)
    throw new ProofError(`it is of the erasure at ${erasure.position} of log ${erasure.logId}`);
  const leaf = erased.get(position);
  if (leaf === undefined ? complete : leaf !== erasure.leaf)
    throw new ProofError(`the entry at ${position} is not the erasure that it certifies`);
  if (erasure.signed === null || certificates === null) return false;
  verifyErasure(certificates, text);
  return true;
}

/** JSON-safe. */
export interface CertificateReport {
  readonly ok: boolean;
  readonly erasure: SignedErasure | null;
  readonly problems: readonly { readonly kind: 'signature'; readonly problem: string }[];
}

/** One certificate by itself: that the holder of the root key’s log has signed it. */
export function checkCertificate(text: string, rootKey: Uint8Array): CertificateReport {
  try {
    return { ok: true, erasure: verifyErasureAlone(rootKey, text), problems: [] };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    const unsigned = isUnsignedErasure(text) ? 'it was issued by a release that signed none' : error.message;
    return { ok: false, erasure: null, problems: [{ kind: 'signature', problem: unsigned }] };
  }
}

const LISTED_MAX = 10;

function listed(positions: readonly number[]): string {
  const shown = positions.slice(0, LISTED_MAX).join(', ');
  return positions.length > LISTED_MAX ? `${shown} and ${positions.length - LISTED_MAX} more` : shown;
}

function namesIn(disk: Disk, folder: string): string[] {
  try {
    return disk
      .list(folder)
      .filter((name) => NAME.test(name))
      .sort();
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
