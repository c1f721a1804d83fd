/** Writes a bundle to a file or to standard output, piece by piece. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { resolve } from 'node:path';
import { bundlePieces } from '../audit/bundle.ts';
import type { RangeProof } from '../audit/prover.ts';
import type { Terminal } from './command.ts';
import type { ProofSource } from './proof-source.ts';

/** `out`: a path, or undefined for standard output. Returns the bundle's bytes. Under its name there is a whole one or none. */
export async function writeBundle(
  source: ProofSource,
  proof: RangeProof,
  payloads: boolean,
  out: string | undefined,
  terminal: Terminal,
): Promise<number> {
  let bytes = 0;
  const pieces = bundlePieces(proof, source.records(proof, payloads));
  if (out === undefined) {
    for await (const piece of pieces) {
      await terminal.bytes(piece);
      bytes += piece.length;
    }
    return bytes;
  }
  const path = resolve(out);
  const file = createWriteStream(`${path}.tmp`, { flush: true });
  for await (const piece of pieces) {
    bytes += piece.length;
    if (!file.write(piece)) await once(file, 'drain');
    terminal.progress(`${bytes} bytes`);
  }
  file.end();
  await once(file, 'close');
  await rename(`${path}.tmp`, path);
  return bytes;
}
