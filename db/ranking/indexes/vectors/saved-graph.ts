/** Whether rows, queue and links of a checkpoint fit together: whoever goes by them afterwards believes them. */
import type { Graph } from './graph.ts';
import { type LinkLists, PAGE_LISTS } from './link-lists.ts';
import type { SavedLinking } from './linking.ts';
import type { PartReader } from './part-bytes.ts';
import { levelsOf } from './upper-links.ts';
import { ROW, type SavedRows, type VectorRows } from './vector-rows.ts';

const WITH_GRAPH = ROW.held | ROW.active | ROW.linked | ROW.queued | ROW.condemned;
const WITHOUT_GRAPH = ROW.held | ROW.active;

/** Errors: CORRUPT. `linking` null: a slot without a graph. `known`: numbers there may be, from 1 to before it. */
export function checkRows(
  input: PartReader,
  { numbers, norms, flags, free }: SavedRows,
  linking: SavedLinking | null,
  known: number,
): void {
  const rows = numbers.length;
  const allowed = linking === null ? WITHOUT_GRAPH : WITH_GRAPH;
  const holders = new Set<number>();
  let unused = 0;
  for (let row = 0; row < rows; row++) {
    const state = flags[row]!;
    const held = (state & ROW.held) !== 0;
    if ((state & ~allowed) !== 0 || !isPossible(state, linking !== null))
      throw input.corrupt(`has row ${row} in a state that no row is in`);
    if (state === 0) unused += 1;
    else if (numbers[row]! < 1 || numbers[row]! >= known)
      throw input.corrupt(`has a vector of nobody in row ${row}`);
    if (held && holders.size === holders.add(numbers[row]!).size)
      throw input.corrupt(`has two vectors of number ${numbers[row]}`);
    if (!Number.isFinite(norms[row]!)) throw input.corrupt(`has a length of ${norms[row]} in row ${row}`);
  }
  checkListed(input, free, flags, 0xff, 0, unused);
  if (linking === null) return;
  const queued = flags.reduce((sum, state) => sum + (state & ROW.queued ? 1 : 0), 0);
  checkListed(input, linking.queue, flags, ROW.queued, ROW.queued, queued);
  const { cursor, entry } = linking;
  const entered = entry >= 0 && entry < rows && (flags[entry]! & ROW.linked) !== 0;
  const empty = entry < 0 && flags.every((state) => (state & ROW.linked) === 0);
  if (cursor >= rows || !(entered || empty)) throw input.corrupt('begins its searches where there is no row');
}

/** A row is free, or held by somebody, or in the graph or the queue for another while. */
function isPossible(state: number, graph: boolean): boolean {
  if (state === 0) return true;
  const held = (state & ROW.held) !== 0;
  if ((state & ROW.active) !== 0 && !held) return false;
  if (!graph) return held;
  const linked = (state & ROW.linked) !== 0;
  if (linked === ((state & ROW.queued) !== 0)) return false;
  return (state & ROW.condemned) === 0 || (linked && !held);
}

/** Each row of a state has to be in a list, once. */
function checkListed(
  input: PartReader,
  list: ArrayLike<number>,
  flags: Uint8Array,
  mask: number,
  state: number,
  expected: number,
): void {
  const seen = new Set<number>();
  for (let at = 0; at < list.length; at++) {
    const row = list[at]!;
    if (row >= flags.length || (flags[row]! & mask) !== state)
      throw input.corrupt(`lists row ${row}, which it should not`);
    seen.add(row);
  }
  if (seen.size !== list.length || seen.size !== expected)
    throw input.corrupt(`lists ${list.length} rows where ${expected} belong`);
}

/** Errors: CORRUPT. Rows, flags and lists are those of the checkpoint. */
export function checkLinks(input: PartReader, rows: VectorRows, graph: Graph): void {
  const { upper, base } = graph;
  const groundEnd = base.changed.length * PAGE_LISTS;
  const { firsts, end, free } = upper.save(rows.rows);
  if (end > upper.lists.changed.length * PAGE_LISTS)
    throw input.corrupt('has more lists than pages for them');
  for (const [less, lists] of free.entries())
    for (const first of lists)
      if (first + less + 1 > end) throw input.corrupt(`has free lists from ${first}, which are not there`);
  for (let row = 0; row < rows.rows; row++) {
    const linked = (rows.flags[row]! & ROW.linked) !== 0;
    const levels = linked ? levelsOf(rows.numbers[row]!) : 0;
    const first = firsts[row]! - 1;
    if (levels === 0 ? first !== -1 : first < 0 || first + levels > end)
      throw input.corrupt(`has no lists for the ${levels} levels of row ${row}`);
    if (!linked) continue;
    if (row >= groundEnd) throw input.corrupt(`has no list for row ${row}`);
    checkList(input, rows, base, row, 0);
    for (let level = 1; level <= levels; level++)
      checkList(input, rows, upper.lists, first + level - 1, level);
  }
}

/** Whatever a list leads to has a list on that level itself. */
function checkList(input: PartReader, rows: VectorRows, lists: LinkLists, list: number, level: number): void {
  const words = lists.page(list);
  const start = lists.start(list);
  const count = words[start]!;
  if (count > lists.width) throw input.corrupt(`has a list of ${count} links`);
  for (let at = start + 1; at <= start + count; at++) {
    const row = words[at]!;
    const fits =
      row < rows.rows && (rows.flags[row]! & ROW.linked) !== 0 && levelsOf(rows.numbers[row]!) >= level;
    if (!fits) throw input.corrupt(`links to row ${row}, which is not on level ${level}`);
  }
}
