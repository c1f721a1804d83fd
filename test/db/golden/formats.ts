/** Every file format beside the segments: how today's code writes one fixed example of it, and what it reads from one. */
import { join } from 'node:path';
import { backupManifest, encodeManifest, readManifest as readBackup } from '../../../db/backup/manifest.ts';
import { readCopyMark, writeCopyMark } from '../../../db/follow/copy-mark.ts';
import { type Disk, writeSmallFile } from '../../../db/io/index.ts';
import { inlineRunner } from '../../../db/materializer/index.ts';
import { manifestFile, readManifest as readViews } from '../../../db/materializer/manifest.ts';
import { TokenStore } from '../../../db/server/tokens.ts';
import { checkBytes, readSnapshot } from '../../../db/snapshot/snapshot-file.ts';
import { writeSnapshot } from '../../../db/snapshot/writer.ts';
import { type KekFile, readKekJson, writeKekJson } from '../../../db/tenancy/keys/kek-file.ts';
import {
  type CommitOrdinal,
  type Epoch,
  type RecordedAt,
  type Sequence,
  TENANT_DEFAULT,
  type TenantId,
} from '../../../db/types.ts';
import { addGap, noteRecordedGap, readGaps } from '../../../db/wal/gaps.ts';
import * as metadata from '../../../db/wal/metadata.ts';

export const DIRECTORY = '/data';

export interface Format {
  /** Version of the format; 1 where it is not named. Golden bytes lie below fixtures/v<version>/. */
  readonly version?: number;
  /** Where the file lies below the data directory. */
  readonly file: string;
  readonly write: (disk: Disk) => void | Promise<void>;
  readonly read: (disk: Disk) => unknown;
  readonly value: unknown;
}

const LOG_ID = '00112233445566778899aabbccddeeff';
const CHAIN = 'c0'.repeat(32);
const SHA256 = '5a'.repeat(32);
const floor = { segment: 4, sequence: 812 as Sequence, chain: CHAIN };
const gap = { segment: 2, offset: 8192, end: 12_288, from: 40 as Sequence, to: 44 as Sequence };
const lostSegment = { segment: 3, offset: 0, end: 1_048_576, from: 60 as Sequence, to: 71 as Sequence };
const passphraseKek: KekFile = {
  moving: false,
  current: {
    from: 'passphrase',
    id: null,
    scrypt: { n: 65_536, r: 8, p: 1, salt: 'AAECAwQFBgcICQoLDA0ODw==' },
  },
  next: null,
};
const tpmKek: KekFile = {
  moving: true,
  current: { from: 'file', id: '00112233445566ff' },
  next: {
    from: 'tpm',
    id: '8899aabbccddeeff',
    sealed: { public: 'AAQACAAL', private: 'AAMBAgM=', pcrs: [7] },
  },
};
const copyMark = {
  source: '192.0.2.10:9650',
  segment: 3,
  offset: 8192,
  sequence: 812 as Sequence,
  epoch: 3 as Epoch,
  chain: Uint8Array.from(Buffer.from(CHAIN, 'hex')),
};
const view = {
  name: 'stream-index',
  version: 2,
  applied: 812,
  chain: CHAIN,
  parts: [{ name: 'rows-00000000-15', bytes: 392, xxh64: '0123456789abcdef' }],
};
const place = {
  segment: 3,
  offset: 8192,
  sequence: 812,
  ordinal: 500,
  epoch: 3,
  recordedAt: '1700000000000000001',
  chain: CHAIN,
};
const backup = backupManifest({
  id: LOG_ID,
  createdAt: '2026-01-02T03:04:05.678Z',
  logId: LOG_ID,
  segmentBytes: 1_048_576,
  base: { id: 'ff'.repeat(16), directory: '/mnt/backup/full', end: { ...place, sequence: 700 } },
  floor: { ...floor, segment: 2, sequence: 400 },
  end: place,
  highestEpoch: 4,
  pieces: [{ index: 3, firstSequence: 701, offset: 4096, bytes: 4096, sealed: false, sha256: SHA256 }],
  gaps: [{ ...gap, recorded: true }],
  snapshots: [{ name: `${'0'.repeat(17)}500-0000000002`, sequence: 500, bytes: 1022, sha256: SHA256 }],
  metadata: [{ file: 'tokens.json', bytes: 200, sha256: SHA256 }],
});
const signedBackup = backupManifest({
  ...backup,
  metadata: [
    'checkpoints/checkpoints',
    'signing/root.public',
    `signing/${LOG_ID}.key`,
    `erasures/${'4'.padStart(20, '0')}.json`,
  ].map((file) => ({ file, bytes: 312, sha256: SHA256 })),
});
const SNAPSHOT = `snapshots/${'0'.repeat(17)}812-0000000003.snapshot`;

