/**
 * The part of the tar format that a backup needs: plain files with short names (POSIX.1-2024, pax, "ustar Interchange
 * Format"). What comes out unpacks with any tar.
 */
import { TruthError } from '../errors.ts';

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1;
const FILE_MODE = 0o600;

/** The block before a file's bytes. `modifiedAt`: seconds since 1970. */
export function tarHeader(name: string, bytes: number, modifiedAt: number): Uint8Array {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX || bytes > SIZE_MAX) {
    throw new TruthError('TOO_LARGE', `a tar archive takes no file ${name} of ${bytes} bytes`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(FILE_MODE, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(bytes, 11), 124);
  block.write(octal(modifiedAt, 11), 136);
  // The checksum counts itself as spaces.
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\x00 `, 148);
  return block;
}

/** Zeros after a file's bytes. */
export function tarPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
