/**
 * The log's bytes, all in one table. Encoder, decoder, checksum program, inspectors and docs/wal-format.md read from here;
 * a number that appears in two places is a bug. Little-endian, everything 8-byte aligned, unused bytes zero.
 */
import { layout } from './layout.ts';

export const FORMAT_VERSION = 1;

/** "TRUTHWAL" */
export const SEGMENT_MAGIC = 0x4c41_5748_5455_5254n;

/** Types below 16 belong to the log itself, 16 and more to the layers above. */
export const ENTRY_TYPE = { commit: 1, seal: 2, epoch: 3, gap: 4 } as const;
export const ENTRY_TYPE_FIRST_FOREIGN = 16;
export const ENTRY_TYPE_MAX = 0xffff;

/** Bits 16 to 31 belong to the layers above; bits 2 to 15 are zero. */
export const ENTRY_FLAG = { encrypted: 1, commandEnd: 2 } as const;
export const ENTRY_FLAGS_FOREIGN = 0xffff_0000;
export const ENTRY_FLAGS_RESERVED = 0x0000_fffc;

/** Identifiers are for good; 2 is kept for BLAKE3 (docs/decisions/0010). */
export const HASH_ALGORITHM = { sha256: 1, blake3: 2 } as const;

export const EPOCH_REASON = { open: 1, viewChange: 2, restore: 3, isolate: 4 } as const;
export type EpochReason = keyof typeof EPOCH_REASON;

export const SEGMENT_STATES = ['open', 'sealed', 'archived'] as const;
export type SegmentState = (typeof SEGMENT_STATES)[number];

export const SEGMENT_HEADER_BYTES = 4096;
export const SEGMENT_BYTES_MIN = 1024 * 1024;
export const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024;
export const SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024;
export const ENTRY_BYTES_DEFAULT = 4 * 1024 * 1024;
export const ENTRY_BYTES_MAX = 16 * 1024 * 1024;

export const SEGMENT_HEADER = layout('Segment header', {
  magic: ['u64', 'The letters TRUTHWAL'],
  version: ['u32', 'Format version'],
  headerBytes: ['u32', 'Size of this header: 4096'],
  logId: ['bytes 16', 'Random identity of the log'],
  index: ['u64', 'Ordinal of the segment in the log, from 1'],
  firstSequence: ['u64', 'Sequence number of the first entry'],
  segmentBytes: ['u64', 'Size of the file'],
  hash: ['u32', 'Chain hash: 1 SHA-256, 2 BLAKE3 (reserved)'],
  epoch: ['u32', 'Epoch in which the segment was created'],
  salt: ['u64', 'Random'],
  entryBytesMax: ['u32', 'Largest payload the log takes'],
  reserved: ['u32', 'Zero'],
  lastOrdinal: ['u64', 'Ordinal of the last commit before this segment; 0 if none'],
  lastRecordedAt: ['u64', 'Its recorded-at; 0 if none'],
  chainHead: ['bytes 32', 'Chain before this segment; zero for the first'],
});
/** The header's own xxHash64 over all bytes before it. It is also the seed of every entry checksum of the segment. */
export const SEGMENT_HEADER_CHECKSUM_AT = SEGMENT_HEADER_BYTES - 8;

export const ENTRY_HEADER = layout('Entry header', {
  version: ['u16', 'Format version; 0 is space not written yet'],
  type: ['u16', '1 commit, 2 seal, 3 epoch, 4 gap; 16 and more belong to the layers above'],
  payloadBytes: ['u32', 'Length of the payload without padding'],
  sequence: ['u64', 'Sequence number: +1 per entry of any type'],
  ordinal: [
    'u64',
    'Logical timestamp: ordinal of the commit the entry belongs to (a seal: of the last commit)',
  ],
  partitionKey: ['u64', 'Chosen by the layers above; 0 in entries of the log itself'],
  tenant: ['u32', 'Tenant; 0 in entries of the log itself'],
  flags: [
    'u32',
    'Bit 0 encrypted, bit 1 last entry of a command, bits 2–15 zero, bits 16–31 of the layers above',
  ],
  checksum: [
    'u64',
    'xxHash64 of the 40 bytes before and the payload, seeded with the segment header’s xxHash64 xor the entry’s file offset',
  ],
});

export const ENTRY_FOOTER = layout('Entry footer', {
  payloadBytes: ['u32', 'Payload length again'],
  checksumLow: ['u32', 'Low half of the checksum'],
});

export const COMMIT = layout('Commit payload (type 1)', {
  firstSequence: ['u64', 'First sequence of the group; the commit’s own if the group is empty'],
  entryCount: ['u32', 'Entries in the group, the commit not counted'],
  epoch: ['u32', 'Epoch of the writer'],
  groupBytes: ['u64', 'Bytes of the group’s entries, directly before this entry'],
  durableMark: ['u64', 'Highest sequence known to be on this node’s disk when this was written'],
  recordedAt: ['u64', 'Nanoseconds since 1970, strictly increasing'],
  previousChain: ['bytes 32', 'Chain before this group'],
  chain: [
    'bytes 32',
    'H(previous chain ‖ the group’s bytes ‖ bytes 0–39 of this entry’s header ‖ the fields before the hashes)',
  ],
});

export const SEAL = layout('Seal payload (type 2)', {
  lastSequence: ['u64', 'Last sequence before the seal'],
  entryCount: ['u64', 'Entries of any type in the segment, the seal not counted'],
  durableMark: ['u64', 'Always the last sequence: only what is durable is sealed'],
  epoch: ['u32', 'Epoch of the writer'],
  reserved: ['u32', 'Zero'],
  contentHash: ['u64', 'xxHash64, seed 0, of every byte of the segment before the seal entry'],
  previousChain: ['bytes 32', 'Chain before the seal'],
  chain: ['bytes 32', 'H(previous chain ‖ bytes 0–39 of this entry’s header ‖ the fields before the hashes)'],
});

export const EPOCH = layout('Epoch payload (type 3)', {
  epoch: ['u32', 'The epoch that begins'],
  parentEpoch: ['u32', 'The epoch it continues'],
  parentSequence: ['u64', 'Last sequence of the parent epoch that counts'],
  reason: ['u32', '1 open, 2 view change, 3 restore, 4 isolate'],
  reserved: ['u32', 'Zero'],
  parentChain: ['bytes 32', 'Chain at that point'],
  random: ['bytes 32', 'Random bytes of the epoch'],
});

export const GAP = layout('Gap payload (type 4)', {
  segment: ['u64', 'Index of the segment'],
  offset: ['u64', 'First byte lost; 0: the whole file'],
  end: ['u64', 'Byte after the last one lost; the segment size: the log goes on in the next segment'],
  firstSequence: ['u64', 'First sequence lost'],
  lastSequence: ['u64', 'Last sequence lost'],
});

/** How much of a header the checksum and the chain cover: everything before the checksum itself. */
export const ENTRY_HEADER_COVERED = ENTRY_HEADER.at.checksum;

export const COMMIT_BYTES = entryBytes(COMMIT.size);
export const SEAL_BYTES = entryBytes(SEAL.size);
export const EPOCH_BYTES = entryBytes(EPOCH.size);
export const GAP_BYTES = entryBytes(GAP.size);

/** Bytes an entry takes in the file: header, payload, padding, footer. */
export function entryBytes(payloadBytes: number): number {
  return ENTRY_HEADER.size + paddedBytes(payloadBytes) + ENTRY_FOOTER.size;
}

function paddedBytes(payloadBytes: number): number {
  return (payloadBytes + 7) & ~7;
}
