import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RealDisk } from '../../../db/io/index.ts';
import { ScratchFiles, type ScratchPiece } from '../../../db/materializer/index.ts';

const MIB = 1 << 20;

let folder: string;
let lines: string[];
let disk: FailingDisk;

class FailingDisk extends RealDisk {
  failure: string | null = null;

  override pwrite(...given: Parameters<RealDisk['pwrite']>): void {
    this.#fail();
    super.pwrite(...given);
  }

  override pread(...given: Parameters<RealDisk['pread']>): number {
    this.#fail();
    return super.pread(...given);
  }

  #fail(): void {
    if (this.failure !== null)
      throw Object.assign(new Error(`${this.failure}: the disk`), { code: this.failure });
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'truthdb-scratch-'));
  lines = [];
  disk = new FailingDisk();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): ScratchFiles {
  return new ScratchFiles({ disk, folder: join(folder, 'scratch'), report: (line) => lines.push(line) });
}

function filesThere(): string[] {
  return readdirSync(join(folder, 'scratch')).sort();
}

function piece(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

test('gives back what was put, in any order and again', () => {
  const scratch = open();
  const pieces = Array.from({ length: 60 }, (_, at) => scratch.put(piece(2 * MIB + at, at))!);
  expect(filesThere().length).toBe(2);
  for (const at of [59, 0, 31, 0, 59]) expect(pieces[at]!.read()).toEqual(piece(2 * MIB + at, at));
  expect(scratch.bytes).toBe(60 * 2 * MIB + (59 * 60) / 2);
  scratch.clear();
  expect(filesThere()).toEqual([]);
  expect(scratch.bytes).toBe(0);
});

test('removes what a crash has left', () => {
  open().put(piece(5_000, 1));
  expect(filesThere()).toEqual(['0.scratch']);
  const next = open();
  expect(filesThere()).toEqual([]);
  expect(next.put(piece(5_000, 2))!.read()).toEqual(piece(5_000, 2));
});

test.each(['ENOSPC', 'EIO'])('says once that writing fails with %s, and when it works again', (failure) => {
  const scratch = open();
  const before = scratch.put(piece(9_000, 1))!;
  disk.failure = failure;
  expect(scratch.put(piece(5_000, 2))).toBeNull();
  expect(scratch.put(piece(5_000, 2))).toBeNull();
  expect(scratch.problem).toContain(failure);
  disk.failure = null;
  const after = scratch.put(piece(5_000, 3))!;
  expect(scratch.problem).toBeNull();
  expect(lines).toEqual([expect.stringContaining(failure), 'views spill to the disk again']);
  expect([before.read(), after.read()]).toEqual([piece(9_000, 1), piece(5_000, 3)]);
});

test('believes no byte that was changed, and says what cannot be read', () => {
  const scratch = open();
  const [damaged, sound] = [scratch.put(piece(5_000, 1))!, scratch.put(piece(5_000, 2))!];
  const path = join(folder, 'scratch', '0.scratch');
  const bytes = readFileSync(path);
  bytes[4_321]! ^= 1;
  writeFileSync(path, bytes);
  expect(() => damaged.read()).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  expect(sound.read()).toEqual(piece(5_000, 2));
  const unread = scratch.put(piece(5_000, 3))!;
  disk.failure = 'EIO';
  expect(() => unread.read()).toThrow(expect.objectContaining({ code: 'IO' }));
  scratch.clear();
  expect(() => unread.read()).toThrow(expect.objectContaining({ code: 'IO' }));
});

test('gives room back that nobody holds, and removes files of which nobody holds anything', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const scratch = open();
  const held: ScratchPiece[] = [];
  for (let at = 0; at < 70; at++) {
    const made = scratch.put(piece(2 * MIB, at))!;
    if (at >= 64) held.push(made);
  }
  expect(filesThere().length).toBe(3);
  const given = async (): Promise<void> => {
    collect();
    await setImmediate();
    expect(scratch.bytes).toBe(held.length * 2 * MIB);
  };
  await vi.waitFor(given, { timeout: 30_000, interval: 0 });
  expect(filesThere()).toEqual(['2.scratch']);
  expect(held.map((each) => each.read()[0])).toEqual([64, 65, 66, 67, 68, 69]);
});
