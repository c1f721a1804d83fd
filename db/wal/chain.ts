/** The links of the chain: every segment header, commit and seal is one, each over the link before it. */
import { chainHash } from '../hash/index.ts';
import { COMMIT, ENTRY_HEADER, ENTRY_HEADER_COVERED, SEAL } from './format.ts';

export function linkSegmentHeader(previous: Uint8Array, header: Uint8Array): Uint8Array {
  return chainHash([previous, header]);
}

/** `group`: the bytes of the group's entries, in one or two pieces. `commit`: the commit entry, chain fields not read. */
export function linkCommit(
  previous: Uint8Array,
  group: readonly Uint8Array[],
  commit: Uint8Array,
): Uint8Array {
  return chainHash([previous, ...group, ...ownFields(commit, COMMIT.at.previousChain)]);
}

export function linkSeal(previous: Uint8Array, seal: Uint8Array): Uint8Array {
  return chainHash([previous, ...ownFields(seal, SEAL.at.previousChain)]);
}

function ownFields(entry: Uint8Array, fieldBytes: number): Uint8Array[] {
  return [
    entry.subarray(0, ENTRY_HEADER_COVERED),
    entry.subarray(ENTRY_HEADER.size, ENTRY_HEADER.size + fieldBytes),
  ];
}
