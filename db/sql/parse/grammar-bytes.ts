/**
 * Where the grammar's WebAssembly comes from: libpg-query's package. In the single executable there are no packages; its build
 * (scripts/esbuild-grammar.ts) replaces this module by one that carries the bytes, packed, inside the function.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export function grammarBytes(): Uint8Array {
  const { resolve } = createRequire(import.meta.url);
  return readFileSync(resolve('libpg-query/wasm/libpg-query.wasm'));
}
