/**
 * The queue between the ordering thread and the writer: one shared, page-aligned memory that holds control words, a table
 * of pieces and a ring of entry bytes. Exactly one thread produces and one consumes, so no compare-and-swap is needed.
 *
 *     producer                                     consumer
 *     1  copy entries into the ring                1  read PUBLISHED; equal to what it has taken: sleep
 *     2  fill table slots, plain stores            2  read slots, use the bytes they name
 *     3  PUBLISHED := count of slots               3  RELEASED := count of slots it is done with
 *     4  SIGNAL += 1; WAITING? wake the consumer   4  STABLE, WRITTEN := sequences; TICK += 1; wake the producer
 *
 * Atomics order 1–2 before 3 on the one side and 1 before 2 on the other; a slot or ring byte is used again only after the
 * producer has read a RELEASED that covers it. To sleep, the consumer reads SIGNAL, finds nothing published, sets WAITING
 * and waits on SIGNAL *being what it read*: a signal before the wait makes it return at once, one after it sees WAITING.
 * The counters wrap at 2^32; only differences are used. test/db/wal/queue-model.test.ts walks every interleaving.
 *
 * A *piece* is a contiguous run of whole entries. A group is one piece, or two where it wraps around the ring's end; all
 * pieces of a group are published at once. A seal is a piece of its own.
 */
import { createWasmMemory, WASM_PAGE_BYTES, type WasmMemory } from '../hash/index.ts';
import type { Sequence } from '../types.ts';
import { HISTOGRAM_CELLS, Histogram } from './histogram.ts';
import type { Durability } from './log.ts';

const WORD = {
  published: 0,
  released: 1,
  waiting: 2,
  tick: 3,
  /** Highest segment index for which space is on hand. */
  prepared: 4,
  /** 1 while preparing space fails for lack of it. */
  diskFull: 5,
  /** A WRITER_STATE. */
  state: 6,
  /** 1: write what is published, then close. */
  stop: 7,
  /** 1: sync what is written, whatever its durability. */
  sync: 10,
  failureBytes: 8,
  /** Changes with everything the consumer may sleep on. */
  signal: 9,
} as const;

export const WRITER_STATE = { running: 0, failed: 1, closed: 2 } as const;

const LONG = { stable: 0, written: 1 } as const;
const GAUGE = { bytesWritten: 0, bytesZeroFilled: 1 } as const;

/** Where things lie. Scratch is the consumer's own, for its hash program. */
const LAYOUT = {
  words: 0,
  longs: 256,
  gauges: 320,
  histograms: 512,
  sync: 1536,
  failure: 2048,
  failureBytes: 2048,
  scratch: 4096,
  slots: 16_384,
  ring: WASM_PAGE_BYTES,
} as const;

/** Place for the words of sync-channel.ts. */
export const SYNC_AREA = { offset: LAYOUT.sync, bytes: LAYOUT.failure - LAYOUT.sync } as const;

const SLOTS = 1024;
const SLOT_WORDS = 8;
const SLOT = {
  kind: 0,
  offset: 1,
  length: 2,
  durability: 3,
  sequenceLow: 4,
  sequenceHigh: 5,
  entries: 6,
} as const;

export const PIECE_KIND = { groupPart: 1, groupEnd: 2, seal: 3 } as const;
export type PieceKind = (typeof PIECE_KIND)[keyof typeof PIECE_KIND];

const DURABILITIES: readonly Durability[] = ['async', 'group_sync', 'sync'];

/** The shared memory with its typed views; each thread makes its own from the same `memory`. */
export interface QueueMemory {
  readonly memory: WasmMemory;
  readonly shared: boolean;
  readonly ringBytes: number;
}

export function createQueueMemory(ringBytes: number, shared: boolean): QueueMemory {
  const pages = 1 + Math.ceil(ringBytes / WASM_PAGE_BYTES);
  return { memory: createWasmMemory({ pages, shared }), shared, ringBytes: (pages - 1) * WASM_PAGE_BYTES };
}

export function queuePages(queue: QueueMemory): number {
  return 1 + queue.ringBytes / WASM_PAGE_BYTES;
}

interface Views {
  readonly words: Int32Array;
  readonly longs: BigInt64Array;
  readonly gauges: Float64Array;
  readonly slots: Int32Array;
  readonly failure: Uint8Array;
}

