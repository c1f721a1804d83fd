/** HELLO and WELCOME: who is there, which version both speak, what this server takes. */
import { TruthError } from '../errors.ts';
import { type Epoch, type Sequence, sequence } from '../types.ts';
import type { ByteReader } from './byte-reader.ts';
import { type ByteWriter, textBytesWithin } from './byte-writer.ts';
import {
  CLIENT_NAME_BYTES_MAX,
  KIND,
  PROTOCOL_MAGIC,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  TOKEN_BYTES_MAX,
} from './constants.ts';

export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  /** Empty on the local socket. */
  readonly token: string;
  readonly name: string;
}

export interface Welcome {
  readonly version: number;
  readonly bodyBytesMax: number;
  readonly inFlightMax: number;
  readonly appendEventsMax: number;
  readonly stable: Sequence;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  readonly epoch: Epoch;
  readonly name: string;
}

export function encodeHello(out: ByteWriter, request: number, hello: Hello): void {
  const tokenBytes = textBytesWithin('the token', hello.token, 0, TOKEN_BYTES_MAX);
  const nameBytes = textBytesWithin('the client name', hello.name, 0, CLIENT_NAME_BYTES_MAX);
  const start = out.begin(KIND.HELLO, request);
  out.u32(PROTOCOL_MAGIC);
  out.u16(hello.versionMin);
  out.u16(hello.versionMax);
  out.u16(tokenBytes);
  out.u16(nameBytes);
  out.text(hello.token);
  out.text(hello.name);
  out.end(start);
}

/** Errors: PROTOCOL when this is no HELLO of ours. */
export function decodeHello(body: ByteReader): Hello {
  const magic = body.u32('magic');
  if (magic !== PROTOCOL_MAGIC) {
    throw new TruthError('PROTOCOL', 'the first frame is not a TruthDB HELLO (wrong magic number)');
  }
  const versionMin = body.u16('versionMin');
  const versionMax = body.u16('versionMax');
  const tokenBytes = within('tokenBytes', body.u16('tokenBytes'), TOKEN_BYTES_MAX);
  const nameBytes = within('nameBytes', body.u16('nameBytes'), CLIENT_NAME_BYTES_MAX);
  const token = body.text(tokenBytes, 'token');
  const name = body.text(nameBytes, 'name');
  // A newer client may add fields behind these; they are skipped, so that it can be told which versions we speak.
  return { versionMin, versionMax, token, name };
}

/** The highest version both sides speak. Errors: UNSUPPORTED_VERSION. */
export function commonVersion(hello: Hello): number {
  const version = Math.min(hello.versionMax, PROTOCOL_VERSION_MAX);
  if (version < hello.versionMin || version < PROTOCOL_VERSION_MIN) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the client speaks wire protocol ${hello.versionMin} to ${hello.versionMax}, this server ` +
        `${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION_MAX}: update the older one`,
      { serverMin: PROTOCOL_VERSION_MIN, serverMax: PROTOCOL_VERSION_MAX },
    );
  }
  return version;
}

export function encodeWelcome(out: ByteWriter, request: number, welcome: Welcome): void {
  const nameBytes = textBytesWithin('the server name', welcome.name, 0, CLIENT_NAME_BYTES_MAX);
  const start = out.begin(KIND.WELCOME, request);
  out.u16(welcome.version);
  out.u16(0);
  out.u32(welcome.bodyBytesMax);
  out.u32(welcome.inFlightMax);
  out.u32(welcome.appendEventsMax);
  out.u64(welcome.stable);
  out.bytes(welcome.logId);
  out.u32(welcome.epoch);
  out.u16(nameBytes);
  out.u16(0);
  out.text(welcome.name);
  out.end(start);
}

export function decodeWelcome(body: ByteReader): Welcome {
  const version = body.u16('version');
  body.zero(2, 'reserved');
  const bodyBytesMax = body.u32('bodyBytesMax');
  const inFlightMax = body.u32('inFlightMax');
  const appendEventsMax = body.u32('appendEventsMax');
  const stable = sequence(body.u64('stable'));
  const logId = Uint8Array.from(body.bytes(16, 'logId'));
  const epoch = body.u32('epoch') as Epoch;
  const nameBytes = body.u16('nameBytes');
  body.zero(2, 'reserved2');
  const name = body.text(nameBytes, 'name');
  body.done('WELCOME');
  return { version, bodyBytesMax, inFlightMax, appendEventsMax, stable, logId, epoch, name };
}

function within(field: string, value: number, max: number): number {
  if (value > max) throw new TruthError('PROTOCOL', `${field} is ${value}; at most ${max} is allowed`);
  return value;
}
