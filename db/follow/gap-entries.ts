/** The entries of a group in which the log says what it has lost. Of the log's own entries these alone mean something to a copy. */
import { Buffer } from 'node:buffer';
import type { Sequence } from '../types.ts';
import { ENTRY_HEADER, ENTRY_TYPE, entryBytes, GAP } from '../wal/format.ts';
import type { Gap } from '../wal/index.ts';

/** `group`: whole entries, validated. */
export function gapEntriesIn(group: Uint8Array): Gap[] {
  const bytes = Buffer.from(group.buffer, group.byteOffset, group.length);
  const gaps: Gap[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.readUInt16LE(at + ENTRY_HEADER.at.type) === ENTRY_TYPE.gap) {
      gaps.push(gapIn(bytes, at + ENTRY_HEADER.size));
    }
    at += entryBytes(bytes.readUInt32LE(at + ENTRY_HEADER.at.payloadBytes));
  }
  return gaps;
}

function gapIn(bytes: Buffer, at: number): Gap {
  const count = (field: keyof typeof GAP.at): number => Number(bytes.readBigUInt64LE(at + GAP.at[field]));
  return {
    segment: count('segment'),
    offset: count('offset'),
    end: count('end'),
    from: count('firstSequence') as Sequence,
    to: count('lastSequence') as Sequence,
  };
}
