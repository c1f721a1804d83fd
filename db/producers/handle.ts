/**
 * What a port hands to one producer: plain data with shared memory, to be passed to a thread as it is. The memory starts
 * page-aligned and never grows; words that different threads write lie on cache lines of their own.
 */
import { TruthError } from '../errors.ts';
import { createWasmMemory, WASM_PAGE_BYTES, type WasmMemory } from '../hash/index.ts';
import { Bell } from './bell.ts';
import { type RingPlace, SLOT_BYTES } from './ring.ts';

export interface HandleOptions {
  /** Appends of this producer that may be under way: given to the port and not answered. Rounded up to a power of two; 256. */
  readonly requests?: number;
  /** Bytes of appends that wait to be taken, which is also the most one append may take; 4 MiB. */
  readonly requestBytes?: number;
}

export interface ProducerHandle {
  readonly memory: WasmMemory;
  /** Shared by all producers of a port: what they ring to wake it. */
  readonly portBell: WasmMemory;
  readonly requests: number;
  readonly requestBytes: number;
}

/** Largest answer: a refusal of an append is far below, longer ones are shortened. */
export const ANSWER_BYTES_MAX = 1024;
const REQUESTS_DEFAULT = 256;
const REQUESTS_MAX = 16_384;
const REQUEST_BYTES_DEFAULT = 4 * 1024 * 1024;
const REQUEST_BYTES_MIN = 4096;
const REQUEST_BYTES_MAX = 256 * 1024 * 1024;
const CACHE_LINE = 64;

/** Who may still speak: written by the port. */
export const PORT_STATE = { open: 0, closed: 1, broken: 2 } as const;
/** Written by the producer's thread. */
export const PRODUCER_STATE = { none: 0, connected: 1, closed: 2 } as const;

const WORD = {
  requestsPublished: 0,
  requestsReleased: CACHE_LINE,
  answersPublished: 2 * CACHE_LINE,
  answersReleased: 3 * CACHE_LINE,
  signal: 4 * CACHE_LINE,
  waiting: 5 * CACHE_LINE,
  portState: 6 * CACHE_LINE,
  producerState: 7 * CACHE_LINE,
} as const;
const SLOTS = 8 * CACHE_LINE;

/** Errors: INVALID_ARGUMENT. */
export function createHandle(portBell: WasmMemory, options: HandleOptions): ProducerHandle {
  const { requests = REQUESTS_DEFAULT, requestBytes = REQUEST_BYTES_DEFAULT } = options;
  checkWithin('requests', requests, 1, REQUESTS_MAX);
  checkWithin('requestBytes', requestBytes, REQUEST_BYTES_MIN, REQUEST_BYTES_MAX);
  const slots = 2 ** Math.ceil(Math.log2(requests));
  const { answers } = placesFor(slots, requestBytes);
  const pages = Math.ceil((answers.bytes + answers.byteCount) / WASM_PAGE_BYTES);
  const memory = createWasmMemory({ pages, shared: true });
  return { memory, portBell, requests: slots, requestBytes };
}

/** The memory of the bell that all producers of a port ring. */
export function createPortBell(): WasmMemory {
  return createWasmMemory({ pages: 1, shared: true });
}

export function portBellOf(memory: WasmMemory): Bell {
  return new Bell(memory, 0, CACHE_LINE);
}

export function producerBellOf({ memory }: ProducerHandle): Bell {
  return new Bell(memory, WORD.signal, WORD.waiting);
}

export function ringsOf({ requests, requestBytes }: ProducerHandle): Rings {
  return placesFor(requests, requestBytes);
}

interface Rings {
  readonly requests: RingPlace;
  readonly answers: RingPlace;
}

function placesFor(slotCount: number, requestBytes: number): Rings {
  const requestSlots = SLOTS;
  const answerSlots = requestSlots + slotCount * SLOT_BYTES;
  const requests = alignedToPage(answerSlots + slotCount * SLOT_BYTES);
  const answers = alignedToPage(requests + requestBytes);
  return {
    requests: {
      published: WORD.requestsPublished,
      released: WORD.requestsReleased,
      slots: requestSlots,
      slotCount,
      bytes: requests,
      byteCount: requestBytes,
    },
    answers: {
      published: WORD.answersPublished,
      released: WORD.answersReleased,
      slots: answerSlots,
      slotCount,
      bytes: answers,
      // One more than can be owed, for what is wasted at the ring's end: an answer always finds room.
      byteCount: (slotCount + 1) * ANSWER_BYTES_MAX,
    },
  };
}

/** A word that says who may still speak. */
export class StateWord {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor({ memory }: ProducerHandle, whose: 'portState' | 'producerState') {
    this.#words = new Int32Array(memory.buffer);
    this.#at = WORD[whose] / 4;
  }

  get value(): number {
    return Atomics.load(this.#words, this.#at);
  }

  set value(state: number) {
    Atomics.store(this.#words, this.#at, state);
  }

  /** Changes the state if it is `from`; whether it was. */
  change(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at, from, to) === from;
  }
}

function alignedToPage(offset: number): number {
  return Math.ceil(offset / 4096) * 4096;
}

export function checkWithin(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${name} is ${value}; it must be a whole number from ${min} to ${max}`,
  );
}
