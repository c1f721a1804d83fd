/** Hashing in bulk against OpenSSL, for every length that pads differently and across the edge to its own code. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashEntry, hashNode } from '../../../db/audit/tree-hash.ts';
import { hex } from '../../../db/audit/verifier.ts';

const sha256 = (...parts: readonly Uint8Array[]) => {
  const whole = createHash('sha256');
  for (const part of parts) whole.update(part);
  return whole.digest();
};

test('nodes are SHA-256 of 1, left and right', () => {
  for (let at = 0; at < 200; at++) {
    const [left, right] = [randomBytes(32), randomBytes(32)];
    expect(hex(hashNode(left, right))).toBe(sha256(Uint8Array.of(1), left, right).toString('hex'));
  }
});

test('leaves are SHA-256 of 0, 40 bytes of header and the payload’s hash, whatever the payload’s length', () => {
  const around = [
    0, 1, 7, 8, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 128, 255, 256, 438, 446, 447, 448, 449, 512, 5000,
  ];
  for (const length of [...around, ...Array.from({ length: 130 }, (_, at) => at)].sort(
    () => 0.5 - length0(),
  )) {
    const entry = randomBytes(16 + 48 + length);
    const expected = sha256(Uint8Array.of(0), entry.subarray(16, 56), sha256(entry.subarray(64)));
    expect(hex(hashEntry(entry, 16, 64, length)), `${length}`).toBe(expected.toString('hex'));
  }
});

/** Not in the order of lengths: what a longer message left behind must not show. */
function length0(): number {
  return randomBytes(1)[0]! / 256;
}
