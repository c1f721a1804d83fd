/**
 * Reads a log as docs/wal-format.md describes it, with nothing of the database's own code: other checksums, other hash,
 * other walk. What both got wrong in the same way would have to be wrong in the document too.
 */
import { createHash } from 'node:crypto';
import createXxhash from 'xxhash-wasm';

const { h64Raw } = await createXxhash();

const HEADER_BYTES = 4096;
const MAGIC = 'TRUTHWAL';
const TYPE = { commit: 1, seal: 2, epoch: 3 } as const;
const NAME = /^(\d{10})-(\d{20})\.(open|sealed|archived)$/;

export interface CheckedLog {
  /** xxHash64 of the payloads of all committed entries of the layers above. */
  readonly content: readonly bigint[];
  readonly lastSequence: number;
  readonly problems: readonly string[];
}

export interface SegmentFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Walk {
  sequence: number;
  ordinal: number;
  recordedAt: bigint;
  epoch: number;
  chain: Buffer;
  logId: string | null;
  readonly content: bigint[];
  readonly problems: string[];
}

/** Everything after a clean close must be as documented; each deviation is a problem. */
export function checkLog(files: readonly SegmentFile[]): CheckedLog {
  const walk: Walk = {
    sequence: 0,
    ordinal: 0,
    recordedAt: 0n,
    epoch: 0,
    chain: Buffer.alloc(32),
    logId: null,
    content: [],
    problems: [],
  };
  const segments = segmentsOf(files);
  for (const [at, segment] of segments.entries()) {
    checkSegment(walk, segment, at + 1, at === segments.length - 1);
    if (walk.problems.length > 0) break;
  }
  return { content: walk.content, lastSequence: walk.sequence, problems: walk.problems };
}

/** Highest durable mark of any commit or seal that validates with its whole group, wherever it lies. */
export function highestMark(files: readonly SegmentFile[]): number {
  let highest = 0;
  for (const { bytes } of segmentsOf(files)) {
    const segment = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!headerIsWhole(segment)) continue;
    for (let at = HEADER_BYTES; at + 56 <= segment.length; at += 8) {
      if (segment.readUInt16LE(at) !== 1) continue;
      const type = segment.readUInt16LE(at + 2);
      if ((type !== TYPE.commit && type !== TYPE.seal) || !entryIsWhole(segment, at)) continue;
      const mark = count(segment, at + 48 + (type === TYPE.commit ? 24 : 16));
      if (mark > highest && (type === TYPE.seal || groupIsWhole(segment, at))) highest = mark;
    }
  }
  return highest;
}

interface Segment {
  readonly name: string;
  readonly bytes: Buffer;
  readonly index: number;
  readonly first: number;
  readonly state: string;
}

function segmentsOf(files: readonly SegmentFile[]): Segment[] {
  return files
    .flatMap(({ name, bytes }) => {
      const match = NAME.exec(name);
      if (match === null) return [];
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return [{ name, bytes: view, index: Number(match[1]), first: Number(match[2]), state: match[3] ?? '' }];
    })
    .sort((a, b) => a.index - b.index);
}

function checkSegment(walk: Walk, segment: Segment, index: number, last: boolean): void {
  const { bytes } = segment;
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) walk.problems.push(`${segment.name}: ${problem}`);
  };
  const logId = bytes.toString('hex', 16, 32);
  walk.logId ??= logId;
  expect(headerIsWhole(bytes), 'header');
  expect(segment.index === index && count(bytes, 32) === index, 'index');
  expect(logId === walk.logId, 'log id');
  expect(segment.first === walk.sequence + 1 && count(bytes, 40) === segment.first, 'first sequence');
  expect(count(bytes, 48) === bytes.length, 'size');
  expect(bytes.readUInt32LE(56) === 1 && bytes.readUInt32LE(76) === 0, 'hash algorithm, reserved');
  expect(
    count(bytes, 80) === walk.ordinal && bytes.readBigUInt64LE(88) === walk.recordedAt,
    'ordinal, recorded-at',
  );
  expect(bytes.subarray(96, 128).equals(walk.chain), 'chain head');
  expect(isZero(bytes.subarray(128, 4088)), 'zeros of the header');
  walk.chain = link(walk.chain, bytes.subarray(0, HEADER_BYTES));
  const end = checkEntries(walk, segment, expect);
  if (end === null) return;
  expect(end.sealed || (last && segment.state === 'open'), 'no seal');
  expect(isZero(bytes.subarray(end.at)), 'zeros behind the last entry');
}

function checkEntries(
  walk: Walk,
  { bytes, first }: Segment,
  expect: (holds: boolean, problem: string) => void,
): { readonly at: number; readonly sealed: boolean } | null {
  let groupStart = HEADER_BYTES;
  let groupFirst = walk.sequence + 1;
  let group: bigint[] = [];
  for (let at = HEADER_BYTES; ; ) {
    if (at + 56 > bytes.length || bytes.readUInt16LE(at) === 0) {
      expect(groupStart === at, `entries without a commit at ${at}`);
      return { at, sealed: false };
    }
    if (!entryIsWhole(bytes, at)) {
      expect(false, `entry at ${at}`);
      return null;
    }
    const type = bytes.readUInt16LE(at + 2);
    const end = at + entryBytes(bytes, at);
    walk.sequence += 1;
    expect(count(bytes, at + 8) === walk.sequence, `sequence at ${at}`);
    expect(count(bytes, at + 16) === walk.ordinal + (type === TYPE.seal ? 0 : 1), `ordinal at ${at}`);
    if (type >= 16 && !isRanking(type)) group.push(h64Raw(payloadOf(bytes, at)));
    if (type === TYPE.seal) {
      expect(groupStart === at, `a seal inside a group at ${at}`);
      checkSeal(walk, bytes, at, first, expect);
      return { at: end, sealed: true };
    }
    if (type === TYPE.commit) {
      checkCommit(walk, bytes, { at, start: groupStart, first: groupFirst }, expect);
      walk.content.push(...group);
      group = [];
      groupStart = end;
      groupFirst = walk.sequence + 1;
    }
    at = end;
  }
}

