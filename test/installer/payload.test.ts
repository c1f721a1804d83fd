import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePayload, verifyPayload } from '../../installer/payload.ts';

const NAMES = ['root.squashfs', 'root.verity', 'truthdb_1.0.0.efi', 'systemd-bootx64.efi'];

let folder: string;

function manifest(changes: Record<string, unknown> = {}): string {
  const entries = NAMES.map((name) => [
    name,
    { size: 100_000, sha256: createHash('sha256').update(content(name)).digest('hex') },
  ]);
  return JSON.stringify({
    version: '1.0.0',
    rootHash: 'ab'.repeat(32),
    files: Object.fromEntries(entries),
    ...changes,
  });
}

function content(name: string): Buffer {
  return Buffer.alloc(100_000, name);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'payload-'));
  for (const name of NAMES) writeFileSync(join(folder, name), content(name));
  writeFileSync(join(folder, 'payload.json'), manifest());
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the payload', () => {
  it('is verified file by file, with progress up to one', async () => {
    const seen: number[] = [];
    const payload = await verifyPayload(folder, (fraction) => seen.push(fraction));
    expect(payload).toMatchObject({
      version: '1.0.0',
      kernelImage: { name: 'truthdb_1.0.0.efi', bytes: 100_000 },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it.each(NAMES)('is refused when one byte of %s differs', async (name) => {
    const bytes = content(name);
    bytes[77] = 0;
    writeFileSync(join(folder, name), bytes);
    await expect(verifyPayload(folder, () => undefined)).rejects.toMatchObject({
      code: 'PAYLOAD_INVALID',
      message: expect.stringContaining(name),
    });
  });

  it.each(NAMES)('is refused when %s is cut short or missing', async (name) => {
    writeFileSync(join(folder, name), content(name).subarray(1));
    await expect(verifyPayload(folder, () => undefined)).rejects.toThrow(`${name} has 99999 bytes`);
    rmSync(join(folder, name));
    await expect(verifyPayload(folder, () => undefined)).rejects.toThrow(`${name} has no bytes`);
  });

  it('is refused without its manifest', async () => {
    rmSync(join(folder, 'payload.json'));
    await expect(verifyPayload(folder, () => undefined)).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' });
  });

  it.each([
    ['a version with a slash', manifest({ version: '../1' }), 'version'],
    ['a root hash that is too short', manifest({ rootHash: 'ab' }), 'rootHash'],
    [
      'no kernel image of its version',
      manifest({ version: '1.0.1' }),
      'payload.json does not name truthdb_1.0.1.efi',
    ],
    [
      'a file outside the folder',
      manifest({ files: { '../etc': { size: 1, sha256: 'ab'.repeat(32) } } }),
      'files',
    ],
    ['no JSON', 'no', 'document'],
  ])('with %s is refused', (_name, text, message) => {
    expect(() => parsePayload(text, folder)).toThrow(message);
  });
});