export const FORMATS: readonly Format[] = [
  {
    file: 'metadata/keys/kek.json',
    write: (disk) => writeKekJson(disk, DIRECTORY, passphraseKek),
    read: (disk) => readKekJson(disk, DIRECTORY),
    value: passphraseKek,
  },
  {
    version: 2,
    file: 'metadata/keys/kek.json',
    write: (disk) => writeKekJson(disk, DIRECTORY, tpmKek),
    read: (disk) => readKekJson(disk, DIRECTORY),
    value: tpmKek,
  },
  {
    file: 'metadata/log.json',
    write: (disk) => metadata.writeLogId(disk, DIRECTORY, Buffer.from(LOG_ID, 'hex')),
    read: (disk) => metadata.readLogId(disk, DIRECTORY),
    value: LOG_ID,
  },
  {
    file: 'metadata/epoch.json',
    write: (disk) => metadata.writeEpoch(disk, DIRECTORY, 3 as Epoch),
    read: (disk) => metadata.readEpoch(disk, DIRECTORY),
    value: 3,
  },
  {
    file: 'metadata/durable.json',
    write: (disk) =>
      metadata.writeDurableMark(disk, DIRECTORY, { sequence: 812 as Sequence, epoch: 3 as Epoch }),
    read: (disk) => metadata.readDurableMark(disk, DIRECTORY),
    value: { sequence: 812, epoch: 3 },
  },
  {
    file: 'metadata/floor.json',
    write: (disk) => metadata.writeFloor(disk, DIRECTORY, floor),
    read: (disk) => metadata.readFloor(disk, DIRECTORY),
    value: floor,
  },
  {
    file: 'metadata/last-segment.json',
    write: (disk) => metadata.writeLastSegment(disk, DIRECTORY, 7),
    read: (disk) => metadata.readLastSegment(disk, DIRECTORY),
    value: 7,
  },
  {
    file: 'metadata/gaps.json',
    write: (disk) => {
      addGap(disk, DIRECTORY, lostSegment);
      addGap(disk, DIRECTORY, gap);
      noteRecordedGap(disk, DIRECTORY, gap);
    },
    read: (disk) => readGaps(disk, DIRECTORY),
    value: [
      { ...gap, recorded: true },
      { ...lostSegment, recorded: false },
    ],
  },
  {
    file: 'metadata/follower.json',
    write: (disk) => writeCopyMark(disk, DIRECTORY, copyMark),
    read: (disk) => readCopyMark(disk, DIRECTORY),
    value: copyMark,
  },
  {
    file: 'metadata/views.json',
    write: (disk) => {
      const { path, bytes } = manifestFile(DIRECTORY, LOG_ID, [view]);
      writeSmallFile(disk, path, bytes);
    },
    read: (disk) =>
      readViews(disk, DIRECTORY, LOG_ID, (line) => {
        throw new Error(line);
      }),
    value: [view],
  },
  {
    file: 'metadata/tokens.json',
    write: (disk) => {
      const tokens = new TokenStore(disk, `${DIRECTORY}/metadata/tokens.json`, (bytes) =>
        new Uint8Array(bytes).fill(7),
      );
      tokens.create(
        { name: 'admin', role: 'operator', tenant: TENANT_DEFAULT, hash: SHA256, expiresAt: null },
        new Date('2026-01-02T03:04:05.678Z'),
      );
    },
    read: (disk) => new TokenStore(disk, `${DIRECTORY}/metadata/tokens.json`, () => new Uint8Array()).list(),
    value: [
      {
        id: '070707070707',
        name: 'admin',
        role: 'operator',
        tenant: 0,
        hash: SHA256,
        scram: null,
        createdAt: '2026-01-02T03:04:05.678Z',
        expiresAt: null,
      },
    ],
  },
  {
    version: 2,
    file: 'metadata/tokens.json',
    write: (disk) => {
      const tokens = new TokenStore(disk, `${DIRECTORY}/metadata/tokens.json`, (bytes) =>
        new Uint8Array(bytes).fill(7),
      );
      const [createdAt, expiresAt] = ['2026-01-02T03:04:05.678Z', '2026-12-31T00:00:00.000Z'];
      const auditor = { name: 'auditor', role: 'auditor', tenant: 7 as TenantId, hash: null } as const;
      tokens.create({ ...auditor, expiresAt: new Date(expiresAt) }, new Date(createdAt));
    },
    read: (disk) => new TokenStore(disk, `${DIRECTORY}/metadata/tokens.json`, () => new Uint8Array()).list(),
    value: [
      {
        id: '070707070707',
        name: 'auditor',
        role: 'auditor',
        tenant: 7,
        hash: 'dc4bf80c77473d130fa0de86ba4018fe98bb214005e6a5891d12ba91446f9e81',
        scram: {
          salt: 'BwcHBwcHBwcHBwcHBwcHBw==',
          iterations: 4096,
          storedKey: 'OLrnEdv0f7Yq8Y6nxxbahUXjZ8ykWNrDeGKeAO+C8f4=',
          serverKey: 'yuB1NJnuquKZUqS1u1ivN71GluCIGijA/MZLFmjnS1s=',
        },
        createdAt: '2026-01-02T03:04:05.678Z',
        expiresAt: '2026-12-31T00:00:00.000Z',
      },
    ],
  },
  {
    file: SNAPSHOT,
    write: async (disk) => {
      await writeSnapshot({
        folder: `${DIRECTORY}/snapshots`,
        logId: LOG_ID,
        capture: {
          commit: {
            sequence: 812 as Sequence,
            ordinal: 500 as CommitOrdinal,
            epoch: 3 as Epoch,
            recordedAt: 1_700_000_000_000_000_001n as RecordedAt,
            chain: Buffer.from(CHAIN, 'hex'),
          },
          views: [
            {
              name: 'stream-index',
              version: 2,
              digest: 'd1'.repeat(16),
              parts: [
                { name: 'names', chunks: () => [Buffer.from('abc')] },
                { name: 'rows', chunks: () => [Buffer.from('0123'), Buffer.from('45678')] },
              ],
            },
          ],
          missing: [{ name: 'other', reason: 'rebuilding' }],
        },
        runner: inlineRunner(disk, async () => {}),
        signal: new AbortController().signal,
      });
    },
    read: (disk) => {
      const { manifest } = readSnapshot(disk, join(DIRECTORY, SNAPSHOT));
      checkBytes(disk, join(DIRECTORY, SNAPSHOT), manifest);
      const { sequence, ordinal, epoch, recordedAt, missing } = manifest;
      return { sequence, ordinal, epoch, recordedAt, missing };
    },
    value: {
      sequence: 812,
      ordinal: 500,
      epoch: 3,
      recordedAt: '1700000000000000001',
      missing: [{ name: 'other', reason: 'rebuilding' }],
    },
  },
  {
    version: 2,
    file: 'backup.json',
    write: (disk) => writeSmallFile(disk, `${DIRECTORY}/backup.json`, encodeManifest(signedBackup)),
    read: (disk) => readBackup(disk, DIRECTORY),
    value: signedBackup,
  },
  {
    file: 'backup.json',
    write: (disk) => writeSmallFile(disk, `${DIRECTORY}/backup.json`, encodeManifest(backup)),
    read: (disk) => readBackup(disk, DIRECTORY),
    value: backup,
  },
];
