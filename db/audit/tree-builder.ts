/** Grows the trees from the log's stable bytes. Knows nothing of keys or checkpoints. */
import type { Disk } from '../io/index.ts';
import { type Sequence, sequence } from '../types.ts';
import { ENTRY_HEADER, ENTRY_TYPE, ENTRY_TYPE_FIRST_FOREIGN, EPOCH } from '../wal/format.ts';
import { readCount } from '../wal/layout.ts';
import { forEachEntry, type RawGap, type RawGroup, RawGroups } from '../wal/raw-groups.ts';
import { ERASURE_ENTRY } from './format.ts';
import { hashEntry } from './tree-hash.ts';
import { type EpochMark, LOG_ITSELF, type TreeStore } from './tree-store.ts';
import { gapLeafHash } from './verifier.ts';

export class TreeBuilder {
  readonly store: TreeStore;
  readonly #groups: RawGroups;

  constructor(disk: Disk, directory: string, store: TreeStore) {
    this.store = store;
    this.#groups = new RawGroups(disk, directory);
  }

  /**
   * Takes in groups up to the stable sequence `to`, and stops after about `bytesMax` of them or once `until` says so. Returns
   * the bytes it took; 0 when there is nothing more. Errors: PRUNED where the beginning is gone and nothing of it is stored,
   * CORRUPT, those of the disk.
   */
  advance(to: Sequence, bytesMax: number, until: () => boolean = () => false): number {
    const { store } = this;
    if (store.sequence >= to) return 0;
    store.prepare();
    let taken = 0;
    const from = store.next ?? this.#groups.placeOf(sequence(store.sequence + 1));
    for (const piece of this.#groups.read(from, to)) {
      taken += piece.kind === 'gap' ? this.#gap(piece) : this.#group(piece);
      store.next = piece.next;
      if (taken >= bytesMax || until()) break;
    }
    return taken;
  }

  #group({ kind, bytes, sequence, ordinal, epoch, recordedAt, chain }: RawGroup): number {
    const { store } = this;
    forEachEntry(bytes, ({ offset, type, tenant, payloadAt, payloadBytes }) => {
      const leaf = hashEntry(bytes, offset, payloadAt, payloadBytes);
      const owner = { tenant, isErasure: type === ERASURE_ENTRY };
      store.append(leaf, type < ENTRY_TYPE_FIRST_FOREIGN ? LOG_ITSELF : owner);
      if (type === ENTRY_TYPE.epoch) store.epochs.push(epochMark(bytes.subarray(offset)));
    });
    if (store.sequence !== sequence)
      throw new Error(`the tree has ${store.sequence} leaves behind sequence ${sequence}`);
    if (kind === 'commit') {
      store.commit = {
        sequence,
        ordinal,
        epoch,
        recordedAt: String(recordedAt),
        chain: Buffer.from(chain).toString('hex'),
      };
    }
    return bytes.length;
  }

  /** Leaves of what was lost before it could be hashed. */
  #gap({ firstSequence, sequence }: RawGap): number {
    const leaf = gapLeafHash(firstSequence, sequence);
    const before = this.store.sequence;
    while (this.store.sequence < sequence) this.store.append(leaf, LOG_ITSELF);
    return (sequence - before) * ENTRY_HEADER.size;
  }
}

function epochMark(entry: Uint8Array): EpochMark {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const fields = ENTRY_HEADER.size;
  return {
    sequence: readCount(view, ENTRY_HEADER.at.sequence),
    epoch: view.getUint32(fields + EPOCH.at.epoch, true),
    parentEpoch: view.getUint32(fields + EPOCH.at.parentEpoch, true),
    parentSequence: readCount(view, fields + EPOCH.at.parentSequence),
    reason: view.getUint32(fields + EPOCH.at.reason, true),
  };
}
