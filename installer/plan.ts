/** The installation as it was reviewed: one disk, one image, one set of settings, and the hash that stands for all of them. */

import { createHash } from 'node:crypto';
import { type ApplianceConfig, applianceConfigSchema } from './appliance-config.ts';
import { type Disk, printable } from './disks/disk.ts';
import { tokenMatches } from './disks/token.ts';
import { InstallError } from './errors.ts';
import { type Layout, planLayout } from './layout.ts';
import type { Payload } from './payload.ts';

/** Typed in full to erase a disk with TruthDB's own data. */
export const ERASE_DATA_WORDS = 'ERASE DATA';

export interface InstallSettings {
  readonly config: ApplianceConfig;
  /** SHA-256 of the administrator's token, hexadecimal; undefined: the database makes a token and tells it once. */
  readonly adminTokenHash: string | undefined;
}

export interface InstallPlan {
  readonly disk: Disk;
  readonly layout: Layout;
  readonly payload: Payload;
  readonly settings: InstallSettings;
  readonly hash: string;
}

/** What has to be typed before this disk is erased; undefined where nothing is asked for. */
export interface RequiredWords {
  readonly token: string;
  /** Names of the arrays the disk is a part of. */
  readonly array: string | undefined;
  readonly data: string | undefined;
}

export interface TypedWords {
  readonly token: string;
  readonly array: string;
  readonly data: string;
}

/** @throws InstallError NOT_ELIGIBLE with every reason against the disk, BAD_FIELD for settings that break their schema. */
export function planInstall(disk: Disk, payload: Payload, settings: InstallSettings): InstallPlan {
  if (disk.ineligible.length > 0) {
    throw new InstallError(
      'NOT_ELIGIBLE',
      `${disk.path} may not be erased: ${disk.ineligible.map(({ text }) => text).join('; ')}`,
    );
  }
  const config = applianceConfigSchema.safeParse(settings.config);
  if (!config.success) {
    const [issue] = config.error.issues;
    throw new InstallError('BAD_FIELD', `${issue?.path.join('.')}: ${issue?.message}`);
  }
  const layout = planLayout(disk, payload.rootHash);
  checkFits(layout, payload);
  return { disk, layout, payload, settings, hash: planHash(disk, payload, settings) };
}

/** @throws InstallError PAYLOAD_INVALID when an image is larger than the partition it goes to. */
function checkFits(layout: Layout, payload: Payload): void {
  const pairs = [
    ['root-a', payload.root],
    ['verity-a', payload.verity],
  ] as const;
  for (const [name, file] of pairs) {
    const partition = layout.partitions.find((candidate) => candidate.name === name);
    if (partition !== undefined && file.bytes <= partition.bytes) continue;
    throw new InstallError(
      'PAYLOAD_INVALID',
      `${file.name} has ${file.bytes} bytes, its partition ${partition?.bytes ?? 0}`,
    );
  }
}

/**
 * Whatever tells one disk, or one state of a disk, from another goes in: the same name with another disk behind it, a disk that
 * was repartitioned in the meantime or given another code all have another hash.
 */
function planHash(disk: Disk, payload: Payload, settings: InstallSettings): string {
  const identity = [
    disk.path,
    disk.majorMinor,
    disk.diskSequence,
    disk.bytes,
    disk.logicalBlockBytes,
    disk.model,
    disk.serial,
    disk.wwn,
    disk.contents.fingerprint,
    disk.token?.text ?? '',
  ];
  const canonical = JSON.stringify([
    1,
    identity,
    payload.version,
    payload.rootHash,
    settings.config,
    settings.adminTokenHash ?? '',
  ]);
  return createHash('sha256').update(canonical).digest('hex');
}

export function requiredWords(disk: Disk): RequiredWords {
  const arrays = [...new Set(disk.contents.memberships.map(({ name }) => printable(name)))];
  return {
    token: disk.token?.text ?? '',
    array: arrays.length > 0 ? arrays.join(' ') : undefined,
    data: disk.contents.truthdb === 'data' ? ERASE_DATA_WORDS : undefined,
  };
}

/** @throws InstallError WRONG_TOKEN naming the field, never what was expected in it. */
export function checkWords(disk: Disk, typed: TypedWords): void {
  const { array, data } = requiredWords(disk);
  if (disk.token === undefined || !tokenMatches(disk.token, typed.token)) {
    throw new InstallError(
      'WRONG_TOKEN',
      `that is not ${tokenName(disk)}; nothing was written, look at the disk's row again`,
    );
  }
  if (array !== undefined && typed.array.trim() !== array) {
    throw new InstallError(
      'WRONG_TOKEN',
      'that is not the name of the array this disk belongs to; nothing was written',
    );
  }
  if (data !== undefined && typed.data.trim() !== data) {
    throw new InstallError(
      'WRONG_TOKEN',
      `the database on this disk is erased only when ${data} is typed; nothing was written`,
    );
  }
}

/** "the last 4 characters of the serial": how the token is asked for. */
export function tokenName(disk: Disk): string {
  const { token } = disk;
  if (token === undefined) return 'the name of a disk that can be told apart';
  if (token.source === 'code') return 'the code shown on its row';
  return `the last ${token.text.length} characters of its ${token.source === 'serial' ? 'serial number' : 'WWN'}`;
}
