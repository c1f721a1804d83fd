/**
 * WebAssembly memory that vectors lie in, and the kernels bound to it. It grows, in blocks that are handed out and taken back;
 * addresses stay, but with each growth the typed arrays over it are new ones: nobody keeps them across an allocation.
 *
 * Below the blocks is room for what goes in and out of one call: a query, a list of rows, distances.
 */
import {
  createGrowingMemory,
  type GrowingMemoryShape,
  type GrowingWasmMemory,
  instantiate,
  WASM_PAGE_BYTES,
} from '../../../hash/index.ts';
import { invariant } from '../../../kernel/index.ts';
import { STEP_FLOATS, VECTOR_PROGRAM, type VectorKernels } from './kernels.ts';

/** Rows of one call. */
export const LIST_ROWS = 4_096;
/** A vector may have more dimensions than any model gives; the room for a query is made for these. */
const QUERY_FLOATS_MAX = 16_384;

/** Places of the room, in bytes. */
export const ROOM = Object.freeze({
  hashState: 0,
  hashResult: 96,
  hashHead: 128,
  /** Addresses of rows, or records of `shift`, which take three words. */
  list: 256,
  distances: 256 + LIST_ROWS * 12,
  chosen: 256 + LIST_ROWS * 16,
  places: 256 + LIST_ROWS * 20,
  query: 256 + LIST_ROWS * 24,
  /** A vector of zeros: what an entity without one is compared as. */
  zeros: 256 + LIST_ROWS * 24 + QUERY_FLOATS_MAX * 4,
});
const ROOM_PAGES = Math.ceil((ROOM.zeros + QUERY_FLOATS_MAX * 4) / WASM_PAGE_BYTES);

/** One page less than 4 GiB: the end of the last block is an address too. */
const SHAPE: GrowingMemoryShape = { pages: ROOM_PAGES, pagesMax: 65_535 };
const GROW_PAGES_MOST = 1_024;

export class Arena {
  readonly kernels: VectorKernels;
  readonly #memory: GrowingWasmMemory;
  /** Blocks that were given back, by size. */
  readonly #free = new Map<number, number[]>();
  #end = ROOM_PAGES * WASM_PAGE_BYTES;
  #bytes!: Uint8Array;
  #words!: Uint32Array;
  #floats!: Float32Array;

  constructor() {
    this.#memory = createGrowingMemory(SHAPE);
    this.kernels = instantiate<VectorKernels>(VECTOR_PROGRAM, this.#memory, SHAPE);
    this.#look();
  }

  /** The whole memory as bytes; until the next allocation. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get words(): Uint32Array {
    return this.#words;
  }

  get floats(): Float32Array {
    return this.#floats;
  }

  /** Whether so many more bytes could be had. */
  hasRoom(bytes: number): boolean {
    return this.#end + bytes <= SHAPE.pagesMax * WASM_PAGE_BYTES;
  }

  /** Address of a block of zeros, or null when the memory cannot become larger. `bytes` is a multiple of a step's. */
  allocate(bytes: number): number | null {
    invariant(bytes % (STEP_FLOATS * 4) === 0, 'vectors begin where a step of the kernels does');
    const again = this.#free.get(bytes)?.pop();
    if (again !== undefined) {
      this.#bytes.fill(0, again, again + bytes);
      return again;
    }
    if (!this.hasRoom(bytes) || !this.#grow(bytes)) return null;
    this.#end += bytes;
    return this.#end - bytes;
  }

  release(address: number, bytes: number): void {
    const free = this.#free.get(bytes);
    if (free === undefined) this.#free.set(bytes, [address]);
    else free.push(address);
  }

  /** False when the machine has no more memory. */
  #grow(bytes: number): boolean {
    const pages = this.#memory.buffer.byteLength / WASM_PAGE_BYTES;
    const needed = Math.ceil((this.#end + bytes) / WASM_PAGE_BYTES) - pages;
    if (needed <= 0) return true;
    const wanted = Math.min(SHAPE.pagesMax - pages, Math.max(needed, Math.min(pages >>> 2, GROW_PAGES_MOST)));
    try {
      this.#memory.grow(wanted);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.#look();
    return true;
  }

  #look(): void {
    const { buffer } = this.#memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float32Array(buffer);
  }
}

/** All arenas of a view: one, until it is full. */
export class Arenas {
  readonly #all: Arena[] = [];

  /** One that has room for so many more bytes. */
  withRoom(bytes: number): Arena {
    const found = this.#all.find((arena) => arena.hasRoom(bytes));
    if (found !== undefined) return found;
    const made = new Arena();
    this.#all.push(made);
    return made;
  }
}
