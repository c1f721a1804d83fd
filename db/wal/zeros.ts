/** Looks for what is not zero in space that should be, at the speed of memcmp. */

const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** End of the last 8-byte word that is not zero; 0 if all are. `bytes` starts on a word. */
export function nonZeroEnd(bytes: Uint8Array): number {
  for (let start = lastBlock(bytes.length); start >= 0; start -= BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    if (isZero(block)) continue;
    return start + ((block.findLastIndex((byte) => byte !== 0) >> 3) + 1) * 8;
  }
  return 0;
}

/** Index of the first byte that is not zero, or -1. */
export function firstNonZero(bytes: Uint8Array): number {
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    if (!isZero(block)) return start + block.findIndex((byte) => byte !== 0);
  }
  return -1;
}

function isZero(block: Uint8Array): boolean {
  return Buffer.compare(block, ZEROS.subarray(0, block.length)) === 0;
}

function lastBlock(length: number): number {
  return length === 0 ? -1 : Math.floor((length - 1) / BLOCK_BYTES) * BLOCK_BYTES;
}
