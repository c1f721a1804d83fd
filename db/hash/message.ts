/** xxHash64 of bytes anywhere, by copying them through one private WebAssembly memory. */
import { createWasmMemory, instantiate } from './web-assembly.ts';
import { XXH64_FUNCTIONS, type Xxh64Exports } from './xxh64.ts';

const PAGES = 4;
const STATE = 0;
const RESULT = 128;
const WINDOW = 1024;

interface Hasher extends Xxh64Exports {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

let hasher: Hasher | null = null;

export function xxh64(message: Uint8Array, seed = 0n): bigint {
  hasher ??= createHasher();
  hasher.begin(STATE, Number(seed & 0xffff_ffffn) | 0, Number((seed >> 32n) & 0xffff_ffffn) | 0);
  return digest(hasher, message, 0, message.length).getBigUint64(RESULT, true);
}

/** Low half of the hash of bytes [start, end), without seed: for checksums of 32 bits, which need no bigint on the way. */
export function xxh64Low(message: Uint8Array, start: number, end: number): number {
  hasher ??= createHasher();
  hasher.begin(STATE, 0, 0);
  return digest(hasher, message, start, end).getUint32(RESULT, true);
}

/** Leaves the hash of bytes [start, end) at RESULT of the view it returns. */
function digest(hash: Hasher, message: Uint8Array, start: number, end: number): DataView {
  const { bytes, view } = hash;
  const windowBytes = bytes.length - WINDOW;
  for (let at = start; at < end; at += windowBytes) {
    const part = message.subarray(at, Math.min(end, at + windowBytes));
    bytes.set(part, WINDOW);
    hash.update(STATE, WINDOW, part.length);
  }
  hash.digest(STATE, RESULT);
  return view;
}

function createHasher(): Hasher {
  const shape = { pages: PAGES, shared: false };
  const memory = createWasmMemory(shape);
  return {
    ...instantiate<Xxh64Exports>(XXH64_FUNCTIONS, memory, shape),
    bytes: new Uint8Array(memory.buffer),
    view: new DataView(memory.buffer),
  };
}
