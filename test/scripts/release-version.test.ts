import { describe, expect, test } from 'vitest';
import { compareVersions, type VersionFacts } from '../../scripts/release-version.ts';

const good: VersionFacts = {
  tag: 'v1.2.3',
  packageVersion: '1.2.3',
  lockVersion: '1.2.3',
  head: 'aaaa',
  tagCommit: 'aaaa',
};

describe('a release goes on only when every version agrees', () => {
  test('all the same', () => {
    expect(compareVersions(good)).toEqual([]);
    expect(
      compareVersions({
        ...good,
        tag: 'v1.2.3-rc.1',
        packageVersion: '1.2.3-rc.1',
        lockVersion: '1.2.3-rc.1',
      }),
    ).toEqual([]);
  });

  test.each([
    ['latest', '"latest" is not a release tag; it must look like v1.2.3 or v1.2.3-rc.1'],
    ['1.2.3', '"1.2.3" is not a release tag; it must look like v1.2.3 or v1.2.3-rc.1'],
    ['', '"" is not a release tag; it must look like v1.2.3 or v1.2.3-rc.1'],
  ])('"%s" is refused as a tag', (tag, message) => {
    expect(compareVersions({ ...good, tag })).toEqual([message]);
  });

  test('each difference is named, all at once', () => {
    const differences = compareVersions({
      tag: 'v1.2.4',
      packageVersion: '1.2.3',
      lockVersion: '1.2.2',
      head: 'aaaa-dirty',
      tagCommit: 'bbbb',
    });
    expect(differences).toEqual([
      'package.json says 1.2.3, the tag says 1.2.4',
      'package-lock.json says 1.2.2, package.json says 1.2.3',
      'the working tree differs from its commit; commit or discard first',
      'tag v1.2.4 stands on bbbb, the working tree on aaaa-dirty',
    ]);
  });

  test('a tag that git does not have is refused', () => {
    expect(compareVersions({ ...good, tagCommit: null })).toEqual([
      'git has no tag v1.2.3; make it first: git tag v1.2.3',
    ]);
  });
});
