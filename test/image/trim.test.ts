import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { elfNeeds, isElf } from '../../image/elf.ts';
import { file, link, put, type Tree, type TreeEntry } from '../../image/tree.ts';
import {
  clearSetId,
  missingLibraries,
  removeOrphans,
  removePackages,
  removePaths,
} from '../../image/trim.ts';

const why = 'for the test';

function installed(packages: Record<string, string[]>): Tree {
  const tree: Tree = new Map();
  for (const [name, paths] of Object.entries(packages)) {
    put(tree, `var/lib/dpkg/info/${name}.list`, file(`/.\n${paths.map((path) => `/${path}\n`).join('')}`));
    for (const path of paths) put(tree, path.replace(/^(bin|lib)\//, 'usr/$1/'), file(name));
  }
  return tree;
}

describe('removing what nobody needs', () => {
  test('a package goes with its files and the directories it leaves empty, and leaves what it shares', () => {
    const tree = installed({
      perl: ['usr/lib/perl/a', 'usr/lib/perl', 'bin/perl', 'usr/bin/shared'],
      other: ['usr/bin/shared'],
    });
    put(tree, 'usr/lib/perl', { type: 'directory', mode: 0o755, uid: 0, gid: 0 });
    removePackages(tree, [{ name: 'perl', why }]);
    expect([...tree.keys()].filter((path) => path.startsWith('usr/'))).toEqual([
      'usr/lib',
      'usr/bin',
      'usr/bin/shared',
    ]);
  });

  test('a table that names an absent package is an error', () => {
    expect(() => removePackages(installed({}), [{ name: 'perl', why }])).toThrow(
      'perl; correct REMOVED_PACKAGES',
    );
  });

  test('paths go with everything below, patterns match one level', () => {
    const tree: Tree = new Map();
    for (const path of ['etc/rc0.d/a', 'etc/rc1.d/b', 'etc/rc.d.conf', 'doc/x/y', 'docs/z'])
      put(tree, path, file(''));
    removePaths(tree, [
      { path: 'etc/rc*.d', why },
      { path: 'doc', why },
    ]);
    expect([...tree.keys()]).toEqual(['etc', 'etc/rc.d.conf', 'docs', 'docs/z']);
  });

  test('only named programs keep their set-id bits', () => {
    const tree: Tree = new Map([
      ['usr/bin/sudo', file('', 0o4755)],
      ['usr/bin/chfn', file('', 0o4755)],
      ['usr/bin/ssh-agent', file('', 0o2755)],
    ]);
    clearSetId(tree, [{ name: 'usr/bin/sudo', why }]);
    expect([...tree.values()].map((entry) => entry.type === 'file' && entry.mode)).toEqual([
      0o4755, 0o755, 0o755,
    ]);
  });

  test('scripts without interpreter and links to nothing go, links to run-time places stay', () => {
    const entries: [string, TreeEntry][] = [
      ['usr/bin/sh', file('', 0o755)],
      ['bin', link('usr/bin')],
      ['a', file('#!/bin/sh -e\n', 0o755)],
      ['b', file('#!/usr/bin/perl -w\n', 0o755)],
      ['c', file('#!/usr/bin/env python3\n', 0o755)],
      ['data', file('#!/usr/bin/perl\n', 0o644)],
      ['dead', link('nowhere')],
      ['etc/resolv.conf', link('../run/systemd/resolve/stub-resolv.conf')],
      ['masked.service', link('/dev/null')],
    ];
    const tree: Tree = new Map();
    for (const [path, entry] of entries) put(tree, path, entry);
    expect(removeOrphans(tree)).toEqual(['b', 'c', 'dead']);
    expect([...tree.keys()].filter((path) => tree.get(path)?.type !== 'directory')).toEqual([
      'usr/bin/sh',
      'bin',
      'a',
      'data',
      'etc/resolv.conf',
      'masked.service',
    ]);
  });
});

describe('libraries', () => {
  const shell = readFileSync('/bin/bash');

  test('the needs of an ELF file are its DT_NEEDED entries', () => {
    expect(isElf(shell)).toBe(true);
    expect(elfNeeds(shell)).toMatchObject({ interpreter: '/lib64/ld-linux-x86-64.so.2', runPath: [] });
    expect(elfNeeds(shell).libraries).toContain('libc.so.6');
    expect(isElf(Buffer.from('#!/bin/sh'))).toBe(false);
  });

  test('a program whose library is gone is named with it', () => {
    const tree: Tree = new Map([['usr/bin/bash', file(shell, 0o755)]]);
    expect(missingLibraries(tree)).toContain('usr/bin/bash needs libc.so.6');
    for (const library of elfNeeds(shell).libraries)
      put(tree, `usr/lib/x86_64-linux-gnu/${library}`, file(''));
    expect(missingLibraries(tree)).toEqual([]);
  });
});