/** Of these entries nobody knows beforehand how many there will be: the engine writes some by itself. */
function isRanking(type: number): boolean {
  return type >= 80 && type <= 84;
}

function checkCommit(
  walk: Walk,
  bytes: Buffer,
  { at, start, first }: { readonly at: number; readonly start: number; readonly first: number },
  expect: (holds: boolean, problem: string) => void,
): void {
  const fields = at + 48;
  const epoch = bytes.readUInt32LE(fields + 12);
  const recordedAt = bytes.readBigUInt64LE(fields + 32);
  expect(count(bytes, fields) === first, `first sequence of the commit at ${at}`);
  expect(bytes.readUInt32LE(fields + 8) === walk.sequence - first, `entry count of the commit at ${at}`);
  expect(count(bytes, fields + 16) === at - start, `group bytes of the commit at ${at}`);
  expect(epoch >= walk.epoch, `epoch of the commit at ${at}`);
  expect(count(bytes, fields + 24) < first, `durable mark of the commit at ${at}`);
  expect(recordedAt > walk.recordedAt, `recorded-at of the commit at ${at}`);
  expect(
    bytes.subarray(fields + 40, fields + 72).equals(walk.chain),
    `previous chain of the commit at ${at}`,
  );
  walk.chain = link(
    walk.chain,
    bytes.subarray(start, at),
    bytes.subarray(at, at + 40),
    bytes.subarray(fields, fields + 40),
  );
  expect(bytes.subarray(fields + 72, fields + 104).equals(walk.chain), `chain of the commit at ${at}`);
  walk.ordinal += 1;
  walk.recordedAt = recordedAt;
  walk.epoch = epoch;
}

function checkSeal(
  walk: Walk,
  bytes: Buffer,
  at: number,
  first: number,
  expect: (holds: boolean, problem: string) => void,
): void {
  const fields = at + 48;
  expect(count(bytes, fields) === walk.sequence - 1, 'last sequence of the seal');
  expect(count(bytes, fields + 8) === walk.sequence - first, 'entry count of the seal');
  expect(count(bytes, fields + 16) === walk.sequence - 1, 'durable mark of the seal');
  expect(bytes.readBigUInt64LE(fields + 32) === h64Raw(bytes.subarray(0, at)), 'content hash of the seal');
  expect(bytes.subarray(fields + 40, fields + 72).equals(walk.chain), 'previous chain of the seal');
  walk.chain = link(walk.chain, bytes.subarray(at, at + 40), bytes.subarray(fields, fields + 40));
  expect(bytes.subarray(fields + 72, fields + 104).equals(walk.chain), 'chain of the seal');
}

function headerIsWhole(bytes: Buffer): boolean {
  return (
    bytes.length >= HEADER_BYTES &&
    bytes.toString('latin1', 0, 8) === MAGIC &&
    bytes.readUInt32LE(8) === 1 &&
    bytes.readUInt32LE(12) === HEADER_BYTES &&
    bytes.readBigUInt64LE(4088) === h64Raw(bytes.subarray(0, 4088))
  );
}

function entryBytes(bytes: Buffer, at: number): number {
  return 48 + ((bytes.readUInt32LE(at + 4) + 7) & ~7) + 8;
}

function payloadOf(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + 48, at + 48 + bytes.readUInt32LE(at + 4));
}

function entryIsWhole(bytes: Buffer, at: number): boolean {
  const payload = payloadOf(bytes, at);
  const end = at + entryBytes(bytes, at);
  if (bytes.readUInt16LE(at) !== 1 || payload.length !== bytes.readUInt32LE(at + 4) || end > bytes.length)
    return false;
  const seed = bytes.readBigUInt64LE(4088) ^ BigInt(at);
  const checksum = bytes.readBigUInt64LE(at + 40);
  return (
    checksum === h64Raw(Buffer.concat([bytes.subarray(at, at + 40), payload]), seed) &&
    isZero(bytes.subarray(at + 48 + payload.length, end - 8)) &&
    bytes.readUInt32LE(end - 8) === payload.length &&
    bytes.readUInt32LE(end - 4) === Number(checksum & 0xffff_ffffn)
  );
}

/** The entries a commit closes, from its first to itself. */
function groupIsWhole(bytes: Buffer, commit: number): boolean {
  let sequence = count(bytes, commit + 48);
  for (
    let at = commit - count(bytes, commit + 48 + 16);
    at < commit;
    at += entryBytes(bytes, at), sequence++
  ) {
    if (at < HEADER_BYTES || !entryIsWhole(bytes, at) || count(bytes, at + 8) !== sequence) return false;
  }
  return sequence === count(bytes, commit + 8);
}

function link(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function count(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

const ZEROS = Buffer.alloc(4096);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}
