/**
 * The documents of an index as parts of a checkpoint. Full pages of the vocabulary and segments are written once and never
 * again; what changes is small, and named after the count of changes.
 *
 *     head       fields, counts, and which segments there are
 *     words      a page of the vocabulary
 *     segment    one each
 *     states     of the documents of all segments, side by side
 *     counts     of each word
 *     tail       its documents
 *
 * Every part begins with the version. Numbers are little-endian.
 */
import { TruthError } from '../../../errors.ts';
import { xxh64Low } from '../../../hash/index.ts';
import type { CheckpointReader, CheckpointWriter } from '../../../materializer/index.ts';
import type { DocumentStore } from './document-store.ts';
import { TAIL_SLOT } from './locations.ts';
import { PartReader, PartWriter } from './part-bytes.ts';
import { Segment } from './segment.ts';
import { readSegment, writeSegment } from './segment-part.ts';
import { areCodes } from './token-codes.ts';

const VERSION = 1;
const PAGE_WORDS = 4_096;
const LEVEL_MAX = 3;
const STATE_MAX = 2;
const HASH_BITS = 64;
const U32_BITS = 32n;
/** Words are cut and folded by its tables: with others they would not be found as they were written. */
const UNICODE = process.versions['unicode'] ?? '';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `prefix` is all that the names of the index's parts begin with. */
export function writeStore(store: DocumentStore, prefix: string, writer: CheckpointWriter): void {
  const suffix = `${store.changes}-${hexLow(Number(store.hash & 0xffff_ffffn))}`;
  part(writer, `${prefix}head-${suffix}`, (to) => writeHead(store, to));
  part(writer, `${prefix}states-${suffix}`, (to) => {
    for (const { states } of store.segments.all) to.column(states.slice());
  });
  part(writer, `${prefix}counts-${suffix}`, (to) => to.column(store.vocabulary.counts()));
  part(writer, `${prefix}tail-${suffix}`, (to) => writeTail(store, to));
  writeWords(store, `${prefix}words-`, writer);
  for (const segment of store.segments.all) {
    writer.part(`${prefix}segment-${segment.id}-${hexLow(segment.fingerprint)}`, () => {
      const to = begun();
      writeSegment(segment.content, to);
      return to.finish();
    });
  }
}

/** Fills an empty store. Errors: CORRUPT. */
export function readStore(store: DocumentStore, prefix: string, reader: CheckpointReader): void {
  const names = reader.parts.filter((name) => name.startsWith(prefix)).sort();
  const named = (sort: string): string[] => names.filter((name) => name.startsWith(`${prefix}${sort}-`));
  const one = (sort: string): PartReader => {
    const [name] = named(sort);
    if (name === undefined) throw new TruthError('CORRUPT', `the checkpoint lacks the part ${prefix}${sort}`);
    return opened(reader.read(name));
  };
  const head = readHead(store, one('head'));
  for (const name of named('words')) readWords(store, opened(reader.read(name)));
  if (store.vocabulary.size !== head.words || !store.vocabulary.isWhole())
    throw new TruthError('CORRUPT', `the checkpoint has ${store.vocabulary.size} of ${head.words} words`);
  const states = one('states');
  for (const { slot, id, level } of head.segments) {
    const [name] = named(`segment-${id}`);
    if (name === undefined)
      throw new TruthError('CORRUPT', `the checkpoint lacks the segment ${prefix}${id}`);
    const content = readSegment(opened(reader.read(name)), head.words);
    store.restoreSegment(
      slot,
      new Segment(id, level, content, readStates(states, content.numbers.length)),
      head.next,
    );
  }
  states.end();
  readCounts(store, one('counts'));
  readTail(store, one('tail'));
}

interface Head {
  readonly words: number;
  readonly next: number;
  readonly segments: readonly { readonly slot: number; readonly id: number; readonly level: number }[];
}

function writeHead(store: DocumentStore, to: PartWriter): void {
  to.column(encoder.encode(UNICODE));
  to.f64(store.title);
  to.u32(store.weights.size);
  for (const [attribute, weight] of store.weights) {
    to.u32(attribute);
    to.u32(weight);
  }
  for (const value of [store.count, store.length, store.changes]) to.f64(value);
  to.u32(Number(store.hash & 0xffff_ffffn));
  to.u32(Number(store.hash >> U32_BITS));
  to.u32(store.vocabulary.size);
  to.u32(store.segments.next);
  const segments = [...store.segments.entries()];
  to.u32(segments.length);
  for (const [slot, { id, level }] of segments) {
    to.u32(slot);
    to.u32(id);
    to.u8(level);
  }
}

