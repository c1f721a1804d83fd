/**
 * Checks a bundle: entries, what proves them complete, the checkpoints and certificates that they rest on. Built from
 * verifier.ts and nothing else; the pinned root key is the only thing it believes.
 */
import {
  CERTIFICATE_SIZE,
  type Certificate,
  CHECKPOINT_SIZE,
  type Checkpoint,
  gapLeafHash,
  headerOf,
  hex,
  leafHash,
  ProofError,
  Reader,
  sha256,
  sha256Hex,
  tenantLeafHash,
  verifyCertificates,
  verifyCheckpoint,
  verifyConsistency,
  verifyRange,
} from './verifier.ts';

const HASH = 32;
const TENANT_LEAF = 48;
const ENTRY_HEADER = 40;
/** Entry types below this are the log's own and belong to no tenant. */
const TYPE_FIRST_FOREIGN = 16;

export interface BundleEntry {
  readonly sequence: number;
  /** The 40 bytes of its header; null where only a leaf or a gap is known. */
  readonly header: Uint8Array | null;
  readonly payload: Uint8Array | null;
  readonly form: 'hash' | 'payload' | 'gap' | 'leaf';
}

export interface VerifiedBundle {
  readonly kind: 'entries' | 'tenant';
  readonly logId: string;
  readonly from: number;
  readonly to: number;
  readonly tenant: number;
  /** What everything shown is proven against. */
  readonly checkpoint: Checkpoint;
  /** A checkpoint that `checkpoint` was shown to extend. */
  readonly earlier: Checkpoint | null;
  readonly certificates: readonly Certificate[];
  /** Every entry of the range (kind `tenant`: of that tenant), none left out. */
  readonly entries: readonly BundleEntry[];
}

interface Shown extends BundleEntry {
  readonly leaf: Uint8Array;
}

/** Everything a bundle says, checked with the pinned root key alone. */
export function verifyBundle(rootKey: Uint8Array, bytes: Uint8Array): VerifiedBundle {
  const body = bytes.subarray(0, Math.max(bytes.length - HASH, 0));
  const read = new Reader(body, 'a bundle');
  read.expect('TRUTHBDL', null, 1);
  const kind = { 1: 'entries', 2: 'tenant' }[read.u32()] as 'entries' | 'tenant' | undefined;
  if (kind === undefined) throw new ProofError('a bundle of an unknown kind');
  const logId = read.hex(16);
  const [from, to, tenant] = [read.count(), read.count(), read.u32()];
  const counts = { certificates: read.u32(), checkpoints: read.u32(), tenantLeaves: read.u32() };
  const [firstTenantLeaf, firstLeaf, leaves] = [read.count(), read.count(), read.count()];
  const paths = { range: read.u32(), tenant: read.u32(), consistency: read.u32() };
  read.zero();
  const certificates = verifyCertificates(rootKey, read.list(counts.certificates, CERTIFICATE_SIZE));
  const signed = read.list(counts.checkpoints, CHECKPOINT_SIZE);
  const checkpoints = signed.map((each) => verifyCheckpoint(certificates, each));
  const tenantLeaves = read.list(counts.tenantLeaves, TENANT_LEAF).map(decodeTenantLeaf);
  const tenantPath = read.list(paths.tenant, HASH);
  const rangePath = read.list(paths.range, HASH);
  const consistencyPath = read.list(paths.consistency, HASH);
  const shown: Shown[] = [];
  while (shown.length < leaves) shown.push(decodeEntry(read, from + shown.length));
  read.end();
  if (sha256Hex(body) !== hex(bytes.subarray(body.length)))
    throw new ProofError('the bundle’s bytes do not match their own hash: it was damaged on the way');

  const checkpoint = checkpoints.at(-1);
  const earlier = checkpoints.length === 2 ? checkpoints[0]! : null;
  if (checkpoint === undefined || checkpoints.length > 2)
    throw new ProofError('a bundle has one checkpoint or two');
  if (checkpoints.some((each) => each.logId !== logId))
    throw new ProofError(`its checkpoints are not of log ${logId}`);
  if (!(from >= 1 && from <= to && to <= checkpoint.size))
    throw new ProofError(
      `the range ${from}–${to} is not covered by the checkpoint of size ${checkpoint.size}`,
    );
  if (earlier !== null)
    verifyConsistency([earlier.size, earlier.root], [checkpoint.size, checkpoint.root], consistencyPath);
  else if (consistencyPath.length > 0)
    throw new ProofError('a consistency proof without a second checkpoint');

  const common = { kind, logId, from, to, tenant, checkpoint, earlier, certificates };
  if (kind === 'entries') {
    if (tenantLeaves.length + tenantPath.length + tenant + firstTenantLeaf > 0)
      throw new ProofError('a bundle of all entries names a tenant');
    checkEntries(shown, from, to);
    if (firstLeaf !== from - 1) throw new ProofError('the leaves shown are not those of the range');
    verifyRange(firstLeaf, leavesOf(shown), checkpoint.size, rangePath, checkpoint.root);
    return { ...common, entries: shown };
  }
  const own = checkTenants(tenant, tenantLeaves, firstTenantLeaf, tenantPath, checkpoint);
  if (own === null) {
    if (leaves + rangePath.length + firstLeaf > 0)
      throw new ProofError(`entries of tenant ${tenant}, which is shown to have none`);
    return { ...common, entries: [] };
  }
  checkTenantEntries(shown, { tenant, from, to, firstLeaf, size: own.size });
  verifyRange(firstLeaf, leavesOf(shown), own.size, rangePath, hex(own.root));
  return { ...common, entries: shown.filter(({ sequence }) => sequence >= from && sequence <= to) };
}

