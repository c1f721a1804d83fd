/** Where entries were rewritten, to the byte, as long as whoever did it left the stored trees as they were. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { sequence } from '../types.ts';
import { listSegments } from '../wal/catalog.ts';
import { forEachEntry, RawGroups } from '../wal/raw-groups.ts';
import { segmentFileName } from '../wal/segment.ts';
import { hashEntry } from './tree-hash.ts';
import type { TreeStore } from './tree-store.ts';
import { type Checkpoint, hex } from './verifier.ts';
import type { DataProblem } from './verify-log.ts';

/**
 * The first entry behind `behind` whose leaf is not the one that was signed; null where the stored leaves do not lead to that
 * checkpoint, so that nothing says what was there before.
 */
export function firstRewritten(
  { disk, directory }: { readonly disk: Disk; readonly directory: string },
  store: TreeStore,
  rewritten: { readonly checkpoint: Checkpoint; readonly behind: number } | null,
): DataProblem | null {
  if (rewritten === null) return null;
  const { checkpoint, behind } = rewritten;
  if (checkpoint.size > store.sequence || hex(store.root(checkpoint.size)) !== checkpoint.root) return null;
  try {
    const found = firstDifferent(new RawGroups(disk, directory), store, behind + 1, checkpoint.size);
    if (found === null) return null;
    const name = listSegments(disk, directory).find(({ index }) => index === found.segment);
    return {
      kind: 'signature',
      segment: name === undefined ? null : segmentFileName(name.index, name.firstSequence, name.state),
      offset: found.offset,
      sequence: found.sequence,
      problem: 'this entry is not the one that was signed: its leaf is another than the stored trees have',
    };
  } catch (error) {
    // Damage is reported by whoever checks the segments.
    if (error instanceof TruthError) return null;
    throw error;
  }
}

interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly sequence: number;
}

function firstDifferent(groups: RawGroups, store: TreeStore, from: number, to: number): Place | null {
  let found: Place | null = null;
  let segment = 0;
  for (const piece of groups.read(groups.placeOf(sequence(from)), sequence(to))) {
    if (piece.kind === 'gap') continue;
    const { bytes, next, kind } = piece;
    segment = kind === 'seal' ? next.segment - 1 : next.segment;
    const start = kind === 'seal' ? null : next.offset - bytes.length;
    forEachEntry(bytes, ({ offset, sequence: at, payloadAt, payloadBytes }) => {
      if (found !== null || at < from || at > to) return;
      const leaf = hashEntry(bytes, offset, payloadAt, payloadBytes);
      if (Buffer.compare(leaf, store.entries.leaf(at - 1).hash) === 0) return;
      found = { segment, offset: (start ?? 0) + offset, sequence: at };
    });
    if (found !== null) return found;
  }
  return null;
}
