import { Batch } from './batch.ts';
import { NumberTable } from './number-table.ts';

/** Entities in an order that says something for them. */
export interface RankedList {
  readonly label: string;
  /** Best first. */
  readonly items: Uint32Array;
  /** How much a place in it counts. */
  readonly weight: number;
}

/** As in the paper that reciprocal ranks are from: Cormack, Clarke, Büttcher, SIGIR 2009. */
const RANK_OFFSET = 60;

/** What a place in a list is worth, from 1. */
function reciprocal(rank: number): number {
  return 1 / (RANK_OFFSET + rank);
}

/**
 * All that is in any of the lists as candidates, in the order of their numbers; with `only`, just these, whether in a list or
 * not. Of lists that are more than `capacity` together, the first of each count.
 */
export function fuse(lists: readonly RankedList[], only: Uint32Array | null, capacity: number): Batch {
  const table = new NumberTable();
  const total = lists.reduce((sum, { items }) => sum + items.length, 0);
  const ids = only?.slice(0, capacity) ?? distinct(lists, total, capacity, table);
  ids.sort();
  table.reset(ids.length);
  for (let at = 0; at < ids.length; at++) table.place(ids[at]!);
  const batch = new Batch(ids);
  for (const list of lists) addRanks(list, table, batch.fused);
  return batch;
}

function distinct(
  lists: readonly RankedList[],
  total: number,
  capacity: number,
  table: NumberTable,
): Uint32Array {
  const ids = new Uint32Array(Math.min(total, capacity));
  const share = total > capacity ? capacity / total : 1;
  table.reset(ids.length);
  for (const { items } of lists) {
    const taken = Math.floor(items.length * share);
    for (let rank = 0; rank < taken; rank++) ids[table.place(items[rank]!)] = items[rank]!;
  }
  return ids.slice(0, table.size);
}

/** Gives the candidates what their places in a list are worth. */
function addRanks({ items, weight }: RankedList, table: NumberTable, fused: Float64Array): void {
  for (let rank = 0; rank < items.length; rank++) {
    const at = table.find(items[rank]!);
    if (at !== -1) fused[at]! += weight * reciprocal(rank + 1);
  }
}
