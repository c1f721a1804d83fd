import { describe, expect, test } from 'vitest';
import { mirrorUrl, parseMirror } from '../../image/debian.ts';
import type { LockedPackage } from '../../image/lock.ts';

const LISTED = [
  'http://mirror.example/debian bookworm main',
  'http://mirror.example/debian/ bookworm contrib',
  'http://mirror.example/debian/ bookworm-updates main',
  'https://security.example/sec/ bookworm-security main',
  '',
].join('\n');

function packageAt(pool: string): LockedPackage {
  return { name: 'a', version: '1', architecture: 'amd64', pool, size: 1, sha256: '0'.repeat(64) };
}

describe('packages come from the mirror this host uses', () => {
  test('security updates from their own archive, everything else from the main one', () => {
    const mirror = parseMirror(LISTED);
    expect(mirrorUrl(mirror, packageAt('pool/main/a/a_1.deb'))).toBe(
      'http://mirror.example/debian/pool/main/a/a_1.deb',
    );
    expect(mirrorUrl(mirror, packageAt('pool/updates/main/a/a_1.deb'))).toBe(
      'https://security.example/sec/pool/updates/main/a/a_1.deb',
    );
  });

  test('a host without updates between point releases is a host like any other', () => {
    expect(parseMirror(LISTED.replace(/.*updates main\n/, ''))).not.toHaveProperty('updates');
  });

  test.each([
    ['bookworm', /^.*bookworm main\n/m],
    ['bookworm-security', /^.*security main\n/m],
  ])('a host without %s is told what to add', (release, line) => {
    expect(() => parseMirror(LISTED.replace(line, ''))).toThrow(`no source for ${release} main`);
  });
});
