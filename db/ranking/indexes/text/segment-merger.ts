/**
 * Makes one segment of several, without those of their documents that are dead. Where the numbers of one lie behind those of
 * the other, as they do when documents come in the order of their numbers, it only copies.
 */
import { Segment, type SegmentContent } from './segment.ts';
import { SHARD_DOCUMENTS_MAX, STATE } from './shard.ts';

const DEAD = 0xffff_ffff;
/** A source's place and a document's within it are one number below this: there are at most eight sources. */
const PLACES = SHARD_DOCUMENTS_MAX * 8;

/** Null when nothing is left. `words`: how many the vocabulary has. */
export function merged(
  sources: readonly Segment[],
  words: number,
  id: number,
  level: number,
): Segment | null {
  const ordered = sources.toSorted((one, other) => one.numbers[0]! - other.numbers[0]!);
  const order = inOrder(ordered);
  const documents = order.sources.length;
  if (documents === 0) return null;
  const states = new Uint8Array(documents);
  const numbers = new Uint32Array(documents);
  const lengths = new Uint32Array(documents);
  for (let local = 0; local < documents; local++) {
    const source = ordered[order.sources[local]!]!;
    const before = order.locals[local]!;
    states[local] = source.states[before]!;
    numbers[local] = source.numbers[before]!;
    lengths[local] = source.lengths[before]!;
  }
  const tokens = joined(ordered, order, ({ tokenStarts, tokenBytes }) => [tokenStarts, tokenBytes]);
  const titles = joined(ordered, order, ({ titleStarts, titleBytes }) => [titleStarts, titleBytes]);
  const content: SegmentContent = {
    ...{ numbers, lengths, tokenStarts: tokens.starts, tokenBytes: tokens.bytes },
    ...{ titleStarts: titles.starts, titleBytes: titles.bytes },
    ...postings(ordered, order, words),
  };
  return new Segment(id, level, content, states);
}

/** Where each document comes from, by ascending number, and where those of each source go; DEAD: nowhere. */
interface Order {
  readonly sources: Uint8Array;
  readonly locals: Uint16Array;
  readonly places: readonly Uint32Array[];
}

function inOrder(all: readonly Segment[]): Order {
  const keys = new Float64Array(all.reduce((sum, { count, dead }) => sum + count - dead, 0));
  let living = 0;
  for (const [source, { count, states, numbers }] of all.entries())
    for (let local = 0; local < count; local++)
      if (states[local] !== STATE.dead)
        keys[living++] = numbers[local]! * PLACES + source * SHARD_DOCUMENTS_MAX + local;
  keys.sort();
  const sources = new Uint8Array(living);
  const locals = new Uint16Array(living);
  const places = all.map(({ count }) => new Uint32Array(count).fill(DEAD));
  for (let local = 0; local < living; local++) {
    const place = keys[local]! % PLACES;
    sources[local] = Math.floor(place / SHARD_DOCUMENTS_MAX);
    locals[local] = place % SHARD_DOCUMENTS_MAX;
    places[sources[local]!]![locals[local]!] = local;
  }
  return { sources, locals, places };
}

/** Bytes of each document, one document after the other. */
function joined(
  all: readonly Segment[],
  { sources, locals }: Order,
  piecesOf: (content: SegmentContent) => readonly [starts: Uint32Array, bytes: Uint8Array],
): { readonly starts: Uint32Array; readonly bytes: Uint8Array } {
  const pieces = all.map(({ content }) => piecesOf(content));
  const starts = new Uint32Array(sources.length + 1);
  for (let local = 0; local < sources.length; local++) {
    const [from] = pieces[sources[local]!]!;
    const before = locals[local]!;
    starts[local + 1] = starts[local]! + from[before + 1]! - from[before]!;
  }
  const bytes = new Uint8Array(starts[sources.length]!);
  for (let local = 0; local < sources.length; ) {
    // As many as lay side by side go together.
    const source = sources[local]!;
    const [from, content] = pieces[source]!;
    let end = local + 1;
    while (end < sources.length && sources[end] === source && locals[end] === locals[end - 1]! + 1) end += 1;
    bytes.set(content.subarray(from[locals[local]!], from[locals[end - 1]! + 1]), starts[local]!);
    local = end;
  }
  return { starts, bytes };
}

function postings(
  all: readonly Segment[],
  order: Order,
  words: number,
): Pick<SegmentContent, 'terms' | 'postingStarts' | 'docs' | 'codes'> {
  const counts = new Uint32Array(words);
  for (const [source, { content }] of all.entries()) countPostings(content, order.places[source]!, counts);
  let distinct = 0;
  for (let term = 0; term < words; term++) if (counts[term] !== 0) distinct += 1;
  const terms = new Uint32Array(distinct);
  const postingStarts = new Uint32Array(distinct + 1);
  let start = 0;
  for (let term = 0, place = 0; term < words; term++) {
    const count = counts[term]!;
    if (count === 0) continue;
    terms[place] = term;
    postingStarts[place++] = start;
    // From here on: where the term's next document goes.
    counts[term] = start;
    start += count;
  }
  postingStarts[distinct] = start;
  const docs = new Uint16Array(start);
  const codes = new Uint8Array(start);
  for (const [source, { content }] of all.entries())
    copyPostings(content, order.places[source]!, counts, docs, codes);
  for (let place = 0; place < distinct; place++)
    sortPostings(docs, codes, postingStarts[place]!, postingStarts[place + 1]!);
  return { terms, postingStarts, docs, codes };
}

function countPostings(
  { terms, postingStarts, docs }: SegmentContent,
  places: Uint32Array,
  counts: Uint32Array,
): void {
  for (let index = 0; index < terms.length; index++) {
    let living = 0;
    for (let at = postingStarts[index]!; at < postingStarts[index + 1]!; at++)
      if (places[docs[at]!] !== DEAD) living += 1;
    counts[terms[index]!]! += living;
  }
}

function copyPostings(
  from: SegmentContent,
  places: Uint32Array,
  next: Uint32Array,
  docs: Uint16Array,
  codes: Uint8Array,
): void {
  const { terms, postingStarts } = from;
  for (let index = 0; index < terms.length; index++) {
    let to = next[terms[index]!]!;
    for (let at = postingStarts[index]!; at < postingStarts[index + 1]!; at++) {
      const place = places[from.docs[at]!]!;
      if (place === DEAD) continue;
      docs[to] = place;
      codes[to++] = from.codes[at]!;
    }
    next[terms[index]!] = to;
  }
}

/** Those of one term, unless they are in order already. */
function sortPostings(docs: Uint16Array, codes: Uint8Array, start: number, end: number): void {
  let at = start + 1;
  while (at < end && docs[at]! > docs[at - 1]!) at += 1;
  if (at >= end) return;
  const keys = new Uint32Array(end - start);
  for (let index = 0; index < keys.length; index++)
    keys[index] = docs[start + index]! * 256 + codes[start + index]!;
  keys.sort();
  for (let index = 0; index < keys.length; index++) {
    docs[start + index] = keys[index]! >>> 8;
    codes[start + index] = keys[index]! & 0xff;
  }
}
