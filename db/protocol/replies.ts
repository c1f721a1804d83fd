/** ERROR, REPLY and the frames without fields. None of these is on the hot path, so details travel as JSON. */
import { Buffer } from 'node:buffer';
import { ERROR_CODES, type ErrorDetails, errorFromWire, TruthError } from '../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { KIND } from './constants.ts';

const MESSAGE_CHARACTERS_MAX = 4096;

export function encodeError(out: ByteWriter, request: number, error: TruthError): void {
  const message = Buffer.from(error.message.slice(0, MESSAGE_CHARACTERS_MAX));
  const details = Object.keys(error.details).length === 0 ? '' : JSON.stringify(error.details);
  const start = out.begin(KIND.ERROR, request);
  out.u16(ERROR_CODES[error.code].wire);
  out.u16(message.length);
  const detailsBytesAt = out.length;
  out.u32(0);
  out.bytes(message);
  out.patchU32(detailsBytesAt, out.text(details));
  out.end(start);
}

export function decodeError(body: ByteReader): TruthError {
  const code = body.u16('code');
  const messageBytes = body.u16('messageBytes');
  const detailsBytes = body.u32('detailsBytes');
  const message = body.text(messageBytes, 'message');
  const details = detailsBytes === 0 ? {} : (parseObject(body.text(detailsBytes, 'details')) as ErrorDetails);
  body.done('ERROR');
  return errorFromWire(code, message, details);
}

/** A frame without a body: PING, PONG, CANCEL, STATUS, ENDED and so on. */
export function encodeEmpty(out: ByteWriter, kind: number, request: number): void {
  out.end(out.begin(kind, request));
}

/** ADMIN and REPLY carry one JSON object. */
export function encodeJson(
  out: ByteWriter,
  kind: typeof KIND.ADMIN | typeof KIND.REPLY | typeof KIND.RANK | typeof KIND.RANKED,
  request: number,
  value: object,
): void {
  const start = out.begin(kind, request);
  out.text(JSON.stringify(value));
  out.end(start);
}

export function decodeJson(body: ByteReader): Record<string, unknown> {
  return parseObject(body.text(body.remaining, 'JSON'));
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TruthError('PROTOCOL', 'the JSON of a frame cannot be parsed');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TruthError('PROTOCOL', 'the JSON of a frame is not an object');
  }
  return value as Record<string, unknown>;
}
