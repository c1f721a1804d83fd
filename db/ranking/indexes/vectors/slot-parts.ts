/**
 * A slot in a checkpoint: what is known of its rows, and its graph but for the links, within the part that has the state of the
 * whole view; vectors and links in pages of their own, which are written again only when something in them has changed.
 *
 *     u32 dimensions, rows, free rows, inline (0 or 1), graph (0 or 1)
 *     numbers (u32 each), lengths (f32), flags (u8), free rows (u32)
 *     where pages of rows last changed (f64 each); their bytes here, when they are inline
 *     with a graph: u32 built, queued rows; i32 cursor, entry + 1; queue (u32 each)
 *         u32 lists in use above the ground; by row the first of them + 1; per number of levels: u32 count, free lists
 *         u32 pages, where they last changed (f64 each): of the ground, and of what is above
 */
import type { CheckpointReader, CheckpointWriter } from '../../../materializer/index.ts';
import type { Graph } from './graph.ts';
import type { LinkLists } from './link-lists.ts';
import type { Linking, SavedLinking } from './linking.ts';
import type { PartReader, PartWriter } from './part-bytes.ts';
import { checkLinks, checkRows } from './saved-graph.ts';
import type { SlotIndex } from './slot-index.ts';
import { LEVELS_MAX, type SavedUpper } from './upper-links.ts';
import { ROW, type SavedRows, type VectorRows } from './vector-rows.ts';

/** One page of so many bytes is not worth a file. */
const INLINE_BYTES_MAX = 65_536;

/** Pages go into parts with `name` in theirs: it is that of no other slot. */
export function saveSlot(out: PartWriter, writer: CheckpointWriter, name: string, index: SlotIndex): void {
  const { rows, linking } = index;
  const count = rows.rows;
  const { changed } = rows.pages;
  const inline = changed.length <= 1 && count * rows.slot.dimensions * 4 <= INLINE_BYTES_MAX;
  out.u32(rows.slot.dimensions, count, rows.free.length, inline ? 1 : 0, linking === null ? 0 : 1);
  out.column(rows.numbers.slice(0, count));
  out.column(rows.norms.slice(0, count));
  out.column(savedFlags(rows.flags, count));
  out.column(Uint32Array.from(rows.free));
  for (const [page, sequence] of changed.entries()) {
    out.integer(sequence);
    const bytes = rows.pages.promise(page, count);
    if (inline) out.column(bytes().slice());
    else writer.part(`rows-${name}-${page}-${sequence}`, () => [bytes()]);
  }
  if (linking !== null) saveLinking(out, writer, name, linking, count);
}

/** Without what only this process knows. */
function savedFlags(flags: Uint8Array, count: number): Uint8Array {
  const saved = flags.slice(0, count);
  for (let row = 0; row < count; row++) saved[row]! &= ~ROW.hashed;
  return saved;
}

/** Fills an empty slot. Errors: CORRUPT. `known`: numbers there may be, from 1 to before it. */
export function restoreSlot(
  input: PartReader,
  reader: CheckpointReader,
  name: string,
  index: SlotIndex,
  known: number,
): void {
  const { rows, linking } = index;
  const [dimensions, count, free, inline, graph] = [
    input.u32(),
    input.u32(),
    input.u32(),
    input.u32(),
    input.u32(),
  ];
  if (dimensions !== rows.slot.dimensions || inline > 1 || graph !== (linking === null ? 0 : 1))
    throw input.corrupt(`has another slot than its schema: ${dimensions} dimensions`);
  const saved = { numbers: input.u32s(count), norms: input.f32s(count), flags: input.bytes(count) };
  const freeRows = [...input.u32s(free)];
  const [changed, pages] = readPages(input, reader, name, rows, count, inline === 1);
  const savedRows: SavedRows = { ...saved, free: freeRows, changed };
  const savedLinking = linking === null ? null : readLinking(input);
  checkRows(input, savedRows, savedLinking, known);
  rows.restore(savedRows, pages);
  if (linking !== null && savedLinking !== null)
    restoreLinking(input, reader, name, linking, { ...savedLinking, rows });
}

function readPages(
  input: PartReader,
  reader: CheckpointReader,
  name: string,
  { pages, slot }: VectorRows,
  rows: number,
  inline: boolean,
): [number[], (page: number) => Uint8Array] {
  const count = Math.ceil(rows / pages.pageRows);
  if (!inline) {
    const changed = input.integers(count);
    return [changed, (page) => reader.read(`rows-${name}-${page}-${changed[page]}`)];
  }
  if (count > 1) throw input.corrupt('has several pages where one belongs');
  if (count === 0) return [[], () => new Uint8Array(0)];
  const changed = [input.integer()];
  const bytes = input.bytes(rows * slot.dimensions * 4);
  return [changed, () => bytes];
}

function saveLinking(
  out: PartWriter,
  writer: CheckpointWriter,
  name: string,
  linking: Linking,
  rows: number,
): void {
  const { queue, built, cursor, entry } = linking.save();
  const { graph } = linking;
  out.u32(built ? 1 : 0, queue.length, cursor + 1, entry + 1);
  out.column(queue);
  const { firsts, end, free } = graph.upper.save(rows);
  out.u32(end);
  out.column(firsts);
  for (const lists of free) {
    out.u32(lists.length);
    out.column(Uint32Array.from(lists));
  }
  saveLists(out, writer, `ground-${name}`, graph.base);
  saveLists(out, writer, `upper-${name}`, graph.upper.lists);
}

function saveLists(out: PartWriter, writer: CheckpointWriter, name: string, lists: LinkLists): void {
  out.u32(lists.changed.length);
  for (const [page, sequence] of lists.changed.entries()) {
    out.integer(sequence);
    const bytes = lists.hold(page);
    writer.part(`${name}-${page}-${sequence}`, () => [bytes]);
  }
}

/** What is saved of a graph before its links. */
function readLinking(input: PartReader): SavedLinking {
  const [built, queued, cursor, entry] = [input.u32(), input.u32(), input.u32(), input.u32()];
  if (built > 1) throw input.corrupt(`has ${built} where 0 or 1 belongs`);
  return { built: built === 1, cursor: cursor - 1, entry: entry - 1, queue: input.u32s(queued) };
}

function restoreLinking(
  input: PartReader,
  reader: CheckpointReader,
  name: string,
  linking: Linking,
  saved: SavedLinking & { readonly rows: VectorRows },
): void {
  const { graph } = linking;
  graph.upper.restore(readUpper(input, saved.rows.rows));
  restoreLists(input, reader, `ground-${name}`, graph.base);
  restoreLists(input, reader, `upper-${name}`, graph.upper.lists);
  checkLinks(input, saved.rows, graph);
  linking.restore(saved);
}

function readUpper(input: PartReader, rows: number): SavedUpper {
  const end = input.u32();
  const firsts = input.u32s(rows);
  const free = Array.from({ length: LEVELS_MAX }, () => [...input.u32s(input.u32())]);
  return { firsts, end, free };
}

function restoreLists(input: PartReader, reader: CheckpointReader, name: string, lists: Graph['base']): void {
  const changed = input.integers(input.u32());
  for (const [page, sequence] of changed.entries()) {
    const bytes = reader.read(`${name}-${page}-${sequence}`);
    if (bytes.length !== lists.pageBytes)
      throw input.corrupt(`has ${bytes.length} bytes in a page of links where ${lists.pageBytes} belong`);
    lists.restorePage(bytes, sequence);
  }
}
