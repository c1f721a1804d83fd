/** A validated group as the layers above see it. */
import type { CommitOrdinal, Sequence, TenantId } from '../types.ts';
import { COMMIT_BYTES, ENTRY_HEADER, entryBytes } from './format.ts';
import { readCount } from './layout.ts';
import type { LogCommit, LogEntry } from './log.ts';
import type { ScannedCommit } from './scanner.ts';

const AT = ENTRY_HEADER.at;

/** Copies the group out of the scanner's window, so that the result outlives the next scan. */
export function decodeCommit(scanned: ScannedCommit): LogCommit {
  const bytes = scanned.bytes.slice(0, scanned.bytes.length - COMMIT_BYTES);
  const { ordinal, epoch, recordedAt, sequence, chain } = scanned;
  return { ordinal, epoch, recordedAt, sequence, chain, entries: decodeEntries(bytes) };
}

/** The one entry of the group with that sequence, its payload copied; null when it is the commit itself. */
export function decodeEntryOf(scanned: ScannedCommit, sequence: Sequence): LogEntry | null {
  if (sequence === scanned.sequence) return null;
  const { bytes } = scanned;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let each = scanned.firstSequence; each < sequence; each++) {
    at += entryBytes(view.getUint32(at + AT.payloadBytes, true));
  }
  const entry = bytes.slice(at, at + entryBytes(view.getUint32(at + AT.payloadBytes, true)));
  return decodeEntries(entry)[0] ?? null;
}

function decodeEntries(bytes: Uint8Array): LogEntry[] {
  const view = new DataView(bytes.buffer);
  const entries: LogEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const payloadBytes = view.getUint32(at + AT.payloadBytes, true);
    entries.push(decodeEntry(bytes, view, at, payloadBytes));
    at += entryBytes(payloadBytes);
  }
  return entries;
}

function decodeEntry(bytes: Uint8Array, view: DataView, at: number, payloadBytes: number): LogEntry {
  return {
    sequence: readCount(view, at + AT.sequence) as Sequence,
    ordinal: readCount(view, at + AT.ordinal) as CommitOrdinal,
    type: view.getUint16(at + AT.type, true),
    tenant: view.getUint32(at + AT.tenant, true) as TenantId,
    partitionKey: view.getBigUint64(at + AT.partitionKey, true),
    flags: view.getUint32(at + AT.flags, true),
    payload: bytes.subarray(at + ENTRY_HEADER.size, at + ENTRY_HEADER.size + payloadBytes),
  };
}