function createViews({ memory }: QueueMemory): Views {
  const { buffer } = memory;
  return {
    words: new Int32Array(buffer, LAYOUT.words, 16),
    longs: new BigInt64Array(buffer, LAYOUT.longs, 8),
    gauges: new Float64Array(buffer, LAYOUT.gauges, 8),
    slots: new Int32Array(buffer, LAYOUT.slots, SLOTS * SLOT_WORDS),
    failure: new Uint8Array(buffer, LAYOUT.failure, LAYOUT.failureBytes),
  };
}

/** What both sides count and anybody may look at. */
export class QueueStatistics {
  readonly writeMicros: Histogram;
  readonly syncMicros: Histogram;
  readonly groupEntries: Histogram;
  readonly #gauges: Float64Array;

  constructor(queue: QueueMemory) {
    const cells = (at: number): Float64Array =>
      new Float64Array(queue.memory.buffer, LAYOUT.histograms + at * HISTOGRAM_CELLS * 8, HISTOGRAM_CELLS);
    this.writeMicros = new Histogram(cells(0));
    this.syncMicros = new Histogram(cells(1));
    this.groupEntries = new Histogram(cells(2));
    this.#gauges = createViews(queue).gauges;
  }

  gauge(name: keyof typeof GAUGE): number {
    return this.#gauges[GAUGE[name]] ?? 0;
  }

  add(name: keyof typeof GAUGE, value: number): void {
    this.#gauges[GAUGE[name]] = this.gauge(name) + value;
  }
}

/** Wakes the writer if it sleeps. For whoever has made something ready for it. */
export class QueueSignal {
  readonly #words: Int32Array;

  constructor(queue: QueueMemory) {
    this.#words = createViews(queue).words;
  }

