/** The little of the WebAssembly API that is used here; the compiler's ES library does not declare it. */
import { assemble, type MemoryLimits, type WasmFunction } from './wasm.ts';

export const WASM_PAGE_BYTES = 65_536;

/** Linear memory: starts page-aligned, and a shared one can be handed to another thread as it is. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** One that becomes larger: views on its buffer end with each growth, addresses stay. */
export interface GrowingWasmMemory extends WasmMemory {
  /** By so many pages. Throws a RangeError where there is no memory, or the most it may have is reached. */
  grow(pages: number): number;
}

export interface WasmMemoryShape {
  readonly pages: number;
  readonly shared: boolean;
}

/** Starts with `pages`. */
export interface GrowingMemoryShape {
  readonly pages: number;
  readonly pagesMax: number;
}

interface Api {
  readonly Memory: new (shape: { initial: number; maximum: number; shared: boolean }) => GrowingWasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

const api = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;

/** A memory that never grows, so views on it stay valid for good. */
export function createWasmMemory({ pages, shared }: WasmMemoryShape): WasmMemory {
  return new api.Memory({ initial: pages, maximum: pages, shared });
}

export function createGrowingMemory({ pages, pagesMax }: GrowingMemoryShape): GrowingWasmMemory {
  return new api.Memory({ initial: pages, maximum: pagesMax, shared: false });
}

/** Compiled modules by program, then by memory shape: compiling costs more than most uses. */
const modules = new WeakMap<readonly WasmFunction[], Map<string, object>>();

/** Binds functions to a memory of that shape. The array itself is the program's identity: pass the same one each time. */
export function instantiate<Exports>(
  functions: readonly WasmFunction[],
  memory: WasmMemory,
  shape: WasmMemoryShape | GrowingMemoryShape,
): Exports {
  return new api.Instance(compiled(functions, limitsOf(shape)), { env: { memory } }).exports as Exports;
}

function limitsOf(shape: WasmMemoryShape | GrowingMemoryShape): MemoryLimits {
  return 'pagesMax' in shape ? { ...shape, shared: false } : { ...shape, pagesMax: shape.pages };
}

function compiled(functions: readonly WasmFunction[], limits: MemoryLimits): object {
  const byShape = modules.get(functions) ?? new Map<string, object>();
  modules.set(functions, byShape);
  const key = `${limits.pages} ${limits.pagesMax} ${limits.shared}`;
  const module = byShape.get(key) ?? new api.Module(assemble(functions, limits));
  byShape.set(key, module);
  return module;
}
