/** The log's chain hash: SHA-256 of OpenSSL, which uses the CPU's SHA instructions (docs/decisions/0010). */
import { createHash } from 'node:crypto';

export const CHAIN_BYTES = 32;

export function chainHash(parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
