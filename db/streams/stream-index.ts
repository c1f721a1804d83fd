/**
 * The view that finds events: where each stream ends, which position each of its revisions has, and which events may have
 * a given id. It is the applied part of the kernel's state, so the database cannot open without it.
 *
 * Everything is kept in typed arrays, none of it per event as an object (docs/decisions/0020). Others see `StreamLookup`
 * only: an index that keeps sorted runs on disk can take this one's place.
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../errors.ts';
import { type EvolvingState, eventIdOffset, evolve, revisionOf, type StreamHead } from '../kernel/index.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  ViewCommit,
  ViewGap,
} from '../materializer/index.ts';
import { SEQUENCE_NONE, type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import { EventRows, ROW_BYTES } from './event-rows.ts';
import { idHash, seedOf } from './hash.ts';
import { HashTable } from './hash-table.ts';
import { NameTable } from './name-table.ts';
import { PAGE_ROWS } from './paged-column.ts';
import { RevisionLists } from './revision-lists.ts';
import { numberOfStream, tenantOfName } from './scoped-name.ts';
import type { StreamKey } from './stream-key.ts';

const ID_SHARD_BITS = 8;
/** Ids that are added together: few enough to stay in the cache from the fetch to the use. */
const ID_HASHES = 1024;
const NONE: readonly Sequence[] = [];
const NO_STREAM: StreamHead = { revision: -1, position: SEQUENCE_NONE };

/** What readers and the kernel ask of the index, whatever it is made of. */
export interface StreamLookup {
  readonly streams: number;
  readonly events: number;
  streamsOf(tenant: TenantId): number;
  head(key: StreamKey): StreamHead;
  /** Positions of revisions `from` to before `to`, ascending; all of them exist. */
  positions(key: StreamKey, from: number, to: number): Sequence[];
  /** Revision of the stream's first event after a position; one past the last when there is none. */
  revisionAfter(key: StreamKey, position: Sequence): number;
  /** Tells that `candidates` will be asked about the first `count` of these hashes next: their places are fetched together. */
  prefetch(idHashes: Uint32Array, count: number): void;
  /** Positions of events in the stream whose id has this hash (`idHash`): nearly always none or the one. */
  candidates(key: StreamKey, idHash: number): readonly Sequence[];
}

export class StreamIndex implements Materializer, EvolvingState, StreamLookup {
  readonly #names: NameTable;
  readonly #rows = new EventRows();
  readonly #lists = new RevisionLists();
  readonly #ids = new HashTable(ID_SHARD_BITS);
  readonly #idHashes = new Uint32Array(ID_HASHES);
  /** Streams of each tenant but the first. */
  readonly #streamsOfOthers = new Map<TenantId, number>();
  /** The newest gap of the log, to which events count that a stream misses. */
  #gap: ViewGap | null = null;
  /** Digests of pages that cannot change any more, by part name. */
  readonly #finalDigests = new Map<string, Uint8Array>();

  constructor(logId: Uint8Array) {
    this.#names = new NameTable(seedOf(logId));
  }

  get streams(): number {
    return this.#names.count;
  }

  get events(): number {
    return this.#rows.count;
  }

  streamsOf(tenant: TenantId): number {
    if (tenant !== TENANT_DEFAULT) return this.#streamsOfOthers.get(tenant) ?? 0;
    let others = 0;
    for (const streams of this.#streamsOfOthers.values()) others += streams;
    return this.streams - others;
  }

  #countStream(tenant: TenantId): void {
    this.#streamsOfOthers.set(tenant, (this.#streamsOfOthers.get(tenant) ?? 0) + 1);
  }

  /** Memory taken, by part, for status and measurements. */
  get bytes(): number {
    return this.#names.bytes + this.#rows.bytes + this.#lists.bytes + this.#ids.bytes;
  }

  onCommit(commit: ViewCommit): void {
    const from = this.#rows.count;
    try {
      for (const entry of commit.entries) evolve(this, entry);
    } finally {
      this.#addIds(from);
    }
  }

  onGap(gap: ViewGap): void {
    this.#gap = gap;
  }

