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
  const { bytes, view } = hasher;
  const windowBytes = bytes.length - WINDOW;
  hasher.begin(STATE, Number(seed & 0xffff_ffffn) | 0, Number((seed >> 32n) & 0xffff_ffffn) | 0);
  for (let at = 0; at < message.length; at += windowBytes) {
    const part = message.subarray(at, at + windowBytes);
    bytes.set(part, WINDOW);
    hasher.update(STATE, WINDOW, part.length);
  }
  hasher.digest(STATE, RESULT);
  return view.getBigUint64(RESULT, true);
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
