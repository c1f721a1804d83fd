/**
 * The payload of an entry of reducers (type 64): u8 version (1) · u8 what · … Little-endian. A position of the log is u64.
 *
 *     1 program   the rewritten program
 *     2 past      u32 reducer · u32 version of it · u64 position · u32 done (the cursor behind it)
 *                 u32 inputs · each: u64 position · u32 bytes · input (input.ts)
 *     3 waiting   u32 reducer · u32 version of it
 *
 * What a reducer gets of the past stands in the entry itself, so applying it reads nothing else.
 */
import { TruthError } from '../errors.ts';
import type { Sequence } from '../types.ts';
import type { Cursor } from './progress.ts';

export interface PastInput {
  readonly position: Sequence;
  readonly input: Uint8Array;
}

export type ReducerEntry =
  | { readonly entry: 'program'; readonly code: Uint8Array }
  | {
      readonly entry: 'past';
      readonly reducer: number;
      readonly version: number;
      readonly to: Cursor;
      readonly inputs: readonly PastInput[];
    }
  | { readonly entry: 'waiting'; readonly reducer: number; readonly version: number };

const VERSION = 1;
const KIND = { program: 1, past: 2, waiting: 3 } as const;
const IDENTITY_BYTES = 10;
const PAST_BYTES = IDENTITY_BYTES + 16;
const INPUT_BYTES = 12;

export function encodeReducerEntry(entry: ReducerEntry): Uint8Array {
  const kind = Uint8Array.of(VERSION, KIND[entry.entry]);
  if (entry.entry === 'program') return new Uint8Array(Buffer.concat([kind, entry.code]));
  const header = Buffer.alloc(entry.entry === 'past' ? PAST_BYTES : IDENTITY_BYTES);
  header.set(kind);
  header.writeUInt32LE(entry.reducer, 2);
  header.writeUInt32LE(entry.version, 6);
  if (entry.entry === 'waiting') return new Uint8Array(header);
  header.writeBigUInt64LE(BigInt(entry.to.position), 10);
  header.writeUInt32LE(entry.to.done, 18);
  header.writeUInt32LE(entry.inputs.length, 22);
  const parts = entry.inputs.flatMap(({ position, input }) => {
    const head = Buffer.alloc(INPUT_BYTES);
    head.writeBigUInt64LE(BigInt(position), 0);
    head.writeUInt32LE(input.length, 8);
    return [head, input];
  });
  return new Uint8Array(Buffer.concat([header, ...parts]));
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeReducerEntry(payload: Uint8Array, at: Sequence): ReducerEntry {
  if (payload[0] !== VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the entry of reducers at ${at} has format version ${payload[0] ?? 'none'}, this release reads ${VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes[1] === KIND.program) return { entry: 'program', code: payload.slice(2) };
  const isPast = bytes[1] === KIND.past;
  if ((!isPast && bytes[1] !== KIND.waiting) || bytes.length < (isPast ? PAST_BYTES : IDENTITY_BYTES))
    throw corrupt(at);
  const [reducer, version] = [bytes.readUInt32LE(2), bytes.readUInt32LE(6)];
  if (!isPast) {
    if (bytes.length !== IDENTITY_BYTES) throw corrupt(at);
    return { entry: 'waiting', reducer, version };
  }
  const to = { position: Number(bytes.readBigUInt64LE(10)) as Sequence, done: bytes.readUInt32LE(18) };
  const inputs: PastInput[] = [];
  let place = PAST_BYTES;
  for (let left = bytes.readUInt32LE(22); left > 0; left--) {
    if (place + INPUT_BYTES > bytes.length) throw corrupt(at);
    const position = Number(bytes.readBigUInt64LE(place)) as Sequence;
    const end = place + INPUT_BYTES + bytes.readUInt32LE(place + 8);
    if (end > bytes.length) throw corrupt(at);
    inputs.push({ position, input: payload.slice(place + INPUT_BYTES, end) });
    place = end;
  }
  if (place !== bytes.length) throw corrupt(at);
  return { entry: 'past', reducer, version, to, inputs };
}

function corrupt(at: Sequence): TruthError {
  return new TruthError('CORRUPT', `the entry of reducers at ${at} cannot be read`, { sequence: at });
}
