/** The little of the WebAssembly API that is used here; the compiler's ES library does not declare it. */
export interface WasmGlobal {
  value: number | bigint;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export type WasmModule = object & { readonly __module: true };

interface Api {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
  readonly RuntimeError: new () => Error;
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;
