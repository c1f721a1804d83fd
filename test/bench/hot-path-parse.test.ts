import { describe, expect, test } from 'vitest';
import { allocatedByThreads, parseSyscalls } from '../../scripts/bench/hot-path-parse.ts';

function collection(isolate: string, before: string, after: string): string {
  return `[19179:${isolate}]      704 ms: Scavenge ${before} (15.5) -> ${after} (15.0) MB, pooled: 0.0 MB, 2.22 / 0.00 ms`;
}

describe('memory from the trace of collections', () => {
  test('is what a thread grew by between its collections; the main thread does not count', () => {
    const lines = [
      collection('0xbc21000', '90.0', '10.0'),
      collection('0x7f01e8001000', '12.0', '10.5'),
      'something else',
      collection('0xbc21000', '99.0', '10.0'),
      collection('0x7f01e8001000', '12.5', '10.0'),
      collection('0x7f0a24001000', '5.0', '4.0'),
    ];
    expect(allocatedByThreads(lines)).toEqual({ othersBytes: 2 * 1024 * 1024, collections: 5 });
  });

  test('is nothing where nothing was collected', () => {
    expect(allocatedByThreads([])).toEqual({ othersBytes: 0, collections: 0 });
  });
});

test("system calls are read from strace's table without its total", () => {
  const report =
    '    calls syscall\n--------- ------\n     1000 fdatasync\n      976 pwrite64\n--------- ------\n     1976 total\n';
  expect([...parseSyscalls(report)]).toEqual([
    ['fdatasync', 1000],
    ['pwrite64', 976],
  ]);
});