function leavesOf(shown: readonly Shown[]): Uint8Array[] {
  return shown.map(({ leaf }) => leaf);
}

interface TenantLeaf {
  readonly tenant: number;
  readonly size: number;
  readonly root: Uint8Array;
}

function decodeTenantLeaf(bytes: Uint8Array): TenantLeaf {
  const read = new Reader(bytes, 'a tenant’s leaf');
  const tenant = read.u32();
  read.zero();
  return { tenant, size: read.count(), root: read.bytes(HASH) };
}

/** The tenant's own tree; null when the neighbours shown prove that it has none. */
function checkTenants(
  tenant: number,
  shown: readonly TenantLeaf[],
  first: number,
  path: readonly Uint8Array[],
  { tenants, tenantsRoot }: Checkpoint,
): TenantLeaf | null {
  if (tenants === 0) {
    if (shown.length + path.length + first > 0) throw new ProofError('there are no tenants to show');
    return null;
  }
  const leaves = shown.map((each) => tenantLeafHash(each.tenant, each.size, each.root));
  verifyRange(first, leaves, tenants, path, tenantsRoot);
  const own = shown.find((each) => each.tenant === tenant);
  if (own !== undefined) {
    if (shown.length > 1) throw new ProofError('more tenants are shown than are needed');
    if (own.size === 0) throw new ProofError(`tenant ${tenant} is listed without an entry`);
    return own;
  }
  const last = shown.at(-1)!;
  const behind = shown[0]!.tenant < tenant || first === 0;
  const before = last.tenant > tenant || first + shown.length === tenants;
  const adjacent =
    shown.length === 1 || (shown.length === 2 && shown[0]!.tenant < tenant && last.tenant > tenant);
  if (!(behind && before && adjacent))
    throw new ProofError(`nothing shows that tenant ${tenant} has no entry`);
  return null;
}

function decodeEntry(read: Reader, sequence: number): Shown {
  const form = read.u32();
  read.zero();
  if (form === 3) {
    const [from, to] = [read.count(), read.count()];
    if (sequence < from || sequence > to)
      throw new ProofError(`sequence ${sequence} does not lie in its gap`);
    return { sequence, header: null, payload: null, form: 'gap', leaf: gapLeafHash(from, to) };
  }
  if (form === 4) return { sequence, header: null, payload: null, form: 'leaf', leaf: read.bytes(HASH) };
  const header = read.bytes(ENTRY_HEADER);
  const own = headerOf(header).sequence;
  if (form === 1) {
    const payloadHash = read.bytes(HASH);
    return { sequence: own, header, payload: null, form: 'hash', leaf: leafHash(header, payloadHash) };
  }
  if (form !== 2) throw new ProofError(`an entry of the unknown form ${form}`);
  const payload = read.padded(headerOf(header).payloadBytes);
  return { sequence: own, header, payload, form: 'payload', leaf: leafHash(header, sha256(payload)) };
}

function checkEntries(shown: readonly Shown[], from: number, to: number): void {
  if (shown.length !== to - from + 1)
    throw new ProofError(`${shown.length} entries are shown for the range ${from}–${to}`);
  for (const [at, { sequence }] of shown.entries()) {
    if (sequence !== from + at) throw new ProofError(`entry ${sequence} is shown in place of ${from + at}`);
  }
}

/** No entry of the tenant can lie between the first and the last shown, and both ends are shown to lie outside the range. */
function checkTenantEntries(
  shown: readonly Shown[],
  range: { tenant: number; from: number; to: number; firstLeaf: number; size: number },
): void {
  const { tenant, from, to, firstLeaf, size } = range;
  let before = 0;
  for (const { header, sequence, form } of shown) {
    if (header === null) throw new ProofError('an entry of a tenant is shown without its header');
    const { tenant: owner, type } = headerOf(header);
    if (owner !== tenant || type < TYPE_FIRST_FOREIGN)
      throw new ProofError(`entry ${sequence} is not one of tenant ${tenant}`);
    if (sequence <= before) throw new ProofError(`entry ${sequence} is shown after ${before}`);
    if ((sequence < from || sequence > to) && form !== 'hash')
      throw new ProofError(`entry ${sequence} lies outside the range and shows its payload`);
    before = sequence;
  }
  const outside = (at: number): boolean =>
    shown[at] !== undefined && (shown[at].sequence < from || shown[at].sequence > to);
  if (firstLeaf > 0 && !((shown[0]?.sequence ?? from) < from))
    throw new ProofError(`nothing shows that no entry of tenant ${tenant} was left out at the beginning`);
  if (firstLeaf + shown.length < size && !(before > to))
    throw new ProofError(`nothing shows that no entry of tenant ${tenant} was left out at the end`);
  if (shown.slice(1, -1).some((_, at) => outside(at + 1)))
    throw new ProofError('more entries are shown than belong to the range');
}