function readHead(store: DocumentStore, from: PartReader): Head {
  const unicode = decoder.decode(from.bytes());
  if (unicode !== UNICODE) throw from.corrupt(`was made with Unicode ${unicode}, and this is ${UNICODE}`);
  const title = from.count();
  const weights = new Map<number, number>();
  for (let rest = from.u32(); rest > 0; rest--) weights.set(from.u32(), from.u32());
  store.configure(weights, title);
  store.count = from.count();
  store.length = from.count();
  store.changes = from.count();
  store.hash = BigInt.asUintN(HASH_BITS, BigInt(from.u32()) | (BigInt(from.u32()) << U32_BITS));
  const words = from.u32();
  const next = from.u32();
  const segments = [];
  for (let rest = from.u32(); rest > 0; rest--) {
    const [slot, id, level] = [from.u32(), from.u32(), from.u8()];
    if (slot === 0 || slot >= TAIL_SLOT || id >= next || level > LEVEL_MAX)
      throw from.corrupt(`has segment ${id} at ${slot}`);
    segments.push({ slot, id, level });
  }
  from.end();
  return { words, next, segments };
}

/** A full page never changes: its hash, which is in its name, is worked out once, and its bytes when somebody asks. */
function writeWords({ vocabulary, pages }: DocumentStore, prefix: string, writer: CheckpointWriter): void {
  for (let page = 0; page * PAGE_WORDS < vocabulary.size; page++) {
    const first = page * PAGE_WORDS;
    const end = Math.min(first + PAGE_WORDS, vocabulary.size);
    const bytes = (): Uint8Array => vocabulary.page(first, end);
    const hash = pages[page] ?? hashOf(bytes());
    if (end === first + PAGE_WORDS) pages[page] = hash;
    writer.part(`${prefix}${String(page).padStart(8, '0')}-${hexLow(hash)}`, () => {
      const to = begun();
      to.raw(bytes());
      return to.finish();
    });
  }
}

function hashOf(bytes: Uint8Array): number {
  return xxh64Low(bytes, 0, bytes.length);
}

function readWords(store: DocumentStore, from: PartReader): void {
  if (!store.vocabulary.addPage(from.rest())) throw from.corrupt('has a page of words that is none');
}

function readStates(from: PartReader, documents: number): Uint8Array {
  const states = from.bytes();
  if (states.length !== documents || states.some((state) => state > STATE_MAX))
    throw from.corrupt('has states of other documents');
  return states;
}

function readCounts(store: DocumentStore, from: PartReader): void {
  const counts = from.words();
  from.end();
  if (counts.length !== store.vocabulary.size * 2) throw from.corrupt('has counts of other words');
  store.vocabulary.setCounts(counts);
}

function writeTail(store: DocumentStore, to: PartWriter): void {
  const { tail } = store;
  to.u32(tail.count);
  for (let local = 0; local < tail.count; local++) {
    to.u32(tail.numbers[local]!);
    to.u8(tail.states[local]!);
    to.column(encoder.encode(tail.title(local)));
    to.column(tail.tokens(local).slice());
  }
}

function readTail(store: DocumentStore, from: PartReader): void {
  for (let rest = from.u32(); rest > 0; rest--) {
    const [number, state] = [from.u32(), from.u8()];
    const title = decoder.decode(from.bytes());
    const codes = from.words();
    if (state > STATE_MAX || !areCodes(codes, store.vocabulary.size) || store.tail.isFull)
      throw from.corrupt(`has document ${number} in a way that cannot be`);
    store.restoreTail(number, state, title, codes);
  }
  from.end();
}

/** Written at once: what it says may change before anybody asks for it. */
function part(writer: CheckpointWriter, name: string, write: (to: PartWriter) => void): void {
  const to = begun();
  write(to);
  const chunks = to.finish();
  writer.part(name, () => chunks);
}

function begun(): PartWriter {
  const to = new PartWriter();
  to.u8(VERSION);
  return to;
}

function opened(bytes: Uint8Array): PartReader {
  const from = new PartReader(bytes);
  const version = from.u8();
  if (version !== VERSION) throw from.corrupt(`has version ${version} where ${VERSION} belongs`);
  return from;
}

function hexLow(value: number): string {
  return value.toString(16).padStart(8, '0');
}
