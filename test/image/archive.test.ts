import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCpio } from '../../image/cpio.ts';
import { readTar, writeTar } from '../../image/tar.ts';
import { directory, file, link, put, resolvePath, sortedPaths, type Tree } from '../../image/tree.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,60}$/);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const entry = fc.oneof(
  fc
    .record({ data: fc.uint8Array({ maxLength: 2000 }), mode: fc.constantFrom(0o644, 0o755, 0o4755) })
    .map(({ data, mode }) => file(Buffer.from(data), mode)),
  fc.stringMatching(/^[a-z/.]{1,150}$/).map(link),
);
/** Trees in which no file stands where another path needs a directory. */
const tree = fc.array(fc.tuple(path, entry), { maxLength: 20 }).map((entries) => {
  const made: Tree = new Map();
  for (const [at, what] of entries) {
    const blocked = at.split('/').some((_, index, parts) => {
      const above = made.get(parts.slice(0, index + 1).join('/'));
      return above !== undefined && (above.type !== 'directory' || index === parts.length - 1);
    });
    if (!blocked) put(made, at, what);
  }
  return made;
});

describe('archives', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'truthdb-archive-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('a tree survives the way through a tar archive, long names included', () => {
    fc.assert(
      fc.property(tree, (before) => {
        const after = readTar(Buffer.concat([...writeTar(before, 1_700_000_000)]));
        expect(sortedPaths(after)).toEqual(sortedPaths(before));
        for (const [at, what] of before) expect(after.get(at)).toEqual(what);
      }),
    );
  });

  test('the same tree is the same bytes however it was put together', () => {
    fc.assert(
      fc.property(tree, (one) => {
        const other: Tree = new Map([...one].reverse());
        expect(Buffer.concat([...writeTar(other, 7)])).toEqual(Buffer.concat([...writeTar(one, 7)]));
        expect(Buffer.concat([...writeCpio(other)])).toEqual(Buffer.concat([...writeCpio(one)]));
      }),
      { numRuns: 30 },
    );
  });

  test('tar(1) writes what we read: long names, links and modes', () => {
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    execFileSync(
      'sh',
      [
        '-c',
        `mkdir -p '${'d'.repeat(90)}' && echo text > '${long}' && chmod 750 '${long}' && ln '${long}' hard && ln -s '${long}' soft`,
      ],
      { cwd: folder },
    );
    for (const format of ['gnu', 'pax']) {
      const read = readTar(
        execFileSync('tar', ['--format', format, '-cf', '-', '--sort=name', '.'], { cwd: folder }),
      );
      expect(read.get(long)).toMatchObject({ type: 'file', mode: 0o750 });
      expect(read.get('hard')).toEqual(read.get(long));
      expect(read.get('soft')).toEqual(link(long));
    }
  });

  test('a damaged or cut archive is refused with the place', () => {
    const whole = Buffer.concat([...writeTar(new Map([['a', file('x'.repeat(600))]]), 0)]);
    const damaged = Buffer.from(whole);
    damaged[0] = 0x62;
    expect(() => readTar(damaged)).toThrow('tar header at byte 0 is damaged');
    expect(() => readTar(whole.subarray(0, 700))).toThrow('tar archive ends within "a"');
  });

  test('cpio(1) unpacks what we write', () => {
    const made: Tree = new Map();
    put(made, 'bin/sh', file('#!', 0o755));
    put(made, 'bin/ash', link('sh'));
    put(made, 'empty', directory(0o700));
    const target = mkdtempSync(join(folder, 'cpio-'));
    execFileSync('cpio', ['--extract', '--quiet'], {
      cwd: target,
      input: Buffer.concat([...writeCpio(made)]),
    });
    expect(readFileSync(join(target, 'bin/ash'), 'utf8')).toBe('#!');
    expect(execFileSync('stat', ['-c', '%a', join(target, 'empty')], { encoding: 'utf8' })).toBe('700\n');
  });
});

describe('paths in a tree', () => {
  const made: Tree = new Map();
  put(made, 'usr/lib/x.so.1.2', file(''));
  put(made, 'usr/lib/x.so.1', link('x.so.1.2'));
  put(made, 'lib', link('usr/lib'));
  put(made, 'abs', link('/lib/x.so.1'));
  put(made, 'up/down', link('../lib/../lib/x.so.1'));
  put(made, 'loop', link('loop'));
  put(made, 'broken', link('nowhere'));

  test.each([
    ['lib/x.so.1', 'usr/lib/x.so.1.2'],
    ['/abs', 'usr/lib/x.so.1.2'],
    ['up/down', 'usr/lib/x.so.1.2'],
    ['loop', undefined],
    ['broken', undefined],
    ['absent', undefined],
  ])('%s leads to %s', (from, to) => {
    expect(resolvePath(made, from)).toBe(to);
  });
});
