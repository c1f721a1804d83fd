import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DATABASE_ACCOUNT, writeAccounts } from '../../image/accounts.ts';
import { formatManifest, payloadIndex } from '../../image/manifest.ts';
import { osRelease } from '../../image/rootfs.ts';
import { file, type Tree } from '../../image/tree.ts';

const UNITS = join(import.meta.dirname, '../../image/rootfs/usr/lib/systemd/system');

describe('the database unit', () => {
  const path = join(UNITS, 'truthdb.service');
  const text = readFileSync(path, 'utf8');

  test('is exposed to 2.0 at most on the scale of systemd-analyze security', () => {
    const report = execFileSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', path], {
      encoding: 'utf8',
    });
    expect(report).toMatch(/Overall exposure level for truthdb\.service: [01]\.\d/);
  });

  test('does not start where the data partition is not mounted', () => {
    expect(text).toContain('\nAssertPathIsMountPoint=/var/lib/truthdb\n');
    expect(text).toContain('\nRequiresMountsFor=/var/lib/truthdb\n');
  });

  test('has time to flush, and may run what V8 compiles', () => {
    expect(text).toContain('\nTimeoutStopSec=120\n');
    expect(text).toContain('\nMemoryDenyWriteExecute=no\n');
  });
});

test('nothing of ours is enabled by itself in /etc', () => {
  const etc = readdirSync(join(import.meta.dirname, '../../image/rootfs/etc'));
  expect(etc).not.toContain('systemd');
});

describe('accounts', () => {
  const base = (): Tree =>
    new Map([
      [
        'etc/passwd',
        file('root:x:0:0:root:/root:/bin/bash\ngames:x:5:60::/:/x\nnobody:x:65534:65534::/:/x\n'),
      ],
      ['etc/shadow', file('root:*:1::::::\ngames:*:1::::::\nnobody:*:1::::::\n', 0o640)],
      ['etc/group', file('root:x:0:\noperator:x:37:\nadm:x:4:\n')],
      ['etc/gshadow', file('root:*::\noperator:*::\nadm:*::\n', 0o640)],
    ]);

  test('unused ones go, the database gets its fixed number, nobody has a password', () => {
    const tree = base();
    writeAccounts(tree);
    const text = (path: string) => {
      const entry = tree.get(path);
      return entry?.type === 'file' ? entry.data.toString() : '';
    };
    expect(text('etc/passwd')).not.toContain('games');
    expect(text('etc/passwd')).toContain(`truthdb:x:${DATABASE_ACCOUNT.id}:${DATABASE_ACCOUNT.id}:`);
    expect(text('etc/group')).not.toContain('operator');
    expect(
      text('etc/shadow')
        .trim()
        .split('\n')
        .map((line) => line.split(':')[1]),
    ).toEqual(['*', '*', '!*']);
    expect(tree.get('etc/shadow')).toMatchObject({ mode: 0o640 });
  });
});

test('os-release carries the version where tools look for it', () => {
  expect(osRelease('1.2.3')).toContain('\nVERSION_ID=1.2.3\n');
  expect(osRelease('1.2.3')).toContain('\nPRETTY_NAME="TruthDB 1.2.3"\n');
});

describe('lists of files', () => {
  test('the manifest is sorted by name, so that its order says nothing', () => {
    const entry = (name: string) => ({ name, size: 1, sha256: 'x' });
    const one = formatManifest({
      version: '1',
      commit: 'c',
      sourceDateEpoch: 1,
      files: [entry('b'), entry('a')],
    });
    const other = formatManifest({
      version: '1',
      commit: 'c',
      sourceDateEpoch: 1,
      files: [entry('a'), entry('b')],
    });
    expect(one).toBe(other);
  });

  test('the payload names size and hash of each file', () => {
    const index = payloadIndex('1', 'ff', new Map([['a', Buffer.from('abc')]]));
    expect(index.files['a']).toEqual({
      size: 3,
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    });
  });
});
