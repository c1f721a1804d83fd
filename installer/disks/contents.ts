/** What lies on a disk: its table, partitions, file systems and memberships, and the fingerprint that names them all. */

import { createHash } from 'node:crypto';
import { DATA_TYPE_GUID, PARTITIONS, UNCOMMITTED_TYPE_GUID } from '../partition-types.ts';
import type { Contents, DiskPartition, Membership, Signature } from './disk.ts';
import { printable } from './disk.ts';
import type { DiskEdges } from './raw-inventory.ts';

/** Everything read about one disk that its contents follow from. */
export interface ContentsInput {
  readonly name: string;
  readonly bytes: number;
  /** blkid's answer for the whole disk. */
  readonly probe: ReadonlyMap<string, string>;
  readonly partitions: readonly DiskPartition[];
  /** All signatures on the whole disk, partition tables included. */
  readonly signatures: readonly Signature[];
  readonly edges: DiskEdges | undefined;
  readonly volumeGroups: ReadonlyMap<string, string>;
  readonly unreadable: boolean;
}

/** Partition tables, which wipefs lists beside file systems. */
const TABLES = new Set(['gpt', 'dos', 'PMBR', 'sun', 'sgi', 'bsd', 'mac', 'atari', 'minix', 'ultrix']);

/** Signatures that make a device a part of something larger, with the word for what that is. */
const MEMBERSHIPS: ReadonlyMap<string, string> = new Map([
  ['LVM2_member', 'LVM volume group'],
  ['LVM1_member', 'LVM volume group'],
  ['linux_raid_member', 'md array'],
  ['zfs_member', 'ZFS pool'],
  ['isw_raid_member', 'Intel firmware RAID'],
  ['ddf_raid_member', 'DDF firmware RAID'],
  ['bcache', 'bcache set'],
  ['ceph_bluestore', 'Ceph cluster'],
  ['drbd', 'DRBD resource'],
  ['VMFS_volume_member', 'VMFS datastore'],
]);

const DATA_TYPE = DATA_TYPE_GUID.toLowerCase();
const UNCOMMITTED_TYPE = UNCOMMITTED_TYPE_GUID.toLowerCase();
const ESP_LABEL = PARTITIONS[0]?.label;

export function readContents(input: ContentsInput): Contents {
  const signatures = input.signatures.filter((signature) => !TABLES.has(signature.type));
  const all = [...signatures, ...input.partitions.flatMap((partition) => partition.signatures)];
  const tableType =
    input.probe.get('PTTYPE') ?? input.signatures.find(({ type }) => TABLES.has(type))?.type ?? '';
  const base = {
    tableType,
    tableUuid: (input.probe.get('PTUUID') ?? '').toLowerCase(),
    partitions: input.partitions,
    signatures,
    memberships: all.flatMap((signature) => membershipOf(signature, input.volumeGroups)),
    truthdb: truthdbState(input.partitions),
    isoVolumes: all.filter(({ type }) => type === 'iso9660').map(({ label }) => label),
  };
  const state = stateOf(input, base);
  return { ...base, state, fingerprint: fingerprintOf(input, base), summary: summaryOf(state, base) };
}

type Base = Omit<Contents, 'state' | 'fingerprint' | 'summary'>;

function stateOf(input: ContentsInput, base: Base): Contents['state'] {
  if (input.unreadable || input.edges === undefined) return 'unreadable';
  if (base.tableType !== '' || base.signatures.length > 0 || base.partitions.length > 0) return 'recognised';
  return input.edges.zero ? 'empty' : 'unrecognised';
}

function membershipOf(
  signature: Signature,
  volumeGroups: ReadonlyMap<string, string>,
): readonly Membership[] {
  const kind =
    MEMBERSHIPS.get(signature.type) ?? (/_(raid_)?member$/.test(signature.type) ? 'disk array' : undefined);
  if (kind === undefined) return [];
  // A name nobody could type is no name: fall back to the first group of the UUID, then to the kind of signature.
  const label = volumeGroups.get(signature.node) ?? signature.label;
  const name =
    [label, signature.uuid.split('-')[0] ?? ''].find((word) => /^[\x21-\x7e]+$/.test(word)) ?? signature.type;
  return [{ node: signature.node, kind, name }];
}

/** Partition 1 keeps a foreign type until the commit record is written, so an unfinished installation shows itself. */
function truthdbState(partitions: readonly DiskPartition[]): Contents['truthdb'] {
  const ours = partitions.filter(({ type }) => type === DATA_TYPE);
  if (ours.length === 0) return 'none';
  const first = partitions.find(({ number }) => number === 1);
  const interrupted = first?.label === ESP_LABEL && first?.type === UNCOMMITTED_TYPE && ours.length === 1;
  return interrupted ? 'interrupted' : 'data';
}

/**
 * Over names and UUIDs, not over raw bytes: a file system's superblock changes whenever it is mounted, and an answer file that
 * names the content must still fit after that. Where nothing is recognised only the raw edges are left to name it by.
 */
function fingerprintOf(input: ContentsInput, base: Base): string {
  const signatureKey = ({ node, type, uuid, label }: Signature) => [
    node === input.name ? '' : node.slice(input.name.length),
    type,
    uuid,
    label,
  ];
  const recognised = base.tableType !== '' || input.signatures.length > 0;
  const canonical = JSON.stringify([
    input.bytes,
    base.tableType,
    base.tableUuid,
    input.signatures.map(signatureKey).sort(compareKeys),
    base.partitions.map(({ number, startBytes, bytes, type, uuid, label, signatures }) => [
      number,
      startBytes,
      bytes,
      type,
      uuid,
      label,
      signatures.map(signatureKey).sort(compareKeys),
    ]),
    recognised ? '' : (input.edges?.digest ?? 'unreadable'),
  ]);
  return `c1-${createHash('sha256').update(canonical).digest('hex').slice(0, 32)}`;
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function summaryOf(state: Contents['state'], base: Base): string {
  if (state === 'empty') return 'empty';
  if (state === 'unreadable') return 'cannot be read';
  if (state === 'unrecognised') return 'data of unknown kind';
  if (base.truthdb === 'data') return 'TruthDB with its data';
  if (base.truthdb === 'interrupted') return 'unfinished TruthDB installation';
  const parts = [
    ...base.isoVolumes.map((volume) => `ISO image '${printable(volume)}'`),
    ...base.memberships.map(({ kind, name }) => `${kind} '${printable(name)}'`),
    ...describeFileSystems(base),
    ...(base.partitions.length > 0
      ? [`${base.partitions.length} partition${base.partitions.length === 1 ? '' : 's'}`]
      : []),
  ];
  return parts.length > 0
    ? [...new Set(parts)].join(', ')
    : `${base.tableType} partition table, no partitions`;
}

function describeFileSystems(base: Base): readonly string[] {
  return [...base.signatures, ...base.partitions.flatMap((partition) => partition.signatures)]
    .filter(
      ({ type }) =>
        type !== 'iso9660' && membershipOf({ node: '', type, uuid: '', label: '' }, new Map()).length === 0,
    )
    .map(({ type, label }) => (label === '' ? printable(type) : `${printable(type)} '${printable(label)}'`));
}