  eventAppended(position: Sequence, tenant: TenantId, payload: Uint8Array): void {
    const stream = numberOfStream(this.#names, tenant, payload);
    if (stream === this.#lists.streams) {
      this.#lists.addStream();
      if (tenant !== TENANT_DEFAULT) this.#countStream(tenant);
    }
    const revision = revisionOf(payload);
    if (this.#gap !== null) this.#addLost(stream, revision, this.#gap);
    const expected = this.#lists.count(stream);
    if (revision !== expected) throw wrongRevision(position, revision, expected);
    const row = this.#rows.add(position, stream, idHash(payload, eventIdOffset, this.#names.lastHash));
    this.#lists.append(stream, row);
  }

  head(key: StreamKey): StreamHead {
    const stream = this.#find(key);
    if (stream < 0) return NO_STREAM;
    const position = this.#rows.position(this.#lists.lastRow(stream));
    return { revision: this.#lists.count(stream) - 1, position };
  }

  positions(key: StreamKey, from: number, to: number): Sequence[] {
    const stream = this.#find(key);
    if (stream < 0) return [];
    return Array.from(this.#lists.rows(stream, from, to), (row) => this.#rows.position(row));
  }

  revisionAfter(key: StreamKey, position: Sequence): number {
    const stream = this.#find(key);
    if (stream < 0) return 0;
    let low = 0;
    let high = this.#lists.count(stream);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#lists.rows(stream, middle, middle + 1)[0]!;
      if (this.#rows.position(row) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  prefetch(idHashes: Uint32Array, count: number): void {
    this.#ids.prefetch(idHashes, count);
  }

  candidates(key: StreamKey, idHash: number): readonly Sequence[] {
    let row = this.#ids.first(idHash);
    if (row < 0) return NONE;
    const stream = this.#find(key);
    let found: Sequence[] | null = null;
    for (; row >= 0; row = this.#ids.next()) {
      if (this.#rows.stream(row) !== stream) continue;
      found ??= [];
      found.push(this.#rows.position(row));
    }
    return found ?? NONE;
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const part of this.#parts()) writer.part(part.name, part.chunks);
  }

  restore(reader: CheckpointReader): void {
    const parts = [...reader.parts].sort();
    for (const name of parts) {
      if (name.startsWith('names-')) this.#names.restorePage(reader.read(name));
    }
    while (this.#lists.streams < this.#names.count) {
      const tenant = tenantOfName(this.#names.bytesOf(this.#lists.streams));
      if (tenant !== TENANT_DEFAULT) this.#countStream(tenant);
      this.#lists.addStream();
    }
    for (const name of parts) if (name.startsWith('rows-')) this.#restoreRows(reader.read(name));
    this.#ids.addRange(0, this.#rows.count, (row) => this.#rows.idHash(row));
  }

  digest(): string {
    const digest = createHash('sha256');
    for (const part of this.#parts()) digest.update(part.name).update(this.#partDigest(part));
    return digest.digest('hex');
  }

  /** One page a step; full pages never change again. */
  *digestAhead(): Generator<void> {
    for (const part of this.#parts()) {
      if (!part.final || this.#finalDigests.has(part.name)) continue;
      this.#partDigest(part);
      yield;
    }
  }

  #find(key: StreamKey): number {
    return this.#names.find(key.bytes, 0, key.length, key.hash);
  }

  /** Ids of the rows from `from` on. All of a commit together: where they go is far apart in memory. */
  #addIds(from: number): void {
    for (let first = from; first < this.#rows.count; first += ID_HASHES) {
      const count = Math.min(ID_HASHES, this.#rows.count - first);
      for (let each = 0; each < count; each++) this.#idHashes[each] = this.#rows.idHash(first + each);
      this.#ids.prefetch(this.#idHashes, count);
      for (let each = 0; each < count; each++) this.#ids.add(this.#idHashes[each]!, first + each);
    }
  }

  /** What a stream misses below a revision was in the gap: it keeps its revisions, and reading it meets the gap. */
  #addLost(stream: number, revision: number, { to }: ViewGap): void {
    while (this.#lists.count(stream) < revision) this.#lists.append(stream, this.#rows.addLost(to, stream));
  }

  #restoreRows(bytes: Uint8Array): void {
    const first = this.#rows.count;
    this.#rows.restorePage(bytes, bytes.length / ROW_BYTES);
    for (let row = first; row < this.#rows.count; row++) {
      const stream = this.#rows.stream(row);
      if (stream >= this.#names.count)
        throw new TruthError(
          'CORRUPT',
          `row ${row} of the stream index names stream ${stream}, which it does not have`,
        );
      this.#lists.append(stream, row);
    }
  }

  /**
   * The whole content: names and rows. What is handed over never changes: pages only grow at their end, and an unfinished
   * one is named with the size it has now.
   */
  #parts(): Part[] {
    const parts: Part[] = this.#names.pages().map(({ bytes, final }, page) => ({
      name: final ? `names-${padded(page)}` : `names-${padded(page)}-${bytes.length}`,
      final,
      chunks: () => [bytes],
    }));
    for (const [page, rows] of this.#rows.pageRows().entries()) {
      const final = rows === PAGE_ROWS;
      parts.push({
        name: final ? `rows-${padded(page)}` : `rows-${padded(page)}-${rows}`,
        final,
        chunks: () => this.#rows.pageColumns(page, rows),
      });
    }
    return parts;
  }

  #partDigest({ name, final, chunks }: Part): Uint8Array {
    const known = this.#finalDigests.get(name);
    if (known !== undefined) return known;
    const digest = createHash('sha256');
    for (const chunk of chunks()) digest.update(chunk);
    const bytes = digest.digest();
    if (final) this.#finalDigests.set(name, bytes);
    return bytes;
  }
}

interface Part {
  readonly name: string;
  readonly final: boolean;
  readonly chunks: () => Iterable<Uint8Array>;
}

function padded(page: number): string {
  return String(page).padStart(8, '0');
}

function wrongRevision(position: Sequence, found: number, expected: number): TruthError {
  return new TruthError(
    'CORRUPT',
    `the event at ${position} has revision ${found} where its stream continues with ${expected}`,
    { sequence: position },
  );
}
