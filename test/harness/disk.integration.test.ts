import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allocatedBytes, createOverlay, createRawDisk } from '../../scripts/vm/disk.ts';

const DISK_BYTES = 2 ** 30;
const CLUSTER_BYTES = 2 ** 16;

let folder: string;
let overlay: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'truthdb-disk-'));
  overlay = join(folder, 'overlay.qcow2');
  createRawDisk(join(folder, 'base.raw'), DISK_BYTES);
  await createOverlay(overlay, join(folder, 'base.raw'), 'raw');
});

afterEach(() => rmSync(folder, { recursive: true }));

function writeTo(overlay: string, command: string): void {
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', command, overlay]);
}

describe('counting what was written to an overlay', () => {
  test('finds nothing while nothing was written', async () => {
    writeTo(overlay, 'read 0 1M');
    expect(await allocatedBytes(overlay)).toBe(0);
  });

  test.each([
    ['a byte', 'write -P 0xa5 513M 512'],
    ['zeros over zeros', 'write -P 0 0 512'],
    ['zeros as a command of their own', 'write -z 1023M 64k'],
    ['a discard', 'discard 4M 64k'],
  ])('finds the cluster after %s', async (_what, command) => {
    writeTo(overlay, command);
    expect(await allocatedBytes(overlay)).toBe(CLUSTER_BYTES);
  });
});
