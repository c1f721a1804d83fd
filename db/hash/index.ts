/**
 * `hash/` has the two hashes of the database: xxHash64 against accidents, SHA-256 against tampering. It imports nothing of
 * the database. Bytes come in as views or as places in a WebAssembly memory, hashes go out as bigints or bytes.
 *
 *     xxh64(bytes)             the whole message at once; xxh64Low: its low half as a number
 *     XXH64_FUNCTIONS          the same as assembler functions, for programs that hash in place (db/wal/entry-program.ts)
 *     chainHash(…)             the log's chain
 */
export { CHAIN_BYTES, chainHash } from './chain.ts';
export { xxh64, xxh64Low } from './message.ts';
export { type Code, flow, i32, i64, type Variable, type WasmFunction } from './wasm.ts';
export {
  createGrowingMemory,
  createWasmMemory,
  type GrowingMemoryShape,
  type GrowingWasmMemory,
  instantiate,
  WASM_PAGE_BYTES,
  type WasmMemory,
  type WasmMemoryShape,
} from './web-assembly.ts';
export {
  joinHalves,
  XXH64_FUNCTIONS,
  XXH64_STATE_BYTES,
  type Xxh64Exports,
  xxh64 as xxh64Code,
} from './xxh64.ts';
