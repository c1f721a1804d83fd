/** The entries that a bundle shows, read from the log's files and written as the bundle has them. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { sequence } from '../types.ts';
import { ENTRY_HEADER, ENTRY_HEADER_COVERED } from '../wal/format.ts';
import { readCount, writeCount } from '../wal/layout.ts';
import { forEachEntry, type RawGap, RawGroups } from '../wal/raw-groups.ts';
import { ENTRY_FORM, ENTRY_RECORD, type EntryForm, HASH_BYTES } from './format.ts';
import type { RangeProof } from './prover.ts';
import type { TreeStore } from './tree-store.ts';
import { gapLeafHash, sha256 } from './verifier.ts';

/** An entry farther away than this is looked for by its segment instead of walking there. */
const WALK_ENTRIES_MAX = 50_000;

/** Which leaves: `leaves` of them from `firstLeaf` on; `from` and `to` as in RangeRequest. */
export type RecordsWanted = Pick<RangeProof, 'kind' | 'tenant' | 'from' | 'to' | 'firstLeaf' | 'leaves'>;

/**
 * One record for each leaf, in order. `payloads`: whether the entries of the range are shown with what they hold, as it lies
 * in the log. Errors: GAP for an entry of a tenant that was lost, PRUNED, CORRUPT.
 */
export function* entryRecords(
  { disk, directory }: { readonly disk: Disk; readonly directory: string },
  store: TreeStore,
  wanted: RecordsWanted,
  payloads: boolean,
): Generator<Uint8Array, void, undefined> {
  const groups = new RawGroups(disk, directory);
  const { from, to, leaves } = wanted;
  if (leaves === 0) return;
  const last = sequence(sequenceAt(store, wanted, leaves - 1));
  let at = 0;
  let next = sequenceAt(store, wanted, 0);
  const advance = (): void => {
    at += 1;
    if (at < leaves) next = sequenceAt(store, wanted, at);
  };
  while (at < leaves) {
    let jumped = false;
    let looked = -1;
    for (const piece of groups.read(groups.placeOf(sequence(next)), last)) {
      const records: Uint8Array[] = [];
      if (piece.kind === 'gap') {
        for (; at < leaves && next <= piece.sequence; advance())
          records.push(lostRecord(store, wanted, piece, next));
      } else {
        const { bytes } = piece;
        forEachEntry(bytes, (entry) => {
          if (at >= leaves || entry.sequence !== next) return;
          const header = bytes.subarray(entry.offset, entry.offset + ENTRY_HEADER_COVERED);
          const payload = bytes.subarray(entry.payloadAt, entry.payloadAt + entry.payloadBytes);
          const shown = payloads && next >= from && next <= to;
          records.push(
            shown ? record('payload', header, padded(payload)) : record('hash', header, sha256(payload)),
          );
          advance();
        });
      }
      yield* records;
      if (at >= leaves) return;
      if (looked === at || next - piece.sequence < WALK_ENTRIES_MAX) continue;
      looked = at;
      jumped = groups.placeOf(sequence(next)).segment > piece.next.segment;
      if (jumped) break;
    }
    if (!jumped) throw new Error(`entry ${next} was not found where the log says it is`);
  }
}

/** Sequences of the entries that records of a tenant’s range show, which are never lost ones. */
export function sequencesIn(records: Uint8Array): number[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const found: number[] = [];
  for (let at = 0; at < records.length; ) {
    const header = at + ENTRY_RECORD.size;
    const shown = view.getUint32(at + ENTRY_RECORD.at.form, true) === ENTRY_FORM.payload;
    const payloadBytes = view.getUint32(header + ENTRY_HEADER.at.payloadBytes, true);
    found.push(readCount(view, header + ENTRY_HEADER.at.sequence));
    at = header + ENTRY_HEADER_COVERED + (shown ? Math.ceil(payloadBytes / 8) * 8 : HASH_BYTES);
  }
  return found;
}

function sequenceAt(store: TreeStore, { kind, tenant, firstLeaf }: RecordsWanted, at: number): number {
  if (kind === 'entries') return firstLeaf + at + 1;
  const file = store.tenant(tenant);
  if (file === null) throw new TruthError('NOT_FOUND', `tenant ${tenant} has no entries`);
  return file.leaf(firstLeaf + at).mark;
}

function lostRecord(
  store: TreeStore,
  { kind, tenant }: RecordsWanted,
  gap: RawGap,
  lost: number,
): Uint8Array {
  const { firstSequence: from, sequence: to } = gap;
  if (kind === 'tenant') {
    throw new TruthError(
      'GAP',
      `entry ${lost} of tenant ${tenant} lies in the range ${from} to ${to} that was lost: what it was cannot be shown. Ask for a range that ends before or begins behind it`,
      { from, to },
    );
  }
  const { hash } = store.entries.leaf(lost - 1);
  // A leaf that was computed while the entry was still there stays what it was.
  if (Buffer.compare(hash, gapLeafHash(from, to)) !== 0) return record('leaf', hash);
  const range = new Uint8Array(16);
  writeCount(new DataView(range.buffer), 0, from);
  writeCount(new DataView(range.buffer), 8, to);
  return record('gap', range);
}

function record(form: EntryForm, ...parts: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(ENTRY_RECORD.size);
  new DataView(head.buffer).setUint32(ENTRY_RECORD.at.form, ENTRY_FORM[form], true);
  return Buffer.concat([head, ...parts]);
}

function padded(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(payload.length / 8) * 8);
  bytes.set(payload);
  return bytes;
}
