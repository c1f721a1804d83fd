/** What the server says, message by message. */
import type { TruthError } from '../../errors.ts';
import type { FormatCode } from './client-message.ts';
import {
  AUTHENTICATION_OK,
  AUTHENTICATION_SASL,
  AUTHENTICATION_SASL_CONTINUE,
  AUTHENTICATION_SASL_FINAL,
  TO_CLIENT,
} from './constants.ts';
import type { MessageWriter } from './message-writer.ts';
import { errorFields } from './sqlstate.ts';

export type TransactionState = 'none' | 'open' | 'failed';

/** A column of an answer: what RowDescription says of it. */
export interface ShownColumn {
  readonly name: string;
  readonly oid: number;
  /** Bytes; -1: varies. */
  readonly size: number;
  readonly modifier: number;
}

const STATES: Readonly<Record<TransactionState, number>> = {
  none: 'I'.charCodeAt(0),
  open: 'T'.charCodeAt(0),
  failed: 'E'.charCodeAt(0),
};
const FIELD = (letter: string) => letter.charCodeAt(0);

export function writeReady(out: MessageWriter, state: TransactionState): void {
  const start = out.begin(TO_CLIENT.READY);
  out.u8(STATES[state]);
  out.end(start);
}

export function writeAuthenticationOk(out: MessageWriter): void {
  const start = out.begin(TO_CLIENT.AUTHENTICATION);
  out.i32(AUTHENTICATION_OK);
  out.end(start);
}

export function writeSaslMechanisms(out: MessageWriter, mechanisms: readonly string[]): void {
  const start = out.begin(TO_CLIENT.AUTHENTICATION);
  out.i32(AUTHENTICATION_SASL);
  for (const mechanism of mechanisms) out.text(mechanism);
  out.u8(0);
  out.end(start);
}

export function writeSaslAnswer(out: MessageWriter, step: 'continue' | 'final', message: string): void {
  const start = out.begin(TO_CLIENT.AUTHENTICATION);
  out.i32(step === 'continue' ? AUTHENTICATION_SASL_CONTINUE : AUTHENTICATION_SASL_FINAL);
  out.bytes(Buffer.from(message));
  out.end(start);
}

/** The client's minor version is newer than ours, or it names options that begin with `_pq_.`. */
export function writeNegotiate(out: MessageWriter, options: readonly string[]): void {
  const start = out.begin(TO_CLIENT.NEGOTIATE_PROTOCOL);
  out.i32(0);
  out.i32(options.length);
  for (const option of options) out.text(option);
  out.end(start);
}

export function writeParameter(out: MessageWriter, name: string, value: string): void {
  const start = out.begin(TO_CLIENT.PARAMETER_STATUS);
  out.text(name);
  out.text(value);
  out.end(start);
}

export function writeKey(out: MessageWriter, process: number, secret: Uint8Array): void {
  const start = out.begin(TO_CLIENT.BACKEND_KEY_DATA);
  out.i32(process);
  out.bytes(secret);
  out.end(start);
}

export function writeParameters(out: MessageWriter, oids: readonly number[]): void {
  const start = out.begin(TO_CLIENT.PARAMETER_DESCRIPTION);
  out.i16(oids.length);
  for (const oid of oids) out.i32(oid);
  out.end(start);
}

/** `formats`: none for all text, one for all, or one each. Null columns: the statement returns no rows. */
export function writeColumns(
  out: MessageWriter,
  columns: readonly ShownColumn[] | null,
  formats: readonly FormatCode[],
): void {
  if (columns === null) {
    out.empty(TO_CLIENT.NO_DATA);
    return;
  }
  const start = out.begin(TO_CLIENT.ROW_DESCRIPTION);
  out.i16(columns.length);
  for (const [index, { name, oid, size, modifier }] of columns.entries()) {
    out.text(name);
    // Of no table: columns of answers are values.
    out.i32(0);
    out.i16(0);
    out.i32(oid);
    out.i16(size);
    out.i32(modifier);
    out.i16(formatOf(formats, index));
  }
  out.end(start);
}

export function formatOf(formats: readonly FormatCode[], index: number): FormatCode {
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
}

export function writeComplete(out: MessageWriter, tag: string): void {
  const start = out.begin(TO_CLIENT.COMMAND_COMPLETE);
  out.text(tag);
  out.end(start);
}

export interface Blamed {
  /** The statement that offsets in the error count in; null: none is to blame. */
  readonly statement: string | null;
  /** What stood before it in the client's text. */
  readonly before: string;
}

export const NOBODY: Blamed = { statement: null, before: '' };

/** FATAL ends the connection, ERROR the statement. */
export function writeError(
  out: MessageWriter,
  severity: 'ERROR' | 'FATAL',
  error: TruthError,
  blamed: Blamed,
): void {
  const { sqlstate, detail, hint, position } = errorFields(error, blamed.statement, blamed.before);
  writeFields(out, TO_CLIENT.ERROR, severity, sqlstate, error.message, { D: detail, H: hint, P: position });
}

export function writeNotice(
  out: MessageWriter,
  severity: 'WARNING' | 'NOTICE',
  sqlstate: string,
  message: string,
): void {
  writeFields(out, TO_CLIENT.NOTICE, severity, sqlstate, message, {});
}

function writeFields(
  out: MessageWriter,
  kind: number,
  severity: string,
  sqlstate: string,
  message: string,
  more: Readonly<Record<string, string | number | null>>,
): void {
  const start = out.begin(kind);
  const fields = { S: severity, V: severity, C: sqlstate, M: message, ...more };
  for (const [letter, value] of Object.entries(fields)) {
    if (value === null) continue;
    out.u8(FIELD(letter));
    out.text(String(value));
  }
  out.u8(0);
  out.end(start);
}