  raise(): void {
    Atomics.add(this.#words, WORD.signal, 1);
    if (Atomics.load(this.#words, WORD.waiting) === 1) Atomics.notify(this.#words, WORD.signal);
  }
}

/** The ordering thread's end. */
export class QueueProducer {
  readonly ring: WasmMemory;
  readonly ringBytes: number;
  readonly #signal: QueueSignal;
  readonly #views: Views;
  /** Positions in an endless ring; a byte's place is its position modulo the ring's size. */
  #head = 0;
  #tail = 0;
  #published = 0;
  #released = 0;
  /** Slots filled but not published yet. */
  #pending = 0;
  #pieceStart = 0;
  #pieceEntries = 0;
  #queuedEntries = 0;
  /** Per slot: where in the ring it ends and how many entries it frees. */
  readonly #slotEnd = new Float64Array(SLOTS);
  readonly #slotEntries = new Int32Array(SLOTS);

  constructor(queue: QueueMemory) {
    this.ring = queue.memory;
    this.ringBytes = queue.ringBytes;
    this.#signal = new QueueSignal(queue);
    this.#views = createViews(queue);
  }

  get queuedBytes(): number {
    this.#collect();
    return this.#head - this.#tail;
  }

  /** Whether something is published that the writer has not written yet. */
  get waiting(): boolean {
    return Atomics.load(this.#views.words, WORD.released) !== this.#published;
  }

  get queuedEntries(): number {
    this.#collect();
    return this.#queuedEntries;
  }

  /**
   * Whether `bytes` can be allocated in several calls of at most `largest` each, with the slots they may take. At most one
   * call wastes the space up to the ring's end, less than `largest`.
   */
  hasRoom(bytes: number, largest: number): boolean {
    this.#collect();
    const slotsFree = SLOTS - this.#pending - ((this.#published - this.#released) >>> 0);
    return slotsFree >= SLOTS_PER_COMMAND && this.ringBytes - (this.#head - this.#tail) >= bytes + largest;
  }

  /** Place for `bytes` in one stretch, as an address in the memory. The caller has asked `hasRoom`. */
  allocate(bytes: number, entries: number): number {
    const used = this.#head % this.ringBytes;
    if (used + bytes > this.ringBytes) {
      if (this.#head > this.#pieceStart) this.#fillSlot(PIECE_KIND.groupPart, 0 as Sequence, 'async');
      this.#head += this.ringBytes - used;
      this.#pieceStart = this.#head;
    }
    const at = this.#head % this.ringBytes;
    this.#head += bytes;
    this.#pieceEntries += entries;
    return LAYOUT.ring + at;
  }

  /** Ends the piece that the last allocations made and hands everything over to the writer. */
  publish(kind: PieceKind, last: Sequence, durability: Durability): void {
    this.#fillSlot(kind, last, durability);
    this.#published = (this.#published + this.#pending) | 0;
    this.#pending = 0;
    Atomics.store(this.#views.words, WORD.published, this.#published);
    this.#signal.raise();
  }

  /** Asks the writer to finish what is published and to close. */
  stop(): void {
    Atomics.store(this.#views.words, WORD.stop, 1);
    this.#signal.raise();
  }

  /** Asks the writer to sync everything published so far, `async` groups too. */
  requestSync(): void {
    Atomics.store(this.#views.words, WORD.sync, 1);
    this.#signal.raise();
  }

  get stable(): Sequence {
    return Number(Atomics.load(this.#views.longs, LONG.stable)) as Sequence;
  }

  get written(): Sequence {
    return Number(Atomics.load(this.#views.longs, LONG.written)) as Sequence;
  }

  get prepared(): number {
    return Atomics.load(this.#views.words, WORD.prepared);
  }

  get diskFull(): boolean {
    return Atomics.load(this.#views.words, WORD.diskFull) === 1;
  }

  get writerState(): number {
    return Atomics.load(this.#views.words, WORD.state);
  }

  get failure(): string {
    const length = Atomics.load(this.#views.words, WORD.failureBytes);
    return new TextDecoder().decode(this.#views.failure.slice(0, length));
  }

  get tick(): number {
    return Atomics.load(this.#views.words, WORD.tick);
  }

  /** Resolves once the writer has published anything since `tick` was read. */
  async progressSince(tick: number): Promise<void> {
    await Atomics.waitAsync(this.#views.words, WORD.tick, tick).value;
  }

  /** Takes back what the writer has released. An empty ring starts over at its beginning, where caches are warm. */
  #collect(): void {
    const released = Atomics.load(this.#views.words, WORD.released);
    while (this.#released !== released) {
      const slot = this.#released & (SLOTS - 1);
      this.#tail = this.#slotEnd[slot] ?? 0;
      this.#queuedEntries -= this.#slotEntries[slot] ?? 0;
      this.#released = (this.#released + 1) | 0;
    }
    if (this.#released === this.#published && this.#head === this.#tail && this.#pending === 0) {
      this.#head = Math.ceil(this.#head / this.ringBytes) * this.ringBytes;
      this.#tail = this.#head;
      this.#pieceStart = this.#head;
    }
  }

  #fillSlot(kind: PieceKind, last: Sequence, durability: Durability): void {
    const slot = (this.#published + this.#pending) & (SLOTS - 1);
    const { slots } = this.#views;
    const at = slot * SLOT_WORDS;
    slots[at + SLOT.kind] = kind;
    slots[at + SLOT.offset] = LAYOUT.ring + (this.#pieceStart % this.ringBytes);
    slots[at + SLOT.length] = this.#head - this.#pieceStart;
    slots[at + SLOT.durability] = DURABILITIES.indexOf(durability);
    slots[at + SLOT.sequenceLow] = (last % 0x1_0000_0000) | 0;
    slots[at + SLOT.sequenceHigh] = Math.floor(last / 0x1_0000_0000);
    slots[at + SLOT.entries] = this.#pieceEntries;
    this.#slotEnd[slot] = this.#head;
    this.#slotEntries[slot] = this.#pieceEntries;
    this.#queuedEntries += this.#pieceEntries;
    this.#pending += 1;
    this.#pieceStart = this.#head;
    this.#pieceEntries = 0;
  }
}

/** A command may end the open group (2 pieces), seal (1), open the next group and wrap (2), with one to spare. */
const SLOTS_PER_COMMAND = 6;

/** A piece as the writer takes it. The object is reused: read it before taking the next. */
export interface Piece {
  kind: PieceKind;
  /** Address in the memory. */
  offset: number;
  length: number;
  durability: Durability;
  last: Sequence;
  entries: number;
}

/** The writer's end. */
export class QueueConsumer {
  readonly memory: WasmMemory;
  readonly scratch = LAYOUT.scratch;
  readonly #views: Views;
  #taken = 0;

  constructor(queue: QueueMemory) {
    this.memory = queue.memory;
    this.#views = createViews(queue);
  }

  /** Pieces published and not taken yet. */
  get available(): number {
    return (Atomics.load(this.#views.words, WORD.published) - this.#taken) >>> 0;
  }

  /** Bytes published and not taken yet; no more are counted than it takes to reach `enough`. */
  waitingBytes(enough: number): number {
    const { available } = this;
    let bytes = 0;
    for (let ahead = 0; ahead < available && bytes < enough; ahead++) {
      const slot = ((this.#taken + ahead) & (SLOTS - 1)) * SLOT_WORDS;
      bytes += this.#views.slots[slot + SLOT.length] ?? 0;
    }
    return bytes;
  }

  /** Fills `piece` with the `ahead`-th piece not taken yet. */
  peek(ahead: number, piece: Piece): void {
    const { slots } = this.#views;
    const at = ((this.#taken + ahead) & (SLOTS - 1)) * SLOT_WORDS;
    const word = (field: number): number => slots[at + field] ?? 0;
    piece.kind = word(SLOT.kind) as PieceKind;
    piece.offset = word(SLOT.offset);
    piece.length = word(SLOT.length);
    piece.durability = DURABILITIES[word(SLOT.durability)] ?? 'sync';
    piece.last = (word(SLOT.sequenceHigh) * 0x1_0000_0000 + (word(SLOT.sequenceLow) >>> 0)) as Sequence;
    piece.entries = word(SLOT.entries);
  }

  /** Gives the first `count` pieces' slots and bytes back to the producer. */
  release(count: number): void {
    this.#taken = (this.#taken + count) | 0;
    Atomics.store(this.#views.words, WORD.released, this.#taken);
  }

  get stopping(): boolean {
    return Atomics.load(this.#views.words, WORD.stop) === 1;
  }

  get syncRequested(): boolean {
    return Atomics.load(this.#views.words, WORD.sync) === 1;
  }

  /** To be called before the sync that answers the request: one that comes meanwhile gets a sync of its own. */
  takeSyncRequest(): boolean {
    return Atomics.exchange(this.#views.words, WORD.sync, 0) === 1;
  }

  /** Sleeps until something is published, asked or `ready`; false after `millis` of nothing. Only in a thread of its own. */
  wait(millis: number, ready: () => boolean): boolean {
    const { words } = this.#views;
    const seen = Atomics.load(words, WORD.signal);
    if (this.available > 0 || this.stopping || this.syncRequested || ready()) return true;
    Atomics.store(words, WORD.waiting, 1);
    const outcome = Atomics.wait(words, WORD.signal, seen, millis);
    Atomics.store(words, WORD.waiting, 0);
    return outcome !== 'timed-out';
  }

  /** `announce` only where somebody waits for it: waking the ordering thread costs both sides. */
  publishWritten(sequence: Sequence, announce: boolean): void {
    Atomics.store(this.#views.longs, LONG.written, BigInt(sequence));
    if (announce) this.#bump();
  }

  publishStable(sequence: Sequence): void {
    Atomics.store(this.#views.longs, LONG.stable, BigInt(sequence));
    this.#bump();
  }

  publishPrepared(index: number, diskFull: boolean): void {
    Atomics.store(this.#views.words, WORD.diskFull, diskFull ? 1 : 0);
    Atomics.store(this.#views.words, WORD.prepared, index);
    this.#bump();
  }

  publishClosed(): void {
    Atomics.store(this.#views.words, WORD.state, WRITER_STATE.closed);
    this.#bump();
  }

  publishFailure(message: string): void {
    const text = new TextEncoder().encode(message).subarray(0, LAYOUT.failureBytes);
    this.#views.failure.set(text);
    Atomics.store(this.#views.words, WORD.failureBytes, text.length);
    Atomics.store(this.#views.words, WORD.state, WRITER_STATE.failed);
    this.#bump();
  }

  #bump(): void {
    Atomics.add(this.#views.words, WORD.tick, 1);
    Atomics.notify(this.#views.words, WORD.tick);
  }
}
