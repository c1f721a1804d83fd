import { describe, expect, test } from 'vitest';
import { atLeast, atMost, median } from '../../scripts/bench/bench.ts';
import { fileSystemOf } from '../../scripts/bench/machine.ts';
import { reportJson, reportText, table } from '../../scripts/bench/report.ts';

const machine = {
  cpu: 'x',
  cores: 2,
  memoryGiB: 4,
  kernel: 'Linux 6',
  node: '26',
  fileSystem: 'xfs on /dev/a',
  freeGiB: 1,
};

describe('a benchmark report', () => {
  test('judges an aim by its bound, the bound itself included', () => {
    expect(atLeast('speed', 0.7, 0.7)).toEqual({ name: 'speed', aim: '≥ 0.7', value: 0.7, met: true });
    expect(atLeast('speed', 0.7, 0.69999).met).toBe(false);
    expect(atMost('size', 160, 160.1).met).toBe(false);
  });

  test('is one JSON object on one line for programs', () => {
    const line = reportJson('wal', machine, { rows: [{ batch: 1 }], aims: [atMost('a', 1, 0.5)] });
    expect(line).not.toContain('\n');
    expect(Object.keys(JSON.parse(line) as object)).toEqual(['bench', 'machine', 'rows', 'aims']);
  });

  test('aligns numbers right and text left under their columns', () => {
    expect(
      table([
        { what: 'iso', bytes: 1234567 },
        { what: 'binary', bytes: 5 },
      ]),
    ).toBe(['what        bytes', '------  ---------', 'iso     1,234,567', 'binary          5'].join('\n'));
  });

  test('shows a missed aim so that it cannot be overlooked', () => {
    expect(reportText('wal', machine, { rows: [{ a: 1 }], aims: [atLeast('speed', 2, 1)] })).toMatch(
      /speed\s+≥ 2\s+1\s+NO/,
    );
  });

  test('takes the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow('measure at least once');
  });

  test('names the file system of the deepest mount above a directory', () => {
    const mounts = '/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw 0 0\n/dev/c /data/x tmpfs rw 0 0\n';
    expect(fileSystemOf('/data/y', mounts)).toBe('xfs on /dev/b');
    expect(fileSystemOf('/database', mounts)).toBe('ext4 on /dev/a');
  });
});
