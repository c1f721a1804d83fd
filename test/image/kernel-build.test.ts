import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostPackages } from '../../image/kernel.ts';
import { buildMeter, duration } from '../../image/kernel-meter.ts';
import { cacheKey, makeArguments } from '../../image/kernel-recipe.ts';
import { buildingIn, objectsSoFar, removeUnfinished, withTreeLock } from '../../image/kernel-tree.ts';
import bootstrapPackages from '../../scripts/host-packages.json' with { type: 'json' };

describe('the cache key', () => {
  const inputs = {
    files: new Map([
      ['a.config', 'CONFIG_A=y'],
      ['checks.json', '{}'],
    ]),
    sourceHash: 'aa',
    tools: ['gcc 12.2.0'],
  };

  test('is the same for the same inputs in any order', () => {
    const files = new Map([...inputs.files].reverse());
    expect(cacheKey({ ...inputs, files })).toBe(cacheKey(inputs));
  });

  test.each([
    ['a fragment', { ...inputs, files: new Map([...inputs.files, ['a.config', '# CONFIG_A is not set']]) }],
    ['the checks', { ...inputs, files: new Map([...inputs.files, ['checks.json', '{ }']]) }],
    ['a new file', { ...inputs, files: new Map([...inputs.files, ['b.config', '']]) }],
    ['the source package', { ...inputs, sourceHash: 'bb' }],
    ['the compiler', { ...inputs, tools: ['gcc 12.2.1'] }],
  ])('changes with %s', (_what, changed) => {
    expect(cacheKey(changed)).not.toBe(cacheKey(inputs));
  });
});

describe('the packages it needs on the build host', () => {
  test('are among those that the bootstrap installs', () => {
    expect(bootstrapPackages.image).toEqual(expect.arrayContaining(hostPackages));
  });
});

describe('what make is told', () => {
  test('carries the source package’s date in the form that date(1) reads', () => {
    const args = makeArguments('/cache/tree', new Date('2026-11-04T02:56:01Z'));
    expect(args).toContain('KBUILD_BUILD_TIMESTAMP=Wed Nov 4 02:56:01 UTC 2026');
    expect(args).toContain('KCFLAGS=-ffile-prefix-map=/cache/tree=.');
  });
});

describe('progress', () => {
  const run = (expected: number | undefined, lines: readonly string[], already = 0) => {
    const said: string[] = [];
    let time = 0;
    const meter = buildMeter({
      name: 'runtime',
      expected,
      already,
      now: () => time,
      progress: (line) => said.push(line),
    });
    for (const line of lines) {
      time += 4000;
      meter.line(line);
    }
    return { said, compiled: meter.compiled() };
  };

  test('counts compiled objects and speaks every ten seconds', () => {
    const { said, compiled } = run(10, ['  CC      a.o', '  AS      b.o', '  CC      c.o', '  CC      d.o']);
    expect(said).toEqual(['runtime: 3 of about 10 objects compiled (30 %), 12 s']);
    expect(compiled).toBe(4);
  });

  test('ignores links, generated files and warnings', () => {
    expect(run(10, ['  LD      vmlinux', '  GEN     x.c', 'a.c:1: warning: CC x']).compiled).toBe(0);
  });

  test('goes on from where an interrupted build stopped', () => {
    const { said, compiled } = run(10, ['  CC      a.o', '  CC      b.o', '  CC      c.o'], 5);
    expect(said).toEqual(['runtime: 8 of about 10 objects compiled (80 %), 12 s']);
    expect(compiled).toBe(3);
  });

  test('drops an estimate that was wrong or never made', () => {
    const lines = Array.from({ length: 3 }, () => '  CC      a.o');
    expect(run(2, lines).said).toEqual(['runtime: 3 objects compiled, 12 s']);
    expect(run(undefined, lines).said).toEqual(['runtime: 3 objects compiled, 12 s']);
  });

  test('says durations as a person would', () => {
    expect([duration(45_400), duration(187_000), duration(3_600_000)]).toEqual([
      '45 s',
      '3 min 07 s',
      '60 min 00 s',
    ]);
  });
});

describe('the source tree', () => {
  let root = '';
  const tree = () => ({ path: root, date: new Date(0) });
  const put = async (name: string, second: number) => {
    await writeFile(join(root, name), 'x');
    await utimes(join(root, name), second, second);
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'truthdb-kernel-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  test('loses what a killed build left unfinished and keeps the rest', async () => {
    await mkdir(join(root, 'mm'));
    await put('mm/done.o', 10);
    await put('mm/.done.o.cmd', 11);
    await put('mm/cut.o', 12);
    await put('mm/.cut.o.cmd', 9);
    await put('mm/new.o', 12);
    await put('vmlinux', 12);
    await put('.vmlinux.cmd', 8);
    await put('Makefile', 1);
    // What every object depends on carries no note of this kind.
    await put('mm/library.a', 12);
    await put('mm/auto.conf', 12);
    await put('mm/auto.conf.cmd', 3);
    expect(await removeUnfinished(root)).toBe(3);
    expect((await readdir(root, { recursive: true })).sort()).toEqual([
      '.vmlinux.cmd',
      'Makefile',
      'mm',
      'mm/.cut.o.cmd',
      'mm/.done.o.cmd',
      'mm/auto.conf',
      'mm/auto.conf.cmd',
      'mm/done.o',
      'mm/library.a',
    ]);
  });

  test('knows how many objects a first build has made, and stops guessing after it', async () => {
    expect(await objectsSoFar(tree())).toBe(0);
    await put('a.o', 1);
    expect(await objectsSoFar(tree())).toBe(1);
    await put('vmlinux', 2);
    expect(await objectsSoFar(tree())).toBeUndefined();
  });

  test('is cleaned only after a build that was cut off', async () => {
    const said: string[] = [];
    const build = () =>
      buildingIn(
        tree(),
        (line) => said.push(line),
        () => readdir(root),
      );
    await put('a.o', 1);
    expect(await build()).toContain('a.o');
    await put('.truthdb-building', 1);
    expect(await build()).not.toContain('a.o');
    expect(said).toEqual([expect.stringContaining('1 unfinished files removed')]);
    expect(await build()).not.toContain('a.o');
    expect(said).toHaveLength(1);
  });

  test('is not taken for cut off after a build that failed by itself', async () => {
    const failing = buildingIn(
      tree(),
      () => {},
      () => Promise.reject(new Error('no compiler')),
    );
    await expect(failing).rejects.toThrow('no compiler');
    expect(await readdir(root)).toEqual([]);
  });

  test('serves one build at a time', async () => {
    const order: string[] = [];
    const work = (name: string) =>
      withTreeLock(
        root,
        () => {},
        async () => {
          order.push(`${name} begins`);
          await new Promise((resolve) => setTimeout(resolve, 50));
          order.push(`${name} ends`);
        },
      );
    await Promise.all([work('a'), work('b')]);
    const [first, second] = order[0] === 'a begins' ? ['a', 'b'] : ['b', 'a'];
    expect(order).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
  });
});
