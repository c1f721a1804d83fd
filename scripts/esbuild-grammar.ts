/**
 * Puts PostgreSQL's grammar into the bundle of the single executable, which has no packages to read it from at run time: the
 * module that reads the WebAssembly file (db/sql/parse/grammar-bytes.ts) is replaced by one that unpacks it.
 *
 * The bytes stand packed within the function, as text: a function that is never called is never compiled, so a database without
 * tables has neither the text nor the bytes in its heap, only the bundle is a third of a megabyte longer.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, zstdCompressSync } from 'node:zlib';
import type { Plugin } from 'esbuild';

/** Best compression that unpacks in a few milliseconds. */
const LEVEL = 19;

export function esbuildGrammar(): Plugin {
  return {
    name: 'grammar',
    setup(build) {
      build.onLoad({ filter: /db\/sql\/parse\/grammar-bytes\.ts$/ }, () => ({
        contents: unpackingModule(),
        loader: 'ts',
      }));
    },
  };
}

function unpackingModule(): string {
  const { resolve } = createRequire(import.meta.url);
  const bytes = readFileSync(resolve('libpg-query/wasm/libpg-query.wasm'));
  const packed = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  return `import { zstdDecompressSync } from 'node:zlib';
export function grammarBytes(): Uint8Array {
  return zstdDecompressSync(Buffer.from('${packed.toString('base64')}', 'base64'));
}
`;
}
