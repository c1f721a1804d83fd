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

/** Where in the group's bytes each of its entries begins. */
export function entryOffsets({ bytes, firstSequence, sequence }: ScannedCommit): Uint32Array {
  const view = viewOf(bytes);
  const offsets = new Uint32Array(sequence - firstSequence);
  let at = 0;
  for (let each = 0; each < offsets.length; each++) {
    offsets[each] = at;
    at += entryBytes(view.getUint32(at + AT.payloadBytes, true));
  }
  return offsets;
}

/** The entry of the group that begins at `offset` in its bytes; its payload is copied. */
export function decodeEntryIn({ bytes }: ScannedCommit, offset: number): LogEntry {
  const payloadBytes = viewOf(bytes).getUint32(offset + AT.payloadBytes, true);
  const copy = bytes.slice(offset, offset + entryBytes(payloadBytes));
  return decodeEntry(copy, viewOf(copy), 0, payloadBytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    // `subarray` asks which kind of array it is of, which takes longer than all the rest.
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at + ENTRY_HEADER.size, payloadBytes),
  };
}
