/** STREAM_LOG and what answers it: the log's own bytes. Neither side looks into a payload. */
import { TruthError } from '../errors.ts';
import { type RecordedAt, type Sequence, sequence } from '../types.ts';
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, textBytesWithin } from './byte-writer.ts';
import { FOLLOWER_NAME_BYTES_MAX, KIND, LOG_END_CAUGHT_UP, STREAM_LOG_KNOWS_GAPS } from './constants.ts';

/** Bytes of a chain hash. */
const HASH_BYTES = 32;
const NO_CHAIN = new Uint8Array(HASH_BYTES);

/** What a receiver holds, so that the source can tell whether it is a part of its own log. */
export interface ReceivedUpTo {
  /** Last sequence it has; 0: none. */
  readonly after: Sequence;
  /** Segment index and offset in its file behind that sequence. */
  readonly segment: number;
  readonly offset: number;
  /** Chain there: 32 bytes. */
  readonly chain: Uint8Array;
}

export interface StreamLog {
  /** What the receiver holds; a number: only send what follows that sequence; null: everything there is. */
  readonly from: ReceivedUpTo | Sequence | null;
  readonly credit: number;
  /** Name under which the source keeps the log for this receiver; null: it keeps nothing for it. */
  readonly follower: string | null;
  /** The receiver goes on behind what was lost and isolated. */
  readonly gaps: boolean;
}

/** A frame of a log stream. Bytes are views into what was received. */
export type LogFrame =
  | {
      readonly kind: 'segment';
      readonly index: number;
      readonly firstSequence: Sequence;
      readonly offset: number;
      readonly header: Uint8Array;
    }
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'end';
      readonly sequence: Sequence;
      readonly recordedAt: RecordedAt;
      readonly segment: number;
      readonly offset: number;
      readonly caughtUp: boolean;
    }
  /** Bytes [offset, end) of a segment's file, which held the sequences `from` to `to`, are lost. */
  | {
      readonly kind: 'gap';
      readonly segment: number;
      readonly offset: number;
      readonly end: number;
      readonly from: Sequence;
      readonly to: Sequence;
    };

export function encodeStreamLog(out: ByteWriter, request: number, stream: StreamLog): void {
  const { from, credit, follower, gaps } = stream;
  const name = follower ?? '';
  const nameBytes = textBytesWithin('the name of a follower', name, 0, FOLLOWER_NAME_BYTES_MAX);
  const place = typeof from === 'object' ? from : null;
  const start = out.begin(KIND.STREAM_LOG, request);
  if (from === null) out.u64Max();
  else out.u64(typeof from === 'number' ? from : from.after);
  out.u32(credit);
  out.u16(nameBytes);
  out.u16(gaps ? STREAM_LOG_KNOWS_GAPS : 0);
  out.u64(place?.segment ?? 0);
  out.u64(place?.offset ?? 0);
  out.bytes(place?.chain ?? NO_CHAIN);
  out.text(name);
  out.end(start);
}

export function decodeStreamLog(body: ByteReader): StreamLog {
  const after = body.u64OrMax('after');
  const credit = body.u32('credit');
  const nameBytes = body.u16('nameBytes');
  const flags = body.u16('flags');
  if ((flags & ~STREAM_LOG_KNOWS_GAPS) !== 0) {
    throw new TruthError('PROTOCOL', 'flags of STREAM_LOG that have no meaning must be zero');
  }
  const segment = body.u64('segment');
  const offset = body.u64('offset');
  const chain = Uint8Array.from(body.bytes(HASH_BYTES, 'chain'));
  const follower = nameBytes === 0 ? null : followerName(body.text(nameBytes, 'name'));
  body.done('STREAM_LOG');
  const rest = { credit, follower, gaps: (flags & STREAM_LOG_KNOWS_GAPS) !== 0 };
  if (segment !== 0 && after !== null) {
    return { from: { after: sequence(after), segment, offset, chain }, ...rest };
  }
  if (segment !== 0 || offset !== 0 || chain.some((byte) => byte !== 0)) {
    throw new TruthError('PROTOCOL', 'offset and chain go with a segment and a sequence, or not at all');
  }
  return { from: after === null ? null : sequence(after), ...rest };
}

