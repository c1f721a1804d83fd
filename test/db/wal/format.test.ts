import fc from 'fast-check';
import { expect, test } from 'vitest';
import createXxhash from 'xxhash-wasm';
import { createWasmMemory } from '../../../db/hash/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../../../db/types.ts';
import { createEntryProgram, STOP, VALIDATION } from '../../../db/wal/entry-program.ts';
import { COMMIT, ENTRY_HEADER, EPOCH, entryBytes, SEAL, SEGMENT_HEADER } from '../../../db/wal/format.ts';
import { layout } from '../../../db/wal/layout.ts';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  parseSegmentFileName,
  type SegmentHeader,
  segmentFileName,
} from '../../../db/wal/segment.ts';

const reference = await createXxhash();
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

test('offsets and sizes are what version 1 of the format says', () => {
  expect(ENTRY_HEADER.at).toEqual({
    version: 0,
    type: 2,
    payloadBytes: 4,
    sequence: 8,
    ordinal: 16,
    partitionKey: 24,
    tenant: 32,
    flags: 36,
    checksum: 40,
  });
  expect([SEGMENT_HEADER.size, ENTRY_HEADER.size, COMMIT.size, SEAL.size, EPOCH.size]).toEqual([
    128, 48, 104, 104, 88,
  ]);
});

test('a layout refuses a field that is not aligned', () => {
  expect(() => layout('crooked', { a: ['u16', ''], b: ['u64', ''] })).toThrowError('not aligned');
});

test('any segment header comes back as it went in', () => {
  const header = fc.record({
    identity: fc.record({
      logId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      segmentBytes: fc.constantFrom(1024 * 1024, 64 * 1024 * 1024, 1024 * 1024 * 1024),
      entryBytesMax: u32,
      hash: fc.constant('sha256' as const),
    }),
    index: count,
    firstSequence: count,
    epoch: u32,
    salt: u64,
    lastOrdinal: count,
    lastRecordedAt: u64,
    chainHead: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  });
  fc.assert(
    fc.property(header, (made) => {
      const value: SegmentHeader = {
        ...made,
        firstSequence: made.firstSequence as Sequence,
        epoch: made.epoch as Epoch,
        lastOrdinal: made.lastOrdinal as CommitOrdinal,
        lastRecordedAt: made.lastRecordedAt as RecordedAt,
      };
      expect(decodeSegmentHeader(encodeSegmentHeader(value), 'test')).toEqual(value);
    }),
  );
});

test('segment names sort as segments do, and only they are taken for segments', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9_999_999_999 }),
      count,
      fc.constantFrom('open', 'sealed', 'archived'),
      (index, first, state) => {
        const name = { index, firstSequence: first as Sequence, state } as const;
        expect(parseSegmentFileName(segmentFileName(index, first as Sequence, state))).toEqual(name);
      },
    ),
  );
  for (const other of [
    'spare-1.tmp',
    '0000000001-1.open',
    '0000000001-00000000000000000001.opened',
    'lock',
  ]) {
    expect(parseSegmentFileName(other)).toBeNull();
  }
});

test('an entry’s checksum is xxHash64 of header and payload under seed xor offset, for every length', () => {
  const bench = createBench();
  for (let length = 0; length <= 140; length++)
    checkStamp(bench, length, 0x1234_5678_9abc_def0n, 4096 + length * 8);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20_000 }),
      u64,
      fc.integer({ min: 512, max: 134_000_000 }),
      (length, seed, words) => {
        checkStamp(bench, length, seed, words * 8);
      },
    ),
    { numRuns: 60 },
  );
});

test('a stamped entry validates at its own place only', () => {
  const bench = createBench();
  putEntry(bench, 0, 100, 5n);
  bench.program.stamp(BASE, BASE + entryBytes(100), 4096, 1, 2);
  expect(validate(bench, entryBytes(100), 4096, 5n)).toBe(STOP.more);
  expect(validate(bench, entryBytes(100), 4104, 5n)).toBe(STOP.checksum);
  expect(validate(bench, entryBytes(100), 4096, 6n)).toBe(STOP.sequence);
  expect(validate(bench, entryBytes(100) - 8, 4096, 5n)).toBe(STOP.more);
});

interface Workbench {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly program: ReturnType<typeof createEntryProgram>;
}

const BASE = 65_536;

function createBench(): Workbench {
  const shape = { pages: 2, shared: false };
  const memory = createWasmMemory(shape);
  return {
    bytes: new Uint8Array(memory.buffer),
    view: new DataView(memory.buffer),
    program: createEntryProgram(memory, shape),
  };
}

/** An entry with a payload of that length that says it is `sequence`. */
function putEntry({ bytes, view }: Workbench, at: number, length: number, sequence: bigint): void {
  const entry = BASE + at;
  bytes.fill(0, entry, entry + entryBytes(length));
  view.setUint16(entry, 1, true);
  view.setUint16(entry + ENTRY_HEADER.at.type, 16, true);
  view.setUint32(entry + ENTRY_HEADER.at.payloadBytes, length, true);
  view.setBigUint64(entry + ENTRY_HEADER.at.sequence, sequence, true);
  view.setBigUint64(entry + ENTRY_HEADER.at.ordinal, 1n, true);
  for (let index = 0; index < length; index++)
    bytes[entry + ENTRY_HEADER.size + index] = (index * 7 + 3) & 0xff;
}

function checkStamp(bench: Workbench, length: number, seed: bigint, offset: number): void {
  putEntry(bench, 0, length, 5n);
  const { bytes, view } = bench;
  bench.program.stamp(
    BASE,
    BASE + entryBytes(length),
    offset,
    Number(BigInt.asIntN(32, seed)),
    Number(BigInt.asIntN(32, seed >> 32n)),
  );
  const message = Buffer.concat([
    bytes.subarray(BASE, BASE + ENTRY_HEADER.at.checksum),
    bytes.subarray(BASE + ENTRY_HEADER.size, BASE + ENTRY_HEADER.size + length),
  ]);
  const expected = reference.h64Raw(message, seed ^ BigInt(offset));
  expect(view.getBigUint64(BASE + ENTRY_HEADER.at.checksum, true)).toBe(expected);
  const footer = BASE + entryBytes(length) - 8;
  expect(view.getUint32(footer, true)).toBe(length);
  expect(view.getUint32(footer + 4, true)).toBe(Number(BigInt.asUintN(32, expected)));
}

function validate({ view, program }: Workbench, length: number, offset: number, sequence: bigint): number {
  view.setInt32(VALIDATION.seed, 1, true);
  view.setInt32(VALIDATION.seed + 4, 2, true);
  view.setBigUint64(VALIDATION.sequence, sequence, true);
  view.setBigUint64(VALIDATION.ordinal, 1n, true);
  view.setUint32(VALIDATION.payloadBytesMax, 1000, true);
  program.validate(BASE, BASE + length, offset, 0);
  return view.getInt32(VALIDATION.reason, true);
}
