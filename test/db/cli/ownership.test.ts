import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { giveTo, ownerOf } from '../../../db/cli/ownership.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'truthdb-owned-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('what belongs to whoever makes it is left alone', () => {
  const made = folder();
  writeFileSync(join(made, 'file'), '');
  giveTo(ownerOf(made), made);
  expect(statSync(join(made, 'file')).uid).toBe(process.getuid?.());
});

test('root hands what it makes to the owner of the directory; nobody else could', () => {
  const isRoot = process.getuid?.() === 0;
  const made = folder();
  if (isRoot) chownSync(made, 991, 991);
  mkdirSync(join(made, 'wal'));
  writeFileSync(join(made, 'wal', 'segment'), '');
  const owner = ownerOf(join(made, 'new'));
  expect(owner).toEqual(isRoot ? { uid: 991, gid: 991 } : null);
  giveTo(owner, made);
  const { uid } = statSync(made);
  for (const path of ['wal', 'wal/segment']) expect(statSync(join(made, path)).uid).toBe(uid);
});