/** What an operator can read and type: 1 to 64 letters, digits, points, hyphens and underscores. */
export function isFollowerName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}

function followerName(text: string): string {
  if (isFollowerName(text)) return text;
  throw new TruthError('PROTOCOL', `"${text}" is no name of a follower: 1 to 64 letters, digits, . _ -`);
}

/** Everything up to `kept` is on the receiver's disk. */
export function encodeLogKept(out: ByteWriter, request: number, kept: Sequence): void {
  const start = out.begin(KIND.LOG_KEPT, request);
  out.u64(kept);
  out.end(start);
}

export function decodeLogKept(body: ByteReader): Sequence {
  const kept = sequence(body.u64('sequence'));
  body.done('LOG_KEPT');
  return kept;
}

export function encodeLogFrame(out: ByteWriter, request: number, frame: LogFrame): void {
  if (frame.kind === 'bytes') {
    const start = out.begin(KIND.LOG_BYTES, request);
    out.u64(frame.offset);
    out.bytes(frame.bytes);
    out.end(start);
  } else if (frame.kind === 'segment') {
    const start = out.begin(KIND.LOG_SEGMENT, request);
    out.u64(frame.index);
    out.u64(frame.firstSequence);
    out.u64(frame.offset);
    out.bytes(frame.header);
    out.end(start);
  } else if (frame.kind === 'gap') {
    const start = out.begin(KIND.LOG_GAP, request);
    out.u64(frame.segment);
    out.u64(frame.offset);
    out.u64(frame.end);
    out.u64(frame.from);
    out.u64(frame.to);
    out.end(start);
  } else {
    const start = out.begin(KIND.LOG_END, request);
    out.u64(frame.sequence);
    out.bigU64(frame.recordedAt);
    out.u64(frame.segment);
    out.u64(frame.offset);
    out.u32(frame.caughtUp ? LOG_END_CAUGHT_UP : 0);
    out.u32(0);
    out.end(start);
  }
}

/** Null when the kind is none of a log stream. */
export function decodeLogFrame(kind: number, body: ByteReader): LogFrame | null {
  if (kind === KIND.LOG_BYTES) {
    const offset = body.u64('offset');
    return { kind: 'bytes', offset, bytes: body.bytes(body.remaining, 'bytes') };
  }
  if (kind === KIND.LOG_SEGMENT) {
    const index = body.u64('index');
    const firstSequence = sequence(body.u64('firstSequence'));
    const offset = body.u64('offset');
    const header = body.bytes(body.remaining, 'header');
    return { kind: 'segment', index, firstSequence, offset, header };
  }
  if (kind === KIND.LOG_GAP) return decodeGap(body);
  return kind === KIND.LOG_END ? decodeEnd(body) : null;
}

function decodeGap(body: ByteReader): LogFrame {
  const segment = body.u64('segment');
  const offset = body.u64('offset');
  const end = body.u64('end');
  const from = sequence(body.u64('from'));
  const to = sequence(body.u64('to'));
  body.done('LOG_GAP');
  return { kind: 'gap', segment, offset, end, from, to };
}

function decodeEnd(body: ByteReader): LogFrame {
  const end = sequence(body.u64('sequence'));
  const recordedAt = body.bigU64('recordedAt') as RecordedAt;
  const segment = body.u64('segment');
  const offset = body.u64('offset');
  const flags = body.u32('flags');
  body.zero(4, 'reserved');
  body.done('LOG_END');
  const caughtUp = (flags & LOG_END_CAUGHT_UP) !== 0;
  return { kind: 'end', sequence: end, recordedAt, segment, offset, caughtUp };
}
